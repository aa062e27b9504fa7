//! The defaults on the pages are right: setting a field to its default changes nothing.

use std::collections::BTreeMap;

use runner_terminal::run;
use serde_json::{Value, json};

use super::{PAGES, schema};
use crate::tables::{Row, Section, sections};

/// A runner with a live Service, whose address AdvertiseAddress writes.
const WITH_LIVE_SERVICE: &str = include_str!("../fixtures/advertise-address/ip.yaml");

/// A runner with its ConfigMap, in a namespace and as a StatefulSet, which every exposure serves.
const MANIFESTS: &str = r#"
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: runner, namespace: ci}
  data:
    config.toml: |
      concurrent = 10
- apiVersion: apps/v1
  kind: StatefulSet
  metadata: {name: runner, namespace: ci}
  spec:
    serviceName: runner-session-server
    selector: {matchLabels: {app: runner}}
    template:
      metadata: {labels: {app: runner}}
      spec:
        containers:
        - name: runner
          image: gitlab/gitlab-runner:v18.9.0
          volumeMounts: [{name: config, mountPath: /etc/gitlab-runner}]
        volumes:
        - name: config
          configMap: {name: runner}
"#;

/// The smallest spec that makes a field of a section take effect.
fn smallest(kind: &str, title: &str, field: &str) -> Value {
    let exposure = |more: Value| json!({"exposure": more});
    let host = "terminal.example.com";
    let relay = json!({"image": "registry.example.com/r:1", "namespace": "relay"});
    let in_cluster = |relay: Value| {
        json!({
            "configure": {"at": "PodStart", "image": "registry.example.com/r:1"},
            "exposure": {"type": "Relay", "host": "{pod}.t.example.com", "relay": relay},
        })
    };
    let api_server =
        |more: Value| exposure(json!({"type": "ApiServer", "host": host, "relay": more}));
    match title {
        "`spec`" if kind == "AdvertiseAddress" && field == "timeout" => {
            json!({"whenPending": "Wait"})
        }
        // The others are read only with another value of this one.
        "`spec.configure`" if field == "at" => json!({}),
        "`spec.config`" => json!({"config": {"name": "runner"}}),
        "`spec.configure`" => {
            json!({"configure": {"at": "PodStart", "image": "registry.example.com/r:1"}})
        }
        "`spec.exposure` with `type: LoadBalancer`" => {
            exposure(json!({"type": "LoadBalancer", "cloud": "AWS"}))
        }
        "`spec.exposure` with `type: NodePort`" => exposure(json!({"type": "NodePort"})),
        "`spec.exposure` with `type: ClusterIP`" => exposure(json!({"type": "ClusterIP"})),
        "`spec.exposure` with `type: Headless`" => exposure(json!({"type": "Headless"})),
        "`spec.exposure` with `type: Ingress`" => {
            exposure(json!({"type": "Ingress", "host": host, "controller": "traefik"}))
        }
        "`spec.exposure` with `type: Gateway`" => {
            exposure(json!({"type": "Gateway", "host": host, "gatewayClassName": "c"}))
        }
        "`spec.exposure` with `type: ApiServer`" => api_server(Value::Null),
        "`spec.exposure.relay`" => api_server(relay),
        "`spec.exposure` with `type: Relay`" => in_cluster(json!({"namespace": "relay"})),
        "`spec.exposure.relay` of `type: Relay`" => in_cluster(json!({"namespace": "relay"})),
        _ if title.starts_with("`spec.exposure.relay.exposure`") => {
            in_cluster(json!({"namespace": "relay", "exposure": relay_entry(title)}))
        }
        _ => json!({}),
    }
}

/// The smallest exposure of a relay that makes a field of a section take effect.
fn relay_entry(title: &str) -> Value {
    let (_, kind) = title.split_once("`type: ").unwrap_or_default();
    match kind.trim_end_matches('`') {
        "" => json!({}),
        "LoadBalancer" => json!({"type": "LoadBalancer", "cloud": "AWS"}),
        "NodePort" => json!({"type": "NodePort", "nodePort": 30_000}),
        "Ingress" => json!({"type": "Ingress", "controller": "traefik"}),
        "Gateway" => json!({"type": "Gateway", "gatewayClassName": "c"}),
        kind => json!({"type": kind}),
    }
}

/// The resulting manifests, or why they are refused.
fn items(kind: &str, spec: &Value) -> String {
    let config = json!({
        "apiVersion": "runner-terminal.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "default"},
        "spec": spec,
    });
    let manifests = match kind {
        "AdvertiseAddress" => WITH_LIVE_SERVICE.split("functionConfig:").next().unwrap(),
        _ => MANIFESTS,
    };
    let input = format!("{manifests}functionConfig: {config}\n");
    let outcome = run(input.as_bytes());
    assert!(!outcome.failed(), "{spec}\n{}", outcome.report());
    let text = outcome.text();
    let (items, _) = text.split_once("\nfunctionConfig:").unwrap();
    // `configure` gets its arguments even if they are its defaults: docs/configure.md.
    let items = items.replace("          - \"--prefer=Hostname,IP\"\n", "");
    // A relay's settings are recorded as they are given.
    let is_kept = |line: &&str| !line.contains("runner-terminal.dev/relay-settings: ");
    items.lines().filter(is_kept).collect::<Vec<_>>().join("\n")
}

/// The default as a value, if it is one, unlike `that of the runner's configuration`.
fn literal(default: &str) -> Option<Value> {
    let text = default.strip_prefix('`')?.strip_suffix('`')?;
    // A Service's name, and the value of another field.
    if text.contains('`') || text.starts_with("SERVICE") || text == "configure.image" {
        return None;
    }
    Some(yaml_serde::from_str(text).unwrap())
}

/// Where the field of a section is in the spec: `/exposure/port`.
fn pointer(title: &str, field: &str) -> String {
    let path = title.split('`').nth(1).unwrap();
    let below = path.strip_prefix("spec").unwrap().replace('.', "/");
    format!("{below}/{field}")
}

/// Sets a field of a mapping, and creates the mappings on its path.
fn set(spec: &mut Value, pointer: &str, value: Value) {
    let (path, field) = pointer.rsplit_once('/').unwrap();
    let mut at = spec;
    for key in path.split('/').skip(1) {
        at = &mut at[key];
    }
    at[field] = value;
}

#[test]
fn a_field_that_is_set_to_its_default_changes_nothing() {
    let mut tried = BTreeMap::new();
    for (page, file) in PAGES {
        let schema = schema(file);
        let kind = schema["title"].as_str().unwrap();
        for Section { title, rows, .. } in sections(&schema) {
            for Row {
                name,
                default,
                kind: of,
                ..
            } in rows
            {
                let Some(mut value) = literal(&default) else {
                    continue;
                };
                if of.starts_with("list ") && !value.is_array() {
                    value = json!([value]);
                }
                let without = smallest(kind, &title, &name);
                let mut with = without.clone();
                set(&mut with, &pointer(&title, &name), value);
                assert_eq!(
                    items(kind, &without),
                    items(kind, &with),
                    "{page}: {title}: {name}"
                );
                *tried.entry(page).or_insert(0) += 1;
            }
        }
    }
    let tried: Vec<_> = tried.into_values().collect();
    assert!(tried.iter().sum::<usize>() >= 30, "{tried:?}");
}

#[test]
fn another_value_than_the_default_is_noticed() {
    let with = |port: u16| json!({"exposure": {"type": "ClusterIP", "port": port}});
    assert_ne!(
        items("SessionServer", &with(9000)),
        items("SessionServer", &with(9001))
    );
}
