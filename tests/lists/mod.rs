//! Random ResourceLists: runners of many shapes among items of many kinds, and functionConfigs.
//!
//! A tape of random numbers makes the choices; a shorter tape, or smaller numbers, give a simpler
//! list.

#![allow(dead_code, reason = "no test file uses all of it")]

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use serde_json::{Value, json};
use yaml_splice::Tree;

/// A list, and its parts.
#[derive(Clone, Debug)]
pub(crate) struct List {
    /// The items' texts with the comments before them.
    pub(crate) items: Vec<String>,
    /// Which of them the function leaves alone.
    pub(crate) is_other: Vec<bool>,
    column: usize,
    newline: &'static str,
    config_first: bool,
    is_json: bool,
}

impl List {
    /// The list's text with a functionConfig.
    pub(crate) fn text(&self, config: &Value) -> String {
        if self.is_json {
            let items: Vec<Value> = self.items.iter().map(|item| value(item)).collect();
            let list = json!({
                "apiVersion": "config.kubernetes.io/v1",
                "kind": "ResourceList",
                "items": items,
                "functionConfig": config,
            });
            return format!("{list}\n");
        }
        let config = format!("functionConfig: {config}\n");
        let mut text =
            "# a list\napiVersion: config.kubernetes.io/v1\nkind: ResourceList\n".to_owned();
        if self.config_first {
            text.push_str(&config);
        }
        text.push_str("items:\n");
        for item in &self.items {
            for line in item.split_inclusive('\n') {
                if line != "\n" {
                    text.push_str(&" ".repeat(self.column));
                }
                text.push_str(line);
            }
        }
        if !self.config_first {
            text.push_str(&config);
        }
        text.replace('\n', self.newline)
    }

    /// The items as the documents of a file.
    pub(crate) fn file(&self) -> String {
        let document = |item: &String| -> String {
            let lines = item.split_inclusive('\n').filter(|line| *line != "-\n");
            lines
                .map(|line| {
                    let inside = line.strip_prefix("- ").or_else(|| line.strip_prefix("  "));
                    inside.unwrap_or(line)
                })
                .collect()
        };
        let documents: Vec<String> = self.items.iter().map(document).collect();
        documents.join("---\n").replace('\n', self.newline)
    }

    /// An item's text, as it is in the list.
    pub(crate) fn written(&self, item: usize) -> String {
        if self.is_json {
            return value(&self.items[item]).to_string();
        }
        let alone = Self {
            items: vec![self.items[item].clone()],
            config_first: true,
            ..self.clone()
        };
        let text = alone.text(&Value::Null);
        let (_, item) = text.split_once(&format!("items:{}", self.newline)).unwrap();
        item.to_owned()
    }

    /// The same list in another order of its items.
    pub(crate) fn ordered(&self, order: &[usize]) -> Self {
        Self {
            items: order.iter().map(|item| self.items[*item].clone()).collect(),
            is_other: order.iter().map(|item| self.is_other[*item]).collect(),
            ..self.clone()
        }
    }

    /// Whether the list is JSON, in which an item has no lines of its own.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// The items of an output of this list: each with the comments before it.
    pub(crate) fn split(&self, output: &str) -> Vec<String> {
        let mut items = Vec::new();
        let mut comments = String::new();
        let mut inside = false;
        let dash = format!("{}-", " ".repeat(self.column));
        for line in output.split_inclusive('\n') {
            if line.starts_with("items:") {
                inside = true;
            } else if inside && line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                inside = false;
            } else if inside && line.starts_with(&dash) {
                items.push(std::mem::take(&mut comments) + line);
            } else if inside && line.starts_with(&format!("{}#", " ".repeat(self.column))) {
                comments.push_str(line);
            } else if inside && let Some(item) = items.last_mut() {
                item.push_str(&std::mem::take(&mut comments));
                item.push_str(line);
            }
        }
        items
    }
}

/// Runs a property for `PROPTEST_CASES` values, by default `cases`. Failures are kept in a file.
pub(crate) fn test_runner(cases: u32, failures: &'static str) -> TestRunner {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    TestRunner::new(ProptestConfig {
        cases: wanted
            .and_then(|wanted| wanted.parse().ok())
            .unwrap_or(cases),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(failures))),
        ..ProptestConfig::default()
    })
}

