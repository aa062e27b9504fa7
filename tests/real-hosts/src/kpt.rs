//! kpt, which runs the function as a command or as a Wasm module, and writes in place.

use std::path::Path;
use std::process::{Command, Output};

use crate::command;
use crate::launcher::without_clusters;
use crate::programs::{artifact, host, path_with_launcher, workspace_root};

/// How kpt runs the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KptRuntime {
    /// The command that users install.
    Exec,
    /// The module in kpt's own runtime, an old wasmtime.
    Wasmtime,
    /// The module in Node.js.
    Node,
}

impl KptRuntime {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Exec, Self::Wasmtime, Self::Node];
}

/// `kpt fn`, with the command on its PATH, which puts its temporary files into `temporary`.
pub fn kpt(temporary: &Path) -> Command {
    let mut kpt = Command::new(host("kpt"));
    kpt.arg("fn")
        .env("PATH", path_with_launcher())
        // kpt leaves its files for Node.js there.
        .env("TMPDIR", temporary)
        // wasmtime's cache of compiled code.
        .env(
            "XDG_CACHE_HOME",
            workspace_root().join("target/hosts/cache"),
        )
        .env_remove("KPT_FN_WASM_RUNTIME");
    without_clusters(&mut kpt);
    kpt
}

/// `kpt fn eval` of the function on a package.
pub fn kpt_eval(runtime: KptRuntime, package: &Path, function_config: &Path) -> Command {
    let mut kpt = kpt(package.parent().unwrap_or(package));
    kpt.arg("eval").arg(package);
    match runtime {
        KptRuntime::Exec => kpt.args(["--exec", "runner-terminal"]),
        KptRuntime::Wasmtime | KptRuntime::Node => kpt
            .arg("--exec")
            .arg(artifact("runner-terminal-kpt.wasm"))
            .arg("--allow-alpha-wasm"),
    };
    if runtime == KptRuntime::Node {
        kpt.env("KPT_FN_WASM_RUNTIME", "nodejs");
    }
    kpt.arg("--fn-config").arg(function_config);
    kpt
}

/// Runs it with an input to its end.
pub fn run_kpt(kpt: &mut Command, input: &[u8]) -> Output {
    command::run(kpt, input)
}
