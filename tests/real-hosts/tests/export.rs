//! The output of `export`, built by the real kustomize and kubectl, gives the same result as the
//! function, for every case and fixture that the function serves.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use krm::documents::{resources_of, split};
use real_hosts::{host, launcher, launcher_with_kustomize, run_launcher, workspace_root};
use runner_terminal::documents::{Applied, Run, apply, function_configs};
use runner_terminal::export::{
    Change, Secrets, changes, compare, component, export, post_renderer, release_files,
};
use serde_json::{Value, json};
use yaml_splice::Tree;

/// A case, and the function's output for it.
struct Served {
    name: String,
    changes: Vec<Change>,
    /// The resources that kustomize should give.
    expected: Vec<Value>,
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

/// Manifests, and a functionConfig if it is not among them.
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

/// Runs the function; `None` if it fails, or changes nothing.
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
    if applied.failed || applied.texts[0] == text {
        return None;
    }
    let after = [(path, applied.texts[0].as_str())];
    let mut found = changes(
        (&files, &split(&files).unwrap()),
        (&after, &applied.documents),
        &applied.alignment.resources,
    );
    found.retain(|change| !is_injected(change));
    let before = split(&files).unwrap();
    let before: Vec<Value> = resources_of(&files, &before)
        .into_iter()
        .map(|resource| resource.item.value())
        .collect();
    let output = resources_of(&after, &applied.documents).into_iter();
    let expected = output.filter_map(|resource| expected(resource.item.value(), &before));
    Some(Served {
        name: name.to_owned(),
        expected: expected.collect(),
        changes: found,
    })
}

/// What kustomize should give for a resource that the function gives. It is the same, except for
///
/// - a resource that is marked as not being a manifest, which kustomize does not print;
/// - what hosts of functions note on the items of a list, which no file has;
/// - the checksum of config.toml with configure.at: PodStart, which would go out of date in a file. It
///   stays as the manifest `before` has it.
fn expected(mut resource: Value, before: &[Value]) -> Option<Value> {
    let annotations = resource.pointer_mut("/metadata/annotations");
    let mut is_configured_at_start = false;
    if let Some(Value::Object(annotations)) = annotations {
        if annotations.contains_key("config.kubernetes.io/local-config") {
            return None;
        }
        annotations.retain(|name, _| {
            let (prefix, _) = name.rsplit_once('/').unwrap_or_default();
            ![
                "internal.config.kubernetes.io",
                "config.kubernetes.io",
                "config.k8s.io",
            ]
            .contains(&prefix)
        });
        is_configured_at_start = annotations.contains_key("runner-terminal.dev/pod-start");
    }
    if !is_configured_at_start {
        return Some(resource);
    }
    let was = before.iter().find(|one| is_same(one, &resource)).cloned();
    for place in ["/spec/template/metadata", "/metadata"] {
        let had = was
            .as_ref()
            .and_then(|was| was.pointer(&format!("{place}/annotations")))
            .map(|annotations| annotations.get(CHECKSUM).cloned());
        let Some(Value::Object(metadata)) = resource.pointer_mut(place) else {
            continue;
        };
        let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else {
            continue;
        };
        match had.clone().flatten() {
            Some(checksum) => annotations.insert(CHECKSUM.to_owned(), checksum),
            None => annotations.remove(CHECKSUM),
        };
        if annotations.is_empty() && had.is_none() {
            metadata.remove("annotations");
        }
    }
    Some(resource)
}

const CHECKSUM: &str = "runner-terminal.dev/config-checksum";

/// True for two states of one resource.
fn is_same(one: &Value, other: &Value) -> bool {
    ["/kind", "/metadata/namespace", "/metadata/name"]
        .iter()
        .all(|field| one.pointer(field) == other.pointer(field))
}

/// True for what a host has added to the list, which is not a manifest.
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
    let documents = values.map(|value| format!("---\n{}", yaml_splice::document(value)));
    documents.collect()
}

