//! The custom resource definitions that projects publish in their Go modules.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::command;
use crate::programs::workspace_root;

/// Where each module of `tests/hosts/crds/go.mod` keeps its definitions.
const FILES: [(&str, &[&str]); 4] = [
    (
        "sigs.k8s.io/gateway-api",
        &[
            "config/crd/experimental/gateway.networking.k8s.io_gateways.yaml",
            "config/crd/experimental/gateway.networking.k8s.io_tlsroutes.yaml",
        ],
    ),
    (
        "github.com/traefik/traefik/v3",
        &["docs/content/reference/dynamic-configuration/traefik.io_ingressroutetcps.yaml"],
    ),
    (
        "github.com/projectcontour/contour",
        &["examples/contour/01-crds.yaml"],
    ),
    (
        "github.com/openshift/api",
        &["route/v1/zz_generated.crd-manifests/routes-Default.crd.yaml"],
    ),
];

/// The files, downloaded if they are missing; their checksums are in `go.sum`.
///
/// # Panics
///
/// If a module cannot be downloaded, or has no such file.
pub(crate) fn custom_resource_definitions() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (module, paths) in FILES {
        let mut go = Command::new("go");
        go.args(["mod", "download", "-json", module])
            .current_dir(workspace_root().join("tests/hosts/crds"));
        let output = command::run(&mut go, b"");
        assert!(output.status.success(), "{module}: {output:?}");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("go prints JSON");
        let folder = answer.get("Dir").and_then(Value::as_str);
        let folder = PathBuf::from(folder.expect("go says where the module is"));
        for path in paths {
            let file = folder.join(path);
            assert!(file.is_file(), "{} is missing", file.display());
            files.push(file);
        }
    }
    files
}
