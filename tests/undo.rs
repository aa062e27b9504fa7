//! `enabled: false` restores the original bytes, in whatever style a file is written. What it
//! cannot restore is in `tests/cases/undo`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use krm::documents::to_resource_list;
use serde_json::{Value, json};

/// The result of a run: the file, the messages, and whether it failed.
struct Ran {
    text: String,
    report: String,
    failed: bool,
}

fn run(text: &str, config: &Value) -> Ran {
    let files = [("runner.yaml", text)];
    let list = to_resource_list(&files, &format!("{config}\n")).unwrap();
    let outcome = runner_terminal::run(list.text.as_bytes());
    let output = outcome.text();
    let edited = list
        .edited(&files, &output, &outcome.alignment().items)
        .unwrap();
    Ran {
        text: edited.texts[0].clone(),
        report: outcome.report(),
        failed: outcome.failed(),
    }
}

/// A run that has to succeed.
fn succeed(text: &str, config: &Value) -> Ran {
    let ran = run(text, config);
    assert!(!ran.failed, "{}\n{text}", ran.report);
    ran
}

fn config(spec: Value) -> Value {
    json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": "SessionServer",
        "metadata": {"name": "s"},
        "spec": spec,
    })
}

fn off(config: &Value) -> Value {
    let mut config = config.clone();
    config["spec"]["enabled"] = json!(false);
    config
}

/// Enables, enables again, enables with other settings, and disables: a second run changes nothing,
/// and the original bytes are restored.
fn goes_and_comes(name: &str, text: &str, on: &Value) {
    let once = succeed(text, on);
    assert_ne!(once.text, text, "{name}: nothing was added");
    let twice = succeed(&once.text, on);
    assert_eq!(once.text, twice.text, "{name}: a second run changes more");
    let restored = succeed(&once.text, &off(on));
    assert_eq!(restored.text, text, "{name}: from\n{}", once.text);
    let mut other = on.clone();
    other["spec"]["exposure"] = json!({"type": "NodePort"});
    other["spec"]["listenPort"] = json!(8099);
    other["spec"]["sessionTimeout"] = json!("2m");
    if on["spec"]["advertiseAddress"].is_string() {
        other["spec"]["advertiseAddress"] = json!("other.example.com:443");
    }
    let changed = succeed(&once.text, &other);
    let restored = succeed(&changed.text, &off(&other));
    assert_eq!(restored.text, text, "{name}: from\n{}", changed.text);
    let follow_up = json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": "AdvertiseAddress",
        "metadata": {"name": "a"},
        "spec": {"source": "Static", "address": "192.0.2.7:9001", "container": on["spec"]["container"]},
    });
    let followed = run(&once.text, &follow_up);
    if !followed.failed {
        let restored = succeed(&followed.text, &off(on));
        assert_eq!(restored.text, text, "{name}: from\n{}", followed.text);
    }
}

fn assert_says(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(
            ran.report.contains(word),
            "{word:?} is not in\n{}",
            ran.report
        );
    }
    assert!(!ran.failed);
}

/// A ConfigMap or Secret with this text, and a runner that reads it.
fn manifests(kind: &str, section: &str, metadata: &str, member: &str) -> String {
    let volume = match kind {
        "Secret" => "{secret: {secretName: runner}, name: config}",
        _ => "{configMap: {name: runner}, name: config}",
    };
    format!(
        "apiVersion: v1\nkind: {kind}\nmetadata:\n  name: runner\n{metadata}{section}:\n{member}\
         ---\napiVersion: v1\nkind: Pod\nmetadata:\n  labels: {{app: runner}}\n  name: runner\n\
         {metadata}spec:\n  containers:\n  - name: runner\n    image: gitlab/gitlab-runner\n    \
         volumeMounts:\n    - {{name: config, mountPath: /etc/gitlab-runner}}\n  volumes:\n  - {volume}\n"
    )
}

fn known() -> Value {
    config(json!({"advertiseAddress": "t.example.com", "sessionTimeout": "1m"}))
}

