//! A list with a runner that the function edits.

/// The runner's items and the functionConfig, to the end of the list.
pub const RUNNER: &str = concat!(
    include_str!("../../lists/runner.yaml"),
    "functionConfig:\n  apiVersion: runner-terminal.dev/v1alpha1\n  kind: SessionServer\n",
    "  metadata: {name: session-server}\n  spec: {advertiseAddress: terminal.example.com}\n",
);

/// A list that begins with these items.
pub fn list(items: &str) -> String {
    format!("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{items}{RUNNER}")
}
