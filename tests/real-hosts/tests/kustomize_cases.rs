//! Real-world kustomizations, in the real kustomize: `tests/cases/kustomize`.

use real_hosts::{kustomize_build, workspace_root};

/// kustomize's output for a case, and its standard error.
fn build(case: &str) -> (bool, String, String) {
    let output = kustomize_build(&workspace_root().join("tests/cases/kustomize").join(case));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The document of this kind with this prefix in its name.
fn document<'o>(output: &'o str, kind: &str, name: &str) -> &'o str {
    let found = output.split("---\n").find(|document| {
        document.contains(&format!("\nkind: {kind}\n"))
            && document.contains(&format!("\n  name: {name}"))
    });
    found.unwrap_or_else(|| panic!("no {kind} {name} in\n{output}"))
}

#[test]
fn the_overlays_own_config_map_is_edited_and_not_the_plain_one_of_its_earlier_name() {
    let (success, output, errors) = build("plain-beside-overlay");
    assert!(success, "{errors}");
    let own = document(&output, "ConfigMap", "a-runner-");
    assert!(
        own.contains("advertise_address = \"a-runner-session-server.ci.svc.cluster.local:9000\""),
        "{own}"
    );
    let plain = document(&output, "ConfigMap", "runner\n");
    assert!(!plain.contains("session_server"), "{plain}");
    assert!(
        plain.contains("concurrent = 1   # the plain one"),
        "{plain}"
    );
}

#[test]
fn overlays_of_one_base_find_their_own_config_maps() {
    let (success, output, errors) = build("two-of-one-base-labelled");
    assert!(success, "{errors}");
    for team in ["a", "b"] {
        let config = document(&output, "ConfigMap", &format!("runner-config-{team}-"));
        let address = format!("\"runner-{team}-session-server.ci.svc.cluster.local:9000\"");
        assert!(config.contains(&address), "{config}");
    }
}

#[test]
fn pods_of_the_same_labels_are_what_stops_overlays_of_one_base() {
    let (success, _, errors) = build("two-of-one-base");
    assert!(!success);
    assert!(
        errors.contains("its labels also select the pods of"),
        "{errors}"
    );
    assert!(!errors.contains("config.toml"), "{errors}");
}

#[test]
fn an_autoscaler_is_found_by_the_runners_earlier_name() {
    let (success, _, errors) = build("prefix-and-autoscaler");
    assert!(!success);
    assert!(
        errors.contains("HorizontalPodAutoscaler ci/a-scale may run up to 4 replicas"),
        "{errors}"
    );
}
