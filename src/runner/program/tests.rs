use serde_json::json;

use super::*;

const SCRIPT: &str = "#!/bin/bash\nset -e\nexport CONFIG_FILE=/home/x/config.toml\n\
                      gitlab-runner register --non-interactive\nexec gitlab-runner run \"$@\"\n";

fn file(path: &str) -> Option<String> {
    match path {
        "/scripts/start" => Some(SCRIPT.to_owned()),
        "/scripts/other" => Some("exec kubectl delete deployment gitlab-runner\n".to_owned()),
        "/scripts/exec" => Some("exec \"$@\"\n".to_owned()),
        _ => None,
    }
}

fn program(container: &Value) -> Program {
    let variables = Environment::from([("R".to_owned(), "gitlab-runner".to_owned())]);
    of(container, &variables, &file)
}

#[test]
fn runners_are_known_by_image_or_executable() {
    for container in [
        json!({"image": "gitlab/gitlab-runner"}),
        json!({"image": "r.example.com:5000/a/gitlab-runner:alpine-v18.9.0"}),
        json!({"image": "r.example.com/gitlab-runner@sha256:0123"}),
        json!({"image": "gitlab-runner-ocp:v1"}),
        json!({"image": "x/gitlab-runner-ubi-fips:v1"}),
        json!({"image": "x/gitlab-runner-ubi9"}),
        json!({"image": "gitlab/gitlab-runner", "args": ["run", "--user=x"]}),
        json!({"image": "gitlab/gitlab-runner", "command": ["/usr/bin/dumb-init", "--", "/bin/bash", "/configmaps/entrypoint"]}),
        json!({"image": "gitlab/gitlab-runner", "command": ["/start.sh"]}),
        json!({"image": "gitlab/gitlab-runner", "command": ["/usr/bin/dumb-init", "/entrypoint", "run"]}),
        json!({"image": "alpine", "command": ["/usr/bin/gitlab-runner", "run"]}),
        json!({"image": "alpine", "command": ["gitlab-runner"], "args": ["run"]}),
        json!({"image": "alpine", "args": ["gitlab-runner", "run"]}),
        json!({"image": "alpine", "args": ["-c", "exec gitlab-runner run"]}),
        json!({"image": "alpine", "command": ["sh", "-ec", "cd /x && exec gitlab-runner run"]}),
        json!({"image": "alpine", "command": ["bash", "-o", "pipefail", "-c", "if true; then gitlab-runner run; fi"]}),
        json!({"image": "alpine", "command": ["tini", "-g", "--", "sudo", "-u", "x", "gitlab-runner", "run"]}),
        json!({"image": "alpine", "command": ["/bin/bash", "-c", "--"], "args": ["gitlab-runner run"]}),
        json!({"image": "alpine", "command": ["bash", "-ce", "gitlab-runner run"]}),
        json!({"image": "alpine", "command": ["s6-setuidgid", "x", "gitlab-runner", "run"]}),
        json!({"image": "gitlab-runner:windows", "command": ["powershell", "-File", "C:\\start.ps1"]}),
        json!({"image": "alpine", "command": ["su", "x", "-c", "gitlab-runner run"]}),
        json!({"image": "alpine", "command": ["env", "A=b", "gitlab-runner", "run"]}),
        json!({"image": "alpine", "command": ["sh", "/scripts/start"]}),
        json!({"image": "alpine", "command": ["/scripts/start"]}),
        json!({"image": "alpine", "command": ["sh", "-c", "set -- run -c /x; exec gitlab-runner \"$@\""]}),
        json!({"image": "alpine", "command": ["sh", "-c", "A='run -c /x'; exec gitlab-runner $A"]}),
        json!({"image": "alpine", "command": ["gitlab-runner", "-l", "debug", "run"]}),
        json!({"image": "alpine", "command": ["/scripts/exec"], "args": ["gitlab-runner", "run"]}),
        json!({"image": "alpine", "command": ["sh", "-c", ". /scripts/start"]}),
        json!({"image": "win", "command": ["C:\\GitLab-Runner\\gitlab-runner.exe", "run"]}),
        json!({"image": "win", "command": ["cmd", "/S", "/C", "C:\\r\\gitlab-runner.exe run"]}),
        json!({"image": "win", "command": ["powershell.exe", "-Command", "gitlab-runner.exe", "run"]}),
        json!({"image": "alpine", "command": ["/opt/gitlab-runner-linux-amd64", "run"]}),
        json!({"image": "x/my-gitlab-runner:1", "command": ["gitlab-runner", "run"]}),
        json!({"image": "x/my-gitlab-runner:1", "args": ["run"]}),
        json!({"image": "$(A)", "command": ["$(R)", "run"]}),
    ] {
        assert!(
            matches!(program(&container), Program::Runner(_)),
            "{container}"
        );
    }
}