/// Builds a folder, and returns the resources, or what is wrong.
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

/// Cases whose manifests cannot be exported, or that kustomize does not accept, and the error for
/// each.
const EXCEPTIONS: [(&str, &str); 11] = [
    // kustomize does not expand an OpenShift Template.
    ("cases/wrapped/old-template.yaml", "is in a Template"),
    ("cases/wrapped/template-anchors.yaml", "is in a Template"),
    ("cases/wrapped/template.json", "is in a Template"),
    ("cases/wrapped/template.yaml", "is in a Template"),
    (
        "fixtures/session-server/in-a-template.yaml",
        "is in a Template",
    ),
    // The items of a list have no kinds of their own, or are not resources.
    (
        "cases/wrapped/typed-list.yaml",
        "has no kind, which kustomize needs",
    ),
    (
        "fixtures/session-server/in-nested-lists.yaml",
        "has no kind, which kustomize needs",
    ),
    (
        "cases/wrapped/live-service-without-a-kind.yaml",
        "missing kind in object",
    ),
    (
        "cases/wrapped/not-resources.yaml",
        "missing Resource metadata",
    ),
    // kustomize accepts no name with control characters.
    (
        "cases/service/names-that-steer-a-terminal.yaml",
        "input: Error: ",
    ),
    // A live Service is beside its manifest, without a mark that it is not a manifest.
    (
        "fixtures/advertise-address/node-port-of-items.yaml",
        "already registered id",
    ),
];

/// How the export is added to the input.
#[derive(Clone, Copy)]
enum Form {
    /// A Component.
    Component,
    /// The patches of a post-renderer, as Flux passes them to kustomize, and the files beside them.
    PostRenderer,
}

fn write_export(folder: &Path, served: &Served, form: Form) -> Result<(), String> {
    let export = export(&served.changes, Secrets::Include);
    let export = export.map_err(|error| format!("refused: {error}"))?;
    let place = folder.join("export");
    fs::create_dir(&place).unwrap();
    let (files, kustomization) = match form {
        Form::Component => {
            let kustomization = "resources: [input.yaml]\ncomponents: [export]\n".to_owned();
            (component(&export, "a test"), kustomization)
        }
        Form::PostRenderer => {
            let files = release_files(&export, None);
            let beside = if files.is_empty() { "" } else { ", export" };
            let patches = Value::Array(post_renderer(&export));
            let kustomization = format!("resources: [input.yaml{beside}]\npatches: {patches}\n");
            (files, kustomization)
        }
    };
    for file in files {
        fs::write(place.join(&file.name), &file.text).unwrap();
    }
    write_input(folder, served, &kustomization);
    Ok(())
}

/// What is wrong with the export of a case.
fn check(served: &Served, program: &[&str], form: Form) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    write_export(folder.path(), served, form)?;
    let built = build(program, folder.path()).map_err(|error| {
        write_input(folder.path(), served, "resources: [input.yaml]\n");
        match build(program, folder.path()) {
            Ok(_) => format!("export: {error}"),
            Err(error) => format!("input: {error}"),
        }
    })?;
    compare(&built, &served.expected).map_err(|error| format!("differs: {error}"))
}

/// Builds each of the cases, in several threads. Returns the problems by the name of the case,
/// without the exceptions.
fn faults(cases: &[Served], program: &[&str], form: Form) -> BTreeMap<String, String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(served) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fault = check(served, program, form).err().unwrap_or_default();
                    let excepted = EXCEPTIONS.iter().find(|(name, _)| *name == served.name);
                    let is_right = match excepted {
                        Some((_, says)) => fault.contains(says),
                        None => fault.is_empty(),
                    };
                    if !is_right {
                        found.lock().unwrap().insert(served.name.clone(), fault);
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}

/// One in this many of the cases.
fn some(every: usize) -> Vec<Served> {
    served().into_iter().step_by(every).collect()
}

