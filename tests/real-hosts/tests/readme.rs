//! Runs the commands in the README and the docs.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use real_hosts::{ControlPlane, host, workspace_root};

const README: &str = "README.md";

fn page(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap()
}

/// The fenced blocks in a language.
fn blocks(path: &str, language: &str) -> Vec<String> {
    let blocks = blocks_of(&page(path), language);
    assert!(!blocks.is_empty(), "{path} has no {language} block");
    blocks
}

/// The fenced blocks of a text, without the indentation that they have in a list.
fn blocks_of(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}");
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() != opening {
            continue;
        }
        let indentation = &line[..line.len() - opening.len()];
        let closing = format!("{indentation}```");
        let inside = lines.by_ref().take_while(|line| **line != closing);
        let inside = inside.map(|line| line.strip_prefix(indentation).unwrap_or(line));
        blocks.push(inside.map(|line| format!("{line}\n")).collect());
    }
    blocks
}

/// A section of the README, by its heading.
fn section(heading: &str) -> String {
    let text = page(README);
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

const HELM_FOLDERS: [&str; 3] = ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"];

fn shell(command: &str, folder: &Path, home: &Path, kubeconfig: Option<&Path>) -> Output {
    let bin = host("kustomize").parent().unwrap().to_owned();
    let release = workspace_root().join("target/release");
    let old = std::env::var_os("PATH").unwrap();
    let folders = [release, bin]
        .into_iter()
        .chain(std::env::split_paths(&old));
    let none = Path::new("/nonexistent");
    Command::new("sh")
        // Helm's plugins and caches, in a separate folder for each page.
        .envs(HELM_FOLDERS.map(|name| (name, home.join(name))))
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(folders).unwrap())
        .env("KUBECONFIG", kubeconfig.unwrap_or(none))
        .output()
        .unwrap()
}

/// Held while the launcher in `target/quick` is built and used: the demo's has other features than the one
/// that is installed.
fn quick() -> MutexGuard<'static, ()> {
    static QUICK: Mutex<()> = Mutex::new(());
    QUICK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The commands to install it are those of `six_commands_lead_from_a_clone_to_changed_manifests`.
#[test]
fn commands_do_what_they_say() {
    let text = page(README).replace(&section("Install"), "");
    assert!(run(&blocks_of(&text, "console"), None) >= 3);
}

/// From a clone to manifests in kustomize that have a session server, following only the README:
/// the commands run as they are, in one shell. The clone itself is this workspace.
#[test]
fn six_commands_lead_from_a_clone_to_changed_manifests() {
    let start = [section("Install"), section("Quick start")].concat();
    let commands = blocks_of(&start, "console").concat();
    let commands: Vec<_> = commands
        .lines()
        .map(|line| line.strip_prefix("$ ").unwrap())
        .collect();
    assert!(commands.len() <= 6, "{commands:?}");
    let [clone, others @ ..] = commands.as_slice() else {
        panic!("there is no command");
    };
    let repository = env!("CARGO_PKG_REPOSITORY");
    assert_eq!(
        *clone,
        format!("git clone {repository} && cd runner-terminal")
    );

    let _quick = quick();
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    let old = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths([bin.clone()].into_iter().chain(std::env::split_paths(&old)));
    let output = Command::new("sh")
        .args(["-ec", &others.join("\n")])
        .current_dir(workspace_root())
        // Where they install, which is `~/.cargo/bin` and `~/go/bin` for people.
        .env("CARGO_INSTALL_ROOT", home.path())
        .env("GOBIN", &bin)
        .env("PATH", path.unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for program in ["runner-terminal", "kustomize"] {
        assert!(
            bin.join(program).is_file(),
            "{program} is not installed\n{said}"
        );
    }
    let manifests = String::from_utf8(output.stdout).unwrap();
    for line in [
        "  name: team-a-runner-session-server\n",
        "          name: session-server\n",
        "        - --service=team-a-runner-session-server\n",
    ] {
        assert!(manifests.contains(line), "{line}{manifests}");
    }
}

/// Each page with commands has a test that runs them, here or in the file of its host.
#[test]
fn every_page_with_commands_is_run() {
    let tests =
        ["readme.rs", "argocd.rs"].map(|file| page(&format!("tests/real-hosts/tests/{file}")));
    let mut pages = 0;
    for entry in fs::read_dir(workspace_root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("docs/{name}");
        if !name.ends_with(".md") || blocks_of(&page(&path), "console").is_empty() {
            continue;
        }
        let quoted = [
            format!("run_commands(\"{path}\""),
            format!("const PAGE: &str = \"{path}\""),
        ];
        let is_run = tests
            .iter()
            .any(|test| quoted.iter().any(|quoted| test.contains(quoted)));
        assert!(is_run, "no test runs the commands of {path}");
        pages += 1;
    }
    assert!(pages >= 14, "{pages}");
}

#[test]
fn replicas_are_served_as_the_page_says() {
    assert!(run_commands("docs/exposures.md", None) >= 1);
}

#[test]
fn kustomize_is_used_as_the_page_says() {
    assert!(run_commands("docs/kustomize.md", None) >= 2);
}

#[test]
fn changes_are_shown_as_the_page_says() {
    assert!(run_commands("docs/what-changes.md", None) >= 2);
}

#[test]
fn the_command_line_is_used_as_the_page_says() {
    assert!(run_commands("docs/command-line.md", None) >= 8);
}

#[test]
fn modules_run_as_the_page_says() {
    assert!(run_commands("docs/modules.md", None) >= 3);
}

/// The messages of other programs; `tests/troubleshooting.rs` has those of the function.
#[test]
fn kustomize_says_what_the_page_says() {
    let page = page("docs/troubleshooting.md");
    let home = tempfile::tempdir().unwrap();
    let mut count = 0;
    for part in page.split("\n### `").skip(1) {
        let Some((message, rest)) = part.split_once("`\n\n<!-- $ ") else {
            continue;
        };
        let command = rest.split(" -->\n").next().unwrap();
        let output = shell(command, workspace_root(), home.path(), None);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(message),
            "{command}\n{said}"
        );
        count += 1;
    }
    assert!(count >= 4, "{count}");
}