#[test]
fn other_programs_are_no_runners() {
    for container in [
        json!({}),
        json!({"image": "x/gitlab-runner-helper:v1", "command": ["gitlab-runner"]}),
        json!({"image": "x/gitlab-runner-operator:v1"}),
        json!({"image": "x/gitlab-runner-pod-cleanup:latest"}),
        json!({"image": "x/gitlab-runner-docker-cleanup"}),
        json!({"image": "x/gitlab-runner-scaler", "args": ["run"]}),
        json!({"image": "x/gitlab-runner-exporter"}),
        json!({"image": "gitlab-runner/other"}),
        json!({"image": "alpine", "args": ["gitlab-runner-helper"]}),
        json!({"image": "bitnami/kubectl", "args": ["rollout", "restart", "deployment", "gitlab-runner"]}),
        json!({"image": "bitnami/kubectl", "command": ["kubectl", "-n", "gitlab-runner", "get", "deployment/gitlab-runner"]}),
        json!({"image": "curl", "command": ["sh", "-c", "curl https://example.com/gitlab-runner"]}),
        json!({"image": "alpine", "command": ["sh", "-c", "echo 'gitlab-runner run'"]}),
        json!({"image": "alpine", "command": ["sh", "-c", "# gitlab-runner run\nsleep 1"]}),
        json!({"image": "alpine", "command": ["sh", "-c", "kubectl exec deployment/gitlab-runner -- gitlab-runner verify"]}),
        json!({"image": "alpine", "command": ["/scripts/other"]}),
        json!({"image": "helm", "command": ["helm", "upgrade", "gitlab-runner", "gitlab/gitlab-runner"]}),
    ] {
        assert_eq!(program(&container), Program::Other, "{container}");
    }
}

#[test]
fn what_may_be_a_runner_is_doubtful() {
    for container in [
        json!({"image": "alpine", "command": ["sh", "-c", "gitlab-runner verify; sleep 60"]}),
        json!({"image": "gitlab/gitlab-runner", "args": ["register"]}),
        json!({"image": "gitlab/gitlab-runner", "args": ["--log-level", "debug", "list"]}),
        json!({"image": "alpine", "command": ["gitlab-runner", "--version"], "args": ["unregister"]}),
        json!({"image": "my-gitlab-runner"}),
        json!({"image": "mygitlab-runner"}),
        json!({"image": "gitlab-runner-custom"}),
        json!({"image": "my-gitlab-runner", "command": ["sleep", "infinity"]}),
        json!({"image": "gitlab/gitlab-runner", "command": ["sleep", "infinity"]}),
        json!({"image": "gitlab/gitlab-runner", "command": ["sh", "-c", "kubectl get pods"]}),
    ] {
        assert!(
            matches!(program(&container), Program::Doubtful(_)),
            "{container}"
        );
    }
}

#[test]
fn arguments_and_variables_reach_the_program() {
    let container = json!({"image": "alpine", "command": ["bash", "/scripts/start"], "args": ["--config", "/x"]});
    let Program::Runner(found) = program(&container) else {
        panic!("not a runner");
    };
    assert_eq!(found[0].arguments, ["run", "--config", "/x"]);
    assert_eq!(found[0].variables["CONFIG_FILE"], "/home/x/config.toml");
}
