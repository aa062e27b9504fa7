//! The function in the real kpt: as a command, and as a module in both of its Wasm runtimes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use real_hosts::{KptRuntime, kpt, kpt_eval, run_kpt, workspace_root};
use tempfile::TempDir;

/// A package in its own folder, with the functionConfig next to it.
struct Package {
    folder: TempDir,
}

/// The files of a package by their paths.
type Files = BTreeMap<PathBuf, String>;

impl Package {
    /// The example.
    fn example() -> Self {
        let package = Self::empty();
        let example = workspace_root().join("kustomization/kpt");
        fs::create_dir(package.path()).unwrap();
        for (name, text) in files(&example) {
            fs::write(package.path().join(name), text).unwrap();
        }
        fs::copy(package.path().join("session-server.yaml"), package.config()).unwrap();
        package
    }

    /// The example without its pipeline and without a functionConfig among its resources, both of
    /// which `kpt fn eval` does not need. The runner is in its own folder.
    fn to_evaluate(spec: &str) -> Self {
        let package = Self::example();
        fs::remove_file(package.path().join("Kptfile")).unwrap();
        fs::remove_file(package.path().join("session-server.yaml")).unwrap();
        fs::create_dir(package.path().join("runner")).unwrap();
        for name in ["config.yaml", "runner.yaml"] {
            let old = package.path().join(name);
            fs::rename(old, package.path().join("runner").join(name)).unwrap();
        }
        package.configure(spec);
        package
    }

    /// The items of a fixture, as `kpt fn sink` writes them, and its functionConfig.
    fn of_fixture(name: &str) -> Self {
        let package = Self::empty();
        let path = workspace_root().join(format!("tests/fixtures/{name}.yaml"));
        let text = fs::read_to_string(path).unwrap();
        succeeds(&package.sink(&text));
        let list: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
        let config = yaml_serde::to_string(&list["functionConfig"]).unwrap();
        fs::write(package.config(), config).unwrap();
        package
    }

    /// Writes the items of a list into the package.
    fn sink(&self, list: &str) -> Output {
        let mut sink = kpt(self.folder.path());
        sink.arg("sink").arg(self.path());
        run_kpt(&mut sink, list.as_bytes())
    }

    fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("package")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("session-server.yaml")
    }

    fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    fn configure(&self, spec: &str) {
        let config = format!(
            "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: \
             session-server\nspec: {spec}\n"
        );
        fs::write(self.config(), config).unwrap();
    }

    fn files(&self) -> Files {
        files(&self.path())
    }

    fn edit(&self, file: &str, old: &str, new: &str) {
        let path = self.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(path, text.replace(old, new)).unwrap();
    }

    fn eval(&self, runtime: KptRuntime) -> Output {
        let mut eval = kpt_eval(runtime, &self.path(), &self.config());
        run_kpt(eval.arg("--results-dir").arg(self.results()), b"")
    }

    fn render(&self) -> Output {
        let mut render = kpt(self.folder.path());
        render.arg("render").arg(self.path()).arg("--allow-exec");
        run_kpt(&mut render, b"")
    }

    fn results_file(&self) -> yaml_serde::Value {
        let text = fs::read_to_string(self.results().join("results.yaml")).unwrap();
        yaml_serde::from_str(&text).unwrap()
    }
}

fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn succeeds(output: &Output) -> String {
    let said = said(output);
    assert!(output.status.success(), "{said}");
    said
}

const KNOWN: &str = "{advertiseAddress: terminal.example.com}";

/// Every line of the input is still there, in the same order.
fn assert_only_added(before: &str, after: &str) {
    let mut lines = after.lines();
    for line in before.lines() {
        assert!(
            lines.any(|other| other == line),
            "{line:?} is not in\n{after}"
        );
    }
}

#[test]
fn a_package_is_changed_in_place_and_only_where_it_must_be() {
    for runtime in KptRuntime::ALL {
        let package = Package::to_evaluate(KNOWN);
        fs::write(
            package.path().join("other.yaml"),
            "# mine\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other} # kept\ndata:\n  a: \
             '0755'\n",
        )
        .unwrap();
        let before = package.files();

        succeeds(&package.eval(runtime));

        let after = package.files();
        let service = Path::new("runner/service_runner-session-server.yaml");
        let new: Vec<_> = after
            .keys()
            .filter(|name| !before.contains_key(*name))
            .collect();
        assert_eq!(new, [service], "{runtime:?}");
        assert!(after[service].contains("kind: Service\n"), "{after:?}");
        for (name, text) in &before {
            assert_only_added(text, &after[name]);
        }
        assert_eq!(
            after[Path::new("other.yaml")],
            before[Path::new("other.yaml")]
        );
        let config = &after[Path::new("runner/config.yaml")];
        assert!(
            config.contains("concurrent = 10   # jobs at once\n"),
            "{config}"
        );
        assert!(
            config.contains("advertise_address = \"terminal.example.com:9000\"\n"),
            "{config}"
        );
        let runner = &after[Path::new("runner/runner.yaml")];
        assert!(
            runner.contains("namespace: ci # kpt-set: ${namespace}\n"),
            "{runner}"
        );
        let all: String = after.into_values().collect();
        for bookkeeping in [
            "internal.config.kubernetes.io/",
            "config.kubernetes.io/path",
        ] {
            assert!(!all.contains(bookkeeping), "{all}");
        }
    }
}

