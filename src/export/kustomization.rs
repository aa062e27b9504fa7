//! Whether a Component may stand in a kustomization itself, or has to stand in one around it.

use serde_json::Value;
use yaml_splice::Tree;

/// The fields of a kustomization that take effect before its components, or do not change what these
/// refer to.
///
/// Source: `accumulateTarget` in kustomize's `api/internal/target`: resources, generators, components,
/// and then all transformers.
const HARMLESS: [&str; 18] = [
    "apiVersion",
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "components",
    "configMapGenerator",
    "configurations",
    "crds",
    "generatorOptions",
    "generators",
    "helmCharts",
    "helmGlobals",
    "images",
    "kind",
    "metadata",
    "openapi",
    "resources",
    "secretGenerator",
];

/// The first field of a kustomization's text that changes resources after its components: they see
/// names, namespaces and fields before it. `None` where there is none, or the text is no YAML.
pub fn own_transformers(kustomization: &str) -> Option<String> {
    let value = Tree::parse(kustomization).and_then(|tree| tree.to_value());
    let Ok(Value::Object(fields)) = value else {
        return None;
    };
    let late = |name: &&String| !HARMLESS.contains(&name.as_str()) && *name != "sortOptions";
    fields.keys().find(late).cloned()
}
