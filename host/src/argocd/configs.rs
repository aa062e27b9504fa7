//! The function configs of an application: those in its files, or those that its parameters make.

use std::env;

use krm::documents::without_function_configs;
use runner_terminal::documents::Config;
use runner_terminal::function_config::{API_VERSION, ApiVersion};
use serde_json::{Map, Value, json};

use super::application::{Application, CONFIG_FILE};
use super::parameters::Parameters;
use crate::apply;
use crate::manifests::{self, File};

/// Where whoever runs the plugin says under which account it asks the cluster for addresses.
const NAMESPACE: &str = "RUNNER_TERMINAL_ARGOCD_NAMESPACE";
const SERVICE_ACCOUNT: &str = "RUNNER_TERMINAL_ARGOCD_SERVICE_ACCOUNT";

/// Argo CD ends a build after 60 seconds.
const WAIT_TIMEOUT: &str = "30s";

/// Refuses a function config that leads the function to a file.
fn without_kubeconfig(config: &Config<'_>) -> Result<(), String> {
    // A kubeconfig names a program to run and a server to send a token to.
    if apply::names_kubeconfig(&apply::value_of(config)?) {
        return Err(format!(
            "{}: spec.kubeconfig may only be chosen by whoever runs the plugin: leave it out, and \
             name a context of the sidecar's KUBECONFIG by spec.context",
            config.place()
        ));
    }
    Ok(())
}

/// A function config of the parameters.
fn of_parameters(kind: &str, name: &str, spec: Value) -> Config<'static> {
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

/// The files with function configs that the parameter names, or the one of the usual name.
///
/// # Errors
///
/// A sentence that names the file: it cannot be read, or is not in the application's folder.
pub(super) fn files(
    application: &Application,
    parameters: &Parameters,
) -> Result<Vec<File>, String> {
    let usual = [CONFIG_FILE.to_owned()];
    let names = match parameters.list("config") {
        [] if application.folder.path().join(CONFIG_FILE).exists() => &usual,
        names => names,
    };
    let read = |name: &String| {
        let path = application.folder.file(name);
        let path = path.map_err(|error| format!("config: {error}"))?;
        let mut file = manifests::read_file(&path)?;
        file.path.clone_from(name);
        Ok(file)
    };
    names.iter().map(read).collect()
}

/// Chooses the function configs: those of the files and among the manifests, or else those that the
/// parameters make.
///
/// # Errors
///
/// A sentence: one of them may not be, or there are parameters as well.
pub(super) fn choose(
    files: &[File],
    manifests: &[File],
    parameters: &Parameters,
) -> Result<Vec<Config<'static>>, String> {
    for file in files {
        let text = without_function_configs(&file.path, &file.text);
        let others = File {
            path: file.path.clone(),
            place: file.place.clone(),
            root: file.root.clone(),
            text: text.map_err(|error| error.to_string())?,
        };
        if !apply::is_empty(&others) {
            return Err(format!(
                "{} has more than function configs: such a file has a SessionServer and an \
                 AdvertiseAddress of {}, and nothing else",
                file.path,
                ApiVersion::list("or")
            ));
        }
    }
    let all: Vec<File> = files.iter().chain(manifests).cloned().collect();
    let mut configs = apply::found(&all, &[])?;
    // The default has no place.
    configs.retain(|config| !config.file.is_empty());
    let Some(first) = configs.first() else {
        return made(parameters);
    };
    if let [name, ..] = parameters.of_functions().as_slice() {
        return Err(format!(
            "the parameter {name} is set, and there are function configs at {}: write it there, and \
             leave the parameter out",
            first.place()
        ));
    }
    configs.iter().try_for_each(without_kubeconfig)?;
    Ok(configs)
}

