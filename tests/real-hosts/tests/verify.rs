//! VerifyTerminals in the real kustomize and kpt, and `runner-terminal verify`.

use std::fs;
use std::path::Path;
use std::process::Output;

use real_hosts::{
    kpt, kustomize_build, launcher, launcher_with_kustomize, run_kpt, run_launcher, workspace_root,
};
use tempfile::TempDir;

const VERIFY: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: VerifyTerminals
metadata:
  name: verify-terminals
  annotations:
    config.kubernetes.io/function: |
      exec: {path: runner-terminal}
";

const RUNNER: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: runner}
spec:
  replicas: 1
  selector: {matchLabels: {app: runner}}
  template:
    metadata: {labels: {app: runner}}
    spec:
      containers:
      - name: runner
        image: gitlab/gitlab-runner:v18.9.0
        volumeMounts: [{name: config, mountPath: /etc/gitlab-runner}]
      volumes: [{name: config, configMap: {name: runner-config}}]
";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn fails(output: &Output) -> String {
    assert!(!output.status.success(), "{}", text(&output.stdout));
    text(&output.stderr)
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A base with a runner; `below`, which sets a namespace and runs the SessionServer with this spec;
/// and `top` with these lines above it.
fn layers(spec: &str, top: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, "base/deployment.yaml", RUNNER);
    write(path, "base/config.toml", "concurrent = 4\n");
    write(
        path,
        "base/kustomization.yaml",
        "resources: [deployment.yaml]\nconfigMapGenerator:\n- {name: runner-config, files: [config.toml]}\n",
    );
    let function = VERIFY.replace("VerifyTerminals", "SessionServer");
    write(
        path,
        "session-server.yaml",
        &format!("{function}spec: {spec}\n"),
    );
    write(
        path,
        "below/session-server.yaml",
        &format!("{function}spec: {spec}\n"),
    );
    write(
        path,
        "below/kustomization.yaml",
        "namespace: ci\nresources: [../base]\ntransformers: [session-server.yaml]\n",
    );
    write(
        path,
        "top/session-server.yaml",
        &format!("{function}spec: {spec}\n"),
    );
    write(path, "top/verify.yaml", VERIFY);
    write(path, "top/kustomization.yaml", top);
    folder
}

fn build(folder: &TempDir) -> Output {
    kustomize_build(&folder.path().join("top"))
}

/// `runner-terminal verify` on the output of a build without the verification in it.
fn verify(manifests: &[u8]) -> Output {
    let mut command = launcher(Path::new("/nonexistent"));
    run_launcher(command.arg("verify"), manifests)
}

const CLUSTER_IP: &str = "{exposure: {type: ClusterIP}}";
const KNOWN: &str = "{advertiseAddress: t.example.com}";

#[test]
fn a_namespace_and_a_prefix_above_are_found() {
    for (above, service) in [
        ("namespace: team-x\n", "team-x/runner-session-server"),
        ("namePrefix: x-\n", "ci/x-runner-session-server"),
        ("nameSuffix: -x\n", "ci/runner-session-server-x"),
        (
            "namespace: team-x\nnamePrefix: x-\n",
            "team-x/x-runner-session-server",
        ),
    ] {
        let message = format!(
            "names Service ci/runner-session-server, which is not in these manifests. What leads to \
             this runner is Service {service}."
        );
        for place in ["transformers", "validators"] {
            let top = format!("{above}resources: [../below]\n{place}: [verify.yaml]\n");
            let said = fails(&build(&layers(CLUSTER_IP, &top)));
            assert!(said.contains(&message), "{above}{place}: {said}");
        }
        let top = format!("{above}resources: [../below]\n");
        let built = build(&layers(CLUSTER_IP, &top));
        let found = verify(succeeds(&built).as_bytes());
        fails(&found);
        assert!(
            text(&found.stdout).contains(&message),
            "{above}: {}",
            text(&found.stdout)
        );
    }
}

/// Under `resources`, a functionConfig is only another resource, which the API server refuses.
#[test]
fn a_function_among_the_resources_is_found() {
    let folder = layers(KNOWN, "resources: [../base, session-server.yaml]\n");
    let top = folder.path().join("top");
    for command in [&["doctor", "--offline", "-k"][..], &["verify", "-k"]] {
        let mut launcher = launcher_with_kustomize(Path::new("/nonexistent"));
        launcher.args(command).arg(&top);
        let ended = run_launcher(&mut launcher, b"");
        let said = text(&ended.stdout) + &text(&ended.stderr);
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ended.status.code(), Some(1), "{said}");
        let message =
            "kustomize has not run SessionServer verify-terminals, which is among the manifests";
        assert!(flat.contains(message), "{command:?}: {said}");
    }
}

