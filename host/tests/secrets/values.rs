//! Secrets in the values of a chart, in parameters of Argo CD, and in function configs.

use serde_json::json;

use super::damage::damaged;
use super::place::Place;
use crate::program;

fn chart_values(place: &Place) -> String {
    let token = place.canaries.at("chart values");
    format!(
        "gitlabUrl: https://gitlab.example.com/
runnerRegistrationToken: \"{token}\"
runnerToken: {token}
sessionServer:
  enabled: true
  serviceType: LoadBalancer
  annotations:
    a: b
runners:
  secret: runner-secret
  config: |
    [[runners]]
      token = \"{token}\"
envVars:
- {{name: TOKEN, value: \"{token}\"}}
"
    )
}

#[test]
fn no_value_of_a_chart_is_shown() {
    let place = Place::new();
    let values = chart_values(&place);
    place.write("values.yaml", &values);
    let ended = place.run("as they are", &["import-values", "values.yaml"], "");
    assert!(
        ended.text().contains("kind: SessionServer"),
        "{}",
        ended.text()
    );
    for damaged in damaged(&values, |line| place.canaries.are_in(line)) {
        place.run(&damaged.how, &["import-values", "-"], &damaged.text);
    }
    place.tell("values of a chart");
}

#[test]
fn no_parameter_of_argo_cd_is_shown() {
    let place = Place::new();
    let token = place.canaries.at("chart values");
    place.write(
        "app/Chart.yaml",
        "apiVersion: v2\nname: runner\nversion: 0.1.0\n",
    );
    place.write(
        "app/templates/a.yaml",
        "kind: Namespace\nmetadata: {name: ci}\n",
    );
    let parameters = |value: &serde_json::Value| value.to_string();
    let given = [
        json!([{"name": "helm-parameters", "map": {"runnerToken": token}}]),
        json!([{"name": "helm-values", "string": chart_values(&place)}]),
        json!([{"name": "helm-parameters", "string": token}]),
        json!([{"name": "helm-parameters", "map": {"runnerToken": [token]}}]),
        json!([{"name": "helm-values", "array": [token]}]),
        json!([{"name": "nothing", "string": token}]),
        json!([{"name": "helm-values", "string": token}, {"name": "helm-values", "string": token}]),
        json!({"helm-values": token}),
        json!(token),
    ];
    let all = given.iter().map(parameters);
    let cut = format!("[{{\"name\": \"helm-values\", \"string\": \"{token}\\q");
    let all: Vec<_> = all
        .chain([cut, token.to_owned(), format!("[{token}]")])
        .collect();
    for helm in [
        "exit 0",
        // helm quotes the arguments that it cannot parse.
        "echo \"Error: failed parsing --set data: $*\" >&2\nexit 1",
        "printf 'a: [\\n'",
        "printf '\\377'",
    ] {
        place.script("bin/helm", &format!("{helm}\n"));
        for parameters in &all {
            for what in ["discover", "parameters", "generate"] {
                let mut command = place.command(&["argocd", what]);
                command
                    .current_dir(place.path().join("app"))
                    .env("ARGOCD_APP_NAME", "runner")
                    .env("ARGOCD_APP_PARAMETERS", parameters);
                let ended = program::run(&mut command, b"");
                place.search(&format!("{what}, {parameters}, {helm}"), &ended, false);
            }
        }
    }
    place.tell("parameters of Argo CD");
}

/// People put a secret where its name, or something else, belongs.
#[test]
fn no_secret_in_a_function_config_is_shown() {
    let place = Place::new();
    let token = place.canaries.at("runner token");
    let text = format!("apiVersion: v1\nkind: Config\nusers: [{{user: {{token: {token}}}}}]\n");
    let indented = text.replace('\n', "\n      ");
    for (kind, spec) in [
        (
            "SessionServer",
            format!("exposure: {{type: ApiServer, host: a.example.com, token: {token}}}"),
        ),
        ("SessionServer", format!("token: {token}")),
        ("SessionServer", format!("runnerToken: {token}")),
        ("AdvertiseAddress", format!("token: {token}")),
        (
            "AdvertiseAddress",
            format!(
                "source: Cluster\n    kubeconfig: |\n      {}",
                indented.trim_end()
            ),
        ),
    ] {
        let config = format!(
            "apiVersion: runner-terminal.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n    \
             {spec}\n"
        );
        place.write("config.yaml", &config);
        let runner = include_str!("../../../tests/fixtures/chart/chart-default.yaml");
        for words in [
            &["apply-to"][..],
            &["explain"],
            &["explain", "--html"],
            &["apply-to", "--diff"],
        ] {
            let ended = place.run(kind, &[words, &["-c", "config.yaml"]].concat(), runner);
            assert_eq!(ended.code, 1, "{spec}: {}", ended.stderr);
        }
        if kind == "AdvertiseAddress" {
            place.run(kind, &["resolve", "-c", "config.yaml"], runner);
        }
    }
    let runner = "advertise-address/ip.yaml";
    for arguments in [
        &["resolve", "--kubeconfig", &text, "-f", runner][..],
        &["relay", "--kubeconfig", &text, "--route", "*=ci/a=b:1"],
    ] {
        place.run("the text of a kubeconfig", arguments, "");
        let mut command = place.command(&[arguments[0], arguments[3], arguments[4]]);
        let ended = program::run(command.env("KUBECONFIG", &text), b"");
        place.search("the text of a kubeconfig in KUBECONFIG", &ended, false);
        assert_eq!(ended.code, 1);
    }
    place.tell("function configs");
}