/// The ways in which the file may be written.
#[test]
fn keeps_the_style_of_the_file() {
    for member in [
        "  config.toml: |\n    concurrent = 4\n",
        "  config.toml: |-\n    concurrent = 4\n",
        "  config.toml: |+\n    concurrent = 4\n\n",
        "  config.toml: |2\n      concurrent = 4\n",
        "  config.toml: >\n    concurrent = 4\n",
        "  config.toml: >-\n    concurrent = 4\n",
        "  config.toml: >+\n    concurrent = 4\n\n",
        "  config.toml: >   # folded\n    concurrent = 4\n\n    [[runners]]\n      name = \"one\"\n      x = 1\n\n    a = [1,\n    2]\n",
        "  config.toml: 'concurrent = 4'\n",
        "  config.toml: 'a = ''b''\n\n    c = 1\n\n    '\n",
        "  config.toml: \"concurrent = 4\\n\"\n",
        "  config.toml: \"concurrent\\x20= \\u0034\\n[[runners]]\\n\\tname = \\\"one\\\"\\n\"   # escaped\n",
        "  config.toml: \"concurrent = 4\\n\\\n    [[runners]]\\n\\\n    \\  name = 'one'\\n\"\n",
        "  config.toml: concurrent = 4\n",
        "  config.toml: concurrent = 4\n\n    [[runners]]\n",
        "  config.toml: |\n",
        "  config.toml: |-\n",
        "  config.toml: |+\n\n\n",
        "  config.toml: |\n\n  other: x\n",
        "  config.toml: |2-\n      \n",
        "  config.toml: >\n",
        "  config.toml: >+\n\n",
        "  config.toml: ''\n",
        "  config.toml: \"\"\n",
        "  config.toml:\n",
        "  config.toml: ~\n",
        "  \"config.toml\": &file concurrent = 4\n  other: *file\n",
        "  other: &file |\n    concurrent = 4\n  config.toml: *file\n",
        "  config.toml: !!str concurrent = 4\n",
        "  ? config.toml\n  : concurrent = 4\n",
    ] {
        for (kind, section) in [("ConfigMap", "data"), ("Secret", "stringData")] {
            goes_and_comes(member, &manifests(kind, section, "", member), &known());
        }
    }
    // Neither is a Secret's text copied, nor its comments.
    for member in [
        "  config.toml: |2\n    \t# a tab\n",
        "  config.toml: |   # nothing\n",
        "  config.toml: |-\t# nothing\n",
        "  config.toml: |+ # nothing\n\n",
        "  config.toml: > # nothing\n",
    ] {
        goes_and_comes(
            member,
            &manifests("ConfigMap", "data", "", member),
            &known(),
        );
    }
    for member in [
        r#"config.toml: "concurrent = 4\n" "#,
        "config.toml: 'concurrent = 4'",
        "config.toml: concurrent = 4 ",
        "config.toml: ",
        r#""config.toml": "" "#,
    ] {
        let text = manifests("ConfigMap", "data", "", "");
        let flow = format!("\ndata: {{other: x, {member}}}   # one line\n");
        goes_and_comes(member, &text.replace("\ndata:\n", &flow), &known());
    }
}

/// What was empty, or written in another style, is restored in its container, wherever that is now.
#[test]
fn another_tool_adds_a_container_before_the_runners() {
    let file = "  config.toml: |\n    concurrent = 4\n";
    let tool = |text: &str| {
        let container = "  - {name: tool, image: example.com/tool}\n";
        text.replace("  containers:\n", &format!("  containers:\n{container}"))
    };
    let image = "example.com/runner-terminal:1";
    let at_start = config(json!({"configure": {"at": "PodStart", "image": image},
        "advertiseAddress": "t.example.com"}));
    for ports in [" []", "", " ~", " [ ]   # none", " &none []"] {
        let text = manifests("ConfigMap", "data", "  namespace: ci\n", file);
        let mounts = "    volumeMounts:\n    - {name: config,";
        let quoted = format!("    ports:{ports}\n    volumeMounts:\n    - {{\"name\": 'config',");
        let text = text.replace(mounts, &quoted);
        assert!(text.contains(&quoted), "{text}");
        for on in [known(), at_start.clone()] {
            let once = succeed(&text, &on);
            let restored = succeed(&tool(&once.text), &off(&on));
            assert_eq!(restored.text, tool(&text), "from\n{}", once.text);
        }
    }
}

