//! Input that cannot be parsed.

use krm::documents::{DocumentError, FUNCTION_CONFIG};
use runner_terminal::documents::ConfigFault;
use serde::Serialize;
use yaml_splice::{EditError, YamlError};

/// The names, in errors, of the text that `parse` and `edit` take, and of its patch.
const YAML: &str = "yaml";
const PATCH: &str = "patch";

/// The part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Input {
    Manifests,
    FunctionConfig,
    Observed,
    Yaml,
    Patch,
}

/// Why there is no result, and where to look: a `RunnerTerminalError`.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    message: String,
    input: Input,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Fault {
    pub(crate) fn of_document(input: Input, error: DocumentError) -> Self {
        let message = error.to_string();
        Self {
            input: match error.path == FUNCTION_CONFIG {
                true => Input::FunctionConfig,
                false => input,
            },
            message,
            file: error.path,
            line: Some(error.line),
            field: None,
        }
    }

    pub(crate) fn of_config(input: Input, fault: ConfigFault) -> Self {
        let place = match fault.line {
            0 => fault.file.clone(),
            line => format!("{}:{line}", fault.file),
        };
        let what = match fault.field.is_empty() {
            true => fault.message,
            false => format!("{}: {}", fault.field, fault.message),
        };
        Self {
            message: format!("{place}: {what}"),
            input,
            file: fault.file,
            line: (fault.line > 0).then_some(fault.line),
            field: (!fault.field.is_empty()).then_some(fault.field),
        }
    }

    pub(crate) fn of_yaml(error: YamlError) -> Self {
        let error = DocumentError {
            path: YAML.to_owned(),
            line: error.line,
            problem: error.into(),
        };
        Self::of_document(Input::Yaml, error)
    }

    /// The error for a document that is a list.
    pub(crate) fn of_list() -> Self {
        Self {
            message: format!("{YAML}: this is a list, and only a mapping can be edited"),
            input: Input::Yaml,
            file: YAML.to_owned(),
            line: None,
            field: None,
        }
    }

    pub(crate) fn of_patch(what: &str) -> Self {
        Self {
            message: format!("{PATCH}: {what}"),
            input: Input::Patch,
            file: PATCH.to_owned(),
            line: None,
            field: None,
        }
    }

    pub(crate) fn of_edit(error: EditError) -> Self {
        let message = format!("{YAML}: {error}");
        match error {
            EditError::Yaml(error) => Self::of_yaml(error),
            EditError::Internal(_) => Self {
                message,
                input: Input::Yaml,
                file: YAML.to_owned(),
                line: None,
                field: None,
            },
            EditError::NoSuchPath { path }
            | EditError::Unsupported { path }
            | EditError::TabBelow { path }
            | EditError::LongKey { path }
            | EditError::NotFaithful { path } => Self {
                message,
                input: Input::Yaml,
                file: YAML.to_owned(),
                line: None,
                field: Some(path),
            },
        }
    }

    pub(crate) fn to_json(&self) -> String {
        crate::json(self)
    }
}
