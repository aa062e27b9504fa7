//! What the function changes as patches and files: their forms, what they refuse, and how they are
//! written into a HelmRelease and an Application. `tests/real-hosts/tests/export.rs` builds them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use runner_terminal::export::{
    Change, Export, ExportError, Form, HashedNames, Secrets, add_component, compare, component,
    export, is_ours, own_transformers, post_renderer, release_files, set_post_renderer,
};
use serde_json::{Value, json};
use yaml_splice::Tree;

fn value(text: &str) -> Value {
    Tree::parse(text).unwrap().to_value().unwrap()
}

fn changed(before: Value, after: Value) -> Change {
    Change {
        before: Some(before),
        after: Some(after),
        in_template: false,
    }
}

fn added(after: Value) -> Change {
    Change {
        before: None,
        after: Some(after),
        in_template: false,
    }
}

fn exported(changes: &[Change]) -> Export {
    export(changes, Secrets::Refuse).unwrap()
}

fn refused(changes: &[Change]) -> String {
    export(changes, Secrets::Refuse).unwrap_err().to_string()
}

fn deployment(spec: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "r.one", "namespace": "ci"},
        "spec": {"template": {"spec": spec}},
    })
}

fn rollout(spec: Value) -> Value {
    let mut rollout = deployment(spec);
    rollout["apiVersion"] = json!("argoproj.io/v1alpha1");
    rollout["kind"] = json!("Rollout");
    rollout
}

fn forms(export: &Export) -> Vec<&Form> {
    export.patches.iter().map(|patch| &patch.form).collect()
}

fn operations(export: &Export) -> Vec<Value> {
    match forms(export).as_slice() {
        [Form::Operations(operations)] => operations.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn containers_are_found_by_their_names() {
    let before = deployment(json!({"containers": [{"name": "a"}, {"name": "b", "ports": []}]}));
    let after = deployment(
        json!({"containers": [{"name": "a"}, {"name": "b", "ports": [{"containerPort": 8093}]}]}),
    );
    let export = exported(&[changed(before, after)]);
    let expected =
        deployment(json!({"containers": [{"name": "b", "ports": [{"containerPort": 8093}]}]}));
    assert_eq!(forms(&export), [&Form::Strategic(expected)]);
}

#[test]
fn lists_of_custom_resources_are_guarded_by_tests() {
    let before = rollout(json!({"containers": [{"name": "a"}, {"name": "b"}]}));
    let after =
        rollout(json!({"containers": [{"name": "a"}, {"name": "b", "x": 1}, {"name": "c"}]}));
    let list = "/spec/template/spec/containers";
    assert_eq!(
        operations(&exported(&[changed(before, after)])),
        [
            json!({"op": "test", "path": format!("{list}/1/name"), "value": "b"}),
            json!({"op": "add", "path": format!("{list}/1/x"), "value": 1}),
            json!({"op": "add", "path": format!("{list}/-"), "value": {"name": "c"}}),
        ]
    );
}

/// Init containers run in their order, which a strategic merge patch changes.
#[test]
fn init_containers_keep_their_order() {
    let with = |names: &[&str]| {
        let list: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        deployment(json!({"initContainers": list}))
    };
    let list = "/spec/template/spec/initContainers";
    let last = exported(&[changed(with(&["a"]), with(&["a", "s"]))]);
    assert_eq!(
        operations(&last),
        [json!({"op": "add", "path": format!("{list}/-"), "value": {"name": "s"}})]
    );
    let first = exported(&[changed(with(&["a", "b"]), with(&["s", "b"]))]);
    assert_eq!(
        operations(&first),
        [
            json!({"op": "test", "path": format!("{list}/0/name"), "value": "a"}),
            json!({"op": "remove", "path": format!("{list}/0")}),
            json!({"op": "test", "path": format!("{list}/0/name"), "value": "b"}),
            json!({"op": "add", "path": format!("{list}/0"), "value": {"name": "s"}}),
        ]
    );
}

/// A list whose elements have no key is replaced as a whole, and only if it is unchanged.
#[test]
fn other_lists_are_replaced_only_where_they_are_unchanged() {
    let before = deployment(json!({"tolerations": [{"key": "a"}, {"key": "b"}]}));
    let after = deployment(json!({"tolerations": [{"key": "b"}]}));
    let operations = operations(&exported(&[changed(before, after)]));
    assert_eq!(operations[0]["op"], "test");
    assert_eq!(operations[0]["value"], json!([{"key": "a"}, {"key": "b"}]));
    assert_eq!(operations[1]["op"], "replace");
}

/// kustomize keeps annotations that a strategic merge patch removes.
#[test]
fn annotations_are_removed_by_operations() {
    let with = |annotations: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "annotations": annotations}});
    let export = exported(&[changed(
        with(json!({"a/b": "1", "c": "2"})),
        with(json!({"c": "3"})),
    )]);
    let [Form::Strategic(patch), Form::Operations(operations)] = forms(&export)[..] else {
        panic!("{export:?}");
    };
    assert_eq!(patch["metadata"]["annotations"], json!({"c": "3"}));
    assert_eq!(
        operations[..],
        [json!({"op": "remove", "path": "/metadata/annotations/a~1b"})]
    );
}