#[test]
fn keeps_the_lines_of_base64() {
    for member in [
        "  config.toml: Y29uY3VycmVudCA9IDQK\n",
        "  config.toml: |\n    Y29uY3Vy\n    cmVudCA9\n    IDQK\n",
        "  config.toml: >-\n    Y29uY3Vy\n    cmVudCA9\n    IDQK\n",
        "  config.toml: Y29uY3Vy\n    cmVudCA9\n    IDQK\n",
        "  config.toml: \"Y29uY3Vy\n    cmVudCA9\n    IDQK\"\n",
        "  config.toml: 'Y29uY3VycmVudCA9IDQK'\n",
        // [session_server] with session_timeout = 900, in lines of 16
        "  config.toml: |\n    W3Nlc3Npb25fc2Vy\n    dmVyXQpzZXNzaW9u\n    X3RpbWVvdXQgPSA5\n    MDAK\n",
        "  config.toml: W3Nlc3Npb25fc2Vy\n    dmVyXQpzZXNzaW9u\n    X3RpbWVvdXQgPSA5\n    MDAK\n",
    ] {
        goes_and_comes(member, &manifests("Secret", "data", "", member), &known());
    }
}

#[test]
fn keeps_the_form_of_annotations() {
    let member = "  config.toml: |\n    concurrent = 4\n";
    for metadata in [
        "  annotations:\n",
        "  annotations: ~\n",
        "  annotations: null   # none\n",
        "  annotations: {}\n",
        "  annotations: { }\n",
        "  annotations: {  }   # none\n",
        "  annotations: {\n    # none\n    }\n",
        "  annotations: &none {}\n  other: *none\n",
        "  annotations: &none ~\n",
        "  finalizers: &none []\n  annotations: {a: b}\n",
        "  annotations: &some {a: b}\n  labels: *some\n",
        "  annotations: &some\n    a: b\n  labels:\n    <<: *some\n    c: d\n",
        "  annotations: {a: b, c: 'd' }\n",
        "  annotations: {\n    a: b,\n  }\n",
        "  annotations:\n    a: b\n    # the last\n",
        "  labels: &some {a: b}\n  annotations: *some\n",
    ] {
        // A Pod has labels of its own.
        let text = manifests("ConfigMap", "data", metadata, member).replacen(
            "  labels: {app: runner}\n",
            "",
            metadata.matches("  labels:").count(),
        );
        goes_and_comes(metadata, &text, &known());
    }
}

#[test]
fn keeps_the_spelling_of_toml() {
    for toml in [
        "[session_server]\nsession_timeout = 60.5\n",
        "[session_server]\nsession_timeout = 1979-05-27T07:32:00Z\nadvertise_address = true\n",
        "[session_server]\nsession_timeout = 0x10\n",
        "[session_server]\nsession_timeout = 1_800   # as ever\n",
        "[session_server]\nadvertise_address = [\n  1,   # one\n  'two',\n]\n",
        "[session_server]\nadvertise_address = 'mine.example.com:443'\n",
        "[session_server]\nadvertise_address = \"\"\"\nmine.example.com:443\"\"\"\n",
        "[session_server]\nadvertise_address = '''mine.example.com:443'''\n",
        "[session_server]\nadvertise_address = \"m\\u0069ne.example.com:443\"\n",
        "[session_server]\n\"listen_address\" = ':8093'\n  session_timeout=  900\n",
        "[session_server.sub]\na = 1\n",
        "[session_server]\nsub.a = 1\nsession_timeout = 9\n\n[session_server.other]\nb = 1\n",
        "[ session_server ] # here\n\n# nobody knows why\nsession_timeout = 9 # nine\n\n# the end\n",
        "session_server.listen_address = \":8093\"\nconcurrent = 1\n",
        "  session_server . session_timeout = 9 # dotted\n[[runners]]\n",
        "session_server = {}\nconcurrent = 1\n",
        "session_server = { }\n",
        "session_server = {  } # none\n",
        "session_server = {session_timeout = 60.5}\n",
        "session_server = { sub.a = 1, session_timeout = 9, }\n",
        "[session_server]\n",
        "[session_server]",
        "[session_server]\n[[runners]]\n",
        "concurrent = 1\r\n[session_server]\r\nsession_timeout = 9\r\n",
        "concurrent = 1\r\nlog_level = 'info'\n",
        "concurrent = 1\n\n\n",
        "\nconcurrent = 1",
        "\n",
        "",
        "# nothing",
        "\u{feff}concurrent = 1\n",
        "\u{feff}",
    ] {
        let member = format!("  config.toml: {}\n", json!(toml));
        for (kind, section) in [("ConfigMap", "data"), ("Secret", "stringData")] {
            goes_and_comes(toml, &manifests(kind, section, "", &member), &known());
        }
    }
}