/// In the order of the page, in one cluster.
#[test]
fn the_address_is_filled_in_as_the_page_says() {
    let plane = ControlPlane::shared();
    assert!(run_commands("docs/address.md", Some(plane.kubeconfig())) >= 7);
}

/// In a cluster of its own, as the page applies the same runner as docs/address.md.
#[test]
fn pods_are_configured_as_the_page_says() {
    let plane = ControlPlane::start();
    assert!(run_commands("docs/pod-start.md", Some(plane.kubeconfig())) >= 3);
}

#[test]
fn files_are_exported_as_the_page_says() {
    assert!(run_commands("docs/export.md", None) >= 6);
}

#[test]
fn a_helm_release_is_patched_as_the_page_says() {
    assert_eq!(run_commands("docs/flux.md", None), 1);
}

#[test]
fn the_relay_is_made_as_the_page_says() {
    assert_eq!(run_commands("docs/relay.md", None), 1);
}

#[test]
fn pictures_are_drawn_as_the_page_says() {
    assert!(run_commands("docs/diagram.md", None) >= 4);
}

#[test]
fn values_of_the_chart_are_imported_as_the_page_says() {
    assert!(run_commands("docs/from-the-chart.md", None) >= 3);
}

/// In the order of the page, in one cluster.
#[test]
fn helm_is_used_as_the_page_says() {
    let plane = ControlPlane::shared();
    assert!(run_commands("docs/helm.md", Some(plane.kubeconfig())) >= 8);
}

#[test]
fn versions_are_converted_as_the_page_says() {
    assert!(run_commands("docs/api-versions.md", None) >= 3);
}

#[test]
fn finished_builds_are_verified_as_the_page_says() {
    assert!(run_commands("docs/verify.md", None) >= 2);
}

#[test]
fn kpt_is_used_as_the_page_says() {
    assert!(run_commands("docs/kpt.md", None) >= 5);
}

/// The line below a command whose exit code is not 0.
const EXIT_CODE: &str = "# exit code: ";

/// Runs each `$ command` of a page, which must exit with 0 or the code that the line below it says, and
/// returns their number.
fn run_commands(path: &str, kubeconfig: Option<&Path>) -> usize {
    run(&blocks(path, "console"), kubeconfig)
}

