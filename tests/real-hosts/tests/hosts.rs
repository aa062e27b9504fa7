//! Every host produces the same resources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use real_hosts::{
    Application, Helm, KptRuntime, PluginServer, Runtime, kpt_eval, kustomize_build, launcher,
    run_kpt, run_launcher, run_module, workspace_root,
};
use serde_json::Value;

/// Resources by kind, namespace and name.
type Resources = BTreeMap<[String; 3], Value>;

/// Manifests with a runner, and what to do with them.
struct Case {
    name: &'static str,
    manifests: String,
    function_config: String,
}

fn chart(name: &str) -> String {
    let path = format!("tests/fixtures/chart/chart-{name}.yaml");
    fs::read_to_string(workspace_root().join(path)).unwrap()
}

fn session_server(spec: &str) -> String {
    format!(
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: \
         session-server\nspec: {spec}\n"
    )
}

fn cases() -> Vec<Case> {
    let case = |name, manifests, spec| Case {
        name,
        manifests,
        function_config: session_server(spec),
    };
    vec![
        case("pending", chart("default"), "{}"),
        case(
            "address-known",
            chart("metrics"),
            "{advertiseAddress: terminal.example.com, sessionTimeout: 1h}",
        ),
        case("adopted", chart("session-server-on"), "{}"),
        case(
            "everything-beside",
            chart("default"),
            "{exposure: {type: Ingress, controller: nginx, host: terminal.example.com}, \
             networkPolicy: {from: [{ipBlock: {cidr: 10.0.0.0/8}}]}, \
             readers: [{namespace: argocd, serviceAccount: argocd-repo-server}]}",
        ),
        case(
            "shards",
            chart("replicas-3"),
            "{replicas: Shard, exposure: {type: Ingress, controller: nginx, \
             host: '{index}.terminal.example.com'}}",
        ),
    ]
}

/// The resources of a stream of documents, without the host's own annotations.
fn resources(host: &str, stream: &[u8]) -> Resources {
    let mut found = Resources::new();
    let text = String::from_utf8_lossy(stream);
    for document in text.split("\n---\n").flat_map(|text| text.split("---\n")) {
        let Ok(mut value) = yaml_serde::from_str::<Value>(document) else {
            panic!("{host}: {document}");
        };
        if value.is_null() {
            continue;
        }
        without_the_hosts_own(&mut value);
        let text = |pointer| {
            let text = value.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let name = [
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name"),
        ];
        let twin = found.insert(name.clone(), value);
        assert!(twin.is_none(), "{host} has two of {name:?}");
    }
    found
}

fn without_the_hosts_own(value: &mut Value) {
    let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.retain(|name, _| !name.contains("config.kubernetes.io/"));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn succeeds(host: &str, output: Output) -> Vec<u8> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{host}: {said}");
    output.stdout
}

/// A folder with the manifests in one file.
fn folder(case: &Case) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "runner.yaml", &case.manifests);
    folder
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn by_kustomize(case: &Case) -> Vec<u8> {
    let folder = folder(case);
    let annotated = case.function_config.replace(
        "  name: session-server\n",
        "  name: session-server\n  annotations:\n    config.kubernetes.io/function: |\n      exec:\n        \
         path: runner-terminal\n",
    );
    write(folder.path(), "session-server.yaml", &annotated);
    write(
        folder.path(),
        "kustomization.yaml",
        "resources:\n- runner.yaml\ntransformers:\n- session-server.yaml\n",
    );
    succeeds("kustomize", kustomize_build(folder.path()))
}

fn by_kpt(runtime: KptRuntime, case: &Case) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("package");
    write(&package, "runner.yaml", &case.manifests);
    let config = write(folder.path(), "session-server.yaml", &case.function_config);
    let mut kpt = kpt_eval(runtime, &package, &config);
    succeeds(
        &format!("kpt, {runtime:?}"),
        run_kpt(kpt.args(["--output", "unwrap"]), b""),
    )
}

fn by_helm(helm: &Helm, post_renderer: &[&str], case: &Case) -> Vec<u8> {
    let chart = helm.write(
        &format!("{}/Chart.yaml", case.name),
        "apiVersion: v2\nname: runner\nversion: 0.1.0\n",
    );
    let folder = chart.parent().unwrap().to_owned();
    // Text in the manifests that looks like a template is not one.
    let template = case.manifests.replace("{{", "{{ \"{{\" }}");
    write(&folder, "templates/runner.yaml", &template);
    let config = write(
        helm.file("configs").as_path(),
        case.name,
        &case.function_config,
    );
    let mut arguments = vec!["template", "runner", folder.to_str().unwrap()];
    arguments.extend(post_renderer);
    for argument in ["-c", config.to_str().unwrap()] {
        arguments.extend(["--post-renderer-args", argument]);
    }
    helm.succeeds(&arguments).into_bytes()
}

fn by_argo_cd(server: &PluginServer, case: &Case) -> Vec<u8> {
    let folder = folder(case);
    write(folder.path(), "runner-terminal.yaml", &case.function_config);
    let application = Application {
        repository: folder.path(),
        path: ".",
        namespace: "ci",
        parameters: "",
    };
    succeeds("Argo CD", server.generate(&application))
}