/// Python's `json.dumps` and others escape characters above U+FFFF in JSON as two surrogates.
#[test]
fn keeps_the_escapes_of_json() {
    let manifest = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other",
            "annotations": {"🚀": "a 🚀", "b": "\\🚀"}}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "runner",
            "annotations": {"note": "🚀"}}, "data": {"config.toml": "# 🚀 é\nconcurrent = 4\n"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "runner", "labels": {"app": "runner"}},
            "spec": {
                "containers": [{"name": "runner", "image": "gitlab/gitlab-runner",
                    "volumeMounts": [{"name": "config", "mountPath": "/etc/gitlab-runner"}]}],
                "volumes": [{"name": "config", "configMap": {"name": "runner"}}]}}
    ]});
    let several = serde_json::to_string_pretty(&manifest).unwrap() + "\n";
    for text in [manifest.to_string(), several] {
        let text = text.replace('🚀', r"\ud83d\ude80").replace('é', r"\u00e9");
        goes_and_comes("JSON", &text, &known());
        let once = succeed(&text, &known()).text;
        let edited: Value = serde_json::from_str(&once).unwrap();
        assert_eq!(edited["items"][0], manifest["items"][0]);
        let toml = edited["items"][1]["data"]["config.toml"].as_str().unwrap();
        assert!(toml.starts_with("# 🚀 é\nconcurrent = 4\n\n[session_server]\n"));
        assert!(once.contains(r"# \ud83d\ude80 \u00e9\nconcurrent = 4\n\n[session_server]"));
    }
}

/// What the user has since written into the table is kept.
#[test]
fn keeps_what_was_added_to_the_table_since() {
    let member = "  config.toml: |\n    concurrent = 4\n";
    let text = manifests("ConfigMap", "data", "", member);
    let once = succeed(&text, &known()).text;
    let line = "    listen_address = \"0.0.0.0:8093\"\n";
    let header = "    [session_server]\n";
    assert!(once.contains(line) && once.contains(header));
    for (added, expected) in [
        (
            once.replace(line, &format!("    # mine\n{line}")),
            "    concurrent = 4\n\n    # mine\n---",
        ),
        (
            once.replace(line, &line.replace('\n', " # mine\n")),
            "    concurrent = 4\n\n    # mine\n---",
        ),
        (
            once.replace(line, &format!("{line}    mine = 1\n")),
            "    concurrent = 4\n\n    [session_server]\n    mine = 1\n---",
        ),
        (
            once.replacen("---\n", "\n    [[runners]]\n    name = 'new'\n---\n", 1),
            "    concurrent = 4\n\n    [[runners]]\n    name = 'new'\n---",
        ),
    ] {
        assert_ne!(added, once);
        let restored = succeed(&added, &off(&known())).text;
        let expected = format!("config.toml: |\n{expected}");
        assert!(restored.contains(&expected), "{restored}\nnot\n{expected}");
        assert!(!restored.contains("runner-terminal.dev"), "{restored}");
    }
}

/// Files with CRLF and with a byte order mark.
#[test]
fn keeps_line_ends_and_a_byte_order_mark() {
    let member = "  config.toml: |\n    concurrent = 4\n";
    for metadata in ["", "  annotations: ~\n", "  annotations: { }\n"] {
        let text = manifests("ConfigMap", "data", metadata, member);
        goes_and_comes("CRLF", &text.replace('\n', "\r\n"), &known());
        goes_and_comes("mark", &format!("\u{feff}{text}"), &known());
        goes_and_comes("end", text.trim_end(), &known());
    }
}

