//! What is left to do: how each host runs the function, and what only the user can make.

use std::path::Path;

use serde_json::{Value, json};

use super::config::Settings;
use super::decision::ExposureType;
use crate::arguments::FunctionHost;
use crate::manifests::shown;
use crate::table::{WIDTH, wrap};

/// The name of the function config's file, as the host looks for it.
pub(super) fn file_name(host: FunctionHost) -> &'static str {
    match host {
        FunctionHost::ArgoCd => "runner-terminal.yaml",
        _ => "session-server.yaml",
    }
}

/// The fields and the entry of a kustomization or a Kptfile that run the function.
pub(super) fn entry(host: FunctionHost) -> (&'static [&'static str], Value) {
    let name = file_name(host);
    match host {
        FunctionHost::Kpt => (
            &["pipeline", "mutators"],
            json!({"exec": "runner-terminal", "configPath": name}),
        ),
        _ => (&["transformers"], name.into()),
    }
}

/// The file that runs the function.
pub(super) struct Edited {
    pub(super) path: String,
    /// It had the entry before.
    pub(super) had_entry: bool,
}

/// The page that says what was written and what to do next.
pub(super) fn page(
    settings: &Settings,
    written: &str,
    folder: &Path,
    edited: Option<&Edited>,
) -> String {
    let mut page = format!(
        "{written} has a SessionServer with exposure {}.\n",
        settings.exposure.name()
    );
    match edited {
        Some(Edited {
            path,
            had_entry: true,
        }) => page.push_str(&format!("{path} names it already.\n")),
        Some(Edited { path, .. }) => page.push_str(&format!("{path} names it now.\n")),
        None => {
            let file = match settings.host {
                FunctionHost::Kustomize => Some("kustomization.yaml"),
                FunctionHost::Kpt => Some("Kptfile"),
                _ => None,
            };
            if let Some(file) = file {
                let (fields, entry) = entry(settings.host);
                let nested = fields
                    .iter()
                    .rev()
                    .fold(json!([entry]), |value, field| json!({ (*field): value }));
                let lines = indented(&yaml_splice::document(&nested));
                page.push_str(&format!(
                    "\nAdd to {file}, or run this with --write:\n\n{lines}"
                ));
            }
        }
    }
    for note in notes(settings) {
        page.push_str(&format!("\n{}\n", wrap(&note, WIDTH).join("\n")));
    }
    let (how, commands) = commands(settings.host, written, &shown(folder));
    page.push_str(&format!("\n{how}\n\n{}", indented(&commands)));
    page
}

fn indented(lines: &str) -> String {
    lines.lines().map(|line| format!("  {line}\n")).collect()
}

/// What only the user can make.
fn notes(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(image) = &settings.image {
        notes.push(format!(
            "The image {image} has to be in that registry: docs/distribution.md says how it is built."
        ));
    }
    if let Some(name) = &settings.dns_name {
        let (name, target) = match settings.exposure {
            ExposureType::Relay => (format!("*.{name}"), "the entry of the relay"),
            ExposureType::Ingress => (name.clone(), "the ingress controller"),
            ExposureType::Gateway => (name.clone(), "the Gateway"),
            _ => (
                name.clone(),
                "the relay, which runs where GitLab reaches it (docs/relay.md)",
            ),
        };
        notes.push(format!("The DNS name {name} has to lead to {target}."));
    }
    if let Some(namespace) = &settings.relay_namespace {
        notes.push(format!(
            "The namespace {namespace} has to exist: the relay runs there."
        ));
    }
    notes
}

/// What the commands do, and the commands.
fn commands(host: FunctionHost, file: &str, folder: &str) -> (&'static str, String) {
    match host {
        FunctionHost::Kustomize => (
            "Then see what is added, apply it, and look whether all is well:",
            format!(
                "kustomize build --enable-alpha-plugins --enable-exec {folder}\n\
                 kustomize build --enable-alpha-plugins --enable-exec {folder} |\n  \
                 kubectl apply -f -\n\
                 runner-terminal doctor -k {folder}\n"
            ),
        ),
        FunctionHost::ArgoCd => (
            "With this file, the plugin builds the application (docs/argo-cd.md). To see that:",
            format!("cd {folder} && runner-terminal argocd generate\n"),
        ),
        FunctionHost::Kpt => (
            "Then render the package:",
            format!("kpt fn render {folder} --allow-exec\n"),
        ),
        FunctionHost::Helm => (
            "Pass it with each install and upgrade (docs/helm.md installs the plugin):",
            format!(
                "helm upgrade --install RELEASE CHART --namespace NAMESPACE \\\n  \
                 --post-renderer runner-terminal --post-renderer-args -c \\\n  \
                 --post-renderer-args {file}\n"
            ),
        ),
        FunctionHost::None => (
            "Then write what the function adds as files, for Flux and kubectl apply -k,\nor into plain \
             manifests:",
            format!(
                "runner-terminal export -k KUSTOMIZATION -c {file} -o terminals\n\
                 runner-terminal apply-to -c {file} --in-place MANIFESTS\n"
            ),
        ),
    }
}
