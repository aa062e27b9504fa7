//! A packed release in the programs that use it: a registry, a bare root, kpt, `sha256sum`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use real_hosts::{Registry, host, npm_package, packed, static_program, workspace_root};
use serde_json::Value;
use tempfile::TempDir;

const CPU: &str = if cfg!(target_arch = "aarch64") {
    "arm64"
} else {
    "amd64"
};

/// The npm package has the version of the workspace.
const NPM: &str = concat!("runner-terminal-", env!("CARGO_PKG_VERSION"), ".tgz");

/// One release, shared by all tests, which do not change it.
static RELEASE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release");
    packed(&static_program(), &folder);
    folder
});

fn fixture() -> Vec<u8> {
    fs::read(workspace_root().join("tests/fixtures/session-server/address-known.yaml")).unwrap()
}

fn succeeds(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Pushes the layout, and returns the image's name and digest.
fn pushed(registry: &Registry) -> (String, String) {
    let image = registry.image("runner-terminal:0.0.0");
    let layout = RELEASE.join("oci");
    succeeds(&registry.crane(&["push", layout.to_str().unwrap(), &image]));
    let digest = succeeds(&registry.crane(&["digest", &image]));
    (image, digest.trim().to_owned())
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn an_image_goes_through_a_registry_and_stays_itself() {
    let registry = Registry::start();
    let (image, digest) = pushed(&registry);
    let entry = json(&RELEASE.join("oci/index.json"));
    assert_eq!(entry["manifests"][0]["digest"], digest.as_str());

    // It reads every blob and compares digests, sizes and the layers' content.
    for platform in [&format!("linux/{CPU}"), "wasip1/wasm", "js/wasm"] {
        succeeds(&registry.crane(&["validate", "--remote", &image, "--platform", platform]));
    }
    succeeds(&registry.crane(&["validate", "--remote", &image]));

    let back = tempfile::tempdir().unwrap();
    let back = back.path().join("oci");
    succeeds(&registry.crane(&["pull", "--format=oci", &image, back.to_str().unwrap()]));
    let entry = json(&back.join("index.json"));
    assert_eq!(entry["manifests"][0]["digest"], digest.as_str());
}

/// A faulty layer is detected.
#[test]
fn a_damaged_layer_is_refused() {
    let registry = Registry::start();
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(RELEASE.join("oci"))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    let layout = folder.path().join("oci");
    let largest = fs::read_dir(layout.join("blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .max_by_key(|entry| entry.metadata().unwrap().len())
        .unwrap();
    let mut content = fs::read(largest.path()).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(largest.path(), content).unwrap();

    let image = registry.image("damaged:0.0.0");
    let output = registry.crane(&["push", layout.to_str().unwrap(), &image]);

    assert!(!output.status.success());
}

/// The program only needs the files of the image.
#[test]
fn the_function_runs_in_the_image_alone() {
    let registry = Registry::start();
    let (image, _) = pushed(&registry);
    let platform = format!("linux/{CPU}");
    let root = unpacked(&registry, &image, &platform);
    let config = succeeds(&registry.crane(&["config", &image, "--platform", &platform]));
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["architecture"], CPU);
    let entrypoint = config["config"]["Entrypoint"][0].as_str().unwrap();

    let id = Command::new("id").arg("-u").output().unwrap();
    let is_root = id.stdout.trim_ascii() == b"0";
    // The image's own user, and nobody, which kustomize and kpt use for containers.
    for user in ["65532:65532", "65534:65534"] {
        // Only root may use chroot.
        let mut command = if is_root {
            let mut chroot = Command::new("/usr/sbin/chroot");
            chroot.arg(format!("--userspec={user}")).arg(root.path());
            chroot.arg(entrypoint);
            chroot
        } else {
            Command::new(root.path().join(entrypoint.trim_start_matches('/')))
        };
        let output = run(command.env_clear(), &fixture());

        let list = succeeds(&output);
        assert!(
            list.contains("advertise_address = \"terminal.example.com:9000\""),
            "{user}: {list}"
        );
    }
}

fn unpacked(registry: &Registry, image: &str, platform: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    // The program runs as another user than the one that creates the folder.
    let status = Command::new("chmod").arg("755").arg(root.path()).status();
    assert!(status.unwrap().success());
    let archive = root.path().with_extension("tar");
    let exported = registry.crane(&[
        "export",
        image,
        archive.to_str().unwrap(),
        "--platform",
        platform,
    ]);
    succeeds(&exported);
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&archive).arg("-C").arg(root.path());
    succeeds(&tar.output().unwrap());
    fs::remove_file(archive).unwrap();
    root
}

fn run(command: &mut Command, input: &[u8]) -> Output {
    real_hosts::run_launcher(command.stdin(Stdio::piped()), input)
}

/// The page's own commands: crane pushes the layout, and kpt finds its module under the image's one name.
#[test]
fn kpt_runs_the_module_of_the_image() {
    let registry = Registry::start();
    let folder = tempfile::tempdir().unwrap();
    let list = String::from_utf8(fixture()).unwrap();
    let (items, config) = list.split_once("functionConfig:\n").unwrap();
    let (_, items) = items.split_once("items:\n").unwrap();
    let lines = |text: &str| -> String {
        text.lines()
            .map(|line| format!("{}\n", line.get(2..).unwrap_or(line)))
            .collect()
    };
    let documents: Vec<_> = items.split("- apiVersion").skip(1).collect();
    let documents: Vec<_> = documents
        .iter()
        .map(|document| lines(&format!("  apiVersion{document}")))
        .collect();
    let runner = folder.path().join("runner.yaml");
    fs::write(&runner, documents.join("---\n")).unwrap();
    fs::write(folder.path().join("session-server.yaml"), lines(config)).unwrap();

    for start in ["crane push ", "kpt fn eval --allow-alpha-wasm "] {
        let command = command_of_the_page(start)
            .replace("target/dist", RELEASE.to_str().unwrap())
            .replace("REGISTRY/", &registry.image(""));
        let mut shell = Command::new("sh");
        shell.arg("-ec").arg(command).current_dir(folder.path());
        // kpt caches what it pulled.
        shell
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path());
        let old = std::env::var_os("PATH").unwrap();
        let hosts = host("kpt").parent().unwrap().to_owned();
        let paths = std::iter::once(hosts).chain(std::env::split_paths(&old));
        shell.env("PATH", std::env::join_paths(paths).unwrap());
        succeeds(&run(&mut shell, b""));
    }

    let made = fs::read_to_string(runner).unwrap();
    assert!(
        made.contains("advertise_address = \"terminal.example.com:9000\""),
        "{made}"
    );
}

/// The one line of the page's commands with this start.
fn command_of_the_page(start: &str) -> String {
    let page = workspace_root().join("docs/distribution.md");
    let page = fs::read_to_string(page).unwrap();
    let mut lines = page.lines().filter(|line| line.starts_with(start));
    let line = lines.next().unwrap_or_else(|| panic!("no {start}"));
    assert!(lines.next().is_none(), "{start} is there twice");
    line.to_owned()
}

#[test]
fn packing_again_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let again = folder.path().join("again");
    packed(&static_program(), &again);
    let sums = |folder: &Path| fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert_eq!(sums(&RELEASE), sums(&again));
    assert!(sums(&again).lines().count() >= 14, "{}", sums(&again));
}