/// The ways in which the container's ports, and the lines around them, may be written.
#[test]
fn keeps_the_form_of_the_workload() {
    let text = manifests("ConfigMap", "data", "", "  config.toml: concurrent = 1\n");
    let pod = text.split_once("---\n").unwrap().1;
    let image = "    image: gitlab/gitlab-runner\n";
    let with = |ports: &str| text.replace(image, &format!("{image}{ports}"));
    let sidecar = |ports: &str| {
        with("    ports: *ports\n").replace(
            "  containers:\n",
            &format!("  containers:\n  - name: side\n    image: envoy\n    ports: {ports}\n"),
        )
    };
    let container =
        &pod[pod.find("  - name: runner\n").unwrap()..pod.find("  volumes:\n").unwrap()];
    for changed in [
        with("    ports:\n"),
        with("    ports: ~\n"),
        with("    ports: []\n"),
        with("    ports: [ ]   # none\n"),
        with("    ports: [{name: web, containerPort: 80}, ]\n"),
        with("    ports:\n    - containerPort: 80   # web\n    # the last\n"),
        sidecar("&ports\n    - containerPort: 80"),
        sidecar("&ports [{containerPort: 80}]"),
        sidecar("&ports []"),
        text.replace(
            container,
            "  - { name: runner, image: gitlab/gitlab-runner, volumeMounts: [ {name: config, mountPath: /etc/gitlab-runner} ] }   # one\n",
        ),
        text.replace(
            "metadata:\n  labels: {app: runner}\n  name: runner\n",
            "metadata: { labels: {app: runner}, name: runner }\n",
        ),
    ] {
        assert_ne!(changed, text);
        goes_and_comes(&changed, &changed, &known());
    }
}

#[test]
fn leaves_a_file_that_is_no_toml_any_more() {
    let text = manifests(
        "ConfigMap",
        "data",
        "",
        "  config.toml: |\n    concurrent = 4\n",
    );
    let once = succeed(&text, &known()).text;
    let broken = once.replace("concurrent = 4", "concurrent =");
    let ran = succeed(&broken, &off(&known()));
    assert_says(&ran, &["warning: ConfigMap runner", "is not TOML"]);
    assert!(ran.text.contains("[session_server]") && ran.text.contains("config-before"));
    assert!(!ran.text.contains("kind: Service\n"));
    // After a correction, it is restored after all.
    let ran = succeed(
        &ran.text.replace("concurrent =", "concurrent = 4"),
        &off(&known()),
    );
    assert_eq!(ran.text, text);
}

/// The text of a Secret is not copied into an annotation, and the consequence is reported.
#[test]
fn copies_no_secret_into_an_annotation() {
    let member = "  config.toml: \"token = 'canary'\\n\\\n    \\x5bsession_server]\\n\\\n    session\\\n    _timeout\\\n    \\ = 9\\\n    0\\\n    0\\n\"\n";
    let text = manifests("Secret", "stringData", "", member);
    let once = succeed(&text, &known());
    assert_eq!(once.text.matches("canary").count(), 1, "{}", once.text);
    let ran = succeed(&once.text, &off(&known()));
    assert!(!ran.text.contains("runner-terminal.dev"), "{}", ran.text);
    if ran.text != text {
        assert_says(
            &ran,
            &[
                "info: Secret runner",
                "quoted or broken into lines otherwise",
            ],
        );
    }
    // For a ConfigMap, every byte is restored.
    goes_and_comes(
        member,
        &manifests("ConfigMap", "data", "", member),
        &known(),
    );
}

