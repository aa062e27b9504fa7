//! One function, the same bytes everywhere: native, in the launcher's sandbox, in Node.js, in
//! wazero, and as kustomize runs it.

use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, thread};

use real_hosts::{Runtime, host, run_module, workspace_root};

fn fixtures() -> Vec<PathBuf> {
    let folder = workspace_root().join("tests/fixtures");
    let mut fixtures: Vec<PathBuf> = ["session-server", "refused", "not-a-list"]
        .iter()
        .flat_map(|name| fs::read_dir(folder.join(name)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    fixtures.sort();
    assert!(
        fixtures.len() > 80,
        "only {} fixtures were found",
        fixtures.len()
    );
    fixtures
}

fn compare(name: &str, input: &[u8]) {
    let native = run_module(Runtime::Native, input);
    for runtime in Runtime::ALL {
        let output = run_module(runtime, input);
        assert_eq!(
            output.status.code(),
            native.status.code(),
            "{name} in {runtime:?}"
        );
        assert!(
            output.stdout == native.stdout,
            "{name} in {runtime:?}: another output"
        );
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&native.stderr),
            "{name} in {runtime:?}"
        );
    }
}

#[test]
fn every_fixture_gives_the_same_bytes() {
    let fixtures = fixtures();
    // Node.js compiles the module again for each fixture, on one core.
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for worker in 0..workers {
            let share = fixtures.iter().skip(worker).step_by(workers);
            scope.spawn(|| {
                for path in share {
                    compare(&path.display().to_string(), &fs::read(path).unwrap());
                }
            });
        }
    });
}

/// A script between kustomize and the launcher records input and output.
#[test]
fn kustomize_gets_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let launcher = workspace_root().join("target/release/runner-terminal");
    let script = format!(
        "#!/bin/sh\ntee '{}' | '{}' | tee '{}'\n",
        at("in").display(),
        launcher.display(),
        at("out").display()
    );
    fs::write(at("runner-terminal"), script).unwrap();
    fs::set_permissions(at("runner-terminal"), fs::Permissions::from_mode(0o755)).unwrap();

    let built = Command::new(host("kustomize"))
        .args(["build", "--enable-alpha-plugins", "--enable-exec"])
        .arg(workspace_root().join("kustomization/example"))
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );

    let input = fs::read(at("in")).unwrap();
    compare("kustomize", &input);
    let native = run_module(Runtime::Native, &input);
    assert!(native.stdout == fs::read(at("out")).unwrap());
}

/// The module only has standard input, standard output, standard error and an exit code.
#[test]
fn the_module_asks_for_little() {
    let module = workspace_root().join("target/runner-terminal.wasm");
    let script = "const fs = require('fs'); const bytes = fs.readFileSync(process.argv[1]); \
                  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)); \
                  console.log(imports.map(i => `${i.module}.${i.name}`).sort().join('\\n'));";
    let output = Command::new("node")
        .args(["-e", script])
        .arg(module)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let allowed = [
        "environ_get",
        "environ_sizes_get",
        "fd_read",
        "fd_write",
        "proc_exit",
        "random_get",
    ];
    let imports = String::from_utf8(output.stdout).unwrap();
    assert!(imports.contains("fd_read"), "{imports}");
    for import in imports.lines() {
        let (module, name) = import.split_once('.').unwrap();
        assert_eq!(module, "wasi_snapshot_preview1", "{import}");
        // The standard library reads the environment in its panic handler, where hosts provide an
        // empty one, and random bytes to seed its hash maps, whose order never matters.
        assert!(allowed.contains(&name), "{import}");
    }
}

/// 100 MB of unrelated resources, and one runner among them.
#[test]
fn a_hundred_megabytes_go_through() {
    let fixture = workspace_root().join("tests/fixtures/session-server/address-known.yaml");
    let fixture = fs::read_to_string(fixture).unwrap();
    let (head, tail) = fixture.split_once("items:\n").unwrap();
    let mut input = format!("{head}items:\n");
    let line = "    some-key: some value that is of no interest to the function\n".repeat(150);
    let mut number = 0;
    while input.len() < 100_000_000 {
        input.push_str(&format!(
            "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: other-{number}\n  data:\n{line}"
        ));
        number += 1;
    }
    input.push_str(tail);

    let output = run_module(Runtime::Launcher, input.as_bytes());

    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let native = run_module(Runtime::Native, input.as_bytes());
    assert!(output.stdout == native.stdout);
    assert!(output.stdout.len() > input.len());
}
