//! Makes function configs from the parameters of an application.

use std::env;

use runner_terminal::documents::Config;
use runner_terminal::function_config::API_VERSION;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::parameters::Parameters;

/// The variables by which the operator of the plugin names the service account that reads addresses
/// from the cluster.
const NAMESPACE: &str = "RUNNER_TERMINAL_ARGOCD_NAMESPACE";
const SERVICE_ACCOUNT: &str = "RUNNER_TERMINAL_ARGOCD_SERVICE_ACCOUNT";

/// Argo CD stops a build after 60 seconds.
const WAIT_TIMEOUT: &str = "30s";

/// Why no function config can be made from the parameters.
#[derive(Debug, Error)]
pub(super) enum FromParametersError {
    /// The address is set, and so is a parameter for finding it.
    #[error(
        "the parameter {name} says how the address is found, and advertise-address is the address: \
         leave out one of them"
    )]
    AddressIsSet {
        /// The parameter for finding it.
        name: &'static str,
    },
    /// `exposure` has the field `type`.
    #[error("exposure has the field type: set the parameter exposure-type")]
    ExposureType,
    /// An account in `readers` has no namespace.
    #[error("readers: {0:?} is not NAMESPACE/NAME of a service account")]
    Reader(String),
}

/// A SessionServer, and an AdvertiseAddress unless the address is a parameter.
///
/// # Errors
///
/// Parameters contradict each other, or have an invalid value.
pub(super) fn configs(
    parameters: &Parameters,
) -> Result<Vec<Config<'static>>, FromParametersError> {
    let has_address = parameters.text("advertise-address").is_some();
    if has_address {
        let mut names = ["source", "when-pending", "wait-timeout", "context"].into_iter();
        if let Some(name) = names.find(|name| parameters.text(name).is_some()) {
            return Err(FromParametersError::AddressIsSet { name });
        }
    }
    let mut configs = vec![config(
        "SessionServer",
        "session-server",
        session_server(parameters)?,
    )];
    if !has_address {
        configs.push(config(
            "AdvertiseAddress",
            "advertise-address",
            advertise_address(parameters),
        ));
    }
    Ok(configs)
}

fn config(kind: &str, name: &str, spec: Map<String, Value>) -> Config<'static> {
    let config = json!({
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    });
    Config {
        file: "the parameters".to_owned(),
        line: 0,
        text: yaml_splice::document(&config).into(),
    }
}

/// The fields that select runners, which both kinds have.
fn selection(parameters: &Parameters) -> Map<String, Value> {
    let mut runner = Map::new();
    set(&mut runner, "name", parameters.text("runner-name"));
    set(
        &mut runner,
        "labelSelector",
        parameters.text("runner-selector"),
    );
    let mut spec = Map::new();
    if !runner.is_empty() {
        spec.insert("runner".to_owned(), runner.into());
    }
    set(&mut spec, "container", parameters.text("container"));
    spec
}

fn session_server(parameters: &Parameters) -> Result<Map<String, Value>, FromParametersError> {
    let address = parameters.text("advertise-address");
    let mut spec = selection(parameters);
    set(&mut spec, "replicas", parameters.text("replicas"));
    set(
        &mut spec,
        "sessionTimeout",
        parameters.text("session-timeout"),
    );
    set(&mut spec, "advertiseAddress", address);
    if let Some(exposure) = exposure(parameters)? {
        spec.insert("exposure".to_owned(), exposure);
    }
    let readers = readers(parameters, address.is_none())?;
    if !readers.is_empty() {
        spec.insert("readers".to_owned(), readers.into());
    }
    Ok(spec)
}

fn advertise_address(parameters: &Parameters) -> Map<String, Value> {
    let mut spec = selection(parameters);
    let pending = parameters.text("when-pending");
    let default = (pending == Some("Wait")).then_some(WAIT_TIMEOUT);
    set(&mut spec, "source", parameters.text("source"));
    set(&mut spec, "whenPending", pending);
    set(&mut spec, "context", parameters.text("context"));
    let timeout = parameters.text("wait-timeout").or(default);
    set(&mut spec, "timeout", timeout);
    spec
}

fn set(spec: &mut Map<String, Value>, field: &str, text: Option<&str>) {
    if let Some(text) = text {
        spec.insert(field.to_owned(), text.into());
    }
}

/// The exposure; `None` for the default.
fn exposure(parameters: &Parameters) -> Result<Option<Value>, FromParametersError> {
    let mut exposure = Map::new();
    for (field, value) in parameters.map("exposure") {
        if field == "type" {
            return Err(FromParametersError::ExposureType);
        }
        exposure.insert(field.to_owned(), typed(value));
    }
    let kind = parameters.text("exposure-type");
    if kind.is_none() && exposure.is_empty() {
        return Ok(None);
    }
    let kind = kind.unwrap_or("LoadBalancer");
    exposure.insert("type".to_owned(), kind.into());
    Ok(Some(exposure.into()))
}

/// Parses JSON such as `9000` or `["a"]`. Any other text, quoted or not, is kept as it is.
fn typed(value: &str) -> Value {
    match serde_json::from_str(value) {
        Ok(Value::String(_)) | Err(_) => value.into(),
        Ok(typed) => typed,
    }
}

/// The accounts that may read the address: those of the parameter, else the plugin's own if it reads
/// the address.
fn readers(parameters: &Parameters, plugin_reads: bool) -> Result<Vec<Value>, FromParametersError> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let own = match (variable(NAMESPACE), variable(SERVICE_ACCOUNT)) {
        (Some(namespace), Some(name)) if plugin_reads => vec![format!("{namespace}/{name}")],
        _ => Vec::new(),
    };
    let accounts = match parameters.list("readers") {
        [] => &own,
        accounts => accounts,
    };
    let account = |account: &String| match account.split_once('/') {
        Some((namespace, name)) => Ok(json!({"namespace": namespace, "serviceAccount": name})),
        None => Err(FromParametersError::Reader(account.clone())),
    };
    accounts.iter().map(account).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_typed_and_other_text_is_not() {
        assert_eq!(typed("9000"), json!(9000));
        assert_eq!(typed("true"), json!(true));
        assert_eq!(typed(r#"["a"]"#), json!(["a"]));
        for text in ["AWS", "192.0.2.7", "\"quoted\"", "a: b", ""] {
            assert_eq!(typed(text), json!(text));
        }
    }
}