/// Each way to configure and to reach pods, one after the other: nothing of an earlier one is left,
/// and disabling restores every byte.
#[test]
fn ways_that_follow_each_other_leave_nothing_behind() {
    const IMAGE: &str = "registry.example.com/runner-terminal:0.2.0";
    let text = include_str!("cases/per-pod/pod-ip-of-three.yaml");
    let (text, _) = text.split_once("---\napiVersion: autoscaling").unwrap();
    let at_start = json!({"at": "PodStart", "image": IMAGE});
    let policy = json!({"from": [{"podSelector": {}}]});
    let ways = [
        json!({"configure": at_start, "exposure": {"type": "PodIP"}, "networkPolicy": policy}),
        json!({"configure": at_start, "exposure": {"type": "HostPort", "hostPort": 18093}}),
        json!({"configure": at_start, "replicas": "Shard"}),
        json!({"replicas": "Shard", "exposure": {"type": "ClusterIP"}}),
        json!({"replicas": "Shard", "exposure": {"type": "ClusterIP"}, "networkPolicy": policy}),
    ];
    for first in &ways {
        for second in &ways {
            let once = succeed(text, &config(first.clone()));
            let is_sharded = |way: &Value| way["replicas"] == "Shard";
            if is_sharded(first) && first["configure"].is_object() && second["configure"].is_null()
            {
                // Shards that were configured when they start share one object.
                let ran = run(&once.text, &config(second.clone()));
                assert!(
                    ran.report.contains("is read by 3 runners"),
                    "{}",
                    ran.report
                );
                assert_eq!(ran.text, once.text);
                continue;
            }
            let twice = succeed(&once.text, &config(second.clone()));
            let again = succeed(&twice.text, &config(second.clone()));
            assert_eq!(again.text, twice.text, "{first} and {second}");
            let off = succeed(&twice.text, &off(&config(second.clone())));
            assert_eq!(off.text, text, "{first} and {second}");
        }
    }
}

/// The Role for one of the user's Services is removed when the Service is no longer adopted.
#[test]
fn a_role_for_an_adopted_service_goes_with_its_use() {
    let text = include_str!("cases/pod-start/adopted-service.yaml");
    let (text, _) = text
        .split_once("---\napiVersion: runner-terminal.dev")
        .unwrap();
    let at_start = json!({"at": "PodStart", "image": "registry.example.com/runner-terminal:0.2.0"});
    let adopted = succeed(text, &config(json!({"configure": at_start})));
    assert!(
        adopted.text.contains("kind: RoleBinding"),
        "{}",
        adopted.text
    );
    let ways = [
        json!({"configure": at_start, "exposure": {"type": "PodIP"}}),
        json!({"configure": at_start, "exposure": {"type": "ClusterIP"}}),
    ];
    for way in ways {
        let ran = run(&adopted.text, &config(way.clone()));
        assert!(!ran.failed, "{way}: {}", ran.report);
        assert!(
            !ran.text.contains("kind: RoleBinding"),
            "{way}: {}",
            ran.text
        );
    }
}

/// Another tool may write our annotations in another style. That is not the user's, and is not kept.
#[test]
fn the_style_of_our_own_annotations_is_not_kept() {
    let text = manifests(
        "ConfigMap",
        "data",
        "  annotations: {a: b}\n",
        "  config.toml: concurrent = 4\n",
    );
    let once = succeed(&text, &known()).text;
    let own = "runner-terminal.dev/config-checksum: ";
    let (before, after) = once.split_once(own).unwrap();
    let (value, after) = after.split_at(after.find([',', '\n', '}']).unwrap());
    let value = value.trim_matches('"');
    let (first, rest) = value.split_at(1);
    // An escape, which no other value is written with.
    let escaped = format!("\"\\x{:02x}{rest}\"", first.as_bytes()[0]);
    let rewritten = format!("{before}{own}{escaped}{after}");

    let other = config(json!({"advertiseAddress": "other.example.com", "sessionTimeout": "1m"}));
    let twice = succeed(&rewritten, &other).text;
    assert_ne!(twice, rewritten);
    assert!(!twice.contains("\\x"), "{twice}");
    let again = succeed(&twice, &off(&other)).text;
    assert_eq!(again, text);
}

const DEPLOYMENT: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: runner, namespace: ci}
data:
  config.toml: |-2
    concurrent = 4
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: before, namespace: ci}
spec:
  selector: {matchLabels: {app: runner}}
  template:
    metadata: {labels: {app: runner}}
    spec:
      containers:
      - name: runner
        image: gitlab/gitlab-runner:v18.9.0
        volumeMounts: [{name: c, mountPath: /etc/gitlab-runner}]
      volumes: [{name: c, configMap: {name: runner}}]
";

