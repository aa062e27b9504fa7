//! The objects of an input, as YAML. Indentation is that of an item of a list.

/// The part of the function's configuration which names a runner, to stand below
/// `runner:`.
pub(crate) fn selector(number: usize) -> String {
    format!("      name: runner-{number}\n      namespace: ci\n")
}

/// Appends one runner: its Deployment and its ConfigMap.
pub(crate) fn runner(number: usize, text: &mut String) {
    append(RUNNER_DEPLOYMENT, number, text);
    append(RUNNER_CONFIG_MAP, number, text);
}

/// Appends an object which is no business of the function.
pub(crate) fn other(number: usize, text: &mut String) {
    let template = match number % 3 {
        0 => CONFIG_MAP,
        1 => DEPLOYMENT,
        _ => SERVICE,
    };
    append(template, number, text);
}

fn append(template: &str, number: usize, text: &mut String) {
    text.push_str(&template.replace("NUMBER", &number.to_string()));
}

const RUNNER_DEPLOYMENT: &str = include_str!("runner-deployment.yaml");
const RUNNER_CONFIG_MAP: &str = include_str!("runner-config-map.yaml");
const CONFIG_MAP: &str = include_str!("config-map.yaml");
const DEPLOYMENT: &str = include_str!("deployment.yaml");
const SERVICE: &str = include_str!("service.yaml");
