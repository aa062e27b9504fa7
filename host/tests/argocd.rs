//! `runner-terminal argocd` in the folder of an application, without an Argo CD around it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A runner among fixtures of other tests, as plain manifests.
const RUNNER: &str = include_str!("../../tests/fixtures/chart/chart-default.yaml");

fn argocd(what: &str, folder: &Path, parameters: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runner-terminal"))
        .args(["argocd", what])
        .current_dir(folder)
        .env_clear()
        .env("PATH", folder.join("no-programs"))
        .env("ARGOCD_APP_NAME", "argocd_runner")
        .env("ARGOCD_APP_NAMESPACE", "ci")
        .env("ARGOCD_APP_PARAMETERS", parameters)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_application_is_found_built_and_described() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("runner.yaml"), RUNNER).unwrap();
    assert!(argocd("discover", folder.path(), "[]").stdout.is_empty());
    // An empty file marks the application as the plugin's, and leaves the rest to the parameters.
    fs::write(folder.path().join("runner-terminal.yaml"), "").unwrap();
    let found = argocd("discover", folder.path(), "[]");
    assert_eq!(text(&found.stdout), "runner\n");

    let parameters = r#"[{"name": "source", "string": "Items"}]"#;
    let built = argocd("generate", folder.path(), parameters);
    assert!(built.status.success(), "{}", text(&built.stderr));
    assert!(text(&built.stdout).contains("name: gr-gitlab-runner-session-server\n"));
    assert!(
        text(&built.stderr)
            .lines()
            .all(|line| line.starts_with("warning: Service ci/gr-gitlab-runner-session-server")),
        "{}",
        text(&built.stderr)
    );

    let described = argocd("parameters", folder.path(), "[]");
    assert!(text(&described.stdout).starts_with(r#"[{"#));
}

/// The error has to say what the sidecar lacks.
#[test]
fn a_program_that_is_missing_is_named() {
    for (file, program) in [("kustomization.yaml", "kustomize"), ("Chart.yaml", "helm")] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), "{}\n").unwrap();
        let refused = argocd("generate", folder.path(), "[]");
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(
            text(&refused.stderr),
            format!(
                "runner-terminal: {program} is not on PATH: whoever runs the plugin has to put it \
                 into the sidecar\n"
            )
        );
    }
}

#[test]
fn a_folder_without_manifests_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = argocd("generate", folder.path(), "[]");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("has no manifests"));
    assert_eq!(text(&refused.stderr).lines().count(), 1);
}
