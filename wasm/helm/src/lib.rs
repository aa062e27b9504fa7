//! runner-terminal as an Extism plugin: a post-renderer of Helm 4, in Helm's own sandbox.
//!
//! The input message has the manifests and the arguments of `--post-renderer-args`; the output
//! message has the manifests with the session servers.

#[cfg(target_family = "wasm")]
mod extism;
mod message;
mod render;

use message::{Input, Output};

/// The answer to Helm.
#[derive(Debug)]
pub struct Answer {
    /// The message.
    pub message: Vec<u8>,
    /// The messages of the functions, as lines; empty if there are none.
    pub report: String,
}

/// Answers a message from Helm. `configuration` is that of the plugin: functionConfigs to use if
/// the arguments have none.
///
/// # Errors
///
/// What is wrong, for the person who runs Helm.
pub fn answer(message: &[u8], configuration: &str) -> Result<Answer, String> {
    let input = Input::read(message)?;
    let configs: Vec<_> = if input.configs.is_empty() {
        vec![("functionConfigs of the plugin", configuration)]
    } else {
        let arguments = input.configs.iter();
        arguments
            .map(|config| ("--post-renderer-args", config.as_str()))
            .collect()
    };
    let rendered = render::render(&input.manifests, &configs)?;
    Ok(Answer {
        message: Output::write(&rendered.manifests)?,
        report: rendered.report,
    })
}