/// What a function says when the build fails is the reason, and is shown as such.
#[test]
fn doctor_names_the_reason_of_a_build_that_fails() {
    let top = "replicas: [{name: runner, count: 3}]\nresources: [../base]\n\
               transformers: [session-server.yaml]\n";
    let folder = layers(KNOWN, top);
    let mut doctor = launcher_with_kustomize(Path::new("/nonexistent"));
    doctor.args(["doctor", "-k"]).arg(folder.path().join("top"));
    let page = run_launcher(&mut doctor, b"");
    let said = text(&page.stdout);
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(page.status.code(), Some(1), "{said}");
    assert!(
        flat.contains("✗ problem manifests: kustomize build "),
        "{said}"
    );
    assert!(flat.contains("replicas is 3"), "{said}");
}

#[test]
fn replicas_above_are_found() {
    let above = "resources: [../below]\nreplicas: [{name: runner, count: 3}]\n";
    let top = format!("{above}transformers: [verify.yaml]\n");
    let said = fails(&build(&layers(KNOWN, &top)));
    assert!(said.contains("replicas is 3"), "{said}");
    let found = verify(succeeds(&build(&layers(KNOWN, above))).as_bytes());
    fails(&found);
    assert!(text(&found.stdout).contains("replicas is 3"));
}

/// Names that kustomize does not update are found; those that it updates are not blamed.
#[test]
fn names_in_other_objects_are_judged_as_kustomize_leaves_them() {
    let readers = "readers: [{namespace: argocd, serviceAccount: repo}]";
    for (exposure, wrong) in [
        (
            "{type: Ingress, host: t.example.com, controller: nginx}",
            None,
        ),
        (
            "{type: Ingress, host: t.example.com, controller: traefik}",
            Some("IngressRouteTCP"),
        ),
        (
            "{type: Ingress, host: t.example.com, controller: contour}",
            Some("HTTPProxy"),
        ),
        (
            "{type: Ingress, host: t.example.com, controller: openshift}",
            Some("Route"),
        ),
        (
            "{type: Gateway, host: t.example.com, gatewayClassName: c}",
            Some("TLSRoute"),
        ),
        (
            "{type: ApiServer, host: t.example.com, relay: {image: i, namespace: relay}}",
            Some("a route of Deployment"),
        ),
    ] {
        let spec = format!("{{{readers}, exposure: {exposure}}}");
        let above = "namespace: team-x\nnamePrefix: x-\nresources: [../below]\n";
        let built = build(&layers(
            &spec,
            &format!("{above}transformers: [verify.yaml]\n"),
        ));
        match wrong {
            None => {
                let said = text(&built.stderr);
                succeeds(&built);
                assert!(
                    said.contains("is called x-runner-session-server now"),
                    "{said}"
                );
            }
            Some(wrong) => {
                let said = fails(&built);
                assert!(said.contains(wrong), "{exposure}: {said}");
                assert!(!said.contains("RoleBinding"), "{exposure}: {said}");
            }
        }
        // In the finished build, nothing can update the Role any more.
        let found = verify(succeeds(&build(&layers(&spec, above))).as_bytes());
        let lines = text(&found.stdout);
        assert!(!found.status.success(), "{lines}");
        assert!(
            lines.contains(
                "error: Role team-x/x-runner-session-server-reader, rules[0].resourceNames"
            ),
            "{lines}"
        );
        assert!(!lines.contains("RoleBinding"), "{exposure}: {lines}");
    }
}

/// The recipe of the docs: the functions in the outermost kustomization.
#[test]
fn the_functions_in_the_outermost_kustomization_are_right_and_change_nothing() {
    let above = "namespace: team-x\nnamePrefix: x-\nresources: [../base]\n";
    let plain = format!("{above}transformers: [session-server.yaml]\n");
    let verified = format!("{above}transformers: [session-server.yaml, verify.yaml]\n");
    let without = succeeds(&build(&layers(CLUSTER_IP, &plain)));
    let built = build(&layers(CLUSTER_IP, &verified));
    assert_eq!(succeeds(&built), without);
    let said = text(&built.stderr);
    assert!(
        said.contains(
            "terminals are reached at x-runner-session-server.team-x.svc.cluster.local:9000"
        ),
        "{said}"
    );
    succeeds(&verify(without.as_bytes()));
    // Also as a validator, right after it.
    let both = format!("{verified}validators: [verify.yaml]\n");
    assert_eq!(succeeds(&build(&layers(CLUSTER_IP, &both))), without);
}

