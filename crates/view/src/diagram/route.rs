//! What is between GitLab and a runner's Service, according to the manifests.

use serde_json::Value;

use super::StopKind;
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use runner_terminal::exposure::{DEFAULT_RELAY, GATEWAY_GROUP, RELAY_NAMESPACE};
use runner_terminal::runner::Workload;
use runner_terminal::session_server::RELAY_SETTINGS;
use yaml_splice::pointer::At as _;

/// How connections reach a runner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// The first stop; `None` if GitLab connects to the Service itself.
    pub(super) edge: Option<Edge>,
    /// The Service gives the pod a name, and nothing goes through it.
    pub(super) is_headless: bool,
}

/// The stop that accepts GitLab's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// What it is.
    pub(super) kind: StopKind,
    /// Its type, for people.
    pub(super) title: &'static str,
    /// Its name; empty where it has only an address.
    pub(super) name: String,
    /// The object that defines it, if there is one beside the Service.
    pub(super) object: Option<Identity>,
    /// Why connections do not get through; empty if they do.
    pub(super) broken: String,
}

const TRUSTS: &str = "GitLab trusts only the runner's own certificate";

impl Edge {
    fn new(kind: StopKind) -> Self {
        let title = match kind {
            StopKind::LoadBalancer => "Load balancer",
            StopKind::Node => "Nodes",
            StopKind::Ingress => "Ingress",
            StopKind::Gateway => "Gateway",
            StopKind::Relay => "Relay",
            StopKind::Browser | StopKind::Gitlab | StopKind::Service | StopKind::Pod => "",
        };
        Self {
            kind,
            title,
            name: String::new(),
            object: None,
            broken: String::new(),
        }
    }

    fn titled(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    fn of(mut self, object: &Resource) -> Self {
        self.name = name(&object.identity.name, &object.identity.namespace);
        self.object = Some(object.identity.clone());
        self
    }

    fn broken_by(mut self, problem: Option<String>) -> Self {
        self.broken = problem.unwrap_or_default();
        self
    }
}

impl From<Edge> for Route {
    fn from(edge: Edge) -> Self {
        Self {
            edge: Some(edge),
            is_headless: false,
        }
    }
}

impl Route {
    /// The route that a functionConfig requests.
    pub(super) fn asked(config: Option<&Value>) -> Self {
        let exposure = config.and_then(|config| config.at("/spec/exposure/type"));
        match exposure.and_then(Value::as_str) {
            Some("NodePort") => Edge::new(StopKind::Node).into(),
            Some("ClusterIP") => Self::default(),
            Some("Headless") => Self {
                edge: None,
                is_headless: true,
            },
            Some("Ingress") => Edge::new(StopKind::Ingress).into(),
            Some("Gateway") => Edge::new(StopKind::Gateway).into(),
            Some("ApiServer") => Edge::new(StopKind::Relay).into(),
            Some("Relay") => {
                let of_relay = |field: &str| {
                    let value = config?.at(&format!("/spec/exposure/relay/{field}"));
                    value.and_then(Value::as_str)
                };
                let mut edge = Edge::new(StopKind::Relay);
                edge.name = name(
                    of_relay("name").unwrap_or(DEFAULT_RELAY),
                    of_relay("namespace").unwrap_or_default(),
                );
                edge.into()
            }
            _ => Edge::new(StopKind::LoadBalancer).into(),
        }
    }