fn value(item: &str) -> Value {
    let tree = Tree::parse(item).unwrap();
    tree.to_value().unwrap()[0].take()
}

/// An output up to its results, without the functionConfig.
pub(crate) fn without_config(output: &str) -> String {
    let lines = output.split_inclusive('\n');
    let lines = lines.filter(|line| !line.starts_with("functionConfig:"));
    let text: String = lines
        .take_while(|line| !line.starts_with("results:"))
        .collect();
    let text = match text.find("\"functionConfig\"") {
        Some(at) => text[..at].to_owned(),
        None => text,
    };
    text.trim_end_matches([',', ' ']).to_owned()
}

/// An output as the input of another run, with another functionConfig.
pub(crate) fn with_config(output: &str, config: &Value) -> String {
    let old = output.find("functionConfig").unwrap();
    if output.starts_with('{') {
        return format!("{}functionConfig\":{config}}}\n", &output[..old]);
    }
    let end = old + output[old..].find('\n').unwrap();
    let newline = if output[..end].ends_with('\r') {
        "\r"
    } else {
        ""
    };
    let rest = &output[end..];
    let results = rest.find("\nresults:").map_or(rest.len(), |at| at + 1);
    format!(
        "{}functionConfig: {config}{newline}{}",
        &output[..old],
        &rest[..results]
    )
}

/// A functionConfig with this spec.
pub(crate) fn config(spec: Value) -> Value {
    json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": "SessionServer",
        "metadata": {"name": "session-server"},
        "spec": spec,
    })
}

/// The same functionConfig with `enabled: false`.
pub(crate) fn disabled(config: &Value) -> Value {
    let mut config = config.clone();
    config["spec"]["enabled"] = json!(false);
    config
}

/// Lists of up to three runners and some other items.
pub(crate) fn lists() -> impl Strategy<Value = List> {
    let tape = || prop::collection::vec(any::<u8>(), 1..48);
    let runners = prop::collection::vec(tape(), 1..4);
    let others = prop::collection::vec(tape(), 0..5);
    (runners, others, tape()).prop_map(|(runners, others, tape)| {
        let mut items = Vec::new();
        let mut first = None;
        for (number, tape) in runners.iter().enumerate() {
            let mut tape = Tape::new(tape);
            let shared = first.clone().filter(|_| tape.pick(6) == 5);
            let runner = runner(&mut tape, number, shared);
            first.get_or_insert_with(|| runner.place.clone());
            if let Some(config) = runner.config {
                items.push((chunk(&mut tape, config), false));
            }
            items.push((chunk(&mut tape, runner.workload), false));
        }
        let mut place = Tape::new(&tape);
        for tape in &others {
            let mut tape = Tape::new(tape);
            let item = other(&mut tape);
            let at = place.pick(items.len() + 1);
            items.insert(at, (chunk(&mut tape, item), true));
        }
        let (items, is_other) = items.into_iter().unzip();
        let mut tape = place;
        List {
            items,
            is_other,
            column: [0, 2][tape.pick(2)],
            newline: ["\n", "\n", "\n", "\r\n"][tape.pick(4)],
            config_first: tape.pick(4) == 3,
            is_json: tape.pick(8) == 7,
        }
    })
}

/// Choices, one after the other.
struct Tape<'t>(std::slice::Iter<'t, u8>);

impl<'t> Tape<'t> {
    fn new(tape: &'t [u8]) -> Self {
        Self(tape.iter())
    }

    fn pick(&mut self, below: usize) -> usize {
        self.0.next().map_or(0, |byte| usize::from(*byte) % below)
    }

    fn of<'o>(&mut self, options: &[&'o str]) -> &'o str {
        options[self.pick(options.len())]
    }
}

/// An item with its surroundings: comments before it, blank lines after it; or as JSON.
fn chunk(tape: &mut Tape<'_>, item: String) -> String {
    let before = tape.of(&["", "", "# about what follows\n", "# one\n# - two: three\n"]);
    let behind = tape.of(&["", "", "\n", "\n\n"]);
    let item = match tape.pick(6) {
        5 => format!("- {}\n", value(&item)),
        _ => item,
    };
    format!("{before}{item}{behind}")
}

