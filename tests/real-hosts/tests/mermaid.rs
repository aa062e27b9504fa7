//! Mermaid draws the diagrams of the docs and those of `explain --mermaid`, and shows each label as it is
//! meant.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use real_hosts::workspace_root;

/// The script that draws them: the one of the book.
fn script(folder: &Path) -> PathBuf {
    fs::write(folder.join("book.toml"), "[book]\n").unwrap();
    let program = workspace_root().join("target/hosts/bin/mdbook-mermaid");
    let mut install = Command::new(&program);
    let install = install.arg("install").arg(folder).output();
    let install = install.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(install.status.success(), "{install:?}");
    folder.join("mermaid.min.js")
}

/// The files in a folder whose names begin and end so.
fn files(folder: &str, start: &str, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace_root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(start) && name.ends_with(end)
        })
        .collect();
    paths.sort();
    paths
}

/// Each diagram, and the file that it is from.
fn diagrams() -> Vec<(String, String)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut found = Vec::new();
    for page in files("docs", "", ".md") {
        let text = fs::read_to_string(&page).unwrap();
        for block in text.split("\n```mermaid\n").skip(1) {
            let (diagram, _) = block.split_once("\n```").unwrap();
            found.push((name(&page), diagram.to_owned()));
        }
    }
    for snapshot in files("tests/snapshots", "diagram__", ".snap") {
        let text = fs::read_to_string(&snapshot).unwrap();
        let (_, diagram) = text.split_once("\n---\n").unwrap();
        found.push((name(&snapshot), diagram.to_owned()));
    }
    found
}

/// A page that draws each diagram and ends with one line for each that is wrong, and their number.
fn page(script: &Path, diagrams: &[(String, String)]) -> String {
    // No text ends the script: `<` is written by its number.
    let data = serde_json::to_string(diagrams)
        .unwrap()
        .replace('<', "\\u003c");
    format!(
        r#"<!doctype html><meta charset=utf-8><body><script src="{}"></script><script>
const diagrams = {data};
async function draw() {{
  mermaid.initialize({{ startOnLoad: false }});
  const faults = [];
  for (const [name, text] of diagrams) {{
    try {{
      const {{ svg }} = await mermaid.render("drawn", text);
      const fault = svg.match(/Unsupported markdown: \w+|Syntax error/);
      if (fault) faults.push(`${{name}}: ${{fault[0]}}`);
    }} catch (error) {{
      faults.push(`${{name}}: ${{error}}`);
    }}
  }}
  document.body.textContent = `FAULTS ${{faults.join("; ")}} END of ${{diagrams.length}}`;
}}
draw();
</script>"#,
        script.display()
    )
}

#[test]
fn every_diagram_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let diagrams = diagrams();
    let of_docs = diagrams.iter().filter(|(name, _)| name.ends_with(".md"));
    assert!(
        of_docs.count() >= 9 && diagrams.len() >= 200,
        "{}",
        diagrams.len()
    );
    let path = folder.path().join("page.html");
    fs::write(&path, page(&script(folder.path()), &diagrams)).unwrap();
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let output = Command::new(browser)
        // Chromium's sandbox needs users other than root, whom containers mostly are.
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        // Milliseconds, in which time stands still while the page computes.
        .args(["--virtual-time-budget=600000", "--user-data-dir"])
        .arg(folder.path().join("profile"))
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let (_, faults) = shown
        .split_once("FAULTS ")
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let expected = format!(" END of {}", diagrams.len());
    assert!(faults.starts_with(&expected), "{faults}");
}