    /// The route that leads to this Service.
    pub(super) fn to(list: &ResourceList<'_>, service: &Resource) -> Self {
        let spec = |field: &str| service.value.at(&format!("/spec/{field}"));
        let is = |field: &str, value: &str| spec(field).and_then(Value::as_str) == Some(value);
        if is("type", "LoadBalancer") {
            return Edge::new(StopKind::LoadBalancer).into();
        }
        if is("type", "NodePort") {
            return Edge::new(StopKind::Node).into();
        }
        if spec("externalIPs").is_some_and(|ips| ips.at("/0").is_some()) {
            return Edge::new(StopKind::Node).titled("External IP").into();
        }
        if let Some(relay) = relay(list, service) {
            return relay.into();
        }
        let proxies = [ingress, ingress_route, http_proxy, openshift_route, gateway];
        if let Some(edge) = proxies.iter().find_map(|proxy| proxy(list, service)) {
            return edge.into();
        }
        Self {
            edge: None,
            is_headless: is("clusterIP", "None"),
        }
    }
}

/// What is in front of pods that are reached by their names.
#[derive(Debug)]
pub(super) struct ByName {
    /// The stop that accepts GitLab's connections before the relay.
    pub(super) entry: Option<Edge>,
    /// The relay.
    pub(super) relay: Edge,
    /// It connects to the pods directly rather than through the Kubernetes API.
    pub(super) dials_pods: bool,
}

impl ByName {
    /// The relay of the list that has a route from a domain to a workload's namespace.
    pub(super) fn find(list: &ResourceList<'_>, workload: &Workload, domain: &str) -> Option<Self> {
        let namespace = &workload.resource.identity.namespace;
        let route = format!("*.{domain}={namespace}/");
        let maps = list.candidates(&["ConfigMap"], RELAY_SETTINGS).into_iter();
        let mut maps = maps.filter_map(|item| list.resource(item).ok());
        let map = maps.find(|map| {
            let data = map.value.at("/data").and_then(Value::as_object);
            let mut routes = data.into_iter().flatten();
            routes.any(|(_, one)| one.as_str().is_some_and(|one| one.starts_with(&route)))
        })?;
        let relay = map
            .value
            .at("/metadata/labels/app.kubernetes.io~1instance")?;
        let named = |kind: &str| {
            let mut items = list.named(kind, relay.as_str()?, &map.identity.namespace);
            list.resource(items.next()?).ok()
        };
        let deployment = named("Deployment")?;
        let args = deployment.value.at("/spec/template/spec/containers/0/args");
        let dials_pods = each(args).any(|word| word.as_str() == Some("--dial=pod"));
        Some(Self {
            entry: named("Service").and_then(|service| Route::to(list, &service).edge),
            relay: Edge::new(StopKind::Relay).of(&deployment),
            dials_pods,
        })
    }
}

/// `ci/runner`
pub(super) fn name(name: &str, namespace: &str) -> String {
    if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}/{name}")
    }
}

/// The relay goes to the pod through the Kubernetes API, by an account named after the Service.
fn relay(list: &ResourceList<'_>, service: &Resource) -> Option<Edge> {
    let Identity {
        name, namespace, ..
    } = &service.identity;
    let name = format!("{name}-relay");
    let has_account = list.named("ServiceAccount", &name, namespace).next();
    let runs_in = service.annotation(RELAY_NAMESPACE);
    has_account.or(runs_in.map(|_| 0))?;
    let edge = Edge::new(StopKind::Relay);
    let deployment = list.named("Deployment", &name, runs_in.unwrap_or(namespace));
    let deployment = deployment.map(|item| list.resource(item)).next();
    Some(match deployment {
        Some(Ok(deployment)) => edge.of(&deployment),
        _ => edge,
    })
}

fn ingress(list: &ResourceList<'_>, service: &Resource) -> Option<Edge> {
    let found = behind(list, service, "Ingress", |object| {
        let paths = each(object.at("/spec/rules")).flat_map(|rule| each(rule.at("/http/paths")));
        paths
            .filter_map(|path| path.at("/backend/service/name"))
            .chain(object.at("/spec/defaultBackend/service/name"))
            .collect()
    })?;
    let annotations = found.value.at("/metadata/annotations");
    let lets_through = annotations.and_then(Value::as_object).is_some_and(|all| {
        let mut all = all.iter();
        all.any(|(key, value)| key.ends_with("/ssl-passthrough") && value == "true")
    });
    let problem = if found.value.at("/spec/tls/0").is_some() {
        Some(format!("ends TLS (spec.tls), and {TRUSTS}: leave it out"))
    } else {
        (!lets_through).then(|| {
            format!(
                "has no annotation by which its controller lets TLS through, such as \
                 nginx.ingress.kubernetes.io/ssl-passthrough, and {TRUSTS}"
            )
        })
    };
    let edge = Edge::new(StopKind::Ingress);
    Some(edge.of(&found).broken_by(problem))
}

fn ingress_route(list: &ResourceList<'_>, service: &Resource) -> Option<Edge> {
    let found = behind(list, service, "IngressRouteTCP", |object| {
        let routes = each(object.at("/spec/routes"));
        let services = routes.flat_map(|route| each(route.get("services")));
        services.filter_map(|service| service.get("name")).collect()
    })?;
    let edge = Edge::new(StopKind::Ingress).titled("Ingress (Traefik)");
    let problem = ends_tls(&found, "/spec/tls");
    Some(edge.of(&found).broken_by(problem))
}

