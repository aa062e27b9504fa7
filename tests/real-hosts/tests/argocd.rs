//! The plugin in Argo CD's real plugin server, with the requests of argocd-repo-server.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use real_hosts::{
    Application, ControlPlane, PluginServer, argo_cd_manifests, host, kustomize, workspace_root,
};
use serde_json::Value;
use tempfile::TempDir;

const PAGE: &str = "docs/argo-cd.md";

/// A known address, so that no cluster is queried.
const KNOWN: &str = r#"[{"name": "advertise-address", "string": "terminal.example.com"}]"#;

/// A runner whose manifests name no namespace.
const RUNNER: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: runner-config
data:
  config.toml: |
    concurrent = 4   # jobs
---
# the runner
apiVersion: apps/v1
kind: Deployment
metadata:
  name: runner
spec:
  replicas: 1
  selector:
    matchLabels: {app: runner}
  template:
    metadata:
      labels: {app: runner}
    spec:
      containers:
      - name: runner
        image: gitlab/gitlab-runner:alpine-v18.9.0
        volumeMounts:
        - {name: config, mountPath: /etc/gitlab-runner}
      volumes:
      - name: config
        configMap: {name: runner-config}
";

const PLAIN_CONFIG: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
spec:
  advertiseAddress: file.example.com
";

/// A repository with an application in the folder `team/app`.
struct Repository(TempDir);

impl Repository {
    fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            repository.write(path, text);
        }
        repository
    }

    /// The runner's plain manifests.
    fn plain() -> Self {
        Self::new(&[("runner.yaml", RUNNER)])
    }

    /// The example's kustomization.
    fn kustomization(namespace: &str) -> Self {
        let repository = Self::new(&[]);
        let base = workspace_root().join("kustomization/example/base");
        for entry in fs::read_dir(base).unwrap() {
            let entry = entry.unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let text = text
                .replace("namespace: ci", &format!("namespace: {namespace}"))
                .replace("name: ci\n", &format!("name: {namespace}\n"));
            repository.write(entry.file_name().to_str().unwrap(), &text);
        }
        repository
    }

    fn chart() -> Self {
        let runner = RUNNER
            .replace("name: runner\n", "name: {{ .Release.Name }}\n")
            .replace("concurrent = 4", "concurrent = {{ .Values.concurrent }}")
            .replace("replicas: 1", "replicas: {{ .Values.replicas }}");
        Self::new(&[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: runner\nversion: 1.2.3\nkubeVersion: '>=1.30'\n",
            ),
            ("values.yaml", "concurrent: 1\nreplicas: 1\n"),
            ("values/team.yaml", "concurrent: 7\n"),
            ("templates/runner.yaml", &runner),
            ("crds/crd.yaml", CRD),
        ])
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn folder(&self) -> std::path::PathBuf {
        self.0.path().join("team/app")
    }

    fn with<'a>(&'a self, parameters: &'a str) -> Application<'a> {
        fs::create_dir_all(self.folder()).unwrap();
        Application {
            repository: self.0.path(),
            path: "team/app",
            namespace: "ci",
            parameters,
        }
    }
}

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec: {group: example.com}
";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn manifests(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
        .split("---\n")
        .filter(|document| !document.trim().is_empty())
        .map(|document| yaml_serde::from_str(document).unwrap())
        .collect()
}

fn find<'m>(manifests: &'m [Value], kind: &str) -> &'m Value {
    let found = manifests.iter().find(|manifest| manifest["kind"] == kind);
    found.unwrap_or_else(|| panic!("there is no {kind}: {manifests:?}"))
}

fn config_toml(manifests: &[Value]) -> String {
    let config = find(manifests, "ConfigMap");
    config["data"]["config.toml"].as_str().unwrap().to_owned()
}

/// What the user interface shows: one line that starts with the error.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let said = text(&output.stderr);
    let said = said.strip_suffix('\n').unwrap();
    assert!(!said.contains('\n') && !said.contains('\u{1b}'), "{said}");
    let (_, said) = said
        .split_once(
            "error generating manifests: `runner-terminal argocd generate` failed exit status 1: \
             runner-terminal: ",
        )
        .unwrap_or_else(|| panic!("{said}"));
    assert!(said.len() < 1500, "{said}");
    said.to_owned()
}