/// The annotations of new items, before kpt writes them.
#[test]
fn a_new_item_comes_after_its_workload_with_a_file_of_its_own() {
    for runtime in KptRuntime::ALL {
        let package = Package::to_evaluate(KNOWN);
        let mut eval = kpt_eval(runtime, &package.path(), &package.config());
        let output = run_kpt(eval.args(["--output", "stdout"]), b"");
        succeeds(&output);
        let list: yaml_serde::Value = yaml_serde::from_slice(&output.stdout).unwrap();
        let items = list["items"].as_sequence().unwrap();
        let kinds: Vec<_> = items.iter().map(|item| item["kind"].as_str()).collect();
        assert_eq!(
            kinds,
            ["ConfigMap", "ServiceAccount", "Deployment", "Service"].map(Some),
            "{runtime:?}"
        );
        let annotations = &items[3]["metadata"]["annotations"];
        for prefix in ["internal.config.kubernetes.io", "config.kubernetes.io"] {
            assert_eq!(
                annotations[format!("{prefix}/path")].as_str(),
                Some("runner/service_runner-session-server.yaml"),
                "{runtime:?}"
            );
            assert_eq!(
                annotations[format!("{prefix}/index")].as_str(),
                Some("0"),
                "{runtime:?}"
            );
        }
    }
}

#[test]
fn a_second_run_changes_nothing_and_the_third_gives_it_back() {
    for runtime in KptRuntime::ALL {
        let package = Package::to_evaluate(
            "{advertiseAddress: terminal.example.com, readers: [{namespace: argocd, \
             serviceAccount: argocd-repo-server}]}",
        );
        let before = package.files();

        succeeds(&package.eval(runtime));
        let once = package.files();
        assert_eq!(once.len(), before.len() + 3, "{:?}", once.keys());
        succeeds(&package.eval(runtime));
        assert_eq!(package.files(), once, "{runtime:?}");

        package.configure("{enabled: false}");
        succeeds(&package.eval(runtime));
        assert_eq!(package.files(), before, "{runtime:?}");
    }
}

/// Older functions and packages use annotations without `internal.`.
#[test]
fn legacy_annotations_do_not_stay() {
    let package = Package::to_evaluate(KNOWN);
    package.edit(
        "runner/config.yaml",
        "  name: runner-config\n",
        "  name: runner-config\n  annotations:\n    config.kubernetes.io/path: elsewhere.yaml\n",
    );
    for runtime in KptRuntime::ALL {
        succeeds(&package.eval(runtime));
        let after = package.files();
        let names: Vec<_> = after.keys().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "runner/config.yaml",
                "runner/runner.yaml",
                "runner/service_runner-session-server.yaml"
            ]
        );
        let all: String = after.into_values().collect();
        assert!(!all.contains("config.kubernetes.io/path"), "{all}");
    }
}

#[test]
fn the_example_is_rendered_by_its_pipeline() {
    let package = Package::example();
    let before = package.files();

    succeeds(&package.render());

    let after = package.files();
    let service = &after[Path::new("service_runner-session-server.yaml")];
    assert!(service.contains("kind: Service\n"), "{service}");
    assert!(service.contains("namespace: ci\n"), "{service}");
    for name in ["config.yaml", "runner.yaml", "session-server.yaml"] {
        assert_only_added(&before[Path::new(name)], &after[Path::new(name)]);
    }
    succeeds(&package.render());
    let again = package.files();
    assert_eq!(without_status(&again), without_status(&after));

    package.edit(
        "session-server.yaml",
        "spec:\n",
        "spec:\n  enabled: false\n",
    );
    succeeds(&package.render());
    let back = package.files();
    assert!(!back.contains_key(Path::new("service_runner-session-server.yaml")));
    for name in ["config.yaml", "runner.yaml"] {
        assert_eq!(back[Path::new(name)], before[Path::new(name)]);
    }
}

