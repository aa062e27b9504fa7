//! Finds the position in the given files that a result is about.

use krm::documents::{FieldLines, FileResource, FoundResources, line_of};
use krm::results::FunctionResult;
use runner_terminal::documents::Config;
use serde::Serialize;
use yaml_splice::Tree;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The path of the file, as given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// Locates results, each from a run with this config on these files: the field of the resource, or
/// of the functionConfig. If the field does not exist, it is the closest parent; if the resource
/// does not exist, `None`.
pub fn locate<'r>(
    files: &[(&str, &str)],
    results: impl IntoIterator<Item = (&'r Config<'r>, &'r FunctionResult)>,
) -> Vec<Option<Location>> {
    let results: Vec<(&Config<'_>, &FunctionResult)> = results.into_iter().collect();
    let wanted = results
        .iter()
        .filter_map(|(_, result)| result.resource_ref.clone());
    let found = FoundResources::of(files, &wanted.collect::<Vec<_>>());
    let mut lines = FieldLines::new(files);
    let mut in_files = |result: &FunctionResult| {
        let FileResource { document, path, .. } = found.get(result.resource_ref.as_ref()?)?;
        let field = result.field.as_ref().map_or("", |field| &field.path);
        let dot = if path.is_empty() || field.is_empty() || field.starts_with('[') {
            ""
        } else {
            "."
        };
        Some(Location {
            file: files.get(document.file)?.0.to_owned(),
            line: lines.line_in_file(document, &format!("{path}{dot}{field}")),
        })
    };
    results
        .into_iter()
        .map(
            |(config, result)| match (&result.resource_ref, &result.config_field) {
                (None, Some(field)) => in_config(config, field),
                _ => in_files(result),
            },
        )
        .collect()
}

fn in_config(config: &Config<'_>, field: &str) -> Option<Location> {
    let line = Tree::parse(&config.text).map_or(1, |tree| line_of(&tree, field));
    (config.line > 0).then(|| Location {
        file: config.file.clone(),
        line: config.line_in_file(line),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use krm::resource::Identity;
    use krm::results::Severity;
    use runner_terminal::documents::function_configs;

    #[test]
    fn results_are_located_in_their_file() {
        let files = [
            ("a.yaml", "kind: Pod\nmetadata: {name: p}\n"),
            (
                "b.yaml",
                "# b\n---\nkind: Pod\nmetadata:\n  name: p\n  namespace: ci\nspec:\n  x: 1\n",
            ),
        ];
        let given = [("functionConfig", "# mine\nkind: A\nspec:\n  address: x\n")];
        let config = &function_configs(&files, &given).unwrap()[0];
        let default = &function_configs(&files, &[]).unwrap()[0];
        let pod = |namespace: &str| Identity {
            kind: "Pod".to_owned(),
            name: "p".to_owned(),
            namespace: namespace.to_owned(),
            ..Identity::default()
        };
        let about = |namespace| FunctionResult::error("x").about(&pod(namespace));
        let results = [
            about("").at("metadata.name"),
            about("ci").at("spec.x"),
            about("ci"),
            about("other"),
            FunctionResult::about_config(Severity::Error, "spec.address", "is wrong"),
            FunctionResult::error("functionConfig spec.address: is wrong").about(&pod("ci")),
            FunctionResult::error("nothing in particular"),
        ];
        let located = |config| -> Vec<String> {
            locate(&files, results.iter().map(|result| (config, result)))
                .into_iter()
                .map(|place| match place {
                    Some(place) => format!("{}:{}", place.file, place.line),
                    None => "-".to_owned(),
                })
                .collect()
        };
        assert_eq!(
            located(config),
            [
                "a.yaml:2",
                "b.yaml:8",
                "b.yaml:3",
                "-",
                "functionConfig:4",
                "b.yaml:3",
                "-"
            ]
        );
        assert_eq!(located(default)[4], "-");

        let wrapped = [
            (
                "l.yaml",
                "kind: List\nitems:\n- kind: A\n- kind: Pod\n  metadata:\n    name: p\n",
            ),
            (
                "t.json",
                "[{\"kind\": \"Pod\", \"metadata\": {\"name\": \"q\"}},\n{\"kind\": \"List\", \"items\": [\n{\"kind\": \"Pod\", \"metadata\": {\"name\": \"p\",\n\"namespace\": \"ci\"}}]}]",
            ),
        ];
        let results = [
            about(""),
            about("").at("metadata.name"),
            about("ci").at("metadata.namespace"),
        ];
        let lines: Vec<_> = locate(&wrapped, results.iter().map(|result| (config, result)))
            .into_iter()
            .map(|place| place.map(|place| (place.file, place.line)))
            .collect();
        let place = |file: &str, line| Some((file.to_owned(), line));
        assert_eq!(
            lines,
            [place("l.yaml", 4), place("l.yaml", 6), place("t.json", 4)]
        );

        let broken = [files[0], ("x.yaml", "a: [\n"), files[1]];
        let about = about("ci").at("spec.x");
        let located = locate(&broken, [(config, &about)]);
        assert_eq!(located[0].as_ref().map(|place| place.line), Some(8));
    }
}
