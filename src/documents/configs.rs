//! Which functionConfigs are used on manifests.

use std::borrow::Cow;

use crate::function_config::FunctionConfig;
use krm::documents::{Document, DocumentError, FUNCTION_CONFIG, Problem, line_of, split};
use yaml_splice::Tree;

/// The functionConfig where there is none: all defaults.
const DEFAULT: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
";

/// A functionConfig, and its position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config<'text> {
    /// The path of its file, or a description of its origin; empty for the default.
    pub file: String,
    /// Its line in the file, from 1; 0 if it is not in a file.
    pub line: usize,
    /// One document.
    pub text: Cow<'text, str>,
}

/// Why a functionConfig cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The path of the file.
    pub file: String,
    /// The line of the field, or of the closest field that contains it; 0 if it is not in a file.
    pub line: usize,
    /// The field: `spec.exposure.type`; empty if the text is not YAML.
    pub field: String,
    /// What is wrong, and what would be valid.
    pub message: String,
}

impl Config<'_> {
    /// `path:line`; empty for the default.
    pub fn place(&self) -> String {
        if self.line == 0 {
            self.file.clone()
        } else {
            format!("{}:{}", self.file, self.line)
        }
    }

    /// True for the default, a SessionServer without settings.
    pub fn is_default(&self) -> bool {
        self.file.is_empty() && self.text == DEFAULT
    }

    /// The same, without borrowing.
    pub fn into_owned(self) -> Config<'static> {
        Config {
            file: self.file,
            line: self.line,
            text: Cow::Owned(self.text.into_owned()),
        }
    }

    /// Parses the functionConfig.
    ///
    /// # Errors
    ///
    /// [`ConfigFault`] if the text is not YAML, or not a functionConfig of this function.
    pub fn parse(&self) -> Result<FunctionConfig, ConfigFault> {
        let tree = Tree::parse(&self.text);
        let value = tree.as_ref().map_err(Clone::clone);
        let value = value.and_then(Tree::to_value).map_err(|error| {
            self.fault(error.line, String::new(), Problem::from(error).to_string())
        })?;
        FunctionConfig::parse(&value).map_err(|error| {
            let line = tree.map_or(1, |tree| line_of(&tree, &error.path));
            self.fault(line, error.path, error.message)
        })
    }

    fn fault(&self, line: usize, field: String, message: String) -> ConfigFault {
        ConfigFault {
            file: self.file.clone(),
            line: self.line_in_file(line),
            field,
            message,
        }
    }

    /// Converts a line of its text to a line of its file.
    pub fn line_in_file(&self, line: usize) -> usize {
        match self.line {
            0 => 0,
            first => first + line.saturating_sub(1),
        }
    }

    /// Moves an error in the functionConfig to the file that holds it.
    pub(super) fn blamed(&self, error: DocumentError) -> DocumentError {
        if error.path != FUNCTION_CONFIG || self.file.is_empty() {
            return error;
        }
        DocumentError {
            path: self.file.clone(),
            line: self.line_in_file(error.line),
            problem: error.problem,
        }
    }
}

/// The functionConfigs to use, in their order: the documents of `given`; where there are none,
/// those among the manifests; else the default, a SessionServer without settings. Files are given
/// as (path, text).
///
/// The order of manifests has no meaning, so SessionServers come first: the Service must exist
/// before its address is looked up. VerifyTerminals come last, when everything is written.
///
/// # Errors
///
/// [`DocumentError`] if a file has content that a ResourceList cannot hold.
pub fn function_configs<'text>(
    manifests: &[(&str, &'text str)],
    given: &[(&str, &'text str)],
) -> Result<Vec<Config<'text>>, DocumentError> {
    function_configs_of(manifests, &split(manifests)?, given)
}

/// Like [`function_configs`], for manifests that are already split.
///
/// # Errors
///
/// [`DocumentError`] if one of the given files has content that a ResourceList cannot hold.
pub fn function_configs_of<'text>(
    manifests: &[(&str, &'text str)],
    documents: &[Document],
    given: &[(&str, &'text str)],
) -> Result<Vec<Config<'text>>, DocumentError> {
    let documents = documents.iter();
    let mut configs = of_documents(given, split(given)?.iter());
    if configs.is_empty() {
        configs = of_documents(
            manifests,
            documents.filter(|document| document.is_function_config),
        );
        configs.sort_by_cached_key(|config| match kind(&config.text).as_deref() {
            Some("SessionServer") => 0,
            Some("VerifyTerminals") => 2,
            _ => 1,
        });
    }
    if configs.is_empty() {
        configs.push(Config {
            text: Cow::Borrowed(DEFAULT),
            ..Config::default()
        });
    }
    Ok(configs)
}

fn of_documents<'text, 'd>(
    files: &[(&str, &'text str)],
    documents: impl Iterator<Item = &'d Document>,
) -> Vec<Config<'text>> {
    let config = |document: &Document| {
        let path = files.get(document.file).map_or(&"", |(path, _)| path);
        Config {
            file: (*path).to_owned(),
            line: document.line,
            text: Cow::Borrowed(document.text(files)),
        }
    };
    documents.map(config).collect()
}

pub(super) fn kind(document: &str) -> Option<String> {
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
        configs.iter().map(Config::place).collect()
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
        let verify = ADDRESS.replace("AdvertiseAddress", "VerifyTerminals");
        let manifests = format!("{verify}---\n{ADDRESS}---\n{DEFAULT}");
        assert_eq!(
            places(&[("a.yaml", &manifests)], &[]),
            ["a.yaml:7", "a.yaml:4", "a.yaml:1"]
        );
        assert_eq!(
            places(&[("a.yaml", "kind: Pod\n")], &[("c", "# none\n")]),
            [""]
        );
        assert_eq!(function_configs(&[], &[]).unwrap()[0].text, DEFAULT);
    }

    fn fault(text: &str) -> (usize, String, String) {
        let files = [("c.yaml", text)];
        let configs = function_configs(&[], &files).unwrap();
        let fault = configs[0].parse().unwrap_err();
        assert_eq!(fault.file, "c.yaml");
        (fault.line, fault.field, fault.message)
    }

    #[test]
    fn a_fault_has_the_field_and_its_line() {
        assert!(function_configs(&[], &[]).unwrap()[0].parse().is_ok());
        let (line, field, message) = fault(&format!(
            "# ours\n---\n{DEFAULT}spec:\n  exposure:\n    typ: NodePort\n"
        ));
        assert_eq!((line, field.as_str()), (9, "spec.exposure.typ"));
        assert!(message.starts_with("there is no field"), "{message}");
        let (line, field, _) = fault(&DEFAULT.replace("SessionServer", "Session"));
        assert_eq!((line, field.as_str()), (2, "kind"));
        let (line, field, _) = fault(&format!(
            "{DEFAULT}spec:\n  readers:\n  - {{namespace: a, serviceAccount: b}}\n  - namespace: a\n"
        ));
        assert_eq!(
            (line, field.as_str()),
            (8, "spec.readers[1].serviceAccount")
        );
        let (line, field, _) = fault(&format!("{DEFAULT}spec: [\n"));
        assert_eq!((line, field.as_str()), (6, ""));
    }
}
