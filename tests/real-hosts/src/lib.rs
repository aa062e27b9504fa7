//! The pinned programs that the tests run, and functions to start them.
//!
//! `cargo xtask hosts` and `cargo xtask build` build them. A missing program
//! fails the tests that need it: nothing is skipped.

// If something cannot be set up, the test fails and names it.
#![deny(clippy::indexing_slicing, clippy::unwrap_used)]

mod argocd;
mod chart;
mod command;
mod control_plane;
mod definitions;
mod dist;
mod echo;
mod haproxy;
mod helm;
mod kpt;
mod kubelet;
mod kustomize;
mod launcher;
mod module;
mod open_terminal;
mod process;
mod programs;
mod relay;
mod session_server;
mod starting_pod;

pub use argocd::{Application, PluginServer, argo_cd_manifests};
pub use chart::chart;
pub use control_plane::{ControlPlane, free_ports};
pub use dist::{Registry, npm_package, packed, static_program};
pub use echo::{EchoCluster, EchoTerminal, PodChanges};
pub use haproxy::{Balance, HaProxy};
pub use helm::{Helm, RECORDER, run_helm_module};
pub use kpt::{KptRuntime, kpt, kpt_eval, run_kpt};
pub use kubelet::Kubelet;
pub use kustomize::{kustomize, kustomize_build};
pub use launcher::{Waiting, launcher, launcher_with_kustomize, run_launcher};
pub use module::{Runtime, items_from, resource_list, run_module};
pub use open_terminal::OpenTerminal;
pub use process::Process;
pub use programs::{host, path_with_hosts, workspace_root};
pub use relay::{ManyTerminals, Relay};
pub use session_server::{Refusal, SessionServer, Terminal, TlsEndingProxy, lost_terminals};
pub use starting_pod::{Ended, RunningContainer, StartNode, StartingPod};