/// The lines of a mapping's member in a column.
fn pad(lines: &str, column: usize) -> String {
    lines
        .split_inclusive('\n')
        .map(|line| match line {
            "\n" => line.to_owned(),
            _ => format!("{}{line}", " ".repeat(column)),
        })
        .collect()
}

fn annotations(tape: &mut Tape<'_>) -> &'static str {
    tape.of(&[
        "",
        "annotations:\n  example.com/a: b\n",
        "annotations: {example.com/a: b}   # one\n",
        "annotations:   # none yet\n",
        "annotations: {}\n",
        "annotations:\n",
        "annotations: ~\n",
        "annotations: null   # none\n",
        "annotations: { }\n",
        "annotations: {  }   # none\n",
        "annotations: &empty {}\nother: *empty\n",
        "annotations: &some {example.com/a: b}\nother: *some\n",
        "other: &some\n  example.com/a: b\nannotations: *some\n",
        "annotations: {\n  example.com/a: b,\n  }\n",
        "annotations:\n  # the first\n  example.com/a: \"b\"\n\n  example.com/c: |\n    d\n  # the last\n",
    ])
}

const TOMLS: &[&str] = &[
    "concurrent = 10\n",
    "concurrent = 4   # jobs at once\n\n[[runners]]\n  name = \"one\"\n  executor = \"kubernetes\"\n",
    "[session_server]\n  listen_address = \"[::]:8093\"   # here\n  advertise_address = \"own.example.com:8093\"\n  session_timeout = 900\n\n[[runners]]\n  name = \"one\"\n",
    "[session_server]\nsession_timeout = 900\n[[runners]]\n  name = \"one\"\n",
    "session_server = { session_timeout = 900 }   # inline\n[[runners]]\n  name = \"one\"\n",
    "session_server.listen_address = \":8093\"\nconcurrent = 1\n",
    "",
    "concurrent = 1",
    "concurrent = 1\n\n\n",
    "concurrent = 1\n[session_server]\n",
    "[[runners]]\n  name = \"one\"\n[session_server]\n  # nobody knows why\n  session_timeout = 1800",
    "concurrent = 1\r\n\r\n[[runners]]\r\n  name = \"one\"\r\n",
    "concurrent = 1\r\nlog_level = 'info'\n",
    "[session_server]\n  session_timeout = 60.5\n  listen_address = ':8093'\n",
    "[session_server]\nsession_timeout = 0x10   # hexadecimal\n",
    "[session_server]\nsession_timeout = 1_800\nadvertise_address = 'own.example.com:443'\n",
    "[session_server]\nsession_timeout = true\n\n# the end\n",
    "[session_server]\nsession_timeout = [\n  1,\n  2,\n]\n",
    "[session_server.sub]\n  a = 1\n",
    "[session_server]\nsub.a = 1\n\n[session_server.other]\nb = 1\n",
    "session_server = {}\n",
    "session_server = {  } # none\nconcurrent = 1\n",
    "# nothing",
    "\n",
];

/// Where a runner's configuration is.
#[derive(Clone)]
struct ConfigPlace {
    holder: &'static str,
    name: String,
    namespace: &'static str,
}

struct Runner {
    place: ConfigPlace,
    /// The object with the configuration, unless it belongs to another runner.
    config: Option<String>,
    workload: String,
}

/// A runner, which may share the configuration of another one.
fn runner(tape: &mut Tape<'_>, number: usize, shared: Option<ConfigPlace>) -> Runner {
    let name = format!("runner-{number}");
    let is_shared = shared.is_some();
    let place = shared.unwrap_or_else(|| ConfigPlace {
        holder: tape.of(&["ConfigMap", "Secret", "base64"]),
        name: name.clone(),
        namespace: tape.of(&["ci", "ci", "ci", ""]),
    });
    let ConfigPlace {
        holder, namespace, ..
    } = place;
    let kind = tape.of(&["Deployment", "Deployment", "StatefulSet", "Pod"]);
    let toml = tape.of(TOMLS);
    let toml = toml_member(tape, holder, toml);
    let metadata = |tape: &mut Tape<'_>, labels: &str| {
        let namespace = match namespace {
            "" => String::new(),
            _ => format!("namespace: {namespace}\n"),
        };
        let members = format!("name: {name}\n{namespace}{labels}{}", annotations(tape));
        format!(
            "metadata:{}\n{}",
            tape.of(&["", "   # who this is"]),
            pad(&members, 2)
        )
    };
    let section = if holder == "Secret" {
        "stringData"
    } else {
        "data"
    };
    let holder = if holder == "base64" { "Secret" } else { holder };
    let config = format!(
        "apiVersion: v1\nkind: {holder}\n{}{section}:\n  other: \"on\"   # stays\n{}",
        metadata(tape, ""),
        pad(&toml, 2),
    );

    let reference = match holder {
        "Secret" => format!("secret:\n  secretName: {}\n", place.name),
        _ => format!("configMap: {{name: {}}}\n", place.name),
    };
    let ports = tape.of(&[
        "",
        "ports:\n- name: metrics\n  containerPort: 9252\n",
        "ports: [{name: metrics, containerPort: 9252}]   # one\n",
        "ports: []\n",
        "ports:\n",
        "ports:   # ours\n  - containerPort: 8093\n",
        "ports:\n- {containerPort: 8094, name: terminal, protocol: TCP}\n- name: session-server\n  containerPort: 8093\n",
    ]);
    let image = tape.of(&[
        "gitlab/gitlab-runner:v18.9.0",
        "\"registry.example.com:5000/x/gitlab-runner@sha256:00\"",
    ]);
    let mount = tape.of(&[
        "{name: config, mountPath: /etc/gitlab-runner}",
        "{\"name\": 'config', mountPath: /etc/gitlab-runner/, readOnly: True}   # here",
        "name: config   # where\n  readOnly: true   # as ever\n  mountPath: /etc/gitlab-runner",
    ]);
    let container = format!("name: runner\nimage: {image}\n{ports}volumeMounts:\n- {mount}\n");
    let container = format!("- {}", &pad(&container, 2)[2..]);
    let sidecar = tape.of(&[
        "- name: sidecar\n  image: example.com/sidecar\n  ports:\n  - containerPort: 80\n",
        "- name: sidecar\n  image: example.com/sidecar\n  ports:\n  - name: session-server\n    containerPort: 80\n",
    ]);
    let containers = match tape.pick(4) {
        2 => format!("{sidecar}{container}"),
        3 => format!("{container}{sidecar}"),
        _ => container,
    };
    let volume = format!("- name: config\n{}", pad(&reference, 2));
    let column = tape.pick(2) * 2;
    let init_containers = tape.of(&[
        "",
        "",
        "initContainers: []   # none yet\n",
        "initContainers:\n- {name: first, image: example.com/first}\n",
    ]);
    let pod_spec = format!(
        "{init_containers}containers:\n{}volumes:\n{}",
        pad(&containers, column),
        pad(&volume, column)
    );
    let labels = match tape.pick(2) {
        0 => format!("labels:\n  app: {name}\n"),
        _ => format!("labels: {{app: {name}}}\n"),
    };
    let workload = if kind == "Pod" {
        let metadata = metadata(tape, &labels);
        format!(
            "apiVersion: v1\nkind: Pod\n{metadata}spec:\n{}",
            pad(&pod_spec, 2)
        )
    } else {
        let own_labels = tape.of(&["", "labels: {team: x}\n", "labels:\n"]);
        let metadata = metadata(tape, own_labels);
        let replicas = tape.of(&[
            "",
            "replicas: 1\n",
            "replicas: 1   # for now\n",
            "replicas: 3\n",
        ]);
        let service = match (kind, tape.pick(2)) {
            ("StatefulSet", 0) => format!("serviceName: {name}-session-server\n"),
            ("StatefulSet", _) => "serviceName: other\n".to_owned(),
            _ => String::new(),
        };
        let selector = match tape.pick(2) {
            0 => format!("selector:\n  matchLabels:\n    app: {name}\n"),
            _ => format!("selector: {{matchLabels: {{app: {name}}}}}\n"),
        };
        let template = format!(
            "metadata:\n{}spec:\n{}",
            pad(&format!("{labels}{}", annotations(tape)), 2),
            pad(&pod_spec, 2)
        );
        let spec = format!(
            "{replicas}{service}{selector}template:\n{}",
            pad(&template, 2)
        );
        format!(
            "apiVersion: apps/v1\nkind: {kind}\n{metadata}spec:\n{}",
            pad(&spec, 2)
        )
    };
    Runner {
        place,
        config: (!is_shared).then(|| as_item(&config)),
        workload: as_item(&workload),
    }
}

