//! Flux, which runs no functions: the output of `export`, built by Flux's own library, with a real
//! API server and real session servers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use real_hosts::{
    ControlPlane, SessionServer, StartNode, chart, host, kustomize, launcher, lost_terminals,
    path_with_hosts, workspace_root,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How many terminals are opened.
const SESSIONS: usize = 300;
/// Other tests listen on all addresses at the usual port.
const PORT: u16 = 18096;

const POD_START: &str = "{configure: {at: PodStart, image: 'example.com/runner-terminal:1'}}";

/// A repository in a temporary folder.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn configure(&self, spec: &str) {
        let config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n\
                      metadata: {name: session-server}\nspec: ";
        self.write("session-server.yaml", &format!("{config}{spec}\n"));
    }

    /// Runs `runner-terminal export` with the functionConfig.
    fn export(&self, arguments: &[&str]) {
        let mut export = launcher(Path::new("/nonexistent"));
        export
            .args(["export", "-c", "session-server.yaml", "-o", "terminals"])
            .args(arguments)
            .env("PATH", path_with_hosts())
            .current_dir(self.path());
        succeeds(&export.output().unwrap());
    }

    /// Builds a Kustomization of Flux, as kustomize-controller does.
    fn flux(&self, spec: &str) -> Vec<Value> {
        self.write(
            "flux.yaml",
            &format!(
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
                 metadata: {{name: ci, namespace: flux-system}}\nspec: {spec}\n"
            ),
        );
        let mut build = Command::new(host("flux"));
        build
            .args(["build", "flux.yaml", "."])
            .current_dir(self.path());
        resources(&succeeds(&build.output().unwrap()))
    }
}

fn succeeds(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn resources(manifests: &str) -> Vec<Value> {
    let documents = manifests.split("\n---\n");
    let documents = documents.map(|one| yaml_serde::from_str(one).unwrap());
    documents.filter(|one: &Value| !one.is_null()).collect()
}

/// The lists of a pod that Kubernetes reads by their keys. A patch puts its own entries first.
const KEYED: [&str; 5] = ["containers", "env", "ports", "volumeMounts", "volumes"];

fn sort_keyed(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                sort_keyed(value);
                if let (true, Value::Array(entries)) = (KEYED.contains(&&**name), value) {
                    entries.sort_by_key(Value::to_string);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(sort_keyed),
        _ => {}
    }
}

/// Resources by kind and name.
fn by_name(mut resources: Vec<Value>) -> BTreeMap<String, Value> {
    resources.iter_mut().for_each(sort_keyed);
    let named = |one: Value| (format!("{} {}", one["kind"], one["metadata"]["name"]), one);
    resources.into_iter().map(named).collect()
}

/// The runner of the chart, as Helm renders it.
fn rendered_chart(name: &str, namespace: &str) -> String {
    let documents = chart(name, namespace);
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    texts.join("\n---\n")
}

/// kustomize, kubectl and Flux build the same from a folder with a Component, and it is what the
/// function gives.
#[test]
fn a_component_is_built_as_the_function_would() {
    for spec in [
        POD_START,
        "{advertiseAddress: terminal.example.com}",
        "{exposure: {type: NodePort, nodeAddress: n.example.com, nodePort: 30900}}",
    ] {
        let repository = Repository::new();
        let base = workspace_root().join("kustomization/example/base");
        for entry in fs::read_dir(base).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            repository.write(
                &format!("base/{name}"),
                &fs::read_to_string(entry.path()).unwrap(),
            );
        }
        repository.configure(spec);
        repository.export(&["-k", "base"]);
        repository.write(
            "prod/kustomization.yaml",
            "resources: [../base]\ncomponents: [../terminals]\n",
        );
        repository.write("plain/kustomization.yaml", "resources: [../base]\n");
        repository.write(
            "by-function/kustomization.yaml",
            "resources: [../base]\ntransformers: [session-server.yaml]\n",
        );
        let config = repository.read("session-server.yaml").replace(
            "{name: session-server}",
            "{name: s, annotations: {config.kubernetes.io/function: 'exec: {path: runner-terminal}'}}",
        );
        repository.write("by-function/session-server.yaml", &config);

        let function = kustomize(&repository.path().join("by-function")).output();
        let mut expected = by_name(resources(&succeeds(&function.unwrap())));
        // In a file it would stay the same when the configuration changes.
        for resource in expected.values_mut() {
            let template = resource.pointer_mut("/spec/template/metadata");
            if let Some(metadata) = template.and_then(Value::as_object_mut)
                && spec == POD_START
            {
                let annotations = metadata.get_mut("annotations");
                let annotations = annotations.and_then(Value::as_object_mut).unwrap();
                annotations.remove("runner-terminal.dev/config-checksum");
                if annotations.is_empty() {
                    metadata.remove("annotations");
                }
            }
        }

        let kustomize = Command::new(host("kustomize"))
            .args(["build", "prod"])
            .current_dir(repository.path())
            .output();
        let kubectl = Command::new(host("kubectl"))
            .args(["kustomize", "prod"])
            .current_dir(repository.path())
            .output();
        for (name, built) in [
            ("kustomize", resources(&succeeds(&kustomize.unwrap()))),
            ("kubectl", resources(&succeeds(&kubectl.unwrap()))),
            ("Flux", repository.flux("{path: prod, prune: true}")),
            (
                "Flux, by the components of its Kustomization",
                repository.flux("{path: plain, prune: true, components: [../terminals]}"),
            ),
        ] {
            assert_eq!(by_name(built), expected, "{name}: {spec}");
        }
    }
}