/// Why the docs say `transformers`: kustomize compares a validator's output node by node, with the
/// annotations that it adds itself. If this fails, kustomize has been fixed, and `validators` alone
/// is enough.
#[test]
fn kustomize_takes_no_function_for_a_validator_that_is_not_a_transformer_too() {
    let top = "namespace: team-x\nresources: [../base]\nvalidators: [verify.yaml]\n";
    let said = fails(&build(&layers(CLUSTER_IP, top)));
    assert!(
        said.contains("validator shouldn't modify the resource map"),
        "{said}"
    );
    assert!(!said.contains("runner-terminal: error"), "{said}");
}

/// A component runs before the namespace, the prefix and the replicas of the kustomization that
/// includes it; a transformer runs after them.
#[test]
fn a_component_runs_before_its_includers_namespace() {
    let component = "namespace: team-x\nnamePrefix: x-\nresources: [../base]\n\
                     components: [../component]\ntransformers: [verify.yaml]\n";
    let folder = layers("{}", component);
    let source = workspace_root().join("kustomization/component");
    for file in ["kustomization.yaml", "names.yaml"] {
        write(
            folder.path(),
            &format!("component/{file}"),
            &fs::read_to_string(source.join(file)).unwrap(),
        );
    }
    let function = fs::read_to_string(source.join("session-server.yaml")).unwrap();
    let known = function.replace("spec: {}", CLUSTER_IP_SPEC);
    write(folder.path(), "component/session-server.yaml", &known);
    let said = fails(&build(&folder));
    assert!(said.contains("has no namespace"), "{said}");
    // Around a kustomization that sets them, the component runs after them.
    write(
        folder.path(),
        "inner/kustomization.yaml",
        "namespace: team-x\nnamePrefix: x-\nresources: [../base]\n",
    );
    write(
        folder.path(),
        "top/kustomization.yaml",
        "resources: [../inner]\ncomponents: [../component]\ntransformers: [verify.yaml]\n",
    );
    succeeds(&build(&folder));
}

const CLUSTER_IP_SPEC: &str = "spec: {exposure: {type: ClusterIP}}";

#[test]
fn the_example_is_right() {
    let built = kustomize_build(&workspace_root().join("kustomization/verify"));
    let said = text(&built.stderr);
    succeeds(&built);
    assert!(
        said.contains("info: Deployment team-b/team-b-team-a-runner"),
        "{said}"
    );
}

#[test]
fn kpt_runs_it_as_a_validator() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("package");
    let example = workspace_root().join("kustomization/kpt");
    for file in [
        "Kptfile",
        "config.yaml",
        "runner.yaml",
        "session-server.yaml",
    ] {
        write(
            &package,
            file,
            &fs::read_to_string(example.join(file)).unwrap(),
        );
    }
    let kptfile = fs::read_to_string(package.join("Kptfile")).unwrap();
    write(
        &package,
        "Kptfile",
        &format!(
            "{kptfile}  validators:\n  - exec: runner-terminal\n    configPath: verify-terminals.yaml\n"
        ),
    );
    let local = "  annotations: {config.kubernetes.io/local-config: 'true'}\n";
    let (head, _) = VERIFY.split_once("  annotations:").unwrap();
    write(&package, "verify-terminals.yaml", &format!("{head}{local}"));
    let render = || {
        let mut kpt = kpt(folder.path());
        kpt.arg("render")
            .arg(&package)
            .args(["--allow-exec", "-o", "stdout"]);
        run_kpt(&mut kpt, b"")
    };
    let right = render();
    let said = text(&right.stderr);
    succeeds(&right);
    assert!(
        said.contains("terminals are reached at terminal.example.com:9000"),
        "{said}"
    );
    let session_server = fs::read_to_string(package.join("session-server.yaml")).unwrap();
    let wrong = session_server.replace(
        "advertiseAddress: terminal.example.com",
        "advertiseAddress: other.ci.svc:9000",
    );
    write(&package, "session-server.yaml", &wrong);
    let said = fails(&render());
    assert!(
        said.contains("names Service ci/other, which is not in these manifests"),
        "{said}"
    );
}
