//! Cases whose configuration is written when the pod starts.

use serde_json::{Value, json};

use super::manifests::{Ran, configs, resources, run};
use super::properties::{disabled, joined};
use super::{Case, Kind};

/// The name of a case, and each form in which its runners' files are written, or why they are not.
pub(crate) fn row(case: &Case) -> String {
    let mut configs = configs(case);
    configs.retain(|config| config["kind"] == "SessionServer");
    for config in &mut configs {
        config["spec"]["configure"] = json!({
            "at": "PodStart",
            "image": "registry.example.com/runner-terminal:0.2.0",
        });
    }
    let text = joined(&configs);
    let ran = run(case.file(), &case.text, Some(&text));
    let Ran {
        outcome, output, ..
    } = &ran;
    let name = case.file().trim_end_matches(".yaml");
    let mut row = format!("{name}: {outcome}\n");
    for resource in resources(output) {
        row.push_str(&forms(&resource));
    }
    for line in ran.report.lines() {
        let is_why = line.contains("error: ") || line.contains("warning: ");
        if is_why {
            row.push_str(&format!("    {}\n", line.replace("runner-terminal: ", "")));
        }
    }
    if *outcome == "served" {
        let again = run(case.file(), output, Some(&text));
        assert_eq!(again.outcome, "unchanged", "{name}\n{}", again.report);
        let off: Vec<Value> = configs.iter().map(disabled).collect();
        let off = run(case.file(), output, Some(&joined(&off)));
        // What an earlier run left in the case is removed too.
        if !case.text.contains("runner-terminal.dev/config-before") {
            assert_eq!(off.output, case.text, "{name}\n{}", off.report);
        }
    }
    row
}

/// The init container is restricted if the runner's container is, and has a token for the API only
/// if it reads a Service.
pub(crate) fn least_privileges(case: &Case) -> Option<Result<(), String>> {
    if case.kind() != Kind::Manifests || case.outcome() != "served" {
        return None;
    }
    let output = &case.ran().output;
    let resources = resources(output);
    let roles = resources.iter().filter(|found| found["kind"] == "Role");
    let rules = roles.filter_map(|role| role["rules"].as_array()).flatten();
    let rules: Vec<&Value> = rules.collect();
    let mut tried = 0;
    for resource in &resources {
        let Some((pod, init)) = init_container(resource) else {
            continue;
        };
        tried += 1;
        let arguments = init["args"].to_string();
        let reads_service = arguments.contains("--service=");
        let has_token = init["volumeMounts"]
            .to_string()
            .contains("session-server-token");
        let may_read = rules.contains(&&rule_of(&arguments));
        let containers = pod["containers"].as_array().unwrap();
        let is_restricted = |container: &&Value| is_restricted(pod, container);
        let right = [reads_service == has_token, reads_service == may_read];
        let others = containers.iter().filter(|container| {
            let mounts = container["volumeMounts"].to_string();
            mounts.contains("session-server-token")
        });
        let is_right = right == [true; 2]
            && others.count() == 0
            && (!containers.iter().all(|container| is_restricted(&container))
                || is_restricted(&init));
        if !is_right {
            return Some(Err(output.clone()));
        }
    }
    (tried > 0).then_some(Ok(()))
}

/// What a Role allows the pod of an init container with these arguments.
fn rule_of(arguments: &str) -> Value {
    let service = arguments.split_once("--service=").map(|(_, rest)| rest);
    let service = service.and_then(|rest| rest.split('"').next());
    json!({
        "apiGroups": [""],
        "resources": ["services"],
        "resourceNames": [service],
        "verbs": ["get", "watch"],
    })
}

/// Whether the Pod Security Standard "restricted" admits a container.
fn is_restricted(pod: &Value, container: &Value) -> bool {
    let own = &container["securityContext"];
    let either = |field: &str| match &own[field] {
        Value::Null => pod["securityContext"][field].clone(),
        value => value.clone(),
    };
    own["allowPrivilegeEscalation"] == false
        && own["capabilities"]["drop"] == json!(["ALL"])
        && either("runAsNonRoot") == true
        && either("runAsUser") != 0
        && either("seccompProfile")["type"] == "RuntimeDefault"
}

/// How a workload's init container writes the file.
fn forms(resource: &Value) -> String {
    let Some((_, init)) = init_container(resource) else {
        return String::new();
    };
    let argument = |option: &str| {
        let arguments = init["args"].as_array().unwrap().iter();
        let mut arguments =
            arguments.filter_map(|argument| argument.as_str()?.strip_prefix(option));
        arguments.next().map(str::to_owned)
    };
    let volume = init["volumeMounts"][0]["name"].as_str().unwrap();
    let form = match argument("--copy=") {
        Some(copy) => format!("copies volume {volume} ({copy})"),
        None if volume == "session-server-config" => "makes the image's folder a volume".to_owned(),
        None => format!("edits volume {volume} in place"),
    };
    let user = &init["securityContext"]["runAsUser"];
    let user = match user {
        Value::Null => String::new(),
        user => format!(", as user {user}"),
    };
    format!(
        "    {} {form}, {}{user}\n",
        resource["metadata"]["name"].as_str().unwrap_or_default(),
        argument("--config=").unwrap()
    )
}

/// A workload's pod, and the init container that this function has added to it.
fn init_container(resource: &Value) -> Option<(&Value, &Value)> {
    let pods = ["/spec/template/spec", "/spec"].map(|pod| resource.pointer(pod));
    pods.into_iter().flatten().find_map(|pod| {
        let mut inits = pod["initContainers"].as_array()?.iter();
        let ours = inits.find(|init| init["name"] == "session-server")?;
        Some((pod, ours))
    })
}
