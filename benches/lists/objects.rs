//! The objects of a list, as items of a ResourceList.

/// One runner: its Deployment and its ConfigMap, whose last key is `config.toml`.
pub(crate) fn runner(number: usize) -> [String; 2] {
    [RUNNER_DEPLOYMENT, RUNNER_CONFIG_MAP].map(|template| numbered(template, number))
}

/// An object which is no business of the function.
pub(crate) fn other(number: usize) -> String {
    let template = match number % 3 {
        0 => CONFIG_MAP,
        1 => DEPLOYMENT,
        _ => SERVICE,
    };
    numbered(template, number)
}

/// A ConfigMap with so many bytes of data.
pub(crate) fn large(bytes: usize) -> String {
    let mut item = "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: catalogue\n    \
                    namespace: shop\n  data:\n    catalogue.csv: |\n"
        .to_owned();
    let until = item.len() + bytes;
    let mut number = 0;
    while item.len() < until {
        item.push_str(&numbered(CATALOGUE_LINE, number));
        number += 1;
    }
    item
}

/// An item as the document that it is.
pub(crate) fn without_dash(item: &str) -> String {
    let lines = item.split_inclusive('\n');
    lines
        .map(|line| line.get(2..).unwrap_or(line))
        .collect::<String>()
}

fn numbered(template: &str, number: usize) -> String {
    template.replace("NUMBER", &number.to_string())
}

const RUNNER_DEPLOYMENT: &str = include_str!("runner-deployment.yaml");
const RUNNER_CONFIG_MAP: &str = include_str!("runner-config-map.yaml");
const CONFIG_MAP: &str = include_str!("config-map.yaml");
const DEPLOYMENT: &str = include_str!("deployment.yaml");
const SERVICE: &str = include_str!("service.yaml");
const CATALOGUE_LINE: &str =
    "      article-NUMBER;\"A thing, number NUMBER: small\";19.99;EUR;warehouse-3;available\n";