#[test]
fn the_checksums_are_those_of_the_files() {
    let check = |folder: &Path| {
        let mut check = Command::new("sha256sum");
        check.args(["--check", "--strict", "SHA256SUMS"]);
        check.current_dir(folder).output().unwrap()
    };
    succeeds(&check(&RELEASE));

    let folder = tempfile::tempdir().unwrap();
    packed(&static_program(), folder.path());
    fs::write(folder.path().join("runner-terminal.wasm"), b"another").unwrap();
    assert!(!check(folder.path()).status.success());
}

/// The page's own commands, as far as they work without a release on GitHub: downloads are checked
/// against the list, which is what is signed.
#[test]
fn the_recipe_of_the_page_checks_what_was_downloaded() {
    let run = |folder: &Path| {
        let mut shell = Command::new("sh");
        shell
            .arg("-ec")
            .arg(command_of_the_page("sha256sum --check "));
        shell.current_dir(folder).output().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    // One file and the list, as users download them.
    for name in ["SHA256SUMS", "runner-terminal.wasm"] {
        fs::copy(RELEASE.join(name), folder.path().join(name)).unwrap();
    }
    let said = succeeds(&run(folder.path()));
    assert_eq!(said, "runner-terminal.wasm: OK\n");

    fs::write(folder.path().join("runner-terminal.wasm"), b"another").unwrap();
    assert!(!run(folder.path()).status.success());

    // The list has every released file except the layout, which is also in the tar next to it.
    let sums = fs::read_to_string(RELEASE.join("SHA256SUMS")).unwrap();
    for entry in fs::read_dir(&*RELEASE).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let listed = sums
            .lines()
            .any(|line| line.ends_with(&format!("  {name}")));
        assert!(
            listed || ["oci", "SHA256SUMS"].contains(&name.as_str()),
            "{name}"
        );
    }
}