/// A pipeline may name the module instead of the command.
#[test]
fn a_pipeline_with_the_module_gives_what_it_gives_with_the_command() {
    let by_command = Package::example();
    succeeds(&by_command.render());
    let module = workspace_root().join("target/runner-terminal-kpt.wasm");
    for node in [false, true] {
        let package = Package::example();
        let name = format!("exec: {}", module.display());
        package.edit("Kptfile", "exec: runner-terminal", &name);
        let mut render = kpt(package.folder.path());
        render.arg("render").arg(package.path());
        render.args(["--allow-exec", "--allow-alpha-wasm"]);
        if node {
            render.env("KPT_FN_WASM_RUNTIME", "nodejs");
        }
        let said = succeeds(&run_kpt(&mut render, b""));
        assert!(said.contains("[RUNNING] WASM"), "{said}");
        assert_eq!(
            without_status(&package.files()),
            without_status(&by_command.files()),
            "in Node.js: {node}"
        );
    }
}

/// Without the Kptfile, where kpt records the result of rendering.
fn without_status(files: &Files) -> Files {
    let mut files = files.clone();
    files.remove(Path::new("Kptfile"));
    files
}

/// The function fails with these words, and writes nothing.
fn assert_refused(package: &Package, runtime: KptRuntime, words: &str) {
    let before = package.files();
    let output = package.eval(runtime);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(words), "{runtime:?}: {said}");
    assert!(package.files() == before, "{runtime:?}");
}

/// kpt passes such a text with its closing quote at the margin, which is no YAML.
#[test]
fn a_quoted_text_that_kpt_closes_at_the_margin_is_edited() {
    let package = Package::to_evaluate(KNOWN);
    let path = package.path().join("runner/config.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("\ndata:\n").unwrap();
    let data = "data:\n  config.toml: 'concurrent = 10\n\n    '\n";
    fs::write(&path, format!("{head}\n{data}")).unwrap();
    let eval = || {
        succeeds(&package.eval(KptRuntime::Exec));
        fs::read_to_string(&path).unwrap()
    };

    let once = eval();

    assert!(once.contains("terminal.example.com:9000"), "{once}");
    assert!(once.ends_with("\n\n'\n"), "{once}");
    assert_eq!(eval(), once);
    package.configure("{enabled: false}");
    let back: yaml_serde::Value = yaml_serde::from_str(&eval()).unwrap();
    let text = back["data"]["config.toml"].as_str();
    assert_eq!(text, Some("concurrent = 10\n"));
}

#[test]
fn an_error_fails_and_writes_nothing() {
    for runtime in KptRuntime::ALL {
        let package = Package::to_evaluate(KNOWN);
        package.edit("runner/runner.yaml", "replicas: 1", "replicas: 3");
        assert_refused(
            &package,
            runtime,
            "spec.replicas, in runner/runner.yaml: replicas is 3, but",
        );
        let results = package.results_file();
        assert_eq!(results["exitCode"].as_i64(), Some(1));
        if runtime == KptRuntime::Wasmtime {
            // This runtime cannot return both an error and results: there is only the text above.
            continue;
        }
        let result = &results["items"][0]["results"][0];
        assert_eq!(result["severity"].as_str(), Some("error"), "{results:?}");
        assert_eq!(result["field"]["path"].as_str(), Some("spec.replicas"));
        assert_eq!(result["file"]["path"].as_str(), Some("runner/runner.yaml"));
    }
}

#[test]
fn an_error_of_the_pipeline_fails_and_writes_nothing() {
    let package = Package::example();
    package.edit("runner.yaml", "replicas: 1", "replicas: 3");
    let before = package.files();
    let output = package.render();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("[Results]: [error]"), "{said}");
    assert_eq!(without_status(&package.files()), without_status(&before));
}

#[test]
fn a_warning_is_in_the_results() {
    for runtime in KptRuntime::ALL {
        let package = Package::to_evaluate("{}");
        let said = succeeds(&package.eval(runtime));
        assert!(said.contains("[Results]: [warning]"), "{runtime:?}: {said}");
        let results = package.results_file();
        let result = &results["items"][0]["results"][0];
        assert_eq!(result["severity"].as_str(), Some("warning"), "{results:?}");
    }
}

