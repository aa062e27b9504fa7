//! Plain manifests in, plain manifests out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod program;

use std::fs;
use std::path::Path;

use serde_json::Value;

use program::{Ended, SESSION_SERVER, command, run, run_with_closed_output};

/// A runner and its configuration in two files, among content that must not change.
const RUNNER: &str = concat!(
    "# The runner of team A.\n---\n",
    include_str!("program/runner.yaml"),
    "---\n# Source: chart/templates/sa.yaml\napiVersion: v1\nkind: ServiceAccount\n",
    "metadata: {name: runner, namespace: ci}\n",
);
const RUNNER_ALONE: &str = include_str!("program/runner.yaml");
const CONFIG: &str = include_str!("program/config.yaml");
const ADVERTISE_ADDRESS: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: AdvertiseAddress
metadata:
  name: advertise-address
spec: {source: Static, address: terminal.example.com}
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn team() -> tempfile::TempDir {
    folder(&[("apps/runner.yaml", RUNNER), ("apps/config.yaml", CONFIG)])
}

fn apply_in(folder: &Path, arguments: &[&str]) -> Ended {
    run(
        command(&["apply-to"]).args(arguments).current_dir(folder),
        b"",
    )
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Asserts that the manifests have a session server.
fn is_served(text: &str) {
    assert!(text.contains("\nkind: Service\n"), "{text}");
    assert!(text.contains("containerPort: 8093"), "{text}");
}

#[test]
fn a_stream_goes_through() {
    let stream = format!("{RUNNER}---\n{CONFIG}");
    let ended = run(&mut command(&["apply-to"]), stream.as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    is_served(ended.text());
    assert!(ended.text().starts_with("# The runner of team A.\n---\n"));
    assert!(
        ended
            .text()
            .contains("\n---\n# Source: chart/templates/sa.yaml\n")
    );
    assert!(ended.text().ends_with(CONFIG));
    assert!(
        ended.stderr.contains("has no address yet"),
        "{}",
        ended.stderr
    );
    // The Service is beside its runner.
    let kinds: Vec<_> = ended
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("kind: "))
        .collect();
    assert_eq!(
        kinds,
        ["Deployment", "Service", "ServiceAccount", "ConfigMap"]
    );

    let again = run(&mut command(&["apply-to", "-"]), &ended.stdout);
    assert_eq!(again.stdout, ended.stdout);
}

/// Each comment is above its document, with the document's line endings, and nothing else differs.
#[test]
fn warnings_may_be_comments() {
    let warning = "# runner-terminal: warning: ";
    let policy = "apiVersion: policy/v1\nkind: PodDisruptionBudget\n\
                  metadata: {name: runner, namespace: ci}\nspec: {maxUnavailable: 0}\n";
    for (stream, break_of_lines) in [
        (format!("{RUNNER}---\n{CONFIG}"), "\n"),
        (format!("{policy}---\n{CONFIG}---\n{RUNNER_ALONE}"), "\n"),
        (format!("--- # first\n{CONFIG}---\n{RUNNER_ALONE}"), "\n"),
        (
            format!("{CONFIG}---\n{RUNNER}").replace('\n', "\r\n"),
            "\r\n",
        ),
    ] {
        let plain = run(&mut command(&["apply-to"]), stream.as_bytes());
        let commented = run(&mut command(&["apply-to", "--comments"]), stream.as_bytes());
        assert_eq!(commented.code, 0, "{}", commented.stderr);
        assert_eq!(commented.stderr, plain.stderr);
        let text = commented.text();
        let is_comment = |line: &&str| line.starts_with(warning);
        let without: String = text
            .split_inclusive('\n')
            .filter(|line| !is_comment(line))
            .collect();
        assert_eq!(without, plain.text());
        let lines: Vec<&str> = text.split(break_of_lines).collect();
        let at = lines.iter().position(is_comment).unwrap();
        assert!(lines[at].contains("has no address yet"), "{text}");
        assert_eq!(lines[at + 1..at + 3], ["apiVersion: v1", "kind: Service"]);
    }
    let both = run(&mut command(&["apply-to", "--comments", "--diff"]), b"");
    assert_eq!(both.code, 2, "{}", both.stderr);
}

/// What `oc process -o json` and `oc process -o yaml` print: one List, whose objects have no namespace.
#[test]
fn a_processed_template_of_openshift_gets_a_route() {
    let folder = folder(&[(
        "route.yaml",
        &format!(
            "{SESSION_SERVER}spec: {{exposure: {{type: Ingress, controller: openshift, host: \
             t.example.com}}}}\n"
        ),
    )]);
    let config = value(CONFIG);
    let mut runner = value(RUNNER_ALONE);
    for (api_version, kind) in [
        ("apps/v1", "Deployment"),
        ("apps.openshift.io/v1", "DeploymentConfig"),
    ] {
        runner["apiVersion"] = api_version.into();
        runner["kind"] = kind.into();
        let mut items = [config.clone(), runner.clone()];
        for item in &mut items {
            let metadata = item["metadata"].as_object_mut().unwrap();
            metadata.remove("namespace");
        }
        let list = serde_json::json!({
            "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items,
        });
        let json = format!("{}\n", serde_json::to_string_pretty(&list).unwrap());
        let style = yaml_splice::Style {
            newline: "\n",
            indent_sequences: false,
        };
        let yaml = yaml_splice::block_document(&list, 0, style);
        for processed in [json, yaml] {
            let ended = apply_with(&folder, &processed);
            let list = value(&ended);
            let kinds: Vec<_> = list["items"].as_array().unwrap().iter().collect();
            let of_kind = |kind: &str| kinds.iter().find(|item| item["kind"] == kind).unwrap();
            assert_eq!(
                of_kind("Route")["spec"]["tls"]["termination"],
                "passthrough"
            );
            assert_eq!(
                of_kind("Route")["spec"]["to"]["name"],
                of_kind("Service")["metadata"]["name"]
            );
            assert_eq!(apply_with(&folder, &ended), ended);
        }
    }
}

fn value(text: &str) -> Value {
    yaml_splice::Tree::parse(text).unwrap().to_value().unwrap()
}

fn apply_with(folder: &tempfile::TempDir, manifests: &str) -> String {
    let mut apply = command(&["apply-to", "-c"]);
    let ended = run(
        apply.arg(folder.path().join("route.yaml")),
        manifests.as_bytes(),
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.text().to_owned()
}

#[test]
fn enabled_false_gives_the_stream_back() {
    let folder = folder(&[(
        "off.yaml",
        &format!("{SESSION_SERVER}spec: {{enabled: false}}\n"),
    )]);
    let off = folder.path().join("off.yaml");
    let address = "spec: {advertiseAddress: terminal.example.com}\n";
    let on = folder.path().join("on.yaml");
    fs::write(&on, format!("{SESSION_SERVER}{address}")).unwrap();
    for stream in [
        format!("{RUNNER}---\n{CONFIG}"),
        format!("{CONFIG}---\n{RUNNER}").trim_end().to_owned(),
        format!("{RUNNER}---\n{CONFIG}").replace('\n', "\r\n"),
    ] {
        let with = |config: &Path, input: &[u8]| {
            let ended = run(command(&["apply-to", "-c"]).arg(config), input);
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            ended.stdout
        };
        let served = with(&on, stream.as_bytes());
        is_served(&String::from_utf8_lossy(&served).replace('\r', ""));
        assert_eq!(
            String::from_utf8_lossy(&with(&off, &served)),
            stream,
            "{}",
            String::from_utf8_lossy(&served)
        );
    }
}

#[test]
fn the_charts_stream_keeps_all_but_what_changes() {
    let chart = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/chart/chart-default.yaml"
    );
    let before = fs::read_to_string(chart).unwrap();
    let ended = run(&mut command(&["apply-to", chart]), b"");
    for line in before.lines() {
        assert!(ended.text().lines().any(|now| now == line), "{line}");
    }
}

#[test]
fn function_configs_among_the_files_are_used_and_not_passed_on() {
    let team = team();
    // Sorted by name, AdvertiseAddress would come first, but it has to come second.
    fs::write(
        team.path().join("advertise-address.yaml"),
        ADVERTISE_ADDRESS,
    )
    .unwrap();
    fs::write(team.path().join("session-server.yaml"), SESSION_SERVER).unwrap();
    let ended = apply_in(team.path(), &["."]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    is_served(ended.text());
    assert!(
        ended
            .text()
            .contains("advertise_address = \"terminal.example.com:9000\""),
        "{}",
        ended.text()
    );
    assert!(!ended.text().contains("runner-terminal.dev/v1alpha1"));
    // If configs are named, those among the manifests are not used.
    let named = apply_in(team.path(), &["-c", "session-server.yaml", "."]);
    assert!(
        !named.text().contains("terminal.example.com"),
        "{}",
        named.text()
    );
    let both = apply_in(
        team.path(),
        &[
            "-c",
            "session-server.yaml",
            "-c",
            "advertise-address.yaml",
            "apps",
        ],
    );
    assert_eq!(both.stdout, ended.stdout);
}

#[test]
fn files_are_replaced_in_place() {
    let team = team();
    fs::write(team.path().join("session-server.yaml"), SESSION_SERVER).unwrap();
    fs::write(
        team.path().join("advertise-address.yaml"),
        ADVERTISE_ADDRESS,
    )
    .unwrap();
    let other = "kind: Namespace\nmetadata: {name: ci}\n";
    fs::write(team.path().join("apps/other.yaml"), other).unwrap();
    let ended = apply_in(team.path(), &["--in-place", "."]);
    assert_eq!((ended.code, ended.text()), (0, ""), "{}", ended.stderr);
    is_served(&read(team.path(), "apps/runner.yaml"));
    assert!(read(team.path(), "apps/config.yaml").contains("advertise_address"));
    assert_eq!(read(team.path(), "apps/other.yaml"), other);
    assert_eq!(read(team.path(), "session-server.yaml"), SESSION_SERVER);
    let names = fs::read_dir(team.path().join("apps")).unwrap().count();
    assert_eq!(names, 3, "no temporary file is left");

    assert_eq!(apply_in(team.path(), &["--check", "."]).code, 0);
}

/// A new resource follows its neighbour in the same file, even if the next file begins with a
/// resource that is removed.
#[test]
fn a_new_resource_stays_in_the_file_of_its_neighbour() {
    let config = |spec: &str| format!("{SESSION_SERVER}spec: {spec}\n");
    let folder = folder(&[
        ("all.yaml", &format!("{CONFIG}---\n{RUNNER_ALONE}")),
        ("before.yaml", &config("{networkPolicy: {from: []}}")),
        (
            "now.yaml",
            &config("{readers: [{namespace: argocd, serviceAccount: a}]}"),
        ),
    ]);
    let first = apply_in(folder.path(), &["-c", "before.yaml", "all.yaml"]);
    let (mut own, users): (Vec<&str>, Vec<&str>) = first
        .text()
        .split("---\n")
        .partition(|document| document.contains("owned-by"));
    own.sort_by_key(|document| !document.contains("kind: NetworkPolicy"));
    assert!(own[0].contains("kind: NetworkPolicy"), "{own:?}");
    assert!(users[users.len() - 1].contains("kind: Deployment"));
    fs::write(folder.path().join("a.yaml"), users.join("---\n")).unwrap();
    fs::write(folder.path().join("b.yaml"), own.join("---\n")).unwrap();

    let files = ["-c", "now.yaml", "a.yaml", "b.yaml"];
    let mut explain = command(&["explain"]);
    let shown = run(explain.args(files).current_dir(folder.path()), b"");
    let row = |kind: &str| {
        let mut rows = shown.text().lines();
        let row = rows.find(|line| line.starts_with(kind));
        row.unwrap_or_else(|| panic!("{}", shown.text()))
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let role = row("Role ");
    assert_eq!((role[3].as_str(), &role[2][..7]), ("new", "a.yaml:"));
    assert_eq!(row("NetworkPolicy ")[2..], ["b.yaml:1", "removed"]);

    let ended = apply_in(folder.path(), &[&["-i"], &files[..]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (a, b) = (read(folder.path(), "a.yaml"), read(folder.path(), "b.yaml"));
    assert!(a.starts_with(&users.join("---\n")), "{a}");
    assert!(
        a.contains("kind: Role\n") && a.contains("kind: RoleBinding\n"),
        "{a}"
    );
    assert!(b.contains("kind: Service\n"), "{b}");
    assert!(
        !b.contains("kind: Role") && !b.contains("kind: NetworkPolicy"),
        "{b}"
    );
    let line: usize = role[2][7..].parse().unwrap();
    let at = a.lines().nth(line - 1).unwrap();
    assert!(at.starts_with("apiVersion: rbac"), "{at}");
}

#[cfg(unix)]
#[test]
fn links_and_modes_stay_and_unchanged_files_are_not_touched() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    let team = team();
    let at = |name: &str| team.path().join(name);
    fs::set_permissions(at("apps/runner.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("apps/runner.yaml", at("link.yaml")).unwrap();
    let config_before = fs::metadata(at("apps/config.yaml")).unwrap();
    let ended = apply_in(team.path(), &["-i", "link.yaml", "apps/config.yaml"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(fs::symlink_metadata(at("link.yaml")).unwrap().is_symlink());
    let runner = fs::metadata(at("apps/runner.yaml")).unwrap();
    assert_eq!(runner.mode() & 0o777, 0o640);
    is_served(&read(team.path(), "apps/runner.yaml"));
    let config = fs::metadata(at("apps/config.yaml")).unwrap();
    assert_eq!(config.ino(), config_before.ino());
}

#[test]
fn after_an_error_no_file_has_changed() {
    let team = team();
    let scaled = RUNNER.replace("spec:\n  selector", "spec:\n  replicas: 3\n  selector");
    fs::write(team.path().join("apps/runner.yaml"), &scaled).unwrap();
    for arguments in [&["-i", "apps"][..], &["apps"], &["--diff", "apps"]] {
        let ended = apply_in(team.path(), arguments);
        assert_eq!((ended.code, ended.text()), (1, ""), "{arguments:?}");
        assert!(
            ended.stderr.contains("spec.replicas: replicas is 3"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(read(team.path(), "apps/runner.yaml"), scaled);
    assert_eq!(read(team.path(), "apps/config.yaml"), CONFIG);
}

/// The configuration could be written and the runner could not, so neither is written.
#[test]
fn a_file_that_cannot_be_written_keeps_the_others_as_they_are() {
    let json = r#"{"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "runner", "namespace": "ci"},
        "spec": {"selector": {"matchLabels": {"app": "runner"}}, "template": {
            "metadata": {"labels": {"app": "runner"}},
            "spec": {"containers": [{"name": "runner", "image": "gitlab/gitlab-runner:v18",
                "volumeMounts": [{"name": "config", "mountPath": "/etc/gitlab-runner"}]}],
                "volumes": [{"name": "config", "configMap": {"name": "runner"}}]}}}}
"#;
    let folder = folder(&[("a.yaml", CONFIG), ("runner.json", json)]);
    fs::write(
        folder.path().join("c.yaml"),
        format!("{SESSION_SERVER}spec: {{advertiseAddress: terminal.example.com}}\n"),
    )
    .unwrap();
    let ended = apply_in(folder.path(), &["-i", "."]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .contains("cannot write ./runner.json: a file of JSON holds one document"),
        "{}",
        ended.stderr
    );
    assert_eq!(read(folder.path(), "a.yaml"), CONFIG);
    assert_eq!(read(folder.path(), "runner.json"), json);
    // As a stream the output is YAML, of which JSON is a subset.
    let stream = apply_in(folder.path(), &["."]);
    assert!(
        stream.text().contains("\"containerPort\": 8093"),
        "{}",
        stream.text()
    );
    assert!(
        stream
            .text()
            .contains("}}}}\n---\napiVersion: v1\nkind: Service\n")
    );
}

/// The function counts lines in its list; a user needs those of the file.
#[test]
fn what_is_no_yaml_is_named_by_its_line_in_the_file() {
    let team = team();
    let broken = format!("{CONFIG}---\n{RUNNER}").replace("image: git", "  image: git");
    fs::write(team.path().join("apps/runner.yaml"), &broken).unwrap();
    let line = broken
        .lines()
        .position(|line| line.contains("  image: git"))
        .unwrap()
        + 1;
    let ended = apply_in(team.path(), &["apps/runner.yaml"]);
    assert_eq!(ended.code, 1);
    let place = format!("runner-terminal: apps/runner.yaml:{line}: this is not valid YAML: ");
    assert!(ended.stderr.starts_with(&place), "{}", ended.stderr);
    assert!(!ended.stderr.contains(" line "), "{}", ended.stderr);
}

#[test]
fn check_and_diff_change_nothing() {
    let team = team();
    let check = apply_in(team.path(), &["--check", "apps"]);
    assert_eq!((check.code, check.text()), (2, ""));
    let diff = apply_in(team.path(), &["--diff", "apps"]);
    assert_eq!(diff.code, 0);
    assert!(
        diff.text()
            .starts_with("--- apps/runner.yaml\n+++ apps/runner.yaml\n@@ ")
    );
    let both = apply_in(team.path(), &["--diff", "--check", "apps"]);
    assert_eq!((both.code, both.stdout), (2, diff.stdout));
    assert_eq!(read(team.path(), "apps/runner.yaml"), RUNNER);
}

#[test]
fn patterns_name_files() {
    let team = team();
    let all = apply_in(team.path(), &["apps"]);
    for pattern in ["**/*.yaml", "apps/[cr]*.yaml", "app?"] {
        assert_eq!(
            apply_in(team.path(), &[pattern]).stdout,
            all.stdout,
            "{pattern}"
        );
    }
    // A file that is named twice is read once.
    assert_eq!(
        apply_in(team.path(), &["apps", "apps/*.yaml"]).stdout,
        all.stdout
    );
    let none = apply_in(team.path(), &["*.json"]);
    assert_eq!(none.code, 1);
    assert_eq!(none.stderr, "runner-terminal: no file matches *.json\n");
}

#[test]
fn many_files_are_read_and_written() {
    let team = team();
    for number in 0..300 {
        let name = format!("apps/other-{number}.yaml");
        let text = format!("kind: ConfigMap\nmetadata: {{name: other-{number}}}\n");
        fs::write(team.path().join(name), text).unwrap();
    }
    let ended = apply_in(team.path(), &["-i", "."]);
    assert_eq!(ended.code, 0);
    is_served(&read(team.path(), "apps/runner.yaml"));
    // Standard error is not a terminal, so there is no progress bar.
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn what_cannot_be_done_is_said() {
    let stdin = run(&mut command(&["apply-to", "-i"]), RUNNER.as_bytes());
    assert_eq!(stdin.code, 1);
    assert!(
        stdin
            .stderr
            .contains("no place to write standard input back to")
    );
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n";
    let list = run(&mut command(&["apply-to"]), list.as_bytes());
    assert_eq!(list.code, 1);
    assert!(
        list.stderr
            .contains("- is a ResourceList, which runner-terminal takes without")
    );
    assert_eq!(
        run(&mut command(&["apply-to", "-i", "--diff", "x"]), b"").code,
        2
    );
    let stream = format!("{RUNNER}---\n{CONFIG}").repeat(100);
    let closed = run_with_closed_output(&mut command(&["apply-to"]), stream.as_bytes());
    assert_eq!(
        closed.code, 1,
        "manifests that nobody has read are lost: {}",
        closed.stderr
    );
}

/// Manifests may be untrusted, and a kubeconfig may name a program, which would be run as kubectl
/// runs it.
#[test]
fn no_kubeconfig_comes_with_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let ran = path("ran");
    let kubeconfig = path("kubeconfig");
    fs::write(
        &kubeconfig,
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             clusters: [{{name: a, cluster: {{server: \"https://127.0.0.1:1\"}}}}]\n\
             users: [{{name: a, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, \
             command: touch, args: [{ran:?}], interactiveMode: Never}}}}}}]\n"
        ),
    )
    .unwrap();
    let config = path("address.yaml");
    let text = format!(
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: AdvertiseAddress\n\
         metadata: {{name: a}}\nspec: {{source: Cluster, kubeconfig: {kubeconfig:?}}}\n"
    );
    fs::write(&config, &text).unwrap();
    let runner = "chart/chart-default.yaml";
    let list = path("list.yaml");
    let indented: String = text.lines().map(|line| format!("  {line}\n")).collect();
    let head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n";
    fs::write(&list, format!("{head}{indented}items: []\n")).unwrap();

    for arguments in [
        &["apply-to", runner, &config] as &[&str],
        &["explain", runner, &config],
        &["explain", &list],
    ] {
        let ended = run(&mut command(arguments), b"");
        assert_eq!(ended.code, 1, "{arguments:?}");
        assert!(
            ended
                .stderr
                .contains("spec.kubeconfig may not come with manifests"),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(!Path::new(&ran).exists(), "{arguments:?}");
    }

    // The user's own config may name a kubeconfig.
    run(&mut command(&["apply-to", "-c", &config, runner]), b"");
    assert!(Path::new(&ran).exists());
}
