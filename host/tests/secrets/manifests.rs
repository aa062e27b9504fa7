//! Secrets in manifests.

use std::fs;

use super::damage::damaged;
use super::place::{Place, base64};

pub(crate) const WORKLOAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: runner
  namespace: ci
spec:
  selector:
    matchLabels: {app: runner}
  template:
    metadata:
      labels: {app: runner}
    spec:
      containers:
      - name: runner
        image: gitlab/gitlab-runner:v18.9.0
        volumeMounts:
        - {name: config, mountPath: /etc/gitlab-runner}
      volumes:
      - name: config
        secret: {secretName: runner}
";
pub(crate) const SESSION_SERVER: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
spec:
  advertiseAddress: terminal.example.com
";

fn config_toml(place: &Place) -> String {
    let canary = |of| place.canaries.at(of);
    format!(
        "concurrent = 4\n[[runners]]\n  name = \"one\"\n  executor = \"kubernetes\"\n  token = \
         \"{}\"\n  [runners.cache.s3]\n    SecretKey = \"{}\"\n",
        canary("runner token"),
        canary("cache key")
    )
}

/// The Secret with the configuration as text.
fn with_text(place: &Place) -> String {
    let toml = config_toml(place).replace('\n', "\n    ");
    secret(
        place,
        &format!("stringData:\n  config.toml: |\n    {}", toml.trim_end()),
    )
}

/// The Secret with the configuration in base64.
fn with_base64(place: &Place) -> String {
    let data = base64(&config_toml(place));
    secret(place, &format!("data:\n  config.toml: {data}"))
}

