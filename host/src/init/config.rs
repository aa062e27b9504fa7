//! The function config with what its type of exposure needs.

use std::net::IpAddr;

use clap::ValueEnum as _;
use runner_terminal::address::{Address, Host};
use runner_terminal::function_config::{API_VERSION, FunctionConfig};
use serde_json::{Map, Value, json};

use super::InitError;
use super::decision::{ExposureType, Reach, Situation};
use super::questions::{AnswerError, Question, Questions};
use crate::arguments::{self, Cloud, Controller, FunctionHost, GatewayName};

/// The namespace of the relay if no other is named.
const RELAY_NAMESPACE: &str = "runner-terminal";

/// What is written, and for whom.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) exposure: ExposureType,
    /// Who runs the function.
    pub(super) host: FunctionHost,
    /// The DNS name of the runner, or the domain of the pods.
    pub(super) dns_name: Option<String>,
    /// The namespace of the relay in the cluster.
    pub(super) relay_namespace: Option<String>,
    /// The image of the init container.
    pub(super) image: Option<String>,
    /// `spec`
    spec: Map<String, Value>,
}

impl Settings {
    /// Asks for what the type needs.
    ///
    /// # Errors
    ///
    /// An answer is missing, or there is no entry for the relay.
    pub(super) fn ask(
        questions: &mut Questions<'_>,
        situation: Situation,
        given: &arguments::Init,
    ) -> Result<Self, InitError> {
        let exposure = situation.exposure();
        if exposure == ExposureType::Relay && situation.reach == Reach::ApiServer {
            return Err(InitError::NoEntry);
        }
        let mut details = Details {
            questions,
            given,
            settings: Self::of(exposure),
        };
        let fields = details.exposure(situation.reach)?;
        details.image()?;
        let host = details.questions.choose(
            given.host_of_function,
            &Question::new("--for", "Who runs the function?"),
        )?;
        let mut settings = details.settings;
        settings.host = host;
        settings
            .spec
            .insert("exposure".to_owned(), Value::Object(fields));
        Ok(settings)
    }

    fn of(exposure: ExposureType) -> Self {
        Self {
            exposure,
            host: FunctionHost::None,
            dns_name: None,
            relay_namespace: None,
            image: None,
            spec: Map::new(),
        }
    }

    /// The text of the function config.
    ///
    /// # Errors
    ///
    /// The function would refuse it.
    pub(super) fn text(&self) -> Result<String, InitError> {
        let metadata = match self.host {
            FunctionHost::Kustomize => json!({
                "name": "session-server",
                "annotations": {"config.kubernetes.io/function": "exec:\n  path: runner-terminal\n"},
            }),
            _ => json!({"name": "session-server"}),
        };
        let config = json!({
            "apiVersion": API_VERSION,
            "kind": "SessionServer",
            "metadata": metadata,
            "spec": self.spec,
        });
        match FunctionConfig::parse(&config) {
            Ok(_) => Ok(yaml_splice::document(&config)),
            Err(error) => Err(InitError::Refused(format!("{}: {error}", error.path))),
        }
    }
}

/// Asks for the details of a type.
struct Details<'q, 't> {
    questions: &'q mut Questions<'t>,
    given: &'q arguments::Init,
    settings: Settings,
}

impl Details<'_, '_> {
    /// The fields of `spec.exposure`.
    fn exposure(&mut self, reach: Reach) -> Result<Map<String, Value>, AnswerError> {
        let exposure = self.settings.exposure;
        let mut fields = Map::new();
        fields.insert("type".to_owned(), exposure.name().into());
        match exposure {
            ExposureType::ClusterIp | ExposureType::PodIp | ExposureType::HostPort => {}
            ExposureType::LoadBalancer => {
                let cloud = self.cloud(reach, &mut fields)?;
                if let Some(address) = self.image_or_address(false)? {
                    self.load_balancer_address(&address, cloud, &mut fields);
                }
            }
            ExposureType::NodePort => {
                if let Some(Address { host, port }) = self.image_or_address(true)? {
                    fields.insert("nodeAddress".to_owned(), host.to_string().into());
                    fields.extend(port.map(|port| ("nodePort".to_owned(), port.into())));
                }
            }
            ExposureType::Ingress => {
                let host = self.dns_name()?;
                fields.insert("host".to_owned(), host.into());
                self.controller(&mut fields, |_| true)?;
            }
            ExposureType::Gateway => {
                let host = self.dns_name()?;
                fields.insert("host".to_owned(), host.into());
                self.gateway(&mut fields)?;
            }
            ExposureType::ApiServer => {
                let host = self.dns_name()?;
                fields.insert("host".to_owned(), host.into());
            }
            ExposureType::Relay => self.relay(reach, &mut fields)?,
        }
        Ok(fields)
    }