#[test]
fn kustomize_gives_what_the_function_gives() {
    let cases = served();
    assert!(cases.len() >= 370, "only {} cases", cases.len());
    for (name, _) in EXCEPTIONS {
        assert!(
            cases.iter().any(|one| one.name == name),
            "{name} is no case"
        );
    }
    let found = faults(&cases, KUSTOMIZE, Form::Component);
    assert!(
        found.is_empty(),
        "{} of {}: {found:#?}",
        found.len(),
        cases.len()
    );
}

#[test]
fn kubectl_gives_what_the_function_gives() {
    let found = faults(&some(9), KUBECTL, Form::Component);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_patches_of_a_post_renderer_give_what_the_function_gives() {
    let found = faults(&some(6), KUSTOMIZE, Form::PostRenderer);
    assert!(found.is_empty(), "{found:#?}");
}

/// Others add a container, an init container and a volume before those of the runner.
#[test]
fn patches_still_apply_when_others_have_changed_the_lists() {
    let mut tried = 0;
    for served in some(8) {
        let is_exception = EXCEPTIONS.iter().any(|(name, _)| *name == served.name);
        // Shards are copies of the original workload.
        let replaces_some = served.changes.iter().any(|one| one.after.is_none());
        if is_exception || replaces_some {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        write_export(folder.path(), &served, Form::Component).unwrap();
        let more = |value: &Value| {
            let mut value = value.clone();
            let is_known = value["apiVersion"] == "apps/v1";
            let pod = value
                .pointer_mut("/spec/template/spec")
                .filter(|_| is_known);
            let Some(Value::Object(pod)) = pod else {
                return value;
            };
            for list in ["containers", "initContainers", "volumes"] {
                if let Some(Value::Array(items)) = pod.get_mut(list) {
                    let place = if list == "initContainers" {
                        items.len()
                    } else {
                        0
                    };
                    items.insert(place, json!({"name": "of-others", "image": "other"}));
                }
            }
            value
        };
        let input: Vec<Value> = served
            .changes
            .iter()
            .filter_map(|one| one.before.as_ref().map(more))
            .collect();
        fs::write(folder.path().join("input.yaml"), stream(input.iter())).unwrap();
        let built = build(KUSTOMIZE, folder.path());
        let built = built.unwrap_or_else(|error| panic!("{}: {error}", served.name));
        let built: String = built.iter().map(Value::to_string).collect();
        for expected in ["of-others", "session-server"] {
            let was = served
                .expected
                .iter()
                .chain(&input)
                .any(|one| one.to_string().contains(expected));
            assert_eq!(built.contains(expected), was, "{}: {expected}", served.name);
        }
        tried += 1;
    }
    assert!(tried >= 35, "only {tried}");
}

/// An overlay with a prefix, a namespace and a generated ConfigMap.
fn overlay() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let example = workspace_root().join("kustomization/example/base");
    let runner = fs::read_to_string(example.join("runner.yaml")).unwrap();
    write("base/runner.yaml", &runner);
    write("base/config.toml", "concurrent = 4\n");
    write(
        "base/kustomization.yaml",
        "resources: [runner.yaml]\nconfigMapGenerator:\n- {name: runner-config, files: [config.toml]}\n",
    );
    write(
        "prod/kustomization.yaml",
        "namespace: ci\nnamePrefix: prod-\nresources: [../base]\n",
    );
    write(
        "around/kustomization.yaml",
        "resources: [../prod]\ncomponents: [../terminals]\n",
    );
    write(
        "build.yaml",
        &session_server("{advertiseAddress: terminal.example.com}"),
    );
    let at_start = "{configure: {at: PodStart, image: example.com/runner-terminal:1}}";
    write("pod-start.yaml", &session_server(at_start));
    folder
}

fn session_server(spec: &str) -> String {
    format!(
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n\
         metadata: {{name: session-server}}\nspec: {spec}\n"
    )
}

/// Runs `export` in a folder, with kustomize on its PATH; returns the exit code and all messages.
fn run_export(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = launcher(&folder.join("no-kubeconfig"));
    command
        .arg("export")
        .args(arguments)
        .current_dir(folder)
        .env("PATH", host("kustomize").parent().unwrap());
    let output = run_launcher(&mut command, b"");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn an_overlay_is_exported_for_the_kustomization_around_it() {
    let folder = overlay();
    let folder = folder.path();
    for config in ["build.yaml", "pod-start.yaml"] {
        let arguments = ["-k", "prod", "-c", config, "-o", "terminals"];
        let (code, said) = run_export(folder, &arguments);
        assert_eq!(code, Some(0), "{said}");
        let around = "prod has namespace, which takes effect after components: list terminals under \
                      components of a kustomization around it";
        assert!(said.contains(around), "{said}");
        let built = build(KUSTOMIZE, &folder.join("around")).unwrap();
        let by_kubectl = build(KUBECTL, &folder.join("around")).unwrap();
        assert_eq!(built, by_kubectl);
        let built: String = built.iter().map(Value::to_string).collect();
        assert!(built.contains("\"prod-runner-session-server\""), "{built}");
        let is_snapshot = built.contains("advertise_address = \\\"terminal.example.com:9000\\\"");
        assert_eq!(is_snapshot, config == "build.yaml", "{built}");

        let (code, said) = run_export(folder, &[&arguments[..], &["--check"]].concat());
        assert_eq!(code, Some(0), "{said}");
        // It also works from another folder.
        let (code, said) = run_export(
            &folder.join("base"),
            &[
                "-k",
                "../prod",
                "-c",
                &format!("../{config}"),
                "-o",
                "../terminals",
                "--check",
            ],
        );
        assert_eq!(code, Some(0), "{said}");
        let config_toml = folder.join("base/config.toml");
        fs::write(&config_toml, "concurrent = 5\n").unwrap();
        let (code, said) = run_export(folder, &[&arguments[..], &["--check"]].concat());
        let expected = if config == "build.yaml" { 2 } else { 0 };
        assert_eq!(code, Some(expected), "{config}: {said}");
        fs::write(&config_toml, "concurrent = 4\n").unwrap();
    }
    let (code, said) = run_export(
        folder,
        &["-k", "around", "-c", "build.yaml", "-o", "terminals"],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("already, which terminals adds"), "{said}");
}

/// Where the build has all that the function adds, an export would have nothing in it.
#[test]
fn a_kustomization_that_runs_the_function_is_not_exported() {
    let folder = overlay();
    let folder = folder.path();
    let config = fs::read_to_string(folder.join("build.yaml")).unwrap();
    let function = "annotations: {config.kubernetes.io/function: 'exec: {path: runner-terminal}'}";
    let config = config.replace(
        "{name: session-server}",
        &format!("{{name: session-server, {function}}}"),
    );
    fs::write(folder.join("prod/session-server.yaml"), config).unwrap();
    let kustomization = folder.join("prod/kustomization.yaml");
    let text = fs::read_to_string(&kustomization).unwrap();
    let with_function = format!("{text}transformers: [session-server.yaml]\n");
    fs::write(&kustomization, with_function).unwrap();
    let mut command = launcher_with_kustomize(Path::new("/nonexistent"));
    command.current_dir(folder);
    command.args([
        "export",
        "-k",
        "prod",
        "-c",
        "build.yaml",
        "-o",
        "terminals",
    ]);
    let ended = run_launcher(&mut command, b"");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("remove the SessionServer from its transformers"),
        "{said}"
    );
    assert!(!folder.join("terminals").exists());
}

/// The chart writes empty fields, such as `value:`, which kustomize drops when it merges a patch.
#[test]
fn a_render_of_the_chart_is_exported_from_a_kustomization() {
    let folder = overlay();
    let folder = folder.path();
    for render in ["chart-default", "chart-replicas-3", "later-default"] {
        let path = format!("tests/fixtures/chart/{render}.yaml");
        fs::create_dir_all(folder.join(render)).unwrap();
        fs::copy(
            workspace_root().join(path),
            folder.join(render).join("chart.yaml"),
        )
        .unwrap();
        fs::write(
            folder.join(render).join("kustomization.yaml"),
            "resources: [chart.yaml]\n",
        )
        .unwrap();
        let spec = "{configure: {at: PodStart, image: example.com/r:1}, exposure: {type: PodIP}}";
        fs::write(folder.join("pod-ip.yaml"), session_server(spec)).unwrap();
        let (code, said) = run_export(folder, &["-k", render, "-c", "pod-ip.yaml", "-o", "out"]);
        assert_eq!(code, Some(0), "{render}: {said}");
        let kustomization = format!("resources: [../{render}]\ncomponents: [../out]\n");
        fs::write(folder.join("around/kustomization.yaml"), kustomization).unwrap();
        let built = build(KUSTOMIZE, &folder.join("around")).unwrap();
        let built: String = built.iter().map(Value::to_string).collect();
        assert!(built.contains("\"session-server\""), "{render}: {built}");
    }
}

/// A name that only looks as if kustomize had appended a hash.
#[test]
fn what_kustomize_would_build_otherwise_is_not_written() {
    let folder = overlay();
    let folder = folder.path();
    let name = "runner-config-9kt2f5m8cb";
    let runner = fs::read_to_string(folder.join("base/runner.yaml")).unwrap();
    fs::write(
        folder.join("base/runner.yaml"),
        runner.replace("runner-config", name),
    )
    .unwrap();
    let config = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{config.toml: concurrent = 1}}\n"
    );
    fs::write(folder.join("base/config.yaml"), config).unwrap();
    fs::write(
        folder.join("base/kustomization.yaml"),
        "resources: [runner.yaml, config.yaml]\n",
    )
    .unwrap();
    let (code, said) = run_export(
        folder,
        &["-k", "base", "-c", "build.yaml", "-o", "terminals"],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("so nothing has been written"), "{said}");
    assert!(!folder.join("terminals").exists());
}