#[test]
fn files_say_what_they_are_and_name_their_targets_literally() {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "r/../s"}});
    let changes = [
        added(service.clone()),
        changed(deployment(json!({})), deployment(json!({"x": 1}))),
    ];
    let files = component(&exported(&changes), "a test");
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "service-r-..-s.yaml",
            "deployment-r.one.patch.yaml",
            "kustomization.yaml"
        ]
    );
    assert!(files.iter().all(|file| is_ours(&file.text)));
    let kustomization = value(&files[2].text);
    assert_eq!(kustomization["kind"], "Component");
    assert_eq!(
        kustomization["patches"][0]["target"],
        json!({"group": "apps", "version": "v1", "kind": "Deployment", "name": "r\\.one", "namespace": "ci"})
    );
    assert_eq!(component(&exported(&changes), "a test"), files);
    assert!(component(&exported(&[]), "a test").is_empty());
    assert!(!is_ours("# Written by runner-terminal exporter\n"));
}

#[test]
fn two_resources_of_one_name_have_a_file_each() {
    let service = |namespace: &str| {
        added(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": namespace}}),
        )
    };
    let files = component(&exported(&["a", "b", "c"].map(service)), "a test");
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "service-s.yaml",
            "service-s-b.yaml",
            "service-s-c.yaml",
            "kustomization.yaml"
        ]
    );
}

#[test]
fn a_removed_resource_is_deleted() {
    let gone = Change {
        before: Some(deployment(json!({}))),
        after: None,
        in_template: false,
    };
    let export = exported(&[gone]);
    let [Form::Strategic(patch)] = forms(&export)[..] else {
        panic!("{export:?}");
    };
    assert_eq!(patch["$patch"], "delete");
    assert_eq!(patch["metadata"]["name"], "r.one");
}

#[test]
fn what_cannot_be_said_is_refused() {
    let config = |name: &str, text: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"config.toml": text}});
    let secret = [changed(config("c", "a"), config("c", "b"))];
    assert!(refused(&secret).contains("Secret c holds data"));
    assert!(export(&secret, Secrets::Include).is_ok());
    let copy = [added(config("d", "a"))];
    assert!(refused(&copy).contains("or include the data of Secrets"));
    let mut annotated = config("c", "a");
    annotated["metadata"]["annotations"] = json!({"x": "y"});
    let export = exported(&[changed(config("c", "a"), annotated)]);
    assert!(
        !post_renderer(&export)[0]["patch"]
            .to_string()
            .contains("stringData")
    );

    let twice = [
        changed(
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "n"}}),
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "n"}, "x": 1}),
        ),
        changed(
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "n", "namespace": "b"}}),
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "n", "namespace": "b"}}),
        ),
    ];
    assert!(refused(&twice).contains("A n is there twice"));
    let there = [twice[1].clone(), added(twice[1].after.clone().unwrap())];
    assert!(refused(&there).contains("A b/n is there already"));
    let nameless = json!({"apiVersion": "v1", "kind": "A", "metadata": {"generateName": "n"}});
    assert_eq!(
        export_error(added(nameless)),
        ExportError::NoName {
            kind: "A".to_owned()
        }
    );
    let kindless = json!({"metadata": {"name": "n"}});
    assert_eq!(
        export_error(added(kindless)),
        ExportError::NoKind {
            name: "n".to_owned()
        }
    );
    let mut member = changed(deployment(json!({})), deployment(json!({"x": 1})));
    member.in_template = true;
    assert!(matches!(
        export_error(member),
        ExportError::InTemplate { .. }
    ));
}