fn as_item(text: &str) -> String {
    format!("- {}", &pad(text, 2)[2..])
}

/// The member of a ConfigMap or Secret that holds the configuration.
fn toml_member(tape: &mut Tape<'_>, holder: &str, toml: &str) -> String {
    if holder == "base64" {
        return base64_member(tape, toml);
    }
    let has_lines = !toml.contains('\r') && !toml.trim().is_empty();
    let style = if has_lines { tape.pick(8) } else { 7 };
    let chomp = match toml {
        _ if toml.ends_with("\n\n") => "+",
        _ if toml.ends_with('\n') => "",
        _ => "-",
    };
    let column = [2, 2, 4][tape.pick(3)];
    let end = if toml.ends_with('\n') { "" } else { "\n" };
    let comment = tape.of(&["", "   # the file"]);
    let is_indented = toml.lines().any(|line| line.starts_with(' '));
    match style {
        0..=3 => format!("config.toml: |{chomp}{comment}\n{}{end}", pad(toml, column)),
        4 => {
            let folded = folded(toml.trim_end_matches('\n'));
            let blank = &toml[toml.trim_end_matches('\n').len()..];
            let blank = blank.strip_prefix('\n').unwrap_or(blank);
            format!(
                "config.toml: >{chomp}{comment}\n{}\n{blank}",
                pad(&folded, column)
            )
        }
        5 if !is_indented => {
            let text = toml.replace('\'', "''").replace('\n', "\n\n");
            let last = if toml.ends_with('\n') {
                " ".repeat(column)
            } else {
                String::new()
            };
            let lines = pad(&text, column);
            format!("config.toml: '{}{last}'{comment}\n", lines.trim_start())
        }
        6 => {
            let text = escaped(toml);
            format!("config.toml: {text}{comment}\n")
        }
        _ => format!("config.toml: {}{comment}\n", json!(toml)),
    }
}

