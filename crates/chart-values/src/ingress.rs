//! Converts the chart's Ingress, which terminates TLS, to one with TLS passthrough.
//!
//! Source: the chart's `ingress-session-server.yaml`; the annotations' pages of the controllers.

use serde_json::{Map, Value, json};

use super::ChartValuesError;
use super::draft::{Draft, Part};
use super::exposure;
use runner_terminal::address::Host;

const HOST: [&str; 2] = ["sessionServer", "publicIP"];
const EXTERNAL: [&str; 2] = ["sessionServer", "externalPort"];
const ENABLED: [&str; 3] = ["sessionServer", "ingress", "enabled"];
const CLASS_NAME: [&str; 3] = ["sessionServer", "ingress", "className"];
const ANNOTATIONS: [&str; 3] = ["sessionServer", "ingress", "annotations"];
const TLS: [&str; 3] = ["sessionServer", "ingress", "tls"];

/// The predecessor of `ingressClassName`.
const OLD_CLASS_NAME: &str = "kubernetes.io/ingress.class";
/// Traefik's entry points of an Ingress.
const ENTRY_POINTS: &str = "traefik.ingress.kubernetes.io/router.entrypoints";

/// The end of the annotation for TLS passthrough, which the exposure sets.
const PASSTHROUGH: &str = "/ssl-passthrough";

const OPENSHIFT: &str = "openshift";

/// How controllers are recognised: by their annotations, otherwise by a word in the name of their
/// class. More specific words come first.
const CONTROLLERS: [(&str, &str, &str); 6] = [
    ("nginx", "nginx.ingress.kubernetes.io/", "nginx"),
    (
        "haproxy-ingress",
        "haproxy-ingress.github.io/",
        "haproxy-ingress",
    ),
    ("haproxy", "haproxy.org/", "haproxy"),
    ("traefik", "traefik.ingress.kubernetes.io/", "traefik"),
    ("contour", "projectcontour.io/", "contour"),
    (OPENSHIFT, "route.openshift.io/", "openshift"),
];

/// Reads the Ingress.
///
/// # Errors
/// A value that the chart cannot use.
pub(super) fn read(
    draft: &mut Draft<'_>,
    host: Option<&Host>,
    external_port: Option<u32>,
) -> Result<(), ChartValuesError> {
    let values = draft.values;
    let mut annotations = values.texts(&ANNOTATIONS)?;
    let old_class = take(&mut annotations, OLD_CLASS_NAME);
    let class_name = values.text(&CLASS_NAME)?.map(str::to_owned).or(old_class);
    let controller = controller(class_name.as_deref(), &annotations);

    if !lets_through(&annotations) {
        draft.note(
            Part::Exposure,
            &ENABLED,
            "the chart's Ingress ends TLS, and GitLab trusts only the certificate that the runner \
             makes for itself. This one lets TLS through",
        );
    }
    draft.set(Part::Exposure, "type", json!("Ingress"));
    match host {
        Some(Host::Name(name)) if name.contains('.') => {
            draft.set(Part::Exposure, "host", json!(name));
        }
        Some(host) => draft.ask(
            Part::Exposure,
            "host",
            "terminal.example.com",
            &HOST,
            format!(
                "{} is no DNS name with a domain, and by that an ingress controller tells hosts \
                 apart",
                exposure::text(host)
            ),
        ),
        None => draft.ask(
            Part::Exposure,
            "host",
            "terminal.example.com",
            &ENABLED,
            "the chart takes the Ingress's host from publicIP, which is not set",
        ),
    }
    port(draft, external_port);
    name_controller(draft, controller, class_name.as_deref());
    if controller == Some(OPENSHIFT) {
        draft.note(
            Part::Exposure,
            &ENABLED,
            "the chart's Ingress becomes a Route; a router of OpenShift chooses Routes by their labels, \
             not by a class",
        );
    } else {
        draft.set_some(Part::Exposure, "className", class_name.map(Value::from));
    }
    if values.set(&TLS).is_some() {
        draft.note(
            Part::Exposure,
            &TLS,
            "left out: no certificate is needed here, as the runner makes its own",
        );
    }
    write_annotations(draft, controller, annotations);
    Ok(())
}

/// The chart advertises `externalPort`, which an ingress controller ignores.
fn port(draft: &mut Draft<'_>, external_port: Option<u32>) {
    match external_port {
        Some(443) => {}
        Some(port) => {
            draft.note(
                Part::Exposure,
                &EXTERNAL,
                "the ingress controller has to take TLS at this port; if it does so at 443, leave \
                 the port out",
            );
            draft.set(Part::Exposure, "port", json!(port));
        }
        None => draft.note(
            Part::Exposure,
            &ENABLED,
            "without externalPort the chart advertises port 9000, at which few ingress \
             controllers listen; here it is 443",
        ),
    }
}

