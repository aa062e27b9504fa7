//! `type: Ingress`: a host at an ingress controller that passes TLS through.
//!
//! By default, ingress controllers terminate TLS, and GitLab gets a certificate that it does not
//! trust. Each has its own setting to pass TLS through by SNI, and only that is supported here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::host_name::HostName;
use super::{
    AddressSource, ExposureContext, ExposureStrategy, PORT_NAME, RoutedService, SERVICE_PORT,
    is_wildcard, object, record_exposure, set_members,
};
use crate::fields::{ConfigError, Port, metadata, unset_when_empty};
use krm::results::Refusal;

/// A host at an ingress controller.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ingress<H = HostName> {
    /// The DNS name by which GitLab reaches this runner, and nothing else. `{index}` in it stands
    /// for the number of the shard.
    pub host: H,
    /// The ingress controller.
    pub controller: Controller,
    /// The port at which the controller takes TLS. 443 when not set.
    #[serde(default)]
    pub port: Option<Port>,
    /// The IngressClass, for the controllers that have one.
    #[serde(default, deserialize_with = "unset_when_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub class_name: Option<String>,
    /// With Traefik: its entry points that take TLS. `websecure` when not set.
    #[serde(default)]
    pub entry_points: Vec<String>,
    /// Annotations for the Ingress (IngressRouteTCP, HTTPProxy, Route).
    #[serde(default)]
    pub ingress_annotations: BTreeMap<String, String>,
}

/// An ingress controller that can let TLS through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Controller {
    /// Kubernetes' ingress-nginx, started with `--enable-ssl-passthrough`.
    ///
    /// Source: its documentation, "Annotations: SSL Passthrough".
    #[serde(rename = "nginx")]
    Nginx,
    /// HAProxy Technologies' kubernetes-ingress.
    ///
    /// Source: its documentation, "ssl-passthrough".
    #[serde(rename = "haproxy")]
    HaProxy,
    /// The community's haproxy-ingress.
    ///
    /// Source: its documentation, "SSL passthrough".
    #[serde(rename = "haproxy-ingress")]
    HaProxyIngress,
    /// Traefik, by an IngressRouteTCP.
    ///
    /// Source: its documentation, "IngressRouteTCP".
    #[serde(rename = "traefik")]
    Traefik,
    /// Contour, by an HTTPProxy.
    ///
    /// Source: its documentation, "TLS session passthrough".
    #[serde(rename = "contour")]
    Contour,
    /// OpenShift's router, by a Route.
    ///
    /// Source: its documentation, "Secured routes: passthrough".
    #[serde(rename = "openshift")]
    OpenShift,
}

impl Controller {
    /// The annotation that makes an Ingress pass TLS through.
    fn passthrough(self) -> Option<&'static str> {
        match self {
            Self::Nginx => Some("nginx.ingress.kubernetes.io/ssl-passthrough"),
            Self::HaProxy => Some("haproxy.org/ssl-passthrough"),
            Self::HaProxyIngress => Some("haproxy-ingress.github.io/ssl-passthrough"),
            Self::Traefik | Self::Contour | Self::OpenShift => None,
        }
    }
}

impl Controller {
    /// True if it uses an Ingress object rather than one of its own kinds.
    pub(super) fn makes_an_ingress(self) -> bool {
        self.passthrough().is_some()
    }
}

impl<H> Ingress<H> {
    pub(super) fn check(&self, path: &str) -> Result<(), ConfigError> {
        if !self.entry_points.is_empty() && self.controller != Controller::Traefik {
            return Err(ConfigError::new(
                format!("{path}.entryPoints"),
                "is read with controller: traefik only",
            ));
        }
        if self.class_name.is_some() && self.controller == Controller::OpenShift {
            return Err(ConfigError::new(
                format!("{path}.className"),
                "is not read with controller: openshift: a router chooses its Routes by labels",
            ));
        }
        metadata::check_annotations(
            &format!("{path}.ingressAnnotations"),
            &self.ingress_annotations,
        )?;
        if let Some(name) = self.controller.passthrough()
            && self.ingress_annotations.contains_key(name)
        {
            return Err(ConfigError::new(
                format!("{path}.ingressAnnotations"),
                format!("{name} is set by this exposure: leave it out"),
            ));
        }
        Ok(())
    }