fn export_error(change: Change) -> ExportError {
    export(&[change], Secrets::Refuse).unwrap_err()
}

/// A patch that replaces a text becomes outdated when the text changes, and says so.
#[test]
fn a_snapshot_has_the_checksum_of_what_it_was_made_from() {
    let config = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"config.toml": text}});
    let made_from = |before: &str| {
        let export = exported(&[changed(config(before), config("new = 1\n"))]);
        export.patches[0].made_from.clone().unwrap()
    };
    assert_eq!(made_from("a = 1\n"), made_from("a = 1\n"));
    assert_ne!(made_from("a = 1\n"), made_from("a = 2\n"));
    let export = exported(&[changed(config("a = 1\n"), config("new = 1\n"))]);
    let text = &component(&export, "a test")[0].text;
    assert!(
        text.contains(&format!("\n# Made from sha256:{}", made_from("a = 1\n"))),
        "{text}"
    );
    let other = exported(&[changed(deployment(json!({})), deployment(json!({"x": 1})))]);
    assert_eq!(other.patches[0].made_from, None);
}

/// kustomize trims a patch in a list, so that a block scalar at its end would lose a line break.
#[test]
fn a_patch_in_a_list_may_be_trimmed() {
    let config = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"config.toml": text}});
    for text in ["a = 1\n", "a = 1\n\n\n", "a = 1", "  a = 1\n b\n"] {
        let patches = post_renderer(&exported(&[changed(config("x\ny\n"), config(text))]));
        let patch = patches[0]["patch"].as_str().unwrap();
        assert_eq!(value(patch.trim())["data"]["config.toml"], text);
        // Readers differ on the last line break of a block scalar at the end of a text.
        let last = patch.trim().lines().last().unwrap();
        assert_eq!(last.starts_with('#'), text.contains('\n'), "{patch}");
    }
}

#[test]
fn generated_names_are_those_without_a_hash() {
    let config =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let hashed = [
        config("c-9kt2f5m8cb"),
        config("plain-config"),
        deployment(json!({"c": "c-9kt2f5m8cb"})),
    ];
    let names = HashedNames::of(&hashed);
    let mut built = hashed.clone();
    built.iter_mut().for_each(|value| names.remove_from(value));
    let expected = [
        deployment(json!({"c": "c"})),
        config("c"),
        config("plain-config"),
    ];
    assert_eq!(compare(&built, &expected), Ok(()));
    let difference = compare(&built, &expected[..2]).unwrap_err().to_string();
    assert_eq!(difference, "ConfigMap plain-config should not be there");
    let difference = compare(&built[..1], &expected[1..])
        .unwrap_err()
        .to_string();
    assert_eq!(difference, "ConfigMap plain-config is missing");
    let difference = compare(&[deployment(json!({}))], &expected[..1]).unwrap_err();
    assert_eq!(
        difference.to_string(),
        "Deployment ci/r.one has another spec.template.spec.c"
    );
    // Kubernetes ignores null members and empty labels, and kustomize drops them.
    let mut with_nulls = deployment(json!({"c": "c", "d": null, "e": [{"f": null}]}));
    with_nulls["metadata"]["labels"] = json!({});
    let without = deployment(json!({"c": "c", "e": [{}]}));
    let (with, without) = ([with_nulls], [without]);
    assert_eq!(compare(&without, &with), Ok(()));
    assert_eq!(compare(&with, &without), Ok(()));
}