/// The page demands the identity with which the workflow signs.
#[test]
fn the_page_demands_the_identity_that_the_workflow_has() {
    let read = |name: &str| fs::read_to_string(workspace_root().join(name)).unwrap();
    let (page, workflow) = (
        read("docs/distribution.md"),
        read(".github/workflows/release.yml"),
    );
    let repository = env!("CARGO_PKG_REPOSITORY");
    let identity = format!("'^{repository}/.github/workflows/release.yml@refs/tags/v'");
    // For the list and for the image.
    assert_eq!(page.matches(&identity).count(), 2);
    assert!(workflow.contains("tags: [\"v*\"]"));
    assert!(workflow.contains("id-token: write"));
    let signed = "cosign sign-blob --yes --bundle dist/SHA256SUMS.sigstore.json dist/SHA256SUMS";
    assert!(workflow.contains(signed));
    assert!(page.contains("cosign verify-blob --bundle SHA256SUMS.sigstore.json SHA256SUMS"));
}

/// The catalog's claims about the release are true of its files.
#[test]
fn the_catalog_has_the_digests() {
    let catalog = fs::read_to_string(RELEASE.join("catalog.yaml")).unwrap();
    let catalog: Value = yaml_serde::from_str(&catalog).unwrap();
    let functions = catalog["spec"]["krmFunctions"].as_array().unwrap();
    assert_eq!(functions.len(), 3);
    let sums = fs::read_to_string(RELEASE.join("SHA256SUMS")).unwrap();
    let index = json(&RELEASE.join("oci/index.json"));
    for function in functions {
        let runtime = &function["versions"][0]["runtime"];
        let program = &runtime["exec"]["platforms"][0];
        let (_, archive) = program["uri"].as_str().unwrap().rsplit_once('/').unwrap();
        let line = format!("{}  {archive}\n", program["sha256"].as_str().unwrap());
        assert!(sums.contains(&line), "{line}");
        let digest = format!(
            "sha256:{}",
            runtime["container"]["sha256"].as_str().unwrap()
        );
        assert_eq!(index["manifests"][0]["digest"], digest.as_str());
    }
}