fn controller(class_name: Option<&str>, annotations: &[(String, String)]) -> Option<&'static str> {
    let by_annotation = CONTROLLERS
        .iter()
        .find(|(_, prefix, _)| annotations.iter().any(|(name, _)| name.starts_with(prefix)));
    let by_class = || {
        let class_name = class_name?.to_ascii_lowercase();
        CONTROLLERS
            .iter()
            .find(|(_, _, word)| class_name.contains(word))
    };
    by_annotation
        .or_else(by_class)
        .map(|(controller, ..)| *controller)
}

fn name_controller(
    draft: &mut Draft<'_>,
    controller: Option<&'static str>,
    class_name: Option<&str>,
) {
    match controller {
        Some("nginx") => draft.note(
            Part::Exposure,
            &CLASS_NAME,
            "this has to be Kubernetes' ingress-nginx, started with --enable-ssl-passthrough",
        ),
        Some("haproxy") => draft.note(
            Part::Exposure,
            &CLASS_NAME,
            "for HAProxy Technologies' controller; the community's is haproxy-ingress",
        ),
        _ => {}
    }
    match controller {
        Some(controller) => draft.set(Part::Exposure, "controller", json!(controller)),
        None => {
            let said = match class_name {
                Some(name) => format!("{name:?} does not say"),
                None => "neither className nor the annotations say".to_owned(),
            };
            draft.ask(
                Part::Exposure,
                "controller",
                "nginx",
                &CLASS_NAME,
                format!(
                    "{said} which controller it is. Those that let TLS through here are nginx, \
                     haproxy, haproxy-ingress, traefik, contour and openshift; with \
                     another, such as a \
                     cloud's own, use LoadBalancer or Gateway"
                ),
            );
        }
    }
}

/// True if the user has already configured TLS passthrough.
fn lets_through(annotations: &[(String, String)]) -> bool {
    let is_on = |(name, value): &(String, String)| name.ends_with(PASSTHROUGH) && value == "true";
    annotations.iter().any(is_on)
}

/// Keeps the annotations that have an effect with TLS passthrough.
fn write_annotations(
    draft: &mut Draft<'_>,
    controller: Option<&str>,
    annotations: Vec<(String, String)>,
) {
    let [server, ingress, key] = ANNOTATIONS;
    let mut kept = Map::new();
    for (name, value) in annotations {
        if controller == Some("traefik") && name == ENTRY_POINTS {
            let points: Vec<&str> = value.split(',').map(str::trim).collect();
            draft.set(Part::Exposure, "entryPoints", json!(points));
            continue;
        }
        if name.ends_with(PASSTHROUGH) {
            continue;
        }
        match left_out(&name) {
            Some(why) => draft.note(
                Part::Exposure,
                &[server, ingress, key, &name],
                format!("left out: {why}"),
            ),
            None => {
                kept.insert(name, json!(value));
            }
        }
    }
    if !kept.is_empty() {
        draft.set(Part::Exposure, "ingressAnnotations", Value::Object(kept));
    }
}

/// Why an annotation has no effect with TLS passthrough.
fn left_out(name: &str) -> Option<&'static str> {
    let (prefix, key) = name.split_once('/').unwrap_or(("", name));
    match (prefix, key) {
        ("cert-manager.io" | "acme.cert-manager.io", _) | ("kubernetes.io", "tls-acme") => {
            Some("no certificate is needed here, as the runner makes its own")
        }
        // "SSL Passthrough invalidates all the other annotations set on an Ingress object."
        ("nginx.ingress.kubernetes.io", _) => {
            Some("ingress-nginx looks at none of its annotations where it lets TLS through")
        }
        ("traefik.ingress.kubernetes.io", _) => {
            Some("it is for an Ingress, and Traefik lets TLS through by an IngressRouteTCP")
        }
        ("route.openshift.io", _) => Some("it says how a Route is made of an Ingress"),
        (
            "haproxy.org" | "haproxy-ingress.github.io" | "projectcontour.io",
            "backend-protocol" | "server-ssl" | "ssl-redirect" | "ssl-certificate"
            | "secure-backends" | "rewrite-target" | "path-rewrite" | "tls-cert-namespace",
        ) => Some("it is for TLS that ends at the controller"),
        _ => None,
    }
}

fn take(annotations: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let index = annotations.iter().position(|(known, _)| known == name)?;
    let (_, value) = annotations.remove(index);
    Some(value).filter(|value| !value.is_empty())
}