#[test]
fn an_argo_cd_application_gets_the_component() {
    let folder = overlay();
    let folder = folder.path();
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: runner}\n\
        spec:\n  source:\n    path: base   # where\n    repoURL: https://git.example.com/ci.git\n";
    fs::write(folder.join("app.yaml"), application).unwrap();
    let export = |base: &str, more: &[&str]| {
        let arguments = [
            "--for",
            "argocd",
            "-k",
            base,
            "-c",
            "build.yaml",
            "-o",
            "terminals",
        ];
        run_export(folder, &[&arguments[..], more].concat())
    };
    let (code, said) = export("base", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with("spec:\n  source:\n    kustomize:\n      components:\n"),
        "{said}"
    );
    assert!(said.contains("../terminals"), "{said}");
    let (code, said) = export("base", &["--in-place", "app.yaml"]);
    assert_eq!(code, Some(0), "{said}");
    let written = fs::read_to_string(folder.join("app.yaml")).unwrap();
    assert!(written.contains("path: base   # where"), "{written}");
    assert!(
        written.contains("- \"../terminals\"") || written.contains("- ../terminals"),
        "{written}"
    );
    let (code, said) = export("base", &["--in-place", "app.yaml", "--check"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = export("prod", &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("prod has namespace, which takes effect after components"),
        "{said}"
    );
    // As Argo CD does it, in the application's own kustomization.
    let base = folder.join("base/kustomization.yaml");
    let text = fs::read_to_string(&base).unwrap();
    fs::write(&base, format!("{text}components: [../terminals]\n")).unwrap();
    let built = build(KUSTOMIZE, &folder.join("base")).unwrap();
    let built: String = built.iter().map(Value::to_string).collect();
    assert!(built.contains("terminal.example.com:9000"), "{built}");
}