fn http_proxy(list: &ResourceList<'_>, service: &Resource) -> Option<Edge> {
    let found = behind(list, service, "HTTPProxy", |object| {
        let services = each(object.at("/spec/tcpproxy/services"));
        services.filter_map(|service| service.get("name")).collect()
    })?;
    let edge = Edge::new(StopKind::Ingress).titled("Ingress (Contour)");
    let problem = ends_tls(&found, "/spec/virtualhost/tls");
    Some(edge.of(&found).broken_by(problem))
}

fn openshift_route(list: &ResourceList<'_>, service: &Resource) -> Option<Edge> {
    let found = behind(list, service, "Route", |object| {
        let others = each(object.at("/spec/alternateBackends"));
        let all = object.at("/spec/to").into_iter().chain(others);
        all.filter_map(|backend| backend.get("name")).collect()
    })?;
    let termination = found.value.at("/spec/tls/termination");
    let lets_through = termination.and_then(Value::as_str) == Some("passthrough");
    let problem = (!lets_through)
        .then(|| format!("ends TLS, and {TRUSTS}: set spec.tls.termination: passthrough"));
    let edge = Edge::new(StopKind::Ingress).titled("Route (OpenShift)");
    Some(edge.of(&found).broken_by(problem))
}

fn ends_tls(object: &Resource, tls: &str) -> Option<String> {
    let passthrough = object.value.at(tls)?.get("passthrough");
    let ends_it = passthrough.and_then(Value::as_bool) != Some(true);
    ends_it.then(|| format!("ends TLS, and {TRUSTS}: set passthrough: true"))
}

fn gateway(list: &ResourceList<'_>, service: &Resource) -> Option<Edge> {
    let route = behind(list, service, "TLSRoute", |object| {
        let rules = each(object.at("/spec/rules"));
        let backends = rules.flat_map(|rule| each(rule.get("backendRefs")));
        backends.filter_map(|backend| backend.get("name")).collect()
    })?;
    let of_parent = |field: &str| {
        let value = route.value.at(&format!("/spec/parentRefs/0/{field}"));
        value.and_then(Value::as_str)
    };
    let mut edge = Edge::new(StopKind::Gateway).of(&route);
    let gateway = of_parent("name").unwrap_or_default();
    let namespace = of_parent("namespace").unwrap_or(&route.identity.namespace);
    edge.name = name(gateway, namespace);
    let declared = list.named("Gateway", gateway, namespace);
    let declared = declared.filter_map(|item| list.resource(item).ok());
    let declared = declared
        .into_iter()
        .find(|gateway| gateway.identity.api_version.starts_with(GATEWAY_GROUP));
    let problem = declared.and_then(|gateway| listener_problem(&gateway, of_parent("sectionName")));
    Some(edge.broken_by(problem))
}

/// The problem of a Gateway's listener, if the Gateway is in the manifests.
fn listener_problem(gateway: &Resource, section: Option<&str>) -> Option<String> {
    let is_named = |listener: &&Value| match section {
        Some(section) => listener.get("name").and_then(Value::as_str) == Some(section),
        None => true,
    };
    let mut listeners = each(gateway.value.at("/spec/listeners")).filter(is_named);
    let lets_through = |listener: &Value| {
        listener.get("protocol").and_then(Value::as_str) == Some("TLS")
            && listener.at("/tls/mode").and_then(Value::as_str) == Some("Passthrough")
    };
    if listeners.any(lets_through) {
        return None;
    }
    let listener = section.map_or("no listener".to_owned(), |name| {
        format!("no listener {name}")
    });
    Some(format!(
        "has {listener} of protocol TLS in mode Passthrough, and {TRUSTS}"
    ))
}

/// The object of this kind that passes connections on to a Service.
fn behind(
    list: &ResourceList<'_>,
    service: &Resource,
    kind: &str,
    backends: impl Fn(&Value) -> Vec<&Value>,
) -> Option<Resource> {
    let Identity {
        name, namespace, ..
    } = &service.identity;
    // Ours have the name of the Service; the user's may have any.
    let mut items: Vec<usize> = list.named(kind, name, namespace).collect();
    if items.is_empty() {
        items = list.candidates(&[kind], name);
    }
    let objects = items
        .into_iter()
        .filter_map(|item| list.resource(item).ok());
    objects.into_iter().find(|object| {
        object.identity.kind == kind
            && object.identity.namespace == service.identity.namespace
            && backends(&object.value)
                .into_iter()
                .any(|name| name.as_str() == Some(&service.identity.name))
    })
}

fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}
