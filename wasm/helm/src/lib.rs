//! runner-terminal as an Extism plugin: a post-renderer of Helm 4, in Helm's own sandbox.
//!
//! Helm's message has the manifests and the arguments of `--post-renderer-args`; what goes back
//! has the manifests with the session servers.

#[cfg(target_family = "wasm")]
mod extism;
mod message;
mod render;

use message::{Input, Output};

/// What goes back to Helm.
#[derive(Debug)]
pub struct Answer {
    /// The message.
    pub message: Vec<u8>,
    /// What the functions have to say, as lines; empty when there is nothing.
    pub report: String,
}

/// Answers a message of Helm's. `configuration` is that of the plugin: functionConfigs, for where
/// the arguments are none.
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
