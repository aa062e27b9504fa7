//! A packed release, and a registry on this machine to push it to.

use std::env::consts::ARCH;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use dist::{Launcher, Module, Release};

use crate::command;
use crate::programs::{artifact, host, workspace_root};

/// The modules that are in every release, with their packages and targets.
const MODULES: [[&str; 3]; 3] = [
    [
        "runner-terminal.wasm",
        "runner-terminal-wasi",
        "wasm32-wasip1",
    ],
    [
        "runner-terminal-helm.wasm",
        "runner-terminal-helm",
        "wasm32-unknown-unknown",
    ],
    [
        "runner-terminal-kpt.wasm",
        "runner-terminal-kpt",
        "wasm32-unknown-unknown",
    ],
];

/// A static program that is the function without its sandbox, instead of the launcher, which takes
/// minutes to build statically; `cargo xtask dist` tests that one.
pub fn static_program() -> PathBuf {
    artifact(&format!("{ARCH}-unknown-linux-musl/debug/examples/native"))
}

/// The npm package as npm packed it, for `cargo xtask web`.
pub fn npm_package() -> PathBuf {
    artifact(concat!(
        "web-packed/runner-terminal-",
        env!("CARGO_PKG_VERSION"),
        ".tgz"
    ))
}

/// Packs a release around this program into a folder.
///
/// # Panics
///
/// If it cannot be packed.
pub fn packed(program: &Path, out: &Path) {
    let target = format!("{ARCH}-unknown-linux-musl");
    let release = Release {
        version: "0.0.0".to_owned(),
        commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        time: 1_700_000_000,
        image: "localhost/runner-terminal".to_owned(),
        root: workspace_root().to_owned(),
        launchers: vec![Launcher {
            target: target.parse().expect("this machine's CPU has a release"),
            path: program.to_owned(),
        }],
        modules: MODULES
            .into_iter()
            .map(|[name, package, target]| Module {
                name: name.to_owned(),
                package: package.to_owned(),
                target: target.to_owned(),
                path: artifact(name),
            })
            .collect(),
        npm: artifact("web/package.json").with_file_name(""),
        texts: None,
    };
    release.pack(out).expect("the release can be packed");
}

/// A registry in memory. It ends on drop.
#[derive(Debug)]
pub struct Registry {
    server: Child,
    address: String,
}

impl Registry {
    /// Starts it at a port that it chooses, and returns once it listens.
    ///
    /// # Panics
    ///
    /// If it ends before that.
    pub fn start() -> Self {
        let mut server = command::start(
            Command::new(host("crane"))
                .args(["registry", "serve", "--address", "localhost:0"])
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        );
        let stderr = server.stderr.take().expect("stderr was asked for above");
        let mut lines = BufReader::new(stderr).lines();
        let port = loop {
            let line = lines
                .next()
                .expect("the registry says where it listens")
                .expect("it says UTF-8");
            if let Some((_, port)) = line.rsplit_once("serving on port ") {
                break port.trim().to_owned();
            }
        };
        // Its log is read, so that the pipe does not fill up.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            server,
            address: format!("localhost:{port}"),
        }
    }

    /// The name of an image in it.
    #[must_use]
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// Runs crane, which needs no login here.
    pub fn crane(&self, arguments: &[&str]) -> Output {
        command::run(Command::new(host("crane")).args(arguments), b"")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