    /// The image where the type needs it, or a flag gives it.
    fn image(&mut self) -> Result<(), AnswerError> {
        let is_needed = matches!(
            self.settings.exposure,
            ExposureType::PodIp | ExposureType::HostPort | ExposureType::Relay
        );
        let question = Question::new(
            "--image",
            "Which image of runner-terminal does the init container run, which writes the address \
             when a pod starts?",
        );
        let given = self.given.image.clone();
        let image = match is_needed {
            true => Some(self.questions.text(given, &question, arguments::image)?),
            false => self.questions.optional_flag("--image", given),
        };
        self.set_image(image);
        Ok(())
    }

    fn set_image(&mut self, image: Option<String>) {
        if let Some(image) = image {
            let configure = json!({"at": "PodStart", "image": image});
            self.settings.spec.insert("configure".to_owned(), configure);
            self.settings.image = Some(image);
        }
    }

    /// The address if it is known; else the init container of an image has to find it. Without an
    /// image, the address of a node needs its port.
    fn image_or_address(&mut self, needs_port: bool) -> Result<Option<Address>, AnswerError> {
        let question = Question::new(
            "--image",
            "Which image of runner-terminal does the init container run, which finds the address \
             when a pod starts? Leave it empty if you know the address already.",
        );
        let given = self.given.image.clone();
        let address = self.given.address.clone();
        let image = match &address {
            Some(_) => self.questions.optional_flag("--image", given),
            None => self
                .questions
                .optional_text(given, &question, arguments::image)?,
        };
        let has_image = image.is_some();
        self.set_image(image);
        if has_image {
            return Ok(self.questions.optional_flag("--address", address));
        }
        let question = match needs_port {
            true => Question::new(
                "--address",
                "At which address, with the node port, does GitLab reach the nodes (HOST:PORT)?",
            ),
            false => Question::new(
                "--address",
                "Which address will the load balancer have (HOST or HOST:PORT)?",
            ),
        };
        let read = |text: &str| match Address::parse(text) {
            Ok(Address { port: None, .. }) if needs_port => {
                Err("it has no port: write HOST:PORT".to_owned())
            }
            Ok(address) => Ok(address),
            Err(error) => Err(error.to_string()),
        };
        let complete = address.filter(|address| address.port.is_some() || !needs_port);
        let found = self
            .questions
            .text(complete, &question.or("--image"), read)?;
        Ok(Some(found))
    }

    /// An IP address is requested as `loadBalancerIP`. A name, or an address on AWS, cannot be
    /// requested: it is only advertised.
    fn load_balancer_address(
        &mut self,
        address: &Address,
        cloud: Cloud,
        fields: &mut Map<String, Value>,
    ) {
        let Address { host, port } = address;
        fields.extend(port.map(|port| ("port".to_owned(), port.into())));
        match host {
            Host::Ip(ip) if cloud != Cloud::Aws => {
                fields.insert("loadBalancerIP".to_owned(), ip.to_string().into());
            }
            host => {
                let advertised = match (host, port) {
                    (Host::Ip(IpAddr::V6(ip)), None) => format!("[{ip}]"),
                    (host, None) => host.to_string(),
                    (_, Some(port)) => address.clone().with_default_port(*port),
                };
                let spec = &mut self.settings.spec;
                spec.insert("advertiseAddress".to_owned(), advertised.into());
            }
        }
    }