/// A HelmRelease of the chart, patched in place, and post-rendered as helm-controller does.
fn post_rendered(repository: &Repository, rendered: &str) -> Vec<Value> {
    repository.write("rendered.yaml", rendered);
    let release = "kustomization/flux/release.yaml";
    let release = fs::read_to_string(workspace_root().join(release)).unwrap();
    repository.write("release.yaml", &release);
    let export = [
        "rendered.yaml",
        "--for",
        "flux-helmrelease",
        "--in-place",
        "release.yaml",
    ];
    repository.export(&export);
    let mut post_render = Command::new(host("flux"))
        .args(["post-render", "release.yaml"])
        .current_dir(repository.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = post_render.stdin.take().unwrap();
    stdin.write_all(rendered.as_bytes()).unwrap();
    drop(stdin);
    let patched = resources(&succeeds(&post_render.wait_with_output().unwrap()));

    // The release's own lines are unchanged.
    let written = repository.read("release.yaml");
    let own: Vec<&str> = release.lines().collect();
    let kept: Vec<&str> = written.lines().filter(|line| own.contains(line)).collect();
    assert_eq!(kept, own, "{written}");
    // A second export finds nothing to do.
    repository.export(&[&export[..], &["--check"]].concat());
    patched
}

fn apply(plane: &ControlPlane, resources: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": resources});
    plane.apply(&list.to_string());
}

/// Starts a pod of the chart's Deployment, and its session server with the file that it reads.
fn start(node: &StartNode, namespace: &str, listen: &str) -> SessionServer {
    let pod = node.create_pod(namespace, "deployment/gr-gitlab-runner");
    let init = pod.start_container_named("session-server").end();
    assert_eq!(init.code, Some(0), "{}", init.log);
    let runner = pod.run_runner();
    assert_eq!(runner.code, Some(0), "{}", runner.log);
    match SessionServer::start_at(&runner.stdout, listen) {
        Ok(server) => server,
        Err(refusal) => panic!("{}\n{}", refusal.message, runner.stdout),
    }
}

/// Three runners of the chart: one commit, and every terminal reaches the process of its session.
#[test]
fn a_helm_release_of_three_gets_its_terminals_with_one_commit() {
    let namespace = "three";
    let plane = ControlPlane::shared();
    plane.add_namespace(namespace, &json!({}));
    let repository = Repository::new();
    repository.configure(&format!(
        "{{configure: {{at: PodStart, image: 'example.com/runner-terminal:1'}}, \
         exposure: {{type: PodIP}}, listenPort: {PORT}}}"
    ));
    let patched = post_rendered(&repository, &rendered_chart("replicas-3", namespace));
    // Each pod advertises its own address, so nothing is added beside the release.
    let beside = fs::read_dir(repository.path().join("terminals"));
    assert_eq!(beside.map_or(0, Iterator::count), 0);
    apply(&plane, &patched);
    let deployment = plane.get(namespace, "deployment/gr-gitlab-runner");
    assert_eq!(deployment["spec"]["replicas"], 3);
    let label = &deployment["metadata"]["labels"]["helm.toolkit.fluxcd.io/name"];
    assert_eq!(label, "runner");

    let mut node = StartNode::new(&plane);
    let servers: Vec<SessionServer> = (1..=3)
        .map(|pod| {
            let ip = format!("127.0.10.{pod}");
            node.pod_ips = vec![ip.clone()];
            start(&node, namespace, &format!("{ip}:{PORT}"))
        })
        .collect();
    let lost = lost_terminals(&servers, SESSIONS, SessionServer::connect_as_advertised);
    assert_eq!(lost, 0);
}

/// The Service and the Role are files beside the HelmRelease, in the same commit.
#[test]
fn what_a_post_renderer_cannot_add_is_beside_the_helm_release() {
    let namespace = "one";
    let plane = ControlPlane::shared();
    plane.add_namespace(namespace, &json!({}));
    let repository = Repository::new();
    repository.configure(POD_START);
    let rendered = rendered_chart("default", namespace);
    let patched = post_rendered(&repository, &rendered);
    repository.write(
        "prod/kustomization.yaml",
        "resources: [../terminals, ../release.yaml]\n",
    );
    let mut beside = repository.flux("{path: prod, prune: true}");
    let mut kinds: Vec<_> = beside
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["HelmRelease", "Role", "RoleBinding", "Service"]);
    // The HelmRelease itself is for helm-controller.
    beside.retain(|one| one["kind"] != "HelmRelease");

    // They are applied in any order: the pod waits.
    apply(&plane, &patched);
    let node = StartNode::new(&plane);
    let pod = node.create_pod(namespace, "deployment/gr-gitlab-runner");
    let mut init = pod.start_container_named("session-server");
    init.wait_for("waiting up to 2m");
    apply(&plane, &beside);
    let service = "gr-gitlab-runner-session-server";
    plane.set_ingress(namespace, service, r#"[{"ip":"192.0.2.7"}]"#);
    let init = init.end();
    assert_eq!(init.code, Some(0), "{}", init.log);
    let runner = pod.run_runner();
    assert!(
        runner
            .stdout
            .contains("advertise_address = \"192.0.2.7:9000\""),
        "{}",
        runner.stdout
    );
}

/// The pipeline of the page, from a commit to the branch that Flux reads.
#[test]
fn the_pipeline_pushes_what_flux_applies() {
    let file = workspace_root().join("kustomization/flux/gitlab-ci.yml");
    let pipeline: Value = yaml_serde::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let job = &pipeline["render"];
    let origin = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str], folder: &Path| {
        succeeds(
            &Command::new("git")
                .args(arguments)
                .current_dir(folder)
                .output()
                .unwrap(),
        )
    };
    git(&["init", "--quiet", "--bare", "."], origin.path());
    let repository = Repository::new();
    repository.write("prod/kustomization.yaml", "resources: [runner.yaml]\n");
    repository.write("prod/runner.yaml", &rendered_chart("default", "ci"));
    repository.configure("{advertiseAddress: terminal.example.com}");

    let run = |commit: &str| {
        let script = job["script"].as_array().unwrap().iter();
        let script: Vec<&str> = script.map(|line| line.as_str().unwrap()).collect();
        // As a GitLab Runner runs the lines of a job.
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", &script.join("\n")])
            .current_dir(repository.path())
            .env("PATH", path_with_hosts())
            .env("CI_COMMIT_SHORT_SHA", commit);
        for (name, value) in job["variables"].as_object().unwrap() {
            shell.env(name, value.as_str().unwrap());
        }
        shell.env("PUSH_URL", origin.path());
        succeeds(&shell.output().unwrap());
        for left in ["rendered", "built.yaml", "rendered.yaml"] {
            let left = repository.path().join(left);
            let _ = fs::remove_dir_all(&left).or_else(|_| fs::remove_file(&left));
        }
    };
    let pushed = |what: &str| git(&["show", &format!("rendered:{what}")], origin.path());
    let commits = || git(&["rev-list", "--count", "rendered"], origin.path());

    run("1a2b3c4d");
    let first = pushed("prod/manifests.yaml");
    assert!(
        first.contains("advertise_address = \"terminal.example.com:9000\""),
        "{first}"
    );
    run("2a2b3c4d");
    assert_eq!(commits().trim(), "1", "nothing has changed");
    repository.configure("{advertiseAddress: other.example.com}");
    run("3a2b3c4d");
    assert_eq!(commits().trim(), "2");

    let checkout = Repository::new();
    let url = origin.path().to_str().unwrap();
    git(
        &["clone", "--quiet", "--branch", "rendered", url, "."],
        checkout.path(),
    );
    let built = checkout.flux("{path: prod, prune: true}");
    let names = |resources: Vec<Value>| by_name(resources).into_keys().collect::<Vec<_>>();
    let last = pushed("prod/manifests.yaml");
    let config = |resources: Vec<Value>| {
        let config = by_name(resources).remove("\"ConfigMap\" \"gr-gitlab-runner\"");
        config.unwrap()["data"]["config.toml"].clone()
    };
    assert_eq!(names(built.clone()), names(resources(&last)));
    assert_eq!(config(built), config(resources(&last)));
    let plane = ControlPlane::shared();
    plane.add_namespace("ci", &json!({}));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": checkout.flux("{path: prod}")});
    succeeds(&plane.dry_run(&list.to_string()));
}