/// What was made is named after the workload, so another name must not hide it.
#[test]
fn a_workload_may_get_another_name_in_between() {
    for spec in [
        json!({}),
        json!({"advertiseAddress": "t.example.com"}),
        json!({"configure": {"at": "PodStart", "image": "example.com/r:1"}}),
        json!({"exposure": {"type": "Ingress", "host": "t.example.com", "controller": "nginx"}}),
        json!({"advertiseAddress": "t.example.com", "networkPolicy": {"from": []}}),
        json!({"exposure": {"type": "NodePort", "nodeAddress": "n.example.com", "nodePort": 30080}}),
    ] {
        let rename = |text: &str| text.replace("{name: before", "{name: after");
        let on = config(spec);
        let renamed = rename(&succeed(DEPLOYMENT, &on).text);
        let restored = succeed(&renamed, &off(&on));
        assert_eq!(restored.text, rename(DEPLOYMENT), "{on}");
    }
}

/// In another namespace, the old Service is not found by its name.
#[test]
fn what_is_left_in_another_namespace_is_named() {
    let spec = json!({"configure": {"at": "PodStart", "image": "example.com/r:1"}});
    let on = config(spec);
    let once = succeed(DEPLOYMENT, &on).text;
    let moved: Vec<String> = once
        .split("---\n")
        .map(
            |document| match document.contains("runner-terminal.dev/owned-by") {
                true => document.to_owned(),
                false => document.replace("namespace: ci", "namespace: cd"),
            },
        )
        .collect();
    let ran = succeed(&moved.join("---\n"), &on);
    assert_says(
        &ran,
        &[
            "warning: Service ci/before-session-server: was made by this function for a workload that \
             is not in the list",
            "remove it and Role ci/before-session-server-reader, RoleBinding ci/before-session-server",
        ],
    );
    assert!(!succeed(&once, &on).report.contains("not in the list"));
}

/// The Deployment, and another one with a file of its own.
fn two_runners() -> String {
    let other = DEPLOYMENT
        .replace("{name: before", "{name: other")
        .replace("app: runner", "app: other")
        .replace("name: runner", "name: others");
    format!("{DEPLOYMENT}---\n{other}")
}

/// The Service of a runner that the functionConfig does not select stays, also if it has another name.
#[test]
fn what_leads_to_another_runner_stays() {
    let on = config(json!({}));
    let both = succeed(&two_runners(), &on).text;
    let renamed = both.replace("{name: other,", "{name: another,");
    let mut of_one = off(&on);
    of_one["spec"]["runner"] = json!({"name": "before"});
    let left = succeed(&renamed, &of_one).text;
    assert!(left.contains("name: other-session-server"), "{left}");
    assert!(!left.contains("name: before-session-server"), "{left}");
}

/// The file is found by its record, so nothing is left to do by hand.
#[test]
fn a_file_that_is_restored_is_not_said_to_stay() {
    let on = config(json!({"advertiseAddress": "t.example.com"}));
    let change = |text: &str| text.replace("gitlab/gitlab-runner:v18.9.0", "example.com/ci:1");
    let ran = succeed(&change(&succeed(DEPLOYMENT, &on).text), &off(&on));
    assert_eq!(ran.text, change(DEPLOYMENT));
    assert!(!ran.report.contains("config.toml"), "{}", ran.report);
}

/// The file of another runner is not the one that is missing.
#[test]
fn a_file_that_is_gone_is_named_beside_one_that_is_restored() {
    let on = config(json!({}));
    let both = succeed(&two_runners(), &on).text;
    let is_kept = |document: &&str| !document.contains("metadata: {name: others");
    let left: Vec<&str> = both.split("---\n").filter(is_kept).collect();
    assert_eq!(left.len() + 1, both.split("---\n").count());
    let (first, second) = left.join("---\n").split_once("{name: other").map_or_else(
        || panic!("{both}"),
        |(first, second)| (first.to_owned(), second.to_owned()),
    );
    let second = second.replace("gitlab/gitlab-runner:v18.9.0", "example.com/ci:1");
    let ran = succeed(&format!("{first}{{name: other{second}"), &off(&on));
    assert_says(
        &ran,
        &["warning: Deployment ci/other", "the file is not found"],
    );
}
