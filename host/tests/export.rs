//! `export`: what it writes, what it leaves alone, what it refuses.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod program;

use std::fs;
use std::path::Path;

use program::{Ended, command, run};

const RUNNER: &str = include_str!("program/runner.yaml");
const CONFIG: &str = include_str!("program/config.yaml");
const RELEASE: &str = "\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: runner, namespace: ci}   # ours
spec:
  postRenderers:
  - kustomize:
      patches:
      # a patch of theirs
      - target: {kind: Deployment}
        patch: '[{op: add, path: /metadata/labels, value: {a: b}}]'
  values: {}   # none
";
const RBAC: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runner, namespace: ci}
rules: []
";
const BUILD: &str = "{advertiseAddress: terminal.example.com}";
const POD_START: &str = "{configure: {at: PodStart, image: example.com/runner-terminal:1}}";

fn place(spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "manifests.yaml",
        &format!("{RUNNER}---\n{CONFIG}"),
    );
    write(folder.path(), "release.yaml", RELEASE);
    configure(folder.path(), spec);
    folder
}

fn configure(folder: &Path, spec: &str) {
    let config = format!("{}spec: {spec}\n", program::SESSION_SERVER);
    write(folder, "config.yaml", &config);
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn export(folder: &Path, more: &[&str]) -> Ended {
    let arguments = ["export", "manifests.yaml", "-c", "config.yaml", "-o", "out"];
    run(command(&arguments).args(more).current_dir(folder), b"")
}

const FLUX: [&str; 4] = ["--for", "flux-helmrelease", "--in-place", "release.yaml"];

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.join("out")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn texts(folder: &Path) -> Vec<(String, String)> {
    let names = names(folder).into_iter();
    names
        .map(|name| (name.clone(), read(&folder.join("out"), &name)))
        .collect()
}

fn succeeds(ended: &Ended) {
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn fails(folder: &Path, more: &[&str], says: &str) {
    let before = texts(folder);
    let ended = export(folder, more);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(says), "{}", ended.stderr);
    assert_eq!(texts(folder), before);
    assert_eq!(read(folder, "release.yaml"), RELEASE);
}

#[test]
fn a_component_is_written_and_a_second_run_changes_nothing() {
    for spec in [BUILD, POD_START] {
        let folder = place(spec);
        let folder = folder.path();
        let ended = export(folder, &[]);
        succeeds(&ended);
        assert!(
            ended.text().contains("out/kustomization.yaml: created"),
            "{}",
            ended.text()
        );
        let names = names(folder);
        assert!(
            names.contains(&"service-runner-session-server.yaml".to_owned()),
            "{names:?}"
        );
        assert!(
            names.contains(&"deployment-runner.patch.yaml".to_owned()),
            "{names:?}"
        );
        assert_eq!(
            names.contains(&"configmap-runner.patch.yaml".to_owned()),
            spec == BUILD
        );
        let once = texts(folder);
        assert!(
            once.iter()
                .all(|(_, text)| text.starts_with("# Written by runner-terminal export"))
        );
        let again = export(folder, &[]);
        succeeds(&again);
        assert!(
            again.text().ends_with("out is up to date\n"),
            "{}",
            again.text()
        );
        assert_eq!(texts(folder), once);
        succeeds(&export(folder, &["--check"]));
    }
}

/// With PodStart no file holds the user's config.toml or anything derived from it.
#[test]
fn check_says_what_is_out_of_date_and_writes_nothing() {
    for (spec, code) in [(BUILD, 2), (POD_START, 0)] {
        let folder = place(spec);
        let folder = folder.path();
        let ended = export(folder, &["--check"]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(
            ended.text().contains("out/kustomization.yaml is missing\n"),
            "{}",
            ended.text()
        );
        assert!(!folder.join("out").exists());
        succeeds(&export(folder, &[]));
        let once = texts(folder);
        let other = CONFIG.replace("concurrent = 10", "concurrent = 11");
        write(folder, "manifests.yaml", &format!("{RUNNER}---\n{other}"));
        let ended = export(folder, &["--check"]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        let says = ended
            .text()
            .contains("out/configmap-runner.patch.yaml is out of date\n");
        assert_eq!(says, code == 2, "{}", ended.stderr);
        assert_eq!(texts(folder), once);
        let holds = once
            .iter()
            .any(|(_, text)| text.contains("concurrent = 10"));
        assert_eq!(holds, code == 2);
        succeeds(&export(folder, &[]));
        succeeds(&export(folder, &["--check"]));
    }
}

#[test]
fn files_that_are_not_needed_any_more_are_removed_and_no_others() {
    let folder = place(BUILD);
    let folder = folder.path();
    succeeds(&export(folder, &[]));
    write(folder, "out/notes.yaml", "# mine\n");
    write(
        folder,
        "out/README.md",
        "# Written by runner-terminal export\n",
    );
    configure(folder, POD_START);
    let ended = export(folder, &[]);
    succeeds(&ended);
    let removed = "out/configmap-runner.patch.yaml: removed, as it is not needed any more\n";
    assert!(ended.text().contains(removed), "{}", ended.text());
    configure(folder, "{enabled: false}");
    assert_eq!(export(folder, &["--check"]).code, 2);
    let ended = export(folder, &[]);
    succeeds(&ended);
    assert!(
        ended.text().contains("there is nothing to export"),
        "{}",
        ended.text()
    );
    assert!(
        ended.text().contains("remove out from the components"),
        "{}",
        ended.text()
    );
    assert_eq!(names(folder), ["README.md", "notes.yaml"]);
    let ended = export(folder, &["--check"]);
    succeeds(&ended);
    assert!(!ended.text().contains("remove out"), "{}", ended.text());
}

#[test]
fn a_file_of_the_users_is_never_overwritten() {
    for (name, text) in [
        ("service-runner-session-server.yaml", "kind: Service\n"),
        ("kustomization.yaml", "resources: []\n"),
        ("kustomization.yml", "resources: []\n"),
        ("kustomization.yaml", "\u{e9}"),
    ] {
        let folder = place(BUILD);
        fs::create_dir(folder.path().join("out")).unwrap();
        write(folder.path(), &format!("out/{name}"), text);
        fails(
            folder.path(),
            &[],
            &format!("out/{name} was not written by export"),
        );
    }
}

/// A link is not one of the files that an export has written, wherever it leads.
#[cfg(unix)]
#[test]
fn links_are_left_alone() {
    let folder = place(BUILD);
    let folder = folder.path();
    fs::create_dir(folder.join("out")).unwrap();
    write(
        folder,
        "elsewhere.yaml",
        "# Written by runner-terminal export: x\n",
    );
    let link = folder.join("out/kustomization.yaml");
    std::os::unix::fs::symlink(folder.join("elsewhere.yaml"), link).unwrap();
    let ended = export(folder, &[]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!(names(folder), ["kustomization.yaml"]);
    assert_eq!(
        read(folder, "elsewhere.yaml"),
        "# Written by runner-terminal export: x\n"
    );
}

#[cfg(unix)]
#[test]
fn new_files_can_be_read_by_others() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = place(BUILD);
    succeeds(&export(folder.path(), &[]));
    write(folder.path(), "as-any.yaml", "");
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode()
    };
    assert_eq!(mode("out/kustomization.yaml"), mode("as-any.yaml"));
}

#[test]
fn a_helm_release_gets_its_patches_and_keeps_the_rest() {
    let folder = place(BUILD);
    let folder = folder.path();
    assert_eq!(export(folder, &[&FLUX[..], &["--check"]].concat()).code, 2);
    assert_eq!(read(folder, "release.yaml"), RELEASE);
    succeeds(&export(folder, &FLUX));
    let once = read(folder, "release.yaml");
    for line in RELEASE.lines() {
        assert!(once.contains(line), "{line} is lost: {once}");
    }
    assert_eq!(
        once.matches("# Written by runner-terminal export").count(),
        2,
        "{once}"
    );
    assert_eq!(
        names(folder),
        ["kustomization.yaml", "service-runner-session-server.yaml"]
    );
    let ended = export(folder, &FLUX);
    assert!(
        ended.text().ends_with("out is up to date\n"),
        "{}",
        ended.text()
    );
    assert_eq!(read(folder, "release.yaml"), once);
    succeeds(&export(folder, &[&FLUX[..], &["--check"]].concat()));

    configure(folder, POD_START);
    assert_eq!(export(folder, &[&FLUX[..], &["--check"]].concat()).code, 2);
    succeeds(&export(folder, &FLUX));
    assert!(!read(folder, "release.yaml").contains("concurrent"));
    configure(folder, "{enabled: false}");
    succeeds(&export(folder, &FLUX));
    assert_eq!(read(folder, "release.yaml"), RELEASE);
    assert!(names(folder).is_empty());
}

/// The patches would find nothing in what Flux renders.
#[test]
fn a_render_for_another_namespace_is_warned_of() {
    let folder = place(BUILD);
    let folder = folder.path();
    let manifests = read(folder, "manifests.yaml");
    let elsewhere = manifests.replace("namespace: ci", "namespace: default");
    assert_ne!(elsewhere, manifests);
    write(folder, "manifests.yaml", &elsewhere);
    let warning = "warning: release.yaml: the HelmRelease installs into the namespace ci, and the \
                   manifests have Deployment default/runner: Flux finds nothing to patch";
    let ended = export(folder, &FLUX);
    succeeds(&ended);
    assert!(ended.stderr.contains(warning), "{}", ended.stderr);
    // A chart may name another namespace for some of its resources.
    write(folder, "manifests.yaml", &format!("{elsewhere}---\n{RBAC}"));
    let ended = export(folder, &FLUX);
    succeeds(&ended);
    assert!(!ended.stderr.contains("installs into"), "{}", ended.stderr);
}

#[test]
fn without_a_file_the_lines_of_a_helm_release_are_printed() {
    let folder = place(POD_START);
    let ended = export(folder.path(), &FLUX[..2]);
    succeeds(&ended);
    let lines = ended.text();
    assert!(
        lines.starts_with("spec:\n  postRenderers:\n  - kustomize:\n      patches:\n"),
        "{lines}"
    );
    assert_eq!(read(folder.path(), "release.yaml"), RELEASE);
}

#[test]
fn data_of_secrets_is_not_copied_unless_asked_for() {
    let secret = CONFIG
        .replace("ConfigMap", "Secret")
        .replace("\ndata:", "\nstringData:")
        .replace("# jobs at once", "\n    token = \"glrt-canary\"");
    let runner = RUNNER.replace("configMap: {name: runner}", "secret: {secretName: runner}");
    let manifests = format!("{runner}---\n{secret}");
    let folder = place(BUILD);
    write(folder.path(), "manifests.yaml", &manifests);
    fails(
        folder.path(),
        &[],
        "Secret ci/runner holds data that would be copied",
    );
    fails(
        folder.path(),
        &[],
        "or include the data of Secrets by --include-secrets",
    );
    fails(folder.path(), &FLUX, "configure.at: PodStart");
    succeeds(&export(folder.path(), &["--include-secrets"]));
    assert!(read(folder.path(), "out/secret-runner.patch.yaml").contains("glrt-canary"));

    let folder = place(POD_START);
    write(folder.path(), "manifests.yaml", &manifests);
    succeeds(&export(folder.path(), &[]));
    assert!(
        texts(folder.path())
            .iter()
            .all(|(_, text)| !text.contains("glrt-canary"))
    );
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let folder = place(BUILD);
    let folder = folder.path();
    fails(folder, &FLUX[2..], "give --for as well");
    fails(
        folder,
        &["--for", "flux-helmrelease", "--check"],
        "name its file by --in-place",
    );
    fails(
        folder,
        &["--for", "argocd"],
        "name the application's kustomization by -k",
    );
    fails(
        folder,
        &["--for", "flux-helmrelease", "--in-place", "config.yaml"],
        "config.yaml has no HelmRelease",
    );
    fails(
        folder,
        &["--for", "flux-helmrelease", "--in-place", "missing.yaml"],
        "missing.yaml",
    );
    let arguments = [
        "export",
        "-k",
        ".",
        "-o",
        "out",
        "--for",
        "flux-helmrelease",
    ];
    let ended = run(command(&arguments).current_dir(folder), b"");
    assert!(
        ended.stderr.contains("name the output of helm template"),
        "{}",
        ended.stderr
    );
    let chart = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n\
        spec: {source: {chart: gitlab-runner}}\n";
    write(folder, "app.yaml", chart);
    fails(
        folder,
        &["--for", "argocd", "--in-place", "app.yaml"],
        "Argo CD has no post-renderer for charts",
    );
    write(
        folder,
        "app.yaml",
        &chart.replace("chart: gitlab-runner", "path: base"),
    );
    fails(
        folder,
        &["--for", "argocd", "--in-place", "app.yaml"],
        "name the application's kustomization by -k",
    );

    let template = format!(
        "apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {{name: t}}\nobjects:\n- {}- {}",
        RUNNER.replace('\n', "\n  ").trim_end_matches(' '),
        CONFIG.replace('\n', "\n  ").trim_end_matches(' '),
    );
    write(folder, "manifests.yaml", &template);
    fails(
        folder,
        &[],
        "which kustomize does not expand: export what `oc process` makes",
    );
    write(folder, "manifests.yaml", "kind: Pod\n");
    fails(folder, &[], "found no GitLab Runner");
    write(
        folder,
        "manifests.yaml",
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n",
    );
    fails(folder, &[], "is a ResourceList");
}

/// The input has what an earlier export adds: to export from it would remove the files.
#[test]
fn manifests_with_the_export_in_them_are_refused() {
    let folder = place(BUILD);
    let folder = folder.path();
    succeeds(&export(folder, &[]));
    let applied = run(
        command(&["apply-to", "manifests.yaml", "-c", "config.yaml"]).current_dir(folder),
        b"",
    );
    write(folder, "manifests.yaml", applied.text());
    fails(
        folder,
        &[],
        "the manifests have Service ci/runner-session-server already, which out adds",
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = place(BUILD);
    write(folder.path(), "out", "a file\n");
    let ended = export(folder.path(), &[]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("cannot read the folder out: "),
        "{}",
        ended.stderr
    );
}