    /// `cloud` and `internal` of a load balancer.
    fn cloud(
        &mut self,
        reach: Reach,
        fields: &mut Map<String, Value>,
    ) -> Result<Cloud, AnswerError> {
        let cloud = self.questions.choose_or(
            self.given.cloud,
            &Question::new("--cloud", "Whose load balancer is it?"),
            Cloud::Other,
        )?;
        let name = match cloud {
            Cloud::Aws => "AWS",
            Cloud::Gke => "GKE",
            Cloud::Aks => "AKS",
            Cloud::Metallb => "MetalLB",
            Cloud::Other => return Ok(cloud),
        };
        fields.insert("cloud".to_owned(), name.into());
        let is_private = reach == Reach::LoadBalancer { is_private: true };
        if is_private && cloud != Cloud::Metallb {
            fields.insert("internal".to_owned(), true.into());
        }
        Ok(cloud)
    }

    fn dns_name(&mut self) -> Result<String, AnswerError> {
        let text = match self.settings.exposure {
            ExposureType::Relay => {
                "Under which domain are the names of the pods? The DNS name *.DOMAIN has to lead \
                 to the relay."
            }
            _ => "By which DNS name, of its own, does GitLab reach the runner?",
        };
        let question = Question::new("--host", text);
        let given = self.given.host.clone();
        let host = self.questions.text(given, &question, arguments::dns_name)?;
        self.settings.dns_name = Some(host.clone());
        Ok(host)
    }

    fn controller(
        &mut self,
        fields: &mut Map<String, Value>,
        is_offered: impl Fn(&Controller) -> bool,
    ) -> Result<(), AnswerError> {
        let controller = self.questions.choose_among(
            self.given.controller,
            &Question::new("--controller", "Which ingress controller?"),
            is_offered,
        )?;
        // The option's values have the same names as the field's.
        if let Some(value) = controller.to_possible_value() {
            fields.insert("controller".to_owned(), value.get_name().into());
        }
        Ok(())
    }

    fn gateway(&mut self, fields: &mut Map<String, Value>) -> Result<(), AnswerError> {
        let question = Question::new(
            "--gateway",
            "Which Gateway, with a listener that passes TLS through (NAMESPACE/NAME)?",
        );
        let given = self.given.gateway.clone();
        let GatewayName { namespace, name } =
            self.questions
                .text(given, &question, str::parse::<GatewayName>)?;
        let gateway = match namespace {
            Some(namespace) => json!({"name": name, "namespace": namespace}),
            None => json!({"name": name}),
        };
        fields.insert("gateway".to_owned(), gateway);
        Ok(())
    }

    /// The relay in front of all pods, and its exposure.
    fn relay(&mut self, reach: Reach, fields: &mut Map<String, Value>) -> Result<(), AnswerError> {
        let domain = self.dns_name()?;
        fields.insert("host".to_owned(), format!("{{pod}}.{domain}").into());
        let mut entry = Map::new();
        let mut set = |name: &str, value: Value| entry.insert(name.to_owned(), value);
        match reach {
            Reach::Ingress => {
                set("type", "Ingress".into());
                // These pass TLS through for exact hosts alone, and each pod has a host of its own.
                let exact = [Controller::Nginx, Controller::Openshift];
                self.controller(&mut entry, |controller| !exact.contains(controller))?;
            }
            Reach::Gateway => {
                set("type", "Gateway".into());
                self.gateway(&mut entry)?;
            }
            Reach::Nodes(_) => {
                set("type", "NodePort".into());
                let question = Question::new(
                    "--node-port",
                    "Which port on every node does the relay get (30000 to 32767)?",
                );
                let given = self.given.node_port;
                let port = self.questions.text(given, &question, str::parse::<u16>)?;
                set("nodePort", port.into());
            }
            _ => {
                set("type", "LoadBalancer".into());
                self.cloud(reach, &mut entry)?;
            }
        }
        let given = self.given.relay_namespace.clone();
        let namespace = self.questions.optional_text(
            given,
            &Question::new(
                "--relay-namespace",
                "Which namespace, which has to exist, is the relay in? Leave it empty for \
                 runner-terminal.",
            ),
            arguments::service_name,
        )?;
        let namespace = namespace.unwrap_or_else(|| RELAY_NAMESPACE.to_owned());
        fields.insert(
            "relay".to_owned(),
            json!({"namespace": namespace, "exposure": entry}),
        );
        self.settings.relay_namespace = Some(namespace);
        Ok(())
    }
}