fn by_apply_to(case: &Case) -> Vec<u8> {
    let folder = folder(case);
    let config = write(folder.path(), "config", &case.function_config);
    let mut command = launcher(Path::new("/nonexistent"));
    command
        .arg("apply-to")
        .arg("-c")
        .arg(config)
        .arg(folder.path());
    succeeds("apply-to", run_launcher(&mut command, b""))
}

/// The function on a ResourceList, as documents.
fn by_runtime(runtime: Runtime, case: &Case) -> Vec<u8> {
    let mut list =
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n".to_owned();
    let mut push = |first: &str, text: &str| {
        let mut indent = first;
        for line in text.lines() {
            list.push_str(&format!("{indent}{line}\n"));
            indent = "  ";
        }
    };
    push("  ", &case.function_config);
    push("items:\n- ", "kind: Nothing");
    for document in case.manifests.split("---\n") {
        if !document.trim().is_empty() {
            push("- ", document.trim_start_matches('\n'));
        }
    }
    let output = succeeds(
        &format!("{runtime:?}"),
        run_module(runtime, list.as_bytes()),
    );
    let value: Value = yaml_serde::from_slice(&output).unwrap();
    let items = value["items"].as_array().unwrap().iter();
    let documents = items.filter(|item| item["kind"] != "Nothing");
    let documents: Vec<String> = documents.map(Value::to_string).collect();
    documents.join("\n---\n").into_bytes()
}

#[test]
fn every_host_gives_the_same_resources() {
    let helm = Helm::four();
    helm.install_plugin(&workspace_root().join("kustomization/helm"));
    let helm_3 = Helm::three();
    let argo_cd = PluginServer::start(&[]);
    for case in cases() {
        let expected = resources("native", &by_runtime(Runtime::Native, &case));
        assert!(
            expected.keys().any(|[kind, ..]| kind == "Service"),
            "{}: {:?}",
            case.name,
            expected.keys()
        );
        let mut outputs = vec![
            ("apply-to".to_owned(), by_apply_to(&case)),
            ("kustomize".to_owned(), by_kustomize(&case)),
            ("Argo CD".to_owned(), by_argo_cd(&argo_cd, &case)),
            (
                "Helm 4".to_owned(),
                by_helm(&helm, &["--post-renderer", "runner-terminal"], &case),
            ),
            (
                "Helm 3".to_owned(),
                by_helm(
                    &helm_3,
                    &[
                        "--post-renderer",
                        "runner-terminal",
                        "--post-renderer-args",
                        "apply-to",
                    ],
                    &case,
                ),
            ),
        ];
        for runtime in KptRuntime::ALL {
            outputs.push((format!("kpt, {runtime:?}"), by_kpt(runtime, &case)));
        }
        for runtime in Runtime::ALL {
            outputs.push((format!("{runtime:?}"), by_runtime(runtime, &case)));
        }
        for (host, output) in outputs {
            let actual = resources(&host, &output);
            let names = |resources: &Resources| resources.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&actual), names(&expected), "{}: {host}", case.name);
            for (name, resource) in &expected {
                assert_eq!(&actual[name], resource, "{}: {host}: {name:?}", case.name);
            }
        }
    }
}

/// An error is an error in each host: it fails, says why, and prints no manifests.
#[test]
fn every_host_passes_the_error_on() {
    let case = Case {
        name: "refused",
        manifests: chart("replicas-3"),
        function_config: session_server("{}"),
    };
    let reason = "replicas is 3, but a terminal lives in the one runner process";
    let folder = folder(&case);
    write(folder.path(), "runner-terminal.yaml", &case.function_config);
    let package = folder.path().join("package");
    write(&package, "runner.yaml", &case.manifests);
    let config = write(folder.path(), "config", &case.function_config);

    let argo_cd = PluginServer::start(&[]);
    let application = Application {
        repository: folder.path(),
        path: ".",
        namespace: "ci",
        parameters: "",
    };
    let mut outputs = vec![("Argo CD".to_owned(), argo_cd.generate(&application))];
    let mut command = launcher(Path::new("/nonexistent"));
    command.arg("apply-to").arg("-c").arg(&config).arg(&package);
    outputs.push(("apply-to".to_owned(), run_launcher(&mut command, b"")));
    for runtime in KptRuntime::ALL {
        let mut kpt = kpt_eval(runtime, &package, &config);
        let output = run_kpt(kpt.args(["--output", "unwrap"]), b"");
        outputs.push((format!("kpt, {runtime:?}"), output));
    }
    for (host, output) in outputs {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{host}: {said}");
        assert!(said.contains(reason), "{host}: {said}");
        let manifests = String::from_utf8_lossy(&output.stdout);
        assert!(
            !manifests.contains("kind: Service\n"),
            "{host}: {manifests}"
        );
    }
    let unchanged = fs::read_to_string(package.join("runner.yaml")).unwrap();
    assert_eq!(unchanged, case.manifests);
}
