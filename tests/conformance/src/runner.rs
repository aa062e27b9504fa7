//! A list with a runner that the function edits.

/// The runner's items and the functionConfig, to the end of the list.
pub const RUNNER: &str = "\
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: runner
  data:
    config.toml: |
      concurrent = 10
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: runner
  spec:
    selector: {matchLabels: {app: runner}}
    template:
      metadata: {labels: {app: runner}}
      spec:
        containers:
        - name: runner
          image: gitlab/gitlab-runner:v18.9.0
          volumeMounts: [{name: config, mountPath: /etc/gitlab-runner}]
        volumes:
        - name: config
          configMap: {name: runner}
functionConfig:
  apiVersion: runner-terminal.dev/v1alpha1
  kind: SessionServer
  metadata: {name: session-server}
  spec: {advertiseAddress: terminal.example.com}
";

/// A list that begins with these items.
pub fn list(items: &str) -> String {
    format!("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}{RUNNER}")
}