fn run(blocks: &[String], kubeconfig: Option<&Path>) -> usize {
    let mut count = 0;
    let home = tempfile::tempdir().unwrap();
    for block in blocks {
        let mut lines = block.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ ") else {
                panic!("neither a command nor a code: {line}");
            };
            let code = lines
                .next_if(|line| line.starts_with(EXIT_CODE))
                .map_or(0, |line| line[EXIT_CODE.len()..].parse().unwrap());
            let output = shell(command, workspace_root(), home.path(), kubeconfig);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{command}\n{said}");
            // A check may only have an exit code, and a refusal only standard error.
            let has_refused = code != 0 && !said.is_empty();
            assert!(
                !output.stdout.is_empty() || command.contains("--check") || has_refused,
                "{command} printed nothing\n{said}"
            );
            count += 1;
        }
    }
    count
}

/// The two files of the quick start and its apply, with the example's runner beside them.
#[test]
fn one_apply_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    for block in blocks(README, "yaml") {
        let name = block.lines().next().unwrap().trim_start_matches("# ");
        fs::write(folder.path().join(name), &block).unwrap();
    }
    let plane = ControlPlane::shared();
    let sh = |command: &str, folder: &Path| {
        let output = shell(command, folder, folder, Some(plane.kubeconfig()));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let runner = sh(
        "kustomize build kustomization/example/base",
        workspace_root(),
    );
    let runner = runner.replace("team-a-runner", "readme-runner");
    fs::write(folder.path().join("runner.yaml"), runner).unwrap();
    let [apply] = blocks_of(&section("Quick start"), "sh").try_into().unwrap();
    sh(&apply, folder.path());
    let get = "kubectl --namespace ci get service readme-runner-session-server --output name";
    sh(get, folder.path());
    let get = "kubectl --namespace ci get deployment readme-runner --output \
               jsonpath='{.spec.template.spec.initContainers[*].name}'";
    assert_eq!(sh(get, folder.path()), "session-server");
}

/// The two set-up commands: the first runs here, the second runs this test.
#[test]
fn two_commands_set_up_everything() {
    assert_eq!(
        blocks_of(&section("Build it"), "sh"),
        ["cargo xtask demo\n", "cargo xtask test\n"]
    );
    let ci = fs::read_to_string(workspace_root().join(".ci/run")).unwrap();
    assert!(ci.contains("cargo xtask test"), "{ci}");

    let _quick = quick();
    let home = tempfile::tempdir().unwrap();
    let output = shell("cargo xtask demo", workspace_root(), home.path(), None);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_a_terminal_was_shown(&shown);
    assert_the_cluster_is_left_out(home.path());

    let picture = home.path().join("demo.svg");
    let draw = format!("cargo xtask demo --picture {}", picture.display());
    let output = shell(&draw, workspace_root(), home.path(), None);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        fs::read_to_string(picture).unwrap() == page("docs/demo.svg"),
        "docs/demo.svg is out of date; `cargo xtask demo --picture docs/demo.svg` draws it anew"
    );
}

/// The demo's launcher says what it is built without, where it would have to look into a cluster.
fn assert_the_cluster_is_left_out(home: &Path) {
    let list = "tests/fixtures/advertise-address/ip.yaml";
    for (end, code, words) in [
        ("", 0, "192.0.2.7:9000"),
        (
            "  spec: {source: Cluster}",
            1,
            "built without the feature `cluster`",
        ),
    ] {
        let line = format!("(cat {list}; echo '{end}') | target/quick/runner-terminal");
        let output = shell(&line, workspace_root(), home, None);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

/// What the demo shows: the function's change, the session server that starts with it, a check of its
/// address and the answer of a shell at its terminal. Nothing listens there any more.
fn assert_a_terminal_was_shown(shown: &str) {
    let (_, rest) = shown.split_once(": listening on 0.0.0.0:").unwrap();
    let port: u16 = rest.split(',').next().unwrap().parse().unwrap();
    let address = format!("127.0.0.1:{port}");
    let mut rest = shown;
    for line in [
        "\n>   name: team-a-runner-session-server\n".to_owned(),
        format!("\nsession-server: listening on 0.0.0.0:{port}, advertising https://{address}\n"),
        format!("\n{address}: healthy: a session server answers, with a certificate for "),
        "\nThe terminal works: 6 * 7 = 42\n".to_owned(),
    ] {
        rest = rest
            .split_once(&line)
            .unwrap_or_else(|| panic!("{line}{shown}"))
            .1;
    }
    for line in [
        format!(">     listen_address = \"0.0.0.0:{port}\"\n"),
        format!(">     advertise_address = \"{address}\"\n"),
    ] {
        assert!(shown.contains(&line), "{line}{shown}");
    }
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}