/// Makes them of the parameters.
fn made(parameters: &Parameters) -> Result<Vec<Config<'static>>, String> {
    let address = parameters.text("advertise-address");
    if address.is_some() {
        for name in ["source", "when-pending", "wait-timeout", "context"] {
            if parameters.text(name).is_some() {
                return Err(format!(
                    "the parameter {name} says how the address is found, and advertise-address is the \
                     address: leave out one of them"
                ));
            }
        }
    }
    let mut both = Map::new();
    let mut runner = Map::new();
    set(&mut runner, "name", parameters.text("runner-name"));
    set(
        &mut runner,
        "labelSelector",
        parameters.text("runner-selector"),
    );
    if !runner.is_empty() {
        both.insert("runner".to_owned(), runner.into());
    }
    set(&mut both, "container", parameters.text("container"));

    let mut server = both.clone();
    set(&mut server, "replicas", parameters.text("replicas"));
    set(
        &mut server,
        "sessionTimeout",
        parameters.text("session-timeout"),
    );
    set(&mut server, "advertiseAddress", address);
    if let Some(exposure) = exposure(parameters)? {
        server.insert("exposure".to_owned(), exposure);
    }
    let readers = readers(parameters, address.is_none())?;
    if !readers.is_empty() {
        server.insert("readers".to_owned(), readers.into());
    }
    let mut configs = vec![of_parameters(
        "SessionServer",
        "session-server",
        server.into(),
    )];
    if address.is_none() {
        let mut advertise = both;
        let pending = parameters.text("when-pending");
        let timeout = parameters.text("wait-timeout");
        set(&mut advertise, "source", parameters.text("source"));
        set(&mut advertise, "whenPending", pending);
        set(&mut advertise, "context", parameters.text("context"));
        let waits = pending == Some("Wait");
        set(
            &mut advertise,
            "timeout",
            timeout.or(waits.then_some(WAIT_TIMEOUT)),
        );
        configs.push(of_parameters(
            "AdvertiseAddress",
            "advertise-address",
            advertise.into(),
        ));
    }
    Ok(configs)
}

fn set(spec: &mut Map<String, Value>, field: &str, text: Option<&str>) {
    if let Some(text) = text {
        spec.insert(field.to_owned(), text.into());
    }
}

/// The exposure; none where it is the default.
fn exposure(parameters: &Parameters) -> Result<Option<Value>, String> {
    let mut exposure = Map::new();
    for (field, value) in parameters.map("exposure") {
        if field == "type" {
            return Err("exposure has the field type: set the parameter exposure-type".to_owned());
        }
        exposure.insert(field.to_owned(), typed(value));
    }
    let given = parameters.text("exposure-type");
    if given.is_none() && exposure.is_empty() {
        return Ok(None);
    }
    let kind = given.unwrap_or("LoadBalancer");
    exposure.insert("type".to_owned(), kind.into());
    Ok(Some(exposure.into()))
}

/// A value that is JSON and no text in quotes as what it is; any other is the text.
fn typed(value: &str) -> Value {
    match serde_json::from_str(value) {
        Ok(Value::String(_)) | Err(_) => value.into(),
        Ok(typed) => typed,
    }
}

/// The accounts that may read the address: those given, else the plugin's own where it reads it.
fn readers(parameters: &Parameters, reads: bool) -> Result<Vec<Value>, String> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let own = match (set(NAMESPACE), set(SERVICE_ACCOUNT)) {
        (Some(namespace), Some(name)) if reads => vec![format!("{namespace}/{name}")],
        _ => Vec::new(),
    };
    let accounts = match parameters.list("readers") {
        [] => &own,
        given => given,
    };
    let account = |account: &String| match account.split_once('/') {
        Some((namespace, name)) => Ok(json!({"namespace": namespace, "serviceAccount": name})),
        None => Err(format!(
            "readers: {account:?} is not the namespace and the name of a service account, parted by /"
        )),
    };
    accounts.iter().map(account).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_look_like() {
        assert_eq!(typed("9000"), json!(9000));
        assert_eq!(typed("true"), json!(true));
        assert_eq!(typed(r#"["a"]"#), json!(["a"]));
        for text in ["AWS", "192.0.2.7", "\"quoted\"", "a: b", ""] {
            assert_eq!(typed(text), json!(text));
        }
    }

    #[test]
    fn no_config_names_a_kubeconfig() {
        let read = |text: &str| {
            without_kubeconfig(&Config {
                file: "a.yaml".to_owned(),
                line: 1,
                text: text.into(),
            })
        };
        for text in [
            "kind: AdvertiseAddress\nspec: {kubeconfig: a}\n",
            "kind: AdvertiseAddress\nspec:\n  \"kubeconfi\\x67\": a\n",
            "x: &a {kubeconfig: a}\nkind: AdvertiseAddress\nspec: {<<: *a}\n",
        ] {
            assert!(
                read(text).is_err_and(|error| error.contains("spec.kubeconfig may only")),
                "{text}"
            );
        }
        let relay = "kind: SessionServer\nspec: {exposure: {relay: {kubeconfigSecret: a}}}\n";
        assert!(read(relay).is_ok());
    }
}
