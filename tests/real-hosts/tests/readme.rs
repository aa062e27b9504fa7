//! Runs the commands in the README and the docs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use real_hosts::{ControlPlane, host, workspace_root};

const README: &str = "README.md";

fn page(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap()
}

/// The fenced blocks in a language.
fn blocks(path: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks: Vec<String> = page(path)
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect();
    assert!(!blocks.is_empty(), "{path} has no {language} block");
    blocks
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

#[test]
fn commands_do_what_they_say() {
    assert!(run_commands(README, None) >= 15);
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

/// Runs each `$ command` of a page, which must exit with 0 or the code after `?` below it, and
/// returns their number.
fn run_commands(path: &str, kubeconfig: Option<&Path>) -> usize {
    let mut count = 0;
    let home = tempfile::tempdir().unwrap();
    for block in blocks(path, "console") {
        let mut lines = block.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ ") else {
                panic!("neither a command nor a code: {line}");
            };
            let code = lines
                .next_if(|line| line.starts_with("? "))
                .map_or(0, |line| line[2..].parse().unwrap());
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

/// The two files under "Use it with kustomize", with the example's runner beside them.
#[test]
fn the_kustomization_builds() {
    let folder = tempfile::tempdir().unwrap();
    for block in blocks(README, "yaml") {
        let name = block.lines().next().unwrap().trim_start_matches("# ");
        fs::write(folder.path().join(name), &block).unwrap();
    }
    let chart = workspace_root().join("tests/fixtures/chart/chart-default.yaml");
    fs::copy(chart, folder.path().join("runner.yaml")).unwrap();
    let output = shell(
        "kustomize build --enable-alpha-plugins --enable-exec .",
        folder.path(),
        folder.path(),
        None,
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let manifests = String::from_utf8(output.stdout).unwrap();
    assert!(
        manifests.contains("name: gr-gitlab-runner-session-server\n"),
        "{manifests}"
    );
}

/// The two set-up commands: the first runs here, the second runs this test.
#[test]
fn two_commands_set_up_everything() {
    assert_eq!(
        blocks(README, "sh"),
        ["cargo xtask demo\n", "cargo xtask test\n"]
    );
    let ci = fs::read_to_string(workspace_root().join(".ci/run")).unwrap();
    assert!(ci.contains("cargo xtask test"), "{ci}");

    let home = tempfile::tempdir().unwrap();
    let output = shell("cargo xtask demo", workspace_root(), home.path(), None);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("team-a-runner-session-server"), "{shown}");
}

/// The README's tables have every field of the functionConfigs.
#[test]
fn the_fields_are_those_of_the_schemas() {
    let readme = page(README);
    for (file, definition, prefix) in [
        ("sessionserver", "SessionServerSpec", ""),
        ("sessionserver", "RunnerSelector", "runner."),
        ("sessionserver", "Exposure", "exposure."),
        ("sessionserver", "Exposure/oneOf/0", "exposure."),
        ("sessionserver", "Exposure/oneOf/1", "exposure."),
        ("sessionserver", "Exposure/oneOf/2", "exposure."),
        ("sessionserver", "Exposure/oneOf/3", "exposure."),
        ("sessionserver", "Exposure/oneOf/4", "exposure."),
        ("sessionserver", "Exposure/oneOf/5", "exposure."),
        ("sessionserver", "Exposure/oneOf/6", "exposure."),
        ("sessionserver", "Exposure/oneOf/8", "exposure."),
        ("sessionserver", "Relay", "exposure.relay."),
        ("sessionserver", "ConfigureSpec", "configure."),
        ("sessionserver", "NetworkPolicySpec", "networkPolicy."),
        ("sessionserver", "Reader", "readers[]."),
        ("advertiseaddress", "AdvertiseAddressSpec", ""),
        ("verifyterminals", "VerifyTerminalsSpec", ""),
    ] {
        let path = workspace_root().join(format!("docs/schema/{file}.json"));
        let schema: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let members = schema
            .pointer(&format!("/$defs/{definition}/properties"))
            .unwrap();
        for field in members.as_object().unwrap().keys() {
            let named = [
                format!("`{prefix}{field}`"),
                format!("`.{field}`"),
                format!("`{field}."),
            ];
            assert!(
                named.iter().any(|name| readme.contains(name)),
                "{prefix}{field} is not in the README"
            );
        }
    }
}
