//! What `export` writes, built by the real kustomize and kubectl: it gives what the function gives, for
//! every case and fixture that the function serves.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use krm::documents::split;
use real_hosts::{host, workspace_root};
use runner_terminal::documents::{Applied, Run, apply, function_configs};
use runner_terminal::export::{Change, ExportError, Secrets, changes, compare, component, export};
use serde_json::Value;
use yaml_splice::Tree;

/// A case, and what the function makes of it.
struct Served {
    name: String,
    changes: Vec<Change>,
}

/// The files in the folders below a folder of `tests`, and in that folder.
fn files(folder: &str) -> Vec<(String, String)> {
    let root = workspace_root().join("tests");
    let mut open = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_kustomization = path.join("kustomization.yaml").exists();
            if path.is_dir() && !is_kustomization && !path.ends_with("cases/kustomize") {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end == "yaml" || end == "json")
            {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn value(text: &str) -> Value {
    let tree = Tree::parse(text).and_then(|tree| tree.to_value());
    tree.unwrap_or_default()
}

/// Manifests, and a functionConfig where it is not among them.
fn input(name: &str, text: &str) -> (String, Option<String>) {
    let list = if name.starts_with("fixtures/") {
        value(text)
    } else {
        Value::Null
    };
    if list["kind"] == "ResourceList" {
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let items = items.iter().map(|item| format!("---\n{item}\n"));
        return (items.collect(), Some(list["functionConfig"].to_string()));
    }
    let header: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with("# "))
        .collect();
    let config = header
        .iter()
        .find_map(|line| line.strip_prefix("# config: "));
    let config = config.filter(|spec| *spec != "default").map(|spec| {
        format!(
            "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n\
             metadata: {{name: session-server}}\nspec: {spec}\n"
        )
    });
    let body = match name.ends_with(".json") {
        true => text
            .lines()
            .skip(header.len())
            .collect::<Vec<_>>()
            .join("\n"),
        false => text.to_owned(),
    };
    (body, config)
}

/// Runs the function; `None` where it fails, or changes nothing.
fn serve(name: &str, text: &str) -> Option<Served> {
    let (text, config) = input(name, text);
    let path = Path::new(name).file_name().unwrap().to_str().unwrap();
    let files = [(path, text.as_str())];
    let given = config.as_deref().map(|text| ("config.yaml", text));
    let configs = function_configs(&files, given.as_slice()).ok()?;
    let applied: Applied = apply(&files, &configs, |list| {
        Ok::<_, Infallible>(Run::from(&runner_terminal::run(list.as_bytes())))
    })
    .ok()?;
    if applied.failed {
        return None;
    }
    let after = [(path, applied.texts[0].as_str())];
    let mut found = changes(
        (&files, &split(&files).unwrap()),
        (&after, &applied.documents),
        &applied.alignment.resources,
    );
    found.retain(|change| !is_injected(change));
    let changes_something = found.iter().any(|one| one.before != one.after);
    changes_something.then(|| Served {
        name: name.to_owned(),
        changes: found,
    })
}

/// True for what a host has put into the list, which is no manifest.
fn is_injected(change: &Change) -> bool {
    let before = change.before.as_ref();
    let annotations = before.and_then(|before| before.pointer("/metadata/annotations"));
    annotations.is_some_and(|one| one.get("runner-terminal.dev/observed").is_some())
}

/// Each case and fixture that the function serves.
fn served() -> Vec<Served> {
    let all = ["cases", "fixtures"].into_iter().flat_map(files);
    all.filter_map(|(name, text)| serve(&name, &text)).collect()
}

fn stream<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    values.map(|value| format!("---\n{value}\n")).collect()
}

/// Builds a folder; the resources, or what is wrong.
fn build(program: &[&str], folder: &Path) -> Result<Vec<Value>, String> {
    let [program, arguments @ ..] = program else {
        return Err("no program".to_owned());
    };
    let output = Command::new(host(program))
        .args(arguments)
        .arg(folder)
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let files = [("", text.as_str())];
    let documents = split(&files).unwrap();
    Ok(documents
        .iter()
        .map(|one| value(one.text(&files)))
        .collect())
}

const KUSTOMIZE: &[&str] = &["kustomize", "build"];
const KUBECTL: &[&str] = &["kubectl", "kustomize"];

fn write_input(folder: &Path, served: &Served, kustomization: &str) {
    let before = served.changes.iter().filter_map(|one| one.before.as_ref());
    fs::write(folder.join("input.yaml"), stream(before)).unwrap();
    fs::write(folder.join("kustomization.yaml"), kustomization).unwrap();
}

/// What is wrong with the export of a case; empty where all is right.
fn fault(served: &Served, program: &[&str]) -> Result<(), String> {
    let export = match export(&served.changes, Secrets::Include) {
        Ok(export) => export,
        Err(error @ ExportError::Inexpressible { .. }) => return Err(format!("refused: {error}")),
        Err(error) => return Err(format!("refused: {error}")),
    };
    let folder = tempfile::tempdir().unwrap();
    write_input(
        folder.path(),
        served,
        "resources: [input.yaml]\ncomponents: [component]\n",
    );
    let place = folder.path().join("component");
    fs::create_dir(&place).unwrap();
    for file in component(&export, "a test") {
        fs::write(place.join(&file.name), &file.text).unwrap();
    }
    let built = build(program, folder.path()).map_err(|error| {
        write_input(folder.path(), served, "resources: [input.yaml]\n");
        match build(program, folder.path()) {
            Ok(_) => format!("kustomize: {error}"),
            Err(error) => format!("input: {error}"),
        }
    })?;
    let expected: Vec<Value> = served
        .changes
        .iter()
        .filter_map(|one| one.after.clone())
        .collect();
    compare(&built, &expected).map_err(|error| {
        let keep = PathBuf::from("/tmp/ex-out").join(served.name.replace('/', "_"));
        let _ = fs::create_dir_all(&keep);
        let _ = fs::write(
            keep.join("built.yaml"),
            built
                .iter()
                .map(|v| "---\n".to_owned() + &yaml_splice::document(v))
                .collect::<String>(),
        );
        let _ = fs::write(
            keep.join("expected.yaml"),
            expected
                .iter()
                .map(|v| "---\n".to_owned() + &yaml_splice::document(v))
                .collect::<String>(),
        );
        for file in component(&export, "a test") {
            fs::write(keep.join(&file.name), &file.text).unwrap();
        }
        format!("differs: {error}")
    })
}

/// Asks each of the cases, by several threads; what is wrong by name.
fn faults<'s>(cases: &'s [Served], program: &[&str]) -> BTreeMap<&'s str, String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(served) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(fault) = fault(served, program) {
                        found.lock().unwrap().insert(served.name.as_str(), fault);
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn kustomize_gives_what_the_function_gives() {
    let cases = served();
    let found = faults(&cases, KUSTOMIZE);
    assert!(
        found.is_empty(),
        "{} of {}: {found:#?}",
        found.len(),
        cases.len()
    );
}