/// One of each kind: odd text, several new resources, and refusals.
const FIXTURES: [&str; 14] = [
    "session-server/address-known",
    "session-server/crlf",
    "session-server/disabled-and-clean",
    "session-server/exposure-api-server-relay",
    "session-server/exposure-gateway-made",
    "session-server/exposure-ingress-nginx",
    "session-server/list-v1beta1",
    "session-server/path-annotations",
    "session-server/projected-with-items",
    "session-server/readers-path-annotations",
    "session-server/shard-load-balancers",
    "advertise-address/ip",
    "refused/config-unknown-exposure",
    "refused/two-runners-one-address",
];

#[test]
fn a_module_gives_what_the_command_gives() {
    for name in FIXTURES {
        compare(name, &[KptRuntime::Wasmtime, KptRuntime::Node]);
    }
}

/// kpt's old wasmtime computes some addresses wrongly, even in correct code: everything that
/// the function does for a runner is tested in it.
#[test]
fn no_fixture_traps_in_wasmtime() {
    for folder in ["session-server", "advertise-address"] {
        let fixtures = workspace_root().join("tests/fixtures").join(folder);
        let mut names: Vec<_> = fs::read_dir(fixtures)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert!(names.len() > 20, "{folder}: {}", names.len());
        for name in names {
            let name = format!("{folder}/{name}");
            if name != NOT_FOR_KPT {
                compare(&name, &[KptRuntime::Wasmtime]);
            }
        }
    }
}

/// A fixture with a List that has no metadata, as kubectl prints it.
const NOT_FOR_KPT: &str = "session-server/in-nested-lists";

#[test]
fn kpt_takes_no_list_without_metadata_into_a_package() {
    let path = workspace_root().join(format!("tests/fixtures/{NOT_FOR_KPT}.yaml"));
    let output = Package::empty().sink(&fs::read_to_string(path).unwrap());
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("missing Resource metadata"), "{said}");
}

/// Runs a fixture as a command and in these runtimes.
fn compare(name: &str, runtimes: &[KptRuntime]) {
    let run = |runtime| {
        let package = Package::of_fixture(name);
        let output = package.eval(runtime);
        (output.status.code(), package.files(), said(&output))
    };
    let (code, files, _) = run(KptRuntime::Exec);
    for runtime in runtimes {
        let (other_code, other_files, said) = run(*runtime);
        assert_eq!(other_code, code, "{name} in {runtime:?}: {said}");
        assert_eq!(other_files, files, "{name} in {runtime:?}");
    }
}

/// Twelve megabytes of arrays need more than the gigabyte that the module has.
#[test]
fn a_package_that_is_too_large_is_refused_in_words() {
    let package = Package::to_evaluate(KNOWN);
    let line = format!("    1,{}\n", "[],".repeat(25));
    let arrays = format!(
        "data:\n  config.toml: |\n    a = [\n{}    ]\n",
        line.repeat(150_000)
    );
    let path = package.path().join("runner/config.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("\ndata:\n").unwrap();
    fs::write(&path, format!("{head}\n{arrays}")).unwrap();
    for runtime in [KptRuntime::Wasmtime, KptRuntime::Node] {
        assert_refused(
            &package,
            runtime,
            "the package does not fit into the memory of the Wasm module",
        );
    }
}

#[test]
fn a_functionconfig_of_another_kind_is_refused_in_words() {
    for runtime in KptRuntime::ALL {
        let package = Package::to_evaluate(KNOWN);
        fs::write(
            package.config(),
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"\\u0000 ü \\uFFFD\"}\ndata: {a: b}\n",
        )
        .unwrap();
        assert_refused(&package, runtime, "runner-terminal: error: functionConfig");
    }
}

/// Input that kpt would never pass, through the program for Node.js that kpt leaves behind.
#[test]
fn garbage_is_refused_in_words() {
    let package = Package::to_evaluate(KNOWN);
    succeeds(&package.eval(KptRuntime::Node));
    let left: Vec<_> = files_under(package.folder.path(), "js");
    assert_eq!(left.len(), 1, "{left:?}");
    let deep = "[".repeat(100_000);
    let garbage: [&[u8]; 5] = [
        b"",
        b"\xFF\xFE\0garbage",
        b"kind: ResourceList\nitems: {",
        b"kind: ResourceList",
        deep.as_bytes(),
    ];
    for input in garbage {
        let mut node = Command::new("node");
        node.arg(&left[0]).env(
            "KPT_FN_WASM_PATH",
            workspace_root().join("target/runner-terminal-kpt.wasm"),
        );
        let output = run_kpt(&mut node, input);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with("runner-terminal: error: "), "{said}");
    }
}

fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    files(folder)
        .into_keys()
        .filter(|name| name.extension().is_some_and(|other| other == extension))
        .map(|name| folder.join(name))
        .collect()
}