/// krew installs the archive by the release's own manifest, as `kubectl krew install runner-terminal` does
/// when the manifest is in an index.
#[test]
fn krew_installs_a_plugin_that_kubectl_runs() {
    let archive = fs::read_dir(&*RELEASE)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .unwrap();
    let home = tempfile::tempdir().unwrap();
    let in_home = |program: &str, root: &Path| {
        let mut command = Command::new(host(program));
        command
            .env("KREW_ROOT", root)
            .env("HOME", home.path())
            .env("PATH", format!("{}/bin:/usr/bin:/bin", root.display()));
        command
    };
    let install = |archive: &Path, root: &Path| {
        let mut krew = in_home("krew", root);
        krew.args(["install", "--no-update-index", "--manifest"])
            .arg(RELEASE.join("runner-terminal.krew.yaml"))
            .arg("--archive")
            .arg(archive);
        krew.output().unwrap()
    };
    succeeds(&install(&archive, home.path()));

    let mut kubectl = in_home("kubectl", home.path());
    let output = succeeds(&run(kubectl.arg("runner-terminal"), &fixture()));
    assert!(output.contains("kind: ResourceList\n"), "{output}");
    assert!(output.contains("advertise_address = "), "{output}");

    // An archive with another checksum is refused.
    let other = home.path().join("other.tar.gz");
    fs::write(&other, [fs::read(&archive).unwrap(), vec![0]].concat()).unwrap();
    let output = install(&other, &home.path().join("other"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("checksum"),
        "{said}"
    );
}

/// The formula names the archives of the release with their checksums. Homebrew itself is not run.
#[test]
fn the_formula_has_the_digests() {
    let formula = fs::read_to_string(RELEASE.join("runner-terminal.rb")).unwrap();
    let sums = fs::read_to_string(RELEASE.join("SHA256SUMS")).unwrap();
    let quoted = |word: &str| {
        let (_, rest) = formula.split_once(&format!("{word} \"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let url = quoted("      url");
    let (_, archive) = url.rsplit_once('/').unwrap();
    let line = format!("{}  {archive}\n", quoted("      sha256"));
    assert!(sums.contains(&line), "{line}{sums}");
}

/// A program that needs libraries would not start in the image.
#[test]
#[should_panic(expected = "needs libraries, and an image has none")]
fn a_program_that_is_not_static_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    packed(&std::env::current_exe().unwrap(), folder.path());
}

/// The bills of a release, by file.
fn bills() -> Vec<PathBuf> {
    let mut bills: Vec<_> = fs::read_dir(&*RELEASE)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".cdx.json"))
        .collect();
    bills.sort();
    bills
}

fn components(bill: &Value) -> Vec<&str> {
    let components = bill["components"].as_array().unwrap().iter();
    components
        .map(|component| component["name"].as_str().unwrap())
        .collect()
}

/// Each released file has a bill of its content.
#[test]
fn each_module_and_the_npm_package_has_a_bill_of_its_own() {
    let names: Vec<_> = bills()
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names,
        [
            "runner-terminal-0.0.0.cdx.json",
            &format!("{NPM}.cdx.json"),
            "runner-terminal-helm.wasm.cdx.json",
            "runner-terminal-kpt.wasm.cdx.json",
            "runner-terminal.wasm.cdx.json",
        ]
    );
    for (bill, name, only_there) in [
        (
            "runner-terminal.wasm",
            "pkg:cargo/runner-terminal-wasi@0.0.0",
            "",
        ),
        (
            "runner-terminal-kpt.wasm",
            "pkg:cargo/runner-terminal-kpt@0.0.0",
            "dlmalloc",
        ),
        (NPM, "pkg:npm/runner-terminal@", "wasm-bindgen"),
    ] {
        let bill = json(&RELEASE.join(format!("{bill}.cdx.json")));
        let url = bill["metadata"]["component"]["purl"].as_str().unwrap();
        assert!(url.starts_with(name), "{url}");
        let found = components(&bill);
        assert!(found.contains(&"runner-terminal"), "{name}: {found:?}");
        assert!(!found.contains(&"wasmtime"), "{name}: {found:?}");
        assert!(
            only_there.is_empty() || found.contains(&only_there),
            "{name}: {found:?}"
        );
    }
}

/// Validated with CycloneDX's own schema.
#[test]
fn the_bills_are_valid() {
    let validate = |files: &[PathBuf]| {
        let mut node = Command::new("node");
        node.current_dir(workspace_root());
        node.arg("tests/hosts/cyclonedx/validate.mjs").args(files);
        node.output().unwrap()
    };
    assert_eq!(bills().len(), 5);
    succeeds(&validate(&bills()));

    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.cdx.json");
    let bill = fs::read_to_string(&bills()[0]).unwrap();
    fs::write(&damaged, bill.replace("\"library\"", "\"librari\"")).unwrap();
    let output = validate(&[damaged]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("/components/0/type"), "{said}");
}

/// npm itself packs the same files, and `cargo xtask web` has tested them.
#[test]
fn the_npm_package_is_what_npm_packs() {
    let unpacked = |archive: &Path| {
        let folder = tempfile::tempdir().unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(folder.path());
        succeeds(&tar.output().unwrap());
        folder
    };
    let ours = unpacked(&RELEASE.join(NPM));
    let theirs = unpacked(&npm_package());
    let mut diff = Command::new("diff");
    diff.arg("-r").arg(ours.path()).arg(theirs.path());
    assert_eq!(succeeds(&diff.output().unwrap()), "");
}

/// The bill lists the crates in the launcher, not those that build it.
#[test]
fn the_bill_has_the_sandbox_and_not_its_compiler() {
    let bill = json(&RELEASE.join("runner-terminal-0.0.0.cdx.json"));
    let names = components(&bill);
    for name in ["runner-terminal", "wasmtime", "rustls", "kube"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    for name in ["cranelift-codegen", "wasmtime-internal-cranelift", "syn"] {
        assert!(!names.contains(&name), "{name} is listed");
    }
}

/// The module is the same, byte for byte, wherever it is built.
#[test]
fn another_folder_gives_the_same_module() {
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args(["xtask", "dist", "--verify-module"])
        .output()
        .unwrap();
    let said = succeeds(&output);
    assert!(said.contains("gave the same"), "{said}");
}

#[test]
fn the_workflows_are_valid() {
    let mut lint = Command::new(host("actionlint"));
    // Disables two linters that actionlint would use if they are installed.
    lint.args(["-shellcheck=", "-pyflakes="]);
    let output = lint.current_dir(workspace_root()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