#[test]
fn applications_of_the_plugin_are_found() {
    let server = PluginServer::start(&[]);
    let plain = Repository::plain();
    for (parameters, is_ours) in [
        ("", false),
        ("null", false),
        ("[]", false),
        (r#"[{"name": "jsonnet-file", "string": "a"}]"#, false),
        (KNOWN, true),
        (
            r#"[{"name": "exposur", "string": "a"}, {"name": "replicas", "string": "Shard"}]"#,
            true,
        ),
    ] {
        assert_eq!(
            server.matches(&plain.with(parameters)),
            is_ours,
            "{parameters}"
        );
    }
    plain.write("runner-terminal.yaml", PLAIN_CONFIG);
    assert!(server.matches(&plain.with("")));
    assert!(!server.matches(&Repository::kustomization("ci").with("")));
}

#[test]
fn plain_manifests_get_their_session_server() {
    let server = PluginServer::start(&[]);
    let plain = Repository::plain();
    plain.write("not-read/service.yaml", "kind: [\n");
    plain.write("skipped.yaml", "# +argocd:skip-file-rendering\nkind: [\n");
    let built = manifests(&server.generate(&plain.with(KNOWN)));
    assert!(config_toml(&built).contains("advertise_address = \"terminal.example.com:9000\""));
    let service = find(&built, "Service");
    assert_eq!(service["metadata"]["namespace"], "ci");
    assert_eq!(find(&built, "Deployment")["metadata"]["namespace"], "ci");

    // A file with functionConfigs, which is not a manifest.
    plain.write("runner-terminal.yaml", PLAIN_CONFIG);
    let built = manifests(&server.generate(&plain.with("")));
    assert!(config_toml(&built).contains("file.example.com"));
    assert!(built.iter().all(|one| one["kind"] != "SessionServer"));
    let said = refused(&server.generate(&plain.with(KNOWN)));
    assert!(
        said.starts_with(
            "the parameter advertise-address is set, and there are function configs at \
             runner-terminal.yaml:1"
        ),
        "{said}"
    );
    // The same with another name, or among the manifests.
    fs::rename(
        plain.folder().join("runner-terminal.yaml"),
        plain.folder().join("terminal.yaml"),
    )
    .unwrap();
    for parameters in [r#"[{"name": "config", "array": ["terminal.yaml"]}]"#, "[]"] {
        let built = manifests(&server.generate(&plain.with(parameters)));
        assert!(config_toml(&built).contains("file.example.com"));
        assert!(built.iter().all(|one| one["kind"] != "SessionServer"));
    }
    let said = refused(&server.generate(&plain.with(r#"[{"name": "recurse", "string": "true"}]"#)));
    assert!(said.contains("not-read/service.yaml"), "{said}");
    assert_eq!(server.left_over(), [] as [std::path::PathBuf; 0]);
}

#[test]
fn a_kustomization_is_built_as_kustomize_does() {
    let server = PluginServer::start(&[]);
    let repository = Repository::kustomization("ci");
    let built = manifests(&server.generate(&repository.with(
        r#"[{"name": "advertise-address", "string": "192.0.2.9"},
            {"name": "exposure-type", "string": "NodePort"},
            {"name": "exposure", "map": {"nodePort": "30123", "port": "30123"}},
            {"name": "session-timeout", "string": "2h"}]"#,
    )));
    let config = config_toml(&built);
    assert!(
        config.contains("advertise_address = \"192.0.2.9:"),
        "{config}"
    );
    assert!(config.contains("session_timeout = 7200"), "{config}");
    let service = find(&built, "Service");
    assert_eq!(service["metadata"]["name"], "team-a-runner-session-server");
    assert_eq!(service["spec"]["ports"][0]["nodePort"], 30123);
    let plain = Command::new(host("kustomize"))
        .arg("build")
        .arg(repository.folder())
        .output()
        .unwrap();
    assert_eq!(built.len(), manifests(&plain).len() + 1);
    assert!(server.log().contains("Plugin command successful"));
}

/// Committers decide about manifests, not about programs.
#[test]
fn no_program_of_the_repository_runs() {
    let server = PluginServer::start(&[]);
    let repository = Repository::kustomization("ci");
    let marker = repository.0.path().join("ran");
    let function = format!(
        "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: x\n  annotations:\n    \
         config.kubernetes.io/function: |\n      exec:\n        path: /bin/touch\n        args: [{}]\n",
        marker.display()
    );
    repository.write("function.yaml", &function);
    let kustomization = repository.folder().join("kustomization.yaml");
    let before = fs::read_to_string(&kustomization).unwrap();
    fs::write(
        &kustomization,
        format!("{before}transformers:\n- function.yaml\n"),
    )
    .unwrap();
    let said = refused(&server.generate(&repository.with(KNOWN)));
    assert!(
        said.starts_with("the kustomization runs functions, which no repository"),
        "{said}"
    );
    assert!(!marker.exists());

    // The plugin's owner may allow it: this shows that the test works.
    let allowing = PluginServer::start(&[(
        "RUNNER_TERMINAL_ARGOCD_KUSTOMIZE_OPTIONS",
        "--enable-alpha-plugins --enable-exec",
    )]);
    let _ = allowing.generate(&repository.with(KNOWN));
    assert!(marker.exists(), "{}", allowing.log());

    // A credential plugin is a program too.
    let plain = Repository::plain();
    plain.write("kubeconfig", "users: []\n");
    plain.write(
        "runner-terminal.yaml",
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: AdvertiseAddress\nmetadata: {name: a}\n\
         spec: {kubeconfig: kubeconfig}\n",
    );
    let said = refused(&server.generate(&plain.with("")));
    assert!(
        said.starts_with("runner-terminal.yaml:1: spec.kubeconfig may only be chosen by whoever"),
        "{said}"
    );
}

#[test]
fn a_chart_is_rendered_as_argo_cd_does() {
    let server = PluginServer::start(&[]);
    let chart = Repository::chart();
    let built = manifests(&server.generate(&chart.with(
        r#"[{"name": "advertise-address", "string": "terminal.example.com"},
            {"name": "helm-values-files", "array": ["values/team.yaml"]}]"#,
    )));
    assert!(config_toml(&built).contains("concurrent = 7"));
    assert_eq!(find(&built, "Deployment")["metadata"]["name"], "runner");
    find(&built, "CustomResourceDefinition");
    let built = manifests(&server.generate(&chart.with(
        r#"[{"name": "advertise-address", "string": "terminal.example.com"},
            {"name": "helm-values", "string": "concurrent: 8"},
            {"name": "helm-release-name", "string": "other"}]"#,
    )));
    assert!(config_toml(&built).contains("concurrent = 8"));
    assert_eq!(find(&built, "Deployment")["metadata"]["name"], "other");

    for (parameter, said) in [
        (
            r#""helm-values-files", "array": ["../secret.yaml"]"#,
            "without ..",
        ),
        (
            r#""helm-values-files", "array": ["/etc/passwd"]"#,
            "without ..",
        ),
        (
            r#""helm-values-files", "array": ["absent.yaml"]"#,
            "cannot read \"absent.yaml\"",
        ),
        (
            r#""helm-parameters", "map": {"replicas": "2"}"#,
            "replicas is 2",
        ),
        (
            r#""helm-release-name", "string": "--post-renderer=sh""#,
            "helm template failed",
        ),
        (
            r#""recurse", "string": "true""#,
            "this application is a chart",
        ),
    ] {
        let parameters = format!("[{{\"name\": {parameter}}}]");
        let shown = refused(&server.generate(&chart.with(&parameters)));
        assert!(shown.contains(said), "{shown}");
    }

    // A dependency that has to be fetched first.
    let fetched = Repository::new(&[
        (
            "Chart.yaml",
            "apiVersion: v2\nname: umbrella\nversion: 0.1.0\ndependencies:\n- name: runner\n  \
             version: 1.2.3\n  repository: file://../runner\n",
        ),
        ("values.yaml", "runner: {concurrent: 9}\n"),
    ]);
    let status = Command::new("cp")
        .arg("-r")
        .args([chart.folder(), fetched.0.path().join("team/runner")])
        .status();
    assert!(status.unwrap().success());
    let built = manifests(&server.generate(&fetched.with(KNOWN)));
    assert!(config_toml(&built).contains("concurrent = 9"));
    assert_eq!(server.left_over(), [] as [std::path::PathBuf; 0]);
}

/// A link must stay inside the repository.
#[cfg(unix)]
#[test]
fn no_file_outside_the_repository_is_read() {
    use std::os::unix::fs::symlink;

    let server = PluginServer::start(&[]);
    let plain = Repository::new(&[]);
    fs::create_dir_all(plain.folder()).unwrap();
    fs::write(plain.0.path().join("shared.yaml"), RUNNER).unwrap();
    symlink("../../shared.yaml", plain.folder().join("runner.yaml")).unwrap();
    manifests(&server.generate(&plain.with(KNOWN)));
    let said =
        refused(&server.generate(&plain.with(r#"[{"name": "config", "array": ["runner.yaml"]}]"#)));
    assert!(
        said.contains("leads out of the application's folder"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_is_one_paragraph() {
    let server = PluginServer::start(&[]);
    let plain = Repository::plain();
    let said =
        refused(&server.generate(&plain.with(r#"[{"name": "replica", "string": "Shard"}]"#)));
    assert!(
        said.starts_with("there is no parameter \"replica\"; the parameters are config,"),
        "{said}"
    );
    plain.write("runner.yaml", &RUNNER.replace("replicas: 1", "replicas: 3"));
    let said = refused(&server.generate(&plain.with(KNOWN)));
    assert!(
        said.starts_with("Deployment ci/runner, spec.replicas: replicas is 3"),
        "{said}"
    );
    plain.write("runner.yaml", RUNNER);
    let said = refused(&server.generate(&plain.with("[]")));
    assert!(
        said.contains("Service ci/runner-session-server: there is no cluster"),
        "{said}"
    );
    plain.write(
        "kustomization.yaml",
        "resources:\n- https://user:hunter2@[::1]:1/x//y?ref=z\n",
    );
    let said = refused(&server.generate(&plain.with(KNOWN)));
    assert!(said.starts_with("kustomize build failed: "), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

/// The announced parameters are those that the plugin accepts: the static ones, and those of each
/// kind of application.
#[test]
fn every_parameter_is_announced() {
    let server = PluginServer::start(&[]);
    let plain = Repository::plain();
    let said = refused(&server.generate(&plain.with(r#"[{"name": "x", "string": "y"}]"#)));
    let (_, known) = said.split_once("the parameters are ").unwrap();
    let known: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();

    let mut announced = BTreeSet::new();
    for (repository, of_its_sort) in [
        (&plain, 1),
        (&Repository::chart(), 4),
        (&Repository::kustomization("ci"), 0),
    ] {
        let parameters = server.parameters(&repository.with("[]"));
        for parameter in &parameters {
            let name = parameter["name"].as_str().unwrap();
            for field in ["title", "tooltip"] {
                assert!(parameter[field].is_string(), "{name} has no {field}");
            }
            announced.insert(name.to_owned());
        }
        assert_eq!(parameters.len(), 14 + of_its_sort);
    }
    assert_eq!(announced, known);
    let page = fs::read_to_string(workspace_root().join(PAGE)).unwrap();
    for name in known {
        assert!(
            page.contains(&format!("| `{name}`")),
            "{name} is not in docs/argo-cd.md"
        );
    }
}

/// From no address to a terminal's address, with only the rights that `readers` grants.
#[test]
fn a_new_address_is_picked_up() {
    let plane = ControlPlane::shared();
    plane.apply(
        "{apiVersion: v1, kind: Namespace, metadata: {name: argocd-plugin}}\n---\n\
         {apiVersion: v1, kind: ServiceAccount, metadata: {name: argocd-repo-server, namespace: \
         argocd-plugin}}\n---\n\
         {apiVersion: v1, kind: Namespace, metadata: {name: ci-argocd}}\n",
    );
    let kubeconfig = plane.kubeconfig_of("argocd-plugin", "argocd-repo-server");
    let server = PluginServer::start(&[
        ("KUBECONFIG", kubeconfig.to_str().unwrap()),
        ("RUNNER_TERMINAL_ARGOCD_NAMESPACE", "argocd-plugin"),
        (
            "RUNNER_TERMINAL_ARGOCD_SERVICE_ACCOUNT",
            "argocd-repo-server",
        ),
    ]);
    let plain = Repository::plain();
    let application = Application {
        namespace: "ci-argocd",
        ..plain.with("[]")
    };

    let first = server.generate(&application);
    let built = manifests(&first);
    assert!(!config_toml(&built).contains("session_server"));
    let role = find(&built, "Role");
    assert_eq!(
        role["rules"][0]["verbs"],
        serde_json::json!(["get", "watch"])
    );
    assert!(
        server.log().contains("may not be read yet (403 Forbidden)"),
        "{}",
        server.log()
    );
    plane.apply(&text(&first.stdout));

    // The Service exists, is readable, and has no address.
    let second = server.generate(&application);
    assert_eq!(text(&second.stdout), text(&first.stdout));

    plane.set_ingress(
        "ci-argocd",
        "runner-session-server",
        r#"[{"ip": "192.0.2.44"}]"#,
    );
    let third = server.generate(&application);
    let built = manifests(&third);
    assert!(config_toml(&built).contains("advertise_address = \"192.0.2.44:9000\""));
    plane.apply(&text(&third.stdout));
    assert_eq!(
        text(&server.generate(&application).stdout),
        text(&third.stdout)
    );

    // Without the rights there is an error, and no runner loses its terminals.
    let output = plane.kubectl(
        &["delete", "rolebinding", "--all", "--namespace=ci-argocd"],
        "",
    );
    assert!(output.status.success());
    plain.write(
        "runner-terminal.yaml",
        "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata: {name: a}\n---\n\
         apiVersion: runner-terminal.dev/v1alpha1\nkind: AdvertiseAddress\nmetadata: {name: b}\n",
    );
    let said = refused(&server.generate(&application));
    assert!(
        said.contains("may not be read by system:serviceaccount:argocd-plugin:argocd-repo-server"),
        "{said}"
    );
}

/// The sidecar in Argo CD's own Deployment, accepted by the API server.
#[test]
fn the_sidecar_has_least_privilege() {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &argo_cd_manifests().join("base/repo-server"),
        &folder.path().join("argo-cd"),
    );
    copy(
        &workspace_root().join("kustomization/argocd"),
        &folder.path().join("runner-terminal"),
    );
    let kustomization =
        block("# kustomization.yaml").replace("namespace: argocd", "namespace: argocd-sidecar");
    fs::write(folder.path().join("kustomization.yaml"), kustomization).unwrap();
    let output = Command::new(host("kustomize"))
        .arg("build")
        .arg(folder.path())
        .output()
        .unwrap();
    let built = manifests(&output);
    let plane = ControlPlane::shared();
    plane.apply("{apiVersion: v1, kind: Namespace, metadata: {name: argocd-sidecar}}\n");
    let label = "pod-security.kubernetes.io/enforce=restricted";
    let labelled = plane.kubectl(&["label", "namespace", "argocd-sidecar", label], "");
    assert!(labelled.status.success());
    let taken = plane.dry_run(&text(&output.stdout));
    assert!(taken.status.success(), "{}", text(&taken.stderr));
    assert!(
        !text(&taken.stderr).contains("PodSecurity"),
        "{}",
        text(&taken.stderr)
    );

    let pod = &find(&built, "Deployment")["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    let containers: Vec<&Value> = ["containers", "initContainers"]
        .iter()
        .flat_map(|field| pod[field].as_array().unwrap())
        .collect();
    let named = |name: &str| *containers.iter().find(|one| one["name"] == name).unwrap();
    let sidecar = named("runner-terminal");
    assert_eq!(
        sidecar["image"],
        "registry.example.com/tools/runner-terminal:0.2.0"
    );
    assert_eq!(
        named("runner-terminal-tools")["image"],
        named("argocd-repo-server")["image"]
    );
    for container in [sidecar, named("runner-terminal-tools")] {
        let context = &container["securityContext"];
        assert_eq!(context["runAsUser"], 999);
        assert_eq!(context["runAsNonRoot"], true);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["capabilities"]["drop"][0], "ALL");
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
        assert!(container["resources"]["limits"]["memory"].is_string());
    }
    // The token and the temporary folder are mounted only in the sidecar.
    for volume in ["runner-terminal-token", "runner-terminal-tmp"] {
        let mounts = |container: &&&Value| {
            let mounts = container["volumeMounts"].as_array().unwrap();
            mounts.iter().any(|mount| mount["name"] == volume)
        };
        let holders: Vec<_> = containers
            .iter()
            .filter(mounts)
            .map(|one| &one["name"])
            .collect();
        assert_eq!(holders, ["runner-terminal"], "{volume}");
    }
    // The volume has the plugin's file, by the name from kustomize.
    let plugin = find(&built, "ConfigMap");
    let volumes = pod["volumes"].as_array().unwrap();
    assert!(
        volumes
            .iter()
            .any(|volume| volume["configMap"]["name"] == plugin["metadata"]["name"])
    );
    let version = format!("runner-terminal:{}\n", env!("CARGO_PKG_VERSION"));
    let patch = workspace_root().join("kustomization/argocd/repo-server.yaml");
    assert!(fs::read_to_string(patch).unwrap().contains(&version));
}

/// The plugin accepts the example application.
#[test]
fn the_example_is_an_application() {
    let example = workspace_root().join("kustomization/argocd/application.yaml");
    let example: Value = yaml_serde::from_str(&fs::read_to_string(example).unwrap()).unwrap();
    let plugin = &example["spec"]["source"]["plugin"];
    assert_eq!(plugin["name"], "runner-terminal");
    let mut parameters = plugin["parameters"].as_array().unwrap().clone();
    parameters.push(serde_json::json!({"name": "source", "string": "Items"}));
    let parameters = serde_json::to_string(&parameters).unwrap();
    let plain = Repository::plain();
    let built = manifests(&PluginServer::start(&[]).generate(&plain.with(&parameters)));
    let service = find(&built, "Service");
    assert_eq!(
        service["spec"]["loadBalancerSourceRanges"][0],
        "192.0.2.0/24"
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copied = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &copied);
        } else {
            fs::write(copied, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// The block of the page that begins with this line.
fn block(line: &str) -> String {
    let page = fs::read_to_string(workspace_root().join(PAGE)).unwrap();
    let (_, rest) = page.split_once(&format!("```yaml\n{line}\n")).unwrap();
    rest.split("```").next().unwrap().to_owned()
}

/// The page's commands, in a cluster whose runner has been synced.
#[test]
fn commands_do_what_the_page_says() {
    let plane = ControlPlane::start();
    let two_step = workspace_root().join("kustomization/two-step");
    let mut build = kustomize(&two_step);
    build.env("KUBECONFIG", plane.kubeconfig());
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    plane.apply(&text(&built.stdout));

    let bin = host("kustomize").parent().unwrap().to_owned();
    let folders = [workspace_root().join("target/release"), bin];
    let old = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&old)));
    let path = path.unwrap();
    let page = fs::read_to_string(workspace_root().join(PAGE)).unwrap();
    let mut count = 0;
    for block in page.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            let command = line.strip_prefix("$ ").unwrap();
            let ran = Command::new("sh")
                .args(["-c", command])
                .current_dir(workspace_root())
                .env("PATH", &path)
                .env("KUBECONFIG", plane.kubeconfig())
                .output()
                .unwrap();
            assert!(ran.status.success(), "{command}\n{}", text(&ran.stderr));
            assert!(!ran.stdout.is_empty(), "{command} printed nothing");
            count += 1;
        }
    }
    assert_eq!(count, 4);

    let application: Value = yaml_serde::from_str(&block("# application.yaml")).unwrap();
    assert_eq!(
        application["spec"]["source"]["plugin"]["name"],
        "runner-terminal"
    );
}

/// The Job's commands as the Job runs them, each with its account's rights.
#[test]
fn the_job_asks_for_a_hard_refresh_once_there_is_an_address() {
    let plane = ControlPlane::start();
    let definition = argo_cd_manifests().join("crds/application-crd.yaml");
    plane.add_definitions(&[definition]);
    for name in ["ci", "argocd"] {
        plane.add_namespace(
            name,
            &serde_json::json!({"pod-security.kubernetes.io/enforce": "restricted"}),
        );
    }
    for name in ["runner", "other"] {
        plane.apply(&format!(
            "{{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {{name: {name}, \
             namespace: argocd}}, spec: {{project: default, destination: {{}}, source: {{repoURL: \
             'https://example.com/ci.git'}}}}}}\n"
        ));
    }

    // A Deployment's Service is there, and has no address yet.
    let folder = tempfile::tempdir().unwrap();
    let ours = workspace_root().join("kustomization/argocd");
    copy(&ours.join("refresh"), &folder.path().join("refresh"));
    fs::write(
        folder.path().join("kustomization.yaml"),
        "namespace: ci\ncomponents: [refresh]\nresources: [service.yaml]\n\
         images: [{name: kubectl, newName: registry.example.com/kubectl}]\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("service.yaml"),
        "{apiVersion: v1, kind: Service, metadata: {name: runner-session-server}, spec: {type: \
         LoadBalancer, selector: {app: runner}, ports: [{port: 9000}]}}\n",
    )
    .unwrap();
    let built = kustomize(folder.path()).output().unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    plane.apply(&text(&built.stdout));
    plane.apply(&fs::read_to_string(ours.join("may-refresh.yaml")).unwrap());

    let job = manifests(&built);
    let pod = &find(&job, "Job")["spec"]["template"]["spec"];
    let account = pod["serviceAccountName"].as_str().unwrap();
    let kubeconfig = plane.kubeconfig_of("ci", account);
    let run = |container: &Value, change: &dyn Fn(&str) -> String| {
        let words = container["command"].as_array().unwrap();
        let words: Vec<_> = words.iter().map(|w| change(w.as_str().unwrap())).collect();
        Command::new(host(&words[0]))
            .args(&words[1..])
            // In a pod, kubectl's default is the namespace of the pod.
            .args((!words.iter().any(|w| w.starts_with("--namespace"))).then_some("--namespace=ci"))
            .env("KUBECONFIG", &kubeconfig)
            .output()
            .unwrap()
    };
    let (wait, refresh) = (&pod["initContainers"][0], &pod["containers"][0]);

    let early = run(wait, &|word| word.replace("=10m", "=1s"));
    assert!(text(&early.stderr).contains("timed out"), "{early:?}");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| run(wait, &str::to_owned));
        thread::sleep(Duration::from_millis(500));
        plane.set_ingress("ci", "runner-session-server", r#"[{"ip": "192.0.2.44"}]"#);
        let waited = waiting.join().unwrap();
        assert!(waited.status.success(), "{waited:?}");
    });
    for _ in 0..2 {
        let asked = run(refresh, &str::to_owned);
        assert!(asked.status.success(), "{asked:?}");
    }
    let application = plane.get("argocd", "application/runner");
    let annotations = &application["metadata"]["annotations"];
    assert_eq!(annotations["argocd.argoproj.io/refresh"], "hard");

    let other = run(refresh, &|word| word.replace("/runner", "/other"));
    assert!(text(&other.stderr).contains("forbidden"), "{other:?}");
}