/// A text in double quotes, over several lines, with unnecessary escapes.
fn escaped(text: &str) -> String {
    let lines: Vec<String> = text
        .split_inclusive('\n')
        .map(|line| {
            let quoted = json!(line).to_string().replacen("on", "\\u006fn", 1);
            let inside = &quoted[1..quoted.len() - 1];
            let backslash = if inside.starts_with(' ') { "\\" } else { "" };
            format!("{backslash}{inside}")
        })
        .collect();
    format!("\"{}\"", lines.join("\\\n    "))
}

/// A text in the form of a folded scalar: between lines that are not indented, a line break is a
/// blank line.
fn folded(text: &str) -> String {
    let mut out = String::new();
    let mut above: Option<&str> = None;
    let mut breaks = 0;
    for line in text.split('\n') {
        if !line.is_empty() {
            let is_folded =
                above.is_some_and(|above| !above.starts_with(' ') && !line.starts_with(' '));
            out.push_str(&"\n".repeat(breaks + usize::from(is_folded)));
            out.push_str(line);
            above = Some(line);
            breaks = 0;
        }
        breaks += 1;
    }
    out
}

/// Base64 on one line, or on several.
fn base64_member(tape: &mut Tape<'_>, toml: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::prelude::BASE64_STANDARD.encode(toml);
    if encoded.is_empty() {
        return "config.toml: \"\"\n".to_owned();
    }
    let width = [encoded.len(), 16, 76][tape.pick(3)];
    let lines: Vec<&str> = encoded
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let lines = lines.join("\n  ");
    match tape.pick(5) {
        0 => format!("config.toml: |\n  {lines}\n"),
        1 => format!("config.toml: >-\n  {lines}\n"),
        2 => format!("config.toml: \"{lines}\"\n"),
        _ => format!("config.toml: {lines}\n"),
    }
}