const RELEASE: &str = "\
# the repository
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: gitlab}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: runner   # ours
  namespace: flux-system
spec:
  targetNamespace: ci
  values:
    concurrent: 10   # jobs
";
const WITH_RENDERERS: &str = "  postRenderers:   # theirs
  - kustomize:
      patches:
      # why
      - {target: {kind: Deployment}, patch: '[{op: add, path: /x, value: 1}]'}
      images: [{name: a, newTag: b}]
";

fn patches(number: usize) -> Vec<Value> {
    let one = |index: usize| changed(deployment(json!({})), deployment(json!({"x": index + 1})));
    let patches = (0..number).flat_map(|index| post_renderer(&exported(&[one(index)])));
    patches.collect()
}

fn released(text: &str, patches: Vec<Value>) -> String {
    set_post_renderer("release.yaml", text, patches).unwrap().0
}

#[test]
fn a_release_gets_its_patches_and_keeps_the_rest() {
    let with_renderers = format!("{RELEASE}{WITH_RENDERERS}");
    let crlf = with_renderers.replace('\n', "\r\n");
    for before in [RELEASE, &with_renderers, &crlf] {
        let once = released(before, patches(2));
        assert!(once.starts_with(before.trim_end()), "{once}");
        let value = value(once.split("---").nth(1).unwrap());
        let renderers = value["spec"]["postRenderers"].as_array().unwrap();
        let ours = &renderers.last().unwrap()["kustomize"]["patches"];
        assert_eq!(ours, &json!(patches(2)));
        assert_eq!(released(&once, patches(2)), once);
        // Fewer patches, more patches, and none: everything is restored.
        assert_eq!(released(&released(&once, patches(1)), patches(2)), once);
        assert_eq!(released(&released(&once, patches(3)), patches(2)), once);
        assert_eq!(released(&once, Vec::new()), before);
    }
}

/// Patches that a user has moved into their own list stay there, among the user's patches.
#[test]
fn patches_are_replaced_where_they_stand() {
    let once = released(&format!("{RELEASE}{WITH_RENDERERS}"), Vec::new());
    let own = json!({"target": {}, "patch": "# Written by runner-terminal export: old\n{}"});
    let users = json!({"target": {}, "patch": "# ours\n{}"});
    let mixed =
        json!([{"kustomize": {"patches": [own, users, own]}}, {"kustomize": {"patches": [own]}}]);
    let text = format!("{RELEASE}  postRenderers: {mixed}\n");
    assert!(once.contains("# theirs"));
    let value =
        |text: &str| value(text.split("---").nth(1).unwrap())["spec"]["postRenderers"].clone();
    let new = patches(1);
    assert_eq!(
        value(&released(&text, new.clone())),
        json!([{"kustomize": {"patches": [new[0], users]}}])
    );
    assert_eq!(
        value(&released(&text, Vec::new())),
        json!([{"kustomize": {"patches": [users]}}])
    );
}

#[test]
fn a_release_that_cannot_be_written_is_refused() {
    let refused = |text: &str| {
        let refused = set_post_renderer("release.yaml", text, patches(1));
        refused.unwrap_err().to_string()
    };
    assert!(refused("kind: HelmRelease\n").contains("release.yaml has no HelmRelease"));
    assert!(
        refused(&format!("{RELEASE}---\n{RELEASE}"))
            .contains("several resources of kind HelmRelease")
    );
    assert!(
        refused(&format!("{RELEASE}  postRenderers: {{}}\n"))
            .contains("spec.postRenderers of the HelmRelease is not a list")
    );
    assert!(
        refused(&format!(
            "{RELEASE}  postRenderers: [{{kustomize: {{patches: 1}}}}]\n"
        ))
        .contains("spec.postRenderers[0].kustomize.patches")
    );
    assert!(
        refused("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n")
            .contains("spec of the HelmRelease is not a mapping")
    );
    assert!(refused("a: [\n").starts_with("release.yaml: "));
}

