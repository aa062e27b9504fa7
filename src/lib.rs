//! Gives a GitLab Runner on Kubernetes its interactive web terminal.
//!
//! Manifests in, manifests out:
//!
//! ```
//! let input = r#"
//! apiVersion: config.kubernetes.io/v1
//! kind: ResourceList
//! items:
//! - apiVersion: v1
//!   kind: ConfigMap
//!   metadata: {name: runner}
//!   data:
//!     config.toml: |
//!       concurrent = 10   # jobs at once
//! - apiVersion: apps/v1
//!   kind: Deployment
//!   metadata: {name: runner}
//!   spec:
//!     selector: {matchLabels: {app: runner}}
//!     template:
//!       metadata: {labels: {app: runner}}
//!       spec:
//!         containers:
//!         - name: runner
//!           image: gitlab/gitlab-runner:v18.9.0
//!           volumeMounts: [{name: config, mountPath: /etc/gitlab-runner}]
//!         volumes:
//!         - name: config
//!           configMap: {name: runner}
//! functionConfig:
//!   apiVersion: runner-terminal.dev/v1alpha1
//!   kind: SessionServer
//!   metadata: {name: session-server}
//!   spec: {advertiseAddress: terminal.example.com}
//! "#;
//! let outcome = runner_terminal::run(input.as_bytes());
//! assert!(!outcome.failed());
//! let output = outcome.text();
//! assert!(output.contains("      concurrent = 10   # jobs at once\n"));
//! assert!(output.contains("      advertise_address = \"terminal.example.com:9000\"\n"));
//! assert!(output.contains("kind: Service\n"));
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`function`] | the data path, on one page: read, find the runners, plan, patch, write |
//! | [`function_config`] | what the user asks for |
//! | [`fields`] | the fields of functionConfigs, and messages about mistakes in them |
//! | [`runner`] | finds runners, their containers and their `config.toml` |
//! | [`session_server`] | plans what a runner needs |
//! | [`plan`] | the intended changes, as values that become patches |
//! | [`exposure`] | how a session server is reached from outside its pod |
//! | [`address`] | the address that a runner advertises |
//! | [`rbac`] | lets service accounts read one Service |
//! | [`observed`] | live Services and nodes |
//! | [`static_cluster`] | live objects from files, in place of a cluster |
//! | [`configure`] | the session server, configured at pod start |
//! | [`verify`](mod@verify) | checks finished manifests: addresses, names, processes |
//! | [`documents`] | the function on files of manifests |
//! | [`mod@export`] | what the function changes, as patches and files |
//! | `schema` | the JSON Schemas of functionConfigs, with the feature `schema` |
//! | [`ownership`] | which resources this function has made |
//! | `digest` | hashes of texts |
//! | `toml_limit` | how many tables a TOML text may have |
//!
//! The crate does no I/O, reads no clock and holds no state.

#![forbid(unsafe_code)]
// The exception for tests in clippy.toml does not cover this lint.
#![cfg_attr(not(test), deny(clippy::string_slice))]

pub mod address;
pub mod configure;
mod digest;
pub mod documents;
pub mod export;
pub mod exposure;
pub mod fields;
pub mod function;
pub mod function_config;
pub mod observed;
pub mod ownership;
pub mod plan;
pub mod rbac;
pub mod runner;
#[cfg(feature = "schema")]
pub mod schema;
pub mod session_server;
pub mod static_cluster;
mod toml_limit;
pub mod verify;

pub use function::{Outcome, RunnerAddress, addresses, run};
pub use verify::verify;
