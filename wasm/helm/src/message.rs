//! The messages of Helm's post-renderers of type `postrenderer/v1`.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// The input from Helm.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) manifests: String,
    /// The functionConfigs among the arguments: a plugin has no files to read them from.
    pub(crate) configs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputMessage {
    manifests: Option<Manifests>,
    extra_args: Option<Vec<String>>,
}

/// The manifests, or what Helm 4.3.1 writes instead: an empty object, which is how Go serialises a
/// buffer to JSON.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifests {
    Text(String),
    Other(IgnoredAny),
}

impl Input {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// What is wrong, for the person who runs Helm.
    pub(crate) fn read(message: &[u8]) -> Result<Self, String> {
        let message: InputMessage = serde_json::from_slice(message).map_err(|error| {
            format!("runner-terminal: this is no message of Helm's to a post-renderer: {error}")
        })?;
        let Some(Manifests::Text(manifests)) = message.manifests else {
            return Err(
                "runner-terminal: Helm has given no manifests; up to version 4.3.1 it gives \
                 plugins in WebAssembly none, so install the plugin runner-terminal in place of \
                 runner-terminal-wasm"
                    .to_owned(),
            );
        };
        let configs = message.extra_args.unwrap_or_default();
        if let Some(word) = configs.iter().find(|config| !config.contains(':')) {
            return Err(format!(
                "runner-terminal: --post-renderer-args is `{word}`; this plugin has no files, so \
                 give it the functionConfig itself, as YAML"
            ));
        }
        Ok(Self { manifests, configs })
    }
}

/// The output for Helm.
#[derive(Serialize)]
pub(crate) struct Output<'text> {
    manifests: &'text str,
}

impl Output<'_> {
    /// Writes the message.
    ///
    /// # Errors
    ///
    /// None that is known: a text can always be written as JSON.
    pub(crate) fn write(manifests: &str) -> Result<Vec<u8>, String> {
        serde_json::to_vec(&Output { manifests }).map_err(|error| error.to_string())
    }
}
