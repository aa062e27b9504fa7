//! Which functionConfigs are used on manifests.

use super::{Document, DocumentError, is_function_config, split};
use crate::yaml::Tree;

/// The functionConfig where there is none: all defaults.
const DEFAULT: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
";

/// A functionConfig, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config<'text> {
    /// `path:line`; empty for the default.
    pub place: String,
    /// One document.
    pub text: &'text str,
}

/// The functionConfigs to use, in their order: the documents of `given`; where there are none,
/// those among the manifests; else the default, a SessionServer without settings. Files are given
/// as (path, text).
///
/// Among manifests an order means nothing, so SessionServers come first: the Service has to be
/// there before its address is asked for.
///
/// # Errors
///
/// [`DocumentError`] where a file has what cannot stand in a list.
pub fn function_configs<'text>(
    manifests: &[(&str, &'text str)],
    given: &[(&str, &'text str)],
) -> Result<Vec<Config<'text>>, DocumentError> {
    let mut configs = all(given)?;
    if configs.is_empty() {
        configs = all(manifests)?;
        configs.retain(|config| is_function_config(config.text));
        configs.sort_by_key(|config| kind(config.text).as_deref() != Some("SessionServer"));
    }
    if configs.is_empty() {
        configs.push(Config {
            place: String::new(),
            text: DEFAULT,
        });
    }
    Ok(configs)
}

fn all<'text>(files: &[(&str, &'text str)]) -> Result<Vec<Config<'text>>, DocumentError> {
    let config = |document: &Document| {
        let path = files.get(document.file).map_or("", |(path, _)| path);
        Config {
            place: format!("{path}:{}", document.line),
            text: document.text(files),
        }
    };
    Ok(split(files)?.iter().map(config).collect())
}

fn kind(document: &str) -> Option<String> {
    let tree = Tree::parse(document).ok()?;
    let value = tree.value_of(tree.root()?).ok()?;
    Some(value.get("kind")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "apiVersion: runner-terminal.dev/v1alpha1\nkind: AdvertiseAddress\n";

    fn places(manifests: &[(&str, &str)], given: &[(&str, &str)]) -> Vec<String> {
        let configs = function_configs(manifests, given).unwrap();
        configs.into_iter().map(|config| config.place).collect()
    }

    #[test]
    fn those_that_are_given_come_before_those_among_the_manifests() {
        let manifests = format!("kind: Pod\n---\n{ADDRESS}---\n{DEFAULT}");
        let manifests = [("a.yaml", manifests.as_str())];
        assert_eq!(places(&manifests, &[]), ["a.yaml:6", "a.yaml:3"]);
        let given = format!("{ADDRESS}---\n{DEFAULT}");
        assert_eq!(
            places(&manifests, &[("c.yaml", &given), ("d.yaml", ADDRESS)]),
            ["c.yaml:1", "c.yaml:4", "d.yaml:1"]
        );
        assert_eq!(
            places(&[("a.yaml", "kind: Pod\n")], &[("c", "# none\n")]),
            [""]
        );
        assert_eq!(function_configs(&[], &[]).unwrap()[0].text, DEFAULT);
    }
}