    /// The port at which the controller takes TLS.
    pub(super) fn port(&self) -> u16 {
        self.port.map_or(443, |port| port.0)
    }

    /// The objects that route these hosts to a Service. Contour and OpenShift support one host.
    pub(super) fn routes(&self, service: RoutedService<'_>, hosts: &[String]) -> Vec<Value> {
        let mut route = self.route(service, hosts);
        let mut annotations = self.ingress_annotations.clone();
        if let Some(name) = self.controller.passthrough() {
            annotations.insert(name.to_owned(), "true".to_owned());
        }
        record_exposure(&mut annotations, &BTreeMap::new(), false);
        if let Some(metadata) = route.get_mut("metadata").and_then(Value::as_object_mut)
            && !annotations.is_empty()
        {
            metadata.insert("annotations".to_owned(), json!(annotations));
        }
        vec![route]
    }

    fn route(&self, routed: RoutedService<'_>, hosts: &[String]) -> Value {
        let service = routed.identity;
        match self.controller {
            Controller::Traefik => {
                let entry_points = if self.entry_points.is_empty() {
                    json!(["websecure"])
                } else {
                    json!(self.entry_points)
                };
                let rules: Vec<String> = hosts.iter().map(|host| sni_rule(host)).collect();
                let rule = rules.join(" || ");
                let spec = json!({
                    "entryPoints": entry_points,
                    "routes": [{
                        "match": rule,
                        "services": [{"name": service.name, "port": SERVICE_PORT}],
                    }],
                    "tls": {"passthrough": true},
                });
                object("traefik.io/v1alpha1", "IngressRouteTCP", service, spec)
            }
            Controller::Contour => {
                let spec = set_members([
                    ("ingressClassName", json!(self.class_name)),
                    (
                        "virtualhost",
                        json!({"fqdn": hosts.first(), "tls": {"passthrough": true}}),
                    ),
                    (
                        "tcpproxy",
                        json!({"services": [{"name": service.name, "port": SERVICE_PORT}]}),
                    ),
                ]);
                object(
                    "projectcontour.io/v1",
                    "HTTPProxy",
                    service,
                    Value::Object(spec),
                )
            }
            Controller::OpenShift => {
                let spec = json!({
                    "host": hosts.first(),
                    "to": {"kind": "Service", "name": service.name},
                    "port": {"targetPort": routed.port_name},
                    "tls": {"termination": "passthrough"},
                });
                object("route.openshift.io/v1", "Route", service, spec)
            }
            Controller::Nginx | Controller::HaProxy | Controller::HaProxyIngress => {
                let backend = json!({
                    "service": {"name": service.name, "port": {"name": routed.port_name}},
                });
                let rule = |host: &String| {
                    json!({
                        "host": host,
                        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                    })
                };
                let rules: Vec<Value> = hosts.iter().map(rule).collect();
                let spec = set_members([
                    ("ingressClassName", json!(self.class_name)),
                    ("rules", json!(rules)),
                ]);
                object(
                    "networking.k8s.io/v1",
                    "Ingress",
                    service,
                    Value::Object(spec),
                )
            }
        }
    }
}

/// Traefik's rule for a host. A wildcard matches one or more labels.
fn sni_rule(host: &str) -> String {
    if !is_wildcard(host) {
        return format!("HostSNI(`{host}`)");
    }
    let suffix = host.trim_start_matches('*').replace('.', "\\.");
    format!("HostSNIRegexp(`^.+{suffix}$`)")
}

impl ExposureStrategy for Ingress {
    fn service_spec(&self) -> Map<String, Value> {
        set_members([("type", json!("ClusterIP"))])
    }

    fn advertised_port(&self, _context: ExposureContext<'_>) -> Option<u16> {
        Some(self.port())
    }

    fn objects(&self, context: ExposureContext<'_>) -> Vec<Value> {
        let service = RoutedService {
            identity: context.service,
            port_name: PORT_NAME,
        };
        self.routes(service, &[self.host.of(context)])
    }

    fn address_source(&self, context: ExposureContext<'_>) -> Result<AddressSource, Refusal> {
        self.host.address_source(context, self.port())
    }
}
