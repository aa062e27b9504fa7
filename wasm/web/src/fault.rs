//! Input that cannot be read at all.

use runner_terminal::documents::{ConfigFault, DocumentError, FUNCTION_CONFIG};
use serde::Serialize;

/// What of the input it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Input {
    Manifests,
    FunctionConfig,
    Observed,
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

    pub(crate) fn to_json(&self) -> String {
        crate::json(self)
    }
}
