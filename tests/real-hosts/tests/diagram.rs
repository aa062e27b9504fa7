//! The diagrams in the docs are those of the example.

use std::fs;
use std::path::Path;
use std::process::Command;

use real_hosts::{host, launcher, run_launcher, workspace_root};

/// The output of `explain` with this flag, for the example.
fn picture(flag: &str) -> String {
    let root = workspace_root();
    let base = root.join("kustomization/example/base");
    let built = Command::new(host("kustomize"))
        .arg("build")
        .arg(base)
        .output();
    let built = built.unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let mut command = launcher(Path::new("/nonexistent"));
    command.current_dir(root).args(["explain", flag, "-c"]);
    command.arg("kustomization/example/session-server.yaml");
    let drawn = run_launcher(&mut command, &built.stdout);
    assert!(
        drawn.status.success(),
        "{}",
        String::from_utf8_lossy(&drawn.stderr)
    );
    String::from_utf8(drawn.stdout).unwrap()
}

/// Set `UPDATE_DIAGRAM=1` to update them, and review them.
#[test]
fn the_docs_show_the_example() {
    let docs = workspace_root().join("docs");
    let (page, drawing) = (docs.join("diagram.md"), docs.join("diagram.svg"));
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once("```mermaid\n").unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    let wanted = format!("{before}```mermaid\n{}```\n{after}", picture("--mermaid"));
    let svg = picture("--svg");
    if std::env::var_os("UPDATE_DIAGRAM").is_some() {
        fs::write(&page, &wanted).unwrap();
        fs::write(&drawing, &svg).unwrap();
    }
    assert!(
        fs::read_to_string(page).unwrap() == wanted,
        "docs/diagram.md is out of date"
    );
    let shown = fs::read_to_string(drawing).unwrap_or_default();
    assert!(shown == svg, "docs/diagram.svg is out of date");
}