/// An item that the function leaves alone.
fn other(tape: &mut Tape<'_>) -> String {
    let documents = [
        include_str!("../fixtures/yaml/anchors-and-aliases.yaml"),
        include_str!("../fixtures/yaml/comments-everywhere.yaml"),
        include_str!("../fixtures/yaml/double-quoted.yaml"),
        include_str!("../fixtures/yaml/folded.yaml"),
        include_str!("../fixtures/yaml/literal-keep.yaml"),
        include_str!("../fixtures/yaml/merge-keys.yaml"),
        include_str!("../fixtures/yaml/multi-line-quoted.yaml"),
        include_str!("../fixtures/yaml/odd-indentation.yaml"),
        include_str!("../fixtures/yaml/tags.yaml"),
        include_str!("../fixtures/yaml/unicode.yaml"),
    ];
    let written = [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: other}\ndata: {a: Yg==}   # a secret\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: about\n  namespace: ci\ndata:\n  note: |\n    - about gitlab-runner\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: example.com/web   # no gitlab-runner\n",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: ci}\nspec: {ports: [{port: 80}]}\n",
        "apiVersion: example.com/v1\nkind: Odd\nmetadata:\n  name: \"o\\u0064d\"\nkey: [1, {a: b}]\n",
    ];
    let at = tape.pick(documents.len() + written.len());
    match written.get(at) {
        Some(text) => as_item(text),
        None => {
            let text = documents[at - written.len()];
            let (_, body) = text.split_once('\n').unwrap();
            let body = body.trim_start_matches('\n');
            let item = format!("-\n{}", pad(body, 2));
            if item.ends_with('\n') {
                item
            } else {
                item + "\n"
            }
        }
    }
}

/// functionConfigs of every exposure, with other options. `{index}` is for shards.
pub(crate) fn configs() -> impl Strategy<Value = Value> {
    let exposures = [
        json!({}),
        json!({"cloud": "AWS", "internal": true}),
        json!({"loadBalancerIP": "192.0.2.7"}),
        json!({"port": 443, "annotations": {"example.com/scheme": "x"}, "externalTrafficPolicy": "Local"}),
        json!({"type": "NodePort"}),
        json!({"type": "NodePort", "nodeAddress": "node.example.com", "nodePort": 30900}),
        json!({"type": "ClusterIP"}),
        json!({"type": "Headless"}),
        json!({"type": "Ingress", "controller": "nginx", "host": "{index}.example.com"}),
        json!({"type": "Ingress", "controller": "traefik", "host": "terminal.example.com"}),
        json!({"type": "Ingress", "controller": "contour", "host": "terminal.example.com"}),
        json!({"type": "Ingress", "controller": "openshift", "host": "terminal.example.com"}),
        json!({"type": "Gateway", "host": "terminal.example.com", "gatewayClassName": "example"}),
        json!({"type": "ApiServer", "host": "{index}.example.com"}),
        json!({"type": "ApiServer", "host": "a.example.com", "token": false,
            "relay": {"image": "example.com/runner-terminal:1", "namespace": "gitlab"}}),
    ];
    let exposure = prop::sample::select(exposures.to_vec());
    (exposure, prop::collection::vec(any::<u8>(), 8)).prop_map(|(exposure, tape)| {
        let mut tape = Tape::new(&tape);
        let mut spec = json!({"exposure": exposure});
        if tape.pick(4) == 3 {
            spec["listenPort"] = json!(8094);
        }
        if tape.pick(4) == 3 {
            spec["sessionTimeout"] = json!("5m");
        }
        if tape.pick(4) == 3 {
            spec["readers"] = json!([{"namespace": "argocd", "serviceAccount": "repo-server"}]);
        }
        if tape.pick(4) == 3 {
            spec["networkPolicy"] = json!({"from": [{"podSelector": {}}]});
        }
        if tape.pick(8) == 7 {
            spec["advertiseAddress"] = json!("terminal.example.com");
        }
        if tape.pick(2) == 1 {
            spec["replicas"] = json!("Shard");
        } else if let Some(Value::String(host)) = spec["exposure"].get_mut("host") {
            *host = host.replace("{index}", "a");
        }
        if tape.pick(3) == 2 {
            let image = "example.com/runner-terminal:1";
            spec["configure"] = json!({"at": "PodStart", "image": image});
            if tape.pick(2) == 1 {
                spec["configure"]["resources"] = json!({"limits": {"memory": "32Mi"}});
                spec["configure"]["whenPending"] = json!("Fail");
            }
        }
        config(spec)
    })
}
