//! Resources that a GitLab Runner is generated from later: its Deployment is not in the manifests
//! yet.

use serde_json::Value;

use krm::resource::Resource;
use krm::resource_list::{ReadError, ResourceList};
use krm::results::FunctionResult;
use yaml_splice::pointer::At as _;

/// A kind of resource whose manifests are rendered elsewhere.
struct Renderer {
    kind: &'static str,
    /// Its API group.
    group: &'static str,
    /// What to tell the user.
    advice: &'static str,
}

macro_rules! rendered_in_cluster_by {
    ($program:literal, $how:literal) => {
        concat!(
            "is rendered in the cluster by ",
            $program,
            ", so the runner's Deployment is not in these manifests. Render the chart and give the \
             function the result (`helm template … | ",
            $how,
            "`). `runner-terminal import-values FILE` makes the functionConfig from its values"
        )
    };
}

const RENDERERS: [Renderer; 6] = [
    Renderer {
        kind: "HelmRelease",
        group: "helm.toolkit.fluxcd.io",
        advice: rendered_in_cluster_by!(
            "Flux",
            "runner-terminal export - -o terminals --for flux-helmrelease --in-place FILE"
        ),
    },
    Renderer {
        kind: "Application",
        group: "argoproj.io",
        advice: "is rendered by Argo CD, so the runner's Deployment is not in these manifests. Run \
                 the function in Argo CD as a config management plugin. `runner-terminal \
                 import-values FILE` makes the functionConfig from its Helm values",
    },
    Renderer {
        kind: "ApplicationSet",
        group: "argoproj.io",
        advice: "makes Applications that Argo CD renders, so the runner's Deployment is not in these \
                 manifests. Run the function in Argo CD as a config management plugin. \
                 `runner-terminal import-values FILE` makes the functionConfig from its Helm values",
    },
    Renderer {
        kind: "HelmChart",
        group: "helm.cattle.io",
        advice: rendered_in_cluster_by!("K3s", "runner-terminal apply-to -"),
    },
    Renderer {
        kind: "Kustomization",
        group: "kustomize.config.k8s.io",
        advice: "is a kustomization and no manifest. Build it and give the function the result \
                 (`kustomize build --enable-helm DIR | runner-terminal apply-to -`), or name the \
                 function under its `transformers:`",
    },
    Renderer {
        kind: "Runner",
        group: "apps.gitlab.com",
        advice: "is turned into a Deployment in the cluster by the GitLab Runner Operator, which also \
                 writes its config.toml at start, so neither is in these manifests. The Operator has \
                 no setting for the session server: to have terminals, run this runner by the Helm \
                 chart gitlab-runner or by a Deployment of your own",
    },
];

/// Reports each resource of the list that a GitLab Runner is generated from, and what to do about
/// it.
///
/// # Errors
/// One that mentions gitlab-runner and cannot be parsed.
pub(super) fn named(list: &ResourceList<'_>) -> Result<Vec<FunctionResult>, ReadError> {
    let mut found = Vec::new();
    for renderer in &RENDERERS {
        let word = if renderer.kind == "Runner" {
            renderer.group
        } else {
            "gitlab-runner"
        };
        for item in list.candidates(&[renderer.kind], word) {
            let resource = list.resource(item)?;
            let identity = &resource.identity;
            let is_one = identity.kind == renderer.kind && identity.group() == renderer.group;
            if is_one && makes_a_runner(&resource) {
                found.push(FunctionResult::info(renderer.advice).about(&resource.identity));
            }
        }
    }
    Ok(found)
}

/// True for an Operator's Runner, and for a resource that refers to the chart gitlab-runner.
fn makes_a_runner(resource: &Resource) -> bool {
    let value = &resource.value;
    match resource.identity.kind.as_str() {
        "Runner" => true,
        "Kustomization" => {
            let charts = value.at("/helmCharts").and_then(Value::as_array);
            let resources = value.at("/resources").and_then(Value::as_array);
            let mut all = charts.into_iter().chain(resources).flatten();
            all.any(mentions_runner)
        }
        _ => value.get("spec").is_some_and(mentions_runner),
    }
}

/// True if a text of the value contains gitlab-runner.
fn mentions_runner(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("gitlab-runner"),
        Value::Array(items) => items.iter().any(mentions_runner),
        Value::Object(members) => members.values().any(mentions_runner),
        _ => false,
    }
}
