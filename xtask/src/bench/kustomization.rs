//! The same change by kustomize's own means: two patches a runner and a Service as a resource.
//!
//! It is spared what kustomize has no means for. The patches name each runner and hold its whole new
//! configuration, and the checksum in them is one that somebody has worked out before.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::lists::{self, List};

/// Writes the kustomization into a folder.
pub(crate) fn write(list: List, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut patches = Vec::new();
    let mut services = Vec::new();
    for number in 0..list.runners {
        let [_, config_map] = lists::runner(number);
        patches.push(numbered(WORKLOAD_PATCH, number));
        patches.push(with_session_server(&lists::without_dash(&config_map)));
        services.push(numbered(SERVICE, number));
    }
    for (name, text) in [
        ("objects.yaml", list.manifests()),
        ("services.yaml", services.join("---\n")),
        ("patches.yaml", patches.join("---\n")),
        ("kustomization.yaml", KUSTOMIZATION.to_owned()),
    ] {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// The ConfigMap with a table more at the end of its `config.toml`, which is its last key.
fn with_session_server(config_map: &str) -> String {
    format!("{config_map}{SESSION_SERVER}")
}

fn numbered(template: &str, number: usize) -> String {
    template.replace("NUMBER", &number.to_string())
}

const KUSTOMIZATION: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- objects.yaml
- services.yaml
patches:
- path: patches.yaml
";

const WORKLOAD_PATCH: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: runner-NUMBER
  namespace: ci
spec:
  template:
    metadata:
      annotations:
        runner-terminal.dev/config-checksum: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    spec:
      containers:
      - name: gitlab-runner
        ports:
        - name: session-server
          containerPort: 8093
          protocol: TCP
";

const SESSION_SERVER: &str = r#"
    [session_server]
      listen_address = "0.0.0.0:8093"
      advertise_address = "terminal.example.com:9000"
      session_timeout = 1800
"#;

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: runner-NUMBER-session-server
  namespace: ci
spec:
  type: LoadBalancer
  selector:
    app.kubernetes.io/instance: runner-NUMBER
  ports:
  - name: session-server
    port: 9000
    targetPort: session-server
";