/// The release's namespace is that of its chart's resources, which charts may leave out.
#[test]
fn files_beside_a_release_have_its_namespace() {
    let (_, namespace) = set_post_renderer("release.yaml", RELEASE, patches(1)).unwrap();
    assert_eq!(namespace.as_deref(), Some("ci"));
    let export = exported(&[
        added(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}})),
        added(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "other"},
            "subjects": [{"kind": "ServiceAccount", "name": "a"}],
        })),
        added(
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "c"}}),
        ),
    ]);
    let files = release_files(&export, Some("ci"));
    let values: Vec<Value> = files.iter().map(|file| value(&file.text)).collect();
    assert_eq!(values[0]["metadata"]["namespace"], "ci");
    assert_eq!(values[1]["metadata"]["namespace"], "other");
    assert_eq!(values[1]["subjects"][0]["namespace"], "ci");
    assert_eq!(values[2]["metadata"].get("namespace"), None);
    assert_eq!(values[3]["kind"], "Kustomization");
    assert!(release_files(&Export::default(), Some("ci")).is_empty());
}

const APPLICATION: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: runner}   # ours
spec:
  source:
    path: overlays/prod
    repoURL: https://git.example.com/ci.git
";

fn with_component(text: &str, is_wanted: bool) -> Result<String, String> {
    add_component(
        "app.yaml",
        text,
        "/src/overlays/prod",
        "../terminals",
        is_wanted,
    )
    .map_err(|error| error.to_string())
}

#[test]
fn an_application_gets_its_component_once() {
    for options in [
        "",
        "    kustomize: {images: [a=b]}\n",
        "    kustomize:\n      # theirs\n      components:\n      - ../other   # why\n",
    ] {
        let before = format!("{APPLICATION}{options}");
        let once = with_component(&before, true).unwrap();
        let components = &value(&once)["spec"]["source"]["kustomize"]["components"];
        assert!(
            components
                .as_array()
                .unwrap()
                .contains(&json!("../terminals")),
            "{once}"
        );
        assert!(once.contains("# ours"));
        assert_eq!(with_component(&once, true).unwrap(), once);
        assert_eq!(with_component(&once, false).unwrap(), before);
        assert_eq!(with_component(&before, false).unwrap(), before);
    }
}

#[test]
fn an_application_that_takes_no_component_is_refused() {
    for (more, says) in [
        ("    chart: gitlab-runner\n", "no post-renderer for charts"),
        ("    helm: {releaseName: a}\n", "--enable-helm"),
        ("    plugin: {}\n", "the Application has spec.source.plugin"),
        ("  sources: []\n", "the Application has spec.sources"),
        (
            "    kustomize: {namePrefix: a-}\n",
            "spec.source.kustomize.namePrefix takes effect after",
        ),
        (
            "    kustomize: {components: 1}\n",
            "components of the Application is not a list",
        ),
    ] {
        let refused = with_component(&format!("{APPLICATION}{more}"), true).unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
    let other = APPLICATION.replace("overlays/prod", "overlays/test");
    let refused = with_component(&other, true).unwrap_err();
    assert!(
        refused.contains("spec.source.path is \"overlays/test\""),
        "{refused}"
    );
    // A folder whose path only has the same ending.
    let other = APPLICATION.replace("overlays/prod", "lays/prod");
    assert!(with_component(&other, true).is_err());
}

#[test]
fn fields_that_take_effect_after_components_are_known() {
    let found = |text: &str| own_transformers(text);
    assert_eq!(
        found("resources: [a]\nconfigMapGenerator: []\nimages: []\n"),
        None
    );
    for field in [
        "namePrefix",
        "namespace",
        "labels",
        "patches",
        "replicas",
        "transformers",
    ] {
        let text = format!("resources: [a]\n{field}: a\n");
        assert_eq!(found(&text).as_deref(), Some(field));
    }
}