fn secret(place: &Place, config: &str) -> String {
    let canary = |of| place.canaries.at(of);
    let [applied, registration, other, docker, listed] = [
        "last-applied annotation",
        "registration token",
        "stringData",
        "docker config",
        "Secret in a List",
    ]
    .map(canary);
    let (registration, docker) = (base64(registration), base64(docker));
    let other_section = match config.starts_with("data") {
        true => {
            format!("  runner-registration-token: {registration}\nstringData:\n  other: {other}")
        }
        false => format!("  other: {other}\ndata:\n  runner-registration-token: {registration}"),
    };
    format!(
        "apiVersion: v1
kind: Secret
metadata:
  name: runner
  namespace: ci
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{\"stringData\":{{\"a\":\"{applied}\"}}}}'
{config}
{other_section}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/dockerconfigjson
metadata: {{name: registry, namespace: ci}}
data: {{.dockerconfigjson: {docker}}}
---
apiVersion: v1
kind: SecretList
items:
- apiVersion: v1
  kind: Secret
  metadata: {{name: listed, namespace: ci}}
  stringData:
    password: {listed}
---
{WORKLOAD}"
    )
}

/// The manifests as a host passes them to a function.
fn list(manifests: &str, config: &str) -> String {
    let mut list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n".to_owned();
    for document in manifests.split("---\n") {
        let lines = document.lines().enumerate();
        list.extend(lines.map(|(number, line)| match number {
            0 => format!("- {line}\n"),
            _ => format!("  {line}\n"),
        }));
    }
    list.push_str("functionConfig:\n");
    list.extend(config.lines().map(|line| format!("  {line}\n")));
    list
}

pub(crate) const CONFIG: [&str; 2] = ["-c", "session-server.yaml"];

/// Commands on manifests that people read: they do not print manifests.
const SHOWN: [&[&str]; 5] = [
    &["explain"],
    &["explain", "--html"],
    &["explain", "--svg"],
    &["explain", "--mermaid"],
    &["apply-to", "--diff"],
];

/// Runs every command on manifests in the folder.
pub(crate) fn run_all(place: &Place, how: &str, manifests: &str) {
    place.write("manifests.yaml", manifests);
    for words in SHOWN {
        place.run(how, &[words, &CONFIG, &["manifests.yaml"]].concat(), "");
    }
    place.run(how, &["explain"], &list(manifests, SESSION_SERVER));
    place.run(how, &[&["apply-to"], &CONFIG[..]].concat(), manifests);
    place.run(
        how,
        &[&["apply-to", "--check"], &CONFIG[..]].concat(),
        manifests,
    );
    for format in ["table", "json", "yaml"] {
        place.run(how, &["resolve", "-o", format, "-f", "manifests.yaml"], "");
    }
    place.run(
        how,
        &["check", "--timeout", "1s", "-f", "manifests.yaml"],
        "",
    );
    place.run(how, &["import-values", "manifests.yaml"], "");
    // As function configs, which they are not.
    place.run(
        how,
        &["apply-to", "-c", "manifests.yaml", "session-server.yaml"],
        "",
    );
    place.run(
        how,
        &["explain", "-c", "manifests.yaml", "session-server.yaml"],
        "",
    );
    place.run(
        how,
        &[
            "resolve",
            "-c",
            "manifests.yaml",
            "-f",
            "session-server.yaml",
        ],
        "",
    );

    place.write("app/manifests.yaml", manifests);
    place.write("app/runner-terminal.yaml", SESSION_SERVER);
    for what in ["discover", "parameters", "generate"] {
        let mut command = place.command(&["argocd", what]);
        command.current_dir(place.path().join("app"));
        let ended = crate::program::run(&mut command, b"");
        place.search(&format!("argocd {what}, {how}"), &ended, what == "generate");
    }

    place.run(
        how,
        &[&["apply-to", "-i"], &CONFIG[..], &["manifests.yaml"]].concat(),
        "",
    );
    let names = fs::read_dir(place.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    let strays = names
        .iter()
        .filter(|name| name.to_string_lossy().starts_with('.'));
    assert_eq!(strays.count(), 0, "{names:?}");
}

#[test]
fn no_command_shows_a_secret_of_the_manifests() {
    let place = Place::new();
    place.write("session-server.yaml", SESSION_SERVER);
    for manifests in [with_text(&place), with_base64(&place)] {
        run_all(&place, "as it is", &manifests);
        let applied = fs::read_to_string(place.path().join("manifests.yaml")).unwrap();
        assert_ne!(applied, manifests);
        // Again, with the configuration already applied, and removed.
        run_all(&place, "applied", &applied);
        let off = SESSION_SERVER.replace("advertiseAddress:", "enabled: false #");
        place.write("session-server.yaml", &off);
        run_all(&place, "off", &applied);
        place.write("session-server.yaml", SESSION_SERVER);
        for (how, from, to) in [
            (
                "a Secret's section is a number",
                "stringData:\n",
                "stringData: 5\nx:\n",
            ),
            ("a Secret's section is a text", "data:\n", "data: |\n"),
            ("no base64", "config.toml: ", "config.toml: !"),
            ("another kind", "kind: Secret\n", "kind: secret\n"),
            (
                "several replicas",
                "  selector:\n",
                "  replicas: 3\n  selector:\n",
            ),
            (
                "the runner twice",
                "---\n",
                &format!("---\n{WORKLOAD}---\n"),
            ),
        ] {
            run_all(&place, how, &manifests.replacen(from, to, 1));
        }
    }
    place.tell("manifests");
}

#[test]
fn a_mistake_at_a_secret_s_line_shows_nothing_of_it() {
    let place = Place::new();
    place.write("session-server.yaml", SESSION_SERVER);
    let mut in_process = 0;
    for manifests in [with_text(&place), with_base64(&place)] {
        let has_secret = |line: &str| place.canaries.are_in(line);
        for (index, damaged) in damaged(&manifests, has_secret).into_iter().enumerate() {
            let how = &damaged.how;
            place.write("manifests.yaml", &damaged.text);
            let words = SHOWN[index % SHOWN.len()];
            place.run(how, &[words, &CONFIG, &["manifests.yaml"]].concat(), "");
            place.run(how, &["apply-to", "--diff", "manifests.yaml"], "");
        }
        // The sandboxed module gives the function's messages.
        let list = list(&manifests, SESSION_SERVER);
        for damaged in damaged(&list, |line| has_secret(line) || line.ends_with(':')) {
            let outcome = runner_terminal::run(damaged.text.as_bytes());
            let report = outcome.report();
            place.canaries.assert_not_in(&damaged.how, &report);
            let output: Vec<u8> = outcome.output().flatten().copied().collect();
            let output = String::from_utf8(output).unwrap();
            if let Some(results) = output.rfind("\nresults:") {
                place
                    .canaries
                    .assert_not_in(&damaged.how, &output[results..]);
            }
            in_process += 1;
        }
        for damaged in damaged(&config_toml(&place), |_| true) {
            let text = base64(&damaged.text);
            let broken = manifests.replace(&base64(&config_toml(&place)), &text);
            let broken = match manifests == broken {
                true => manifests.replace(
                    &config_toml(&place).replace('\n', "\n    "),
                    &format!("{}\n    ", damaged.text.trim_end().replace('\n', "\n    ")),
                ),
                false => broken,
            };
            place.write("manifests.yaml", &broken);
            let how = format!("config.toml, {}", damaged.how);
            place.run(&how, &["explain", "manifests.yaml"], "");
        }
    }
    println!("in the function alone: {in_process} mistakes");
    place.tell("mistakes in manifests");
}
