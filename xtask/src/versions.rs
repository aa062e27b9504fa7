//! Builds the oldest version of each host that the function works in, and shows that it does: it
//! gives what the newest gives, and the tests of that host pass with it.
//!
//! `docs/supported-versions.md` has the table. A test holds it against the versions here and in the
//! catalogue of the hosts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::hosts::recipe::{go, required_version};
use crate::progress::took;
use crate::{artifacts, hosts, process, workspace};

/// What is shown, and of which versions.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these, in place of all
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Take the function and the newest hosts as they are built already
    #[arg(long)]
    no_build: bool,
}

/// A program in another version than the one that `cargo xtask test` runs.
struct Version {
    /// The name of the host, and of the program.
    host: &'static str,
    source: Source,
    /// The other hosts that its proofs need.
    needs: &'static [&'static str],
    proofs: &'static [Proof],
}

/// Where it comes from.
enum Source {
    /// A Go program, by the go.mod `tests/hosts/versions/HOST.mod`.
    GoBuild {
        /// The folder of its own code, or [`NO_MODULE`].
        folder: &'static str,
        package: &'static str,
        /// The dependency whose version counts as the program's.
        pinned: &'static str,
        /// A Go variable to set to that version.
        version_flag: Option<&'static str>,
    },
    /// Node.js, from `tests/hosts/versions/node`, by its name there.
    Npm(&'static str),
}

/// What shows that it works.
enum Proof {
    /// With these arguments it prints what the newest prints, byte for byte.
    Same(&'static [&'static str]),
    /// These tests of `real-hosts` pass with it in the newest's place.
    Tests(&'static [&'static str]),
}

use Proof::{Same, Tests};

/// Where Go programs are built that have no module of their own in this workspace.
const NO_MODULE: &str = "tests/hosts/versions";

/// The oldest of each, the quick ones first; of Node.js, which is not built here, the newest too.
const VERSIONS: &[Version] = &[
    Version {
        host: "wazero-run",
        source: Source::GoBuild {
            folder: "tests/hosts/wazero",
            package: ".",
            pinned: "github.com/tetratelabs/wazero",
            version_flag: None,
        },
        needs: &["node"],
        proofs: &[Tests(&["--test=runtimes", "every_fixture"])],
    },
    Version {
        host: "node",
        source: Source::Npm("oldest"),
        needs: &["wazero-run"],
        proofs: &[Tests(&["--test=runtimes", "every_fixture"])],
    },
    Version {
        host: "node",
        source: Source::Npm("newest"),
        needs: &["wazero-run"],
        proofs: &[Tests(&["--test=runtimes", "every_fixture"])],
    },
    Version {
        host: "session-server",
        source: Source::GoBuild {
            folder: "tests/hosts/session-server",
            package: ".",
            pinned: "gitlab.com/gitlab-org/gitlab-runner",
            version_flag: None,
        },
        needs: &[],
        proofs: &[Tests(&["--test=session_server", "--test=terminal"])],
    },
    Version {
        host: "kustomize",
        source: Source::GoBuild {
            folder: NO_MODULE,
            package: "sigs.k8s.io/kustomize/kustomize/v4",
            pinned: "sigs.k8s.io/kustomize/kustomize/v4",
            version_flag: None,
        },
        needs: &[
            "etcd",
            "kube-apiserver",
            "kubectl",
            "kustomize",
            "session-server",
        ],
        proofs: &[
            Same(&[
                "build",
                "--enable-alpha-plugins",
                "--enable-exec",
                "kustomization/example",
            ]),
            Tests(&["--test=kustomize"]),
            Tests(&["--test=advertise_address", "the_two_steps"]),
        ],
    },
    Version {
        host: "helm3",
        source: Source::GoBuild {
            folder: NO_MODULE,
            package: "helm.sh/helm/v3/cmd/helm",
            pinned: "helm.sh/helm/v3",
            version_flag: None,
        },
        needs: &["helm3"],
        proofs: &[
            Same(&[
                "template",
                "runner",
                "tests/fixtures/helm/chart",
                "--post-renderer=runner-terminal",
                "--post-renderer-args=apply-to",
            ]),
            Tests(&["--test=helm", "helm_3"]),
        ],
    },
    Version {
        host: "kube-apiserver",
        source: Source::GoBuild {
            folder: NO_MODULE,
            package: "k8s.io/kubernetes/cmd/kube-apiserver",
            pinned: "k8s.io/kubernetes",
            version_flag: Some("k8s.io/component-base/version.gitVersion"),
        },
        needs: &["etcd", "kubectl", "kustomize", "session-server"],
        proofs: &[Tests(&[
            "--test=control_plane",
            "--test=exposures",
            "--test=advertise_address",
        ])],
    },
];

/// Builds the versions, and shows that each works.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(name) = arguments.names.iter().find(|name| !is_known(name)) {
        let mut known: Vec<_> = VERSIONS.iter().map(|version| version.host).collect();
        known.dedup();
        bail!(
            "there are no versions of {name}; there are of {}",
            known.join(", ")
        );
    }
    let wanted: Vec<_> = VERSIONS
        .iter()
        .filter(|version| {
            arguments.names.is_empty() || arguments.names.iter().any(|name| name == version.host)
        })
        .collect();
    if !arguments.no_build {
        let mut needed: Vec<_> = wanted
            .iter()
            .flat_map(|version| version.needs)
            .copied()
            .collect();
        needed.sort_unstable();
        needed.dedup();
        hosts::build(&needed.into_iter().map(str::to_owned).collect::<Vec<_>>())?;
        artifacts::build()?;
    }
    let mut table = String::from("\n| program | version | shown by | in |\n|---|---|---|---|\n");
    let mut failed = 0;
    for version in wanted {
        let number = version.number()?;
        println!("\n── {} {number} ──", version.host);
        version.build()?;
        for proof in version.proofs {
            let start = Instant::now();
            let outcome = version.show(proof);
            let words = match &outcome {
                Ok(()) => took(start.elapsed()),
                Err(_) => "failed".to_owned(),
            };
            table.push_str(&format!(
                "| {} | {number} | {proof} | {words} |\n",
                version.host
            ));
            if let Err(error) = outcome {
                eprintln!("{} {number}: {error:#}", version.host);
                failed += 1;
            }
        }
    }
    println!("{table}");
    if failed > 0 {
        bail!("{failed} of these do not hold");
    }
    Ok(())
}

fn is_known(name: &str) -> bool {
    VERSIONS.iter().any(|version| version.host == name)
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Same(arguments) => write!(f, "the newest's output of `{}`", arguments.join(" ")),
            Tests(arguments) => write!(f, "`cargo test -p real-hosts {}`", arguments.join(" ")),
        }
    }
}

impl Version {
    /// `4.4.1`
    fn number(&self) -> Result<String> {
        match &self.source {
            Source::GoBuild { pinned, .. } => {
                let path = self.go_mod();
                required_version(&read(&path)?, pinned)
                    .with_context(|| format!("{} does not require {pinned}", path.display()))
            }
            Source::Npm(name) => {
                let package: serde_json::Value =
                    serde_json::from_str(&read(&npm_folder().join("package.json"))?)?;
                let version = package.pointer(&format!("/dependencies/{name}"));
                let version = version
                    .and_then(serde_json::Value::as_str)
                    .unwrap_or_default();
                let number = version
                    .rsplit_once('@')
                    .map(|(_, number)| number.to_owned());
                number.with_context(|| format!("package.json does not pin {name}"))
            }
        }
    }

    fn go_mod(&self) -> PathBuf {
        workspace::root().join(format!("tests/hosts/versions/{}.mod", self.host))
    }

    /// The folder that it is built into, alone.
    fn folder(&self) -> Result<PathBuf> {
        let name = format!("hosts/versions/{}-{}", self.host, self.number()?);
        Ok(workspace::target(&name))
    }

    /// Builds it where it is not built yet.
    fn build(&self) -> Result<()> {
        let folder = self.folder()?;
        let (program, stamp) = (folder.join(self.host), folder.join("built-by"));
        let (mut command, built) = self.command(&folder)?;
        let mut text = process::text_of(&command);
        if let Source::GoBuild { .. } = self.source {
            text.push_str(&read(&self.go_mod())?);
        }
        if program.is_file() && fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == text) {
            println!("built already");
            return Ok(());
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let start = Instant::now();
        process::capture(&mut command).with_context(|| format!("cannot build {}", self.host))?;
        if built != program {
            fs::copy(&built, &program)
                .with_context(|| format!("{} is not there", built.display()))?;
        }
        fs::write(&stamp, text).with_context(|| format!("cannot write {}", stamp.display()))?;
        println!("built in {}", took(start.elapsed()));
        Ok(())
    }

    /// The command that builds it, and the program that it makes.
    fn command(&self, into: &Path) -> Result<(Command, PathBuf)> {
        Ok(match &self.source {
            Source::GoBuild {
                folder,
                package,
                version_flag,
                ..
            } => {
                let mut flags = "-s -w".to_owned();
                if let Some(variable) = version_flag {
                    flags.push_str(&format!(" -X {variable}=v{}", self.number()?));
                }
                let mut go = go("build", &flags);
                go.current_dir(workspace::root().join(folder));
                go.arg("-modfile").arg(self.go_mod());
                go.arg("-o").arg(into.join(self.host)).arg(package);
                (go, into.join(self.host))
            }
            Source::Npm(name) => {
                let mut npm = process::command("npm");
                npm.args(["ci", "--no-fund", "--no-audit"])
                    .current_dir(npm_folder());
                (
                    npm,
                    npm_folder().join(format!("node_modules/{name}/bin/node")),
                )
            }
        })
    }

    fn show(&self, proof: &Proof) -> Result<()> {
        match proof {
            Same(arguments) => {
                let older = printed(&self.folder()?.join(self.host), arguments)?;
                let newest = printed(&workspace::host(self.host), arguments)?;
                if older != newest {
                    let diff = similar::TextDiff::from_lines(&newest, &older);
                    bail!("it prints something else:\n{}", diff.unified_diff());
                }
                Ok(())
            }
            Tests(arguments) => {
                let mut cargo = process::command("cargo");
                cargo
                    .args(["test", "--package=real-hosts"])
                    .args(*arguments);
                let folder = self.folder()?;
                cargo.env("PATH", path_with(&folder)?);
                cargo.env("RUNNER_TERMINAL_HOSTS", folder);
                process::run(&mut cargo)
            }
        }
    }
}

/// What a program prints, with the launcher on its PATH and nothing of the person's own.
fn printed(program: &Path, arguments: &[&str]) -> Result<String> {
    let home = workspace::target("hosts/versions/home");
    let mut command = process::command(program);
    command
        .args(arguments)
        .env("PATH", path_with(&workspace::target("release"))?)
        .env("KUBECONFIG", home.join("no-kubeconfig"));
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.join(name));
    }
    let output = process::capture(&mut command)?;
    Ok(String::from_utf8(output.stdout)?)
}

fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_owned()]
        .into_iter()
        .chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("the workspace's path cannot be put on PATH")
}

fn npm_folder() -> PathBuf {
    workspace::root().join("tests/hosts/versions/node")
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "docs/supported-versions.md";

    /// The oldest and the newest version of a row of the page.
    fn row(page: &str, program: &str) -> (String, String) {
        let line = page
            .lines()
            .find(|line| line.starts_with(&format!("| {program} |")));
        let cells: Vec<_> = line.unwrap_or_default().split('|').map(str::trim).collect();
        match cells.as_slice() {
            [_, _, oldest, newest, ..] => ((*oldest).to_owned(), (*newest).to_owned()),
            _ => panic!("{PAGE} has no row for {program}"),
        }
    }

    fn number(host: &str) -> String {
        let version = VERSIONS.iter().find(|version| version.host == host);
        version.map(|version| version.number().unwrap()).unwrap()
    }

    fn text(path: &str) -> String {
        read(&workspace::root().join(path)).unwrap()
    }

    /// What is pinned here and in the catalogue is what the page says.
    #[test]
    fn the_page_has_the_versions_that_are_shown() {
        let page = text(PAGE);
        for (program, host) in [
            ("kustomize", "kustomize"),
            ("Helm 3", "helm3"),
            ("Kubernetes", "kube-apiserver"),
            ("GitLab Runner", "session-server"),
            ("wazero", "wazero-run"),
        ] {
            let oldest = number(host).replace("+incompatible", "");
            let newest = hosts::version(host).unwrap();
            assert_eq!(row(&page, program), (oldest, newest), "{program}");
        }
        // Of these there is one version.
        for (program, host) in [("kpt", "kpt"), ("Argo CD", "argocd"), ("Helm 4", "helm")] {
            let only = hosts::version(host).unwrap();
            assert_eq!(row(&page, program), (only.clone(), only), "{program}");
        }
        let nodes: Vec<_> = VERSIONS
            .iter()
            .filter(|version| version.host == "node")
            .collect();
        let [oldest, newest] = nodes.as_slice() else {
            panic!("there are {} versions of Node.js", nodes.len());
        };
        let (oldest, newest) = (oldest.number().unwrap(), newest.number().unwrap());
        let (major, minor) = hosts::node::OLDEST;
        assert!(oldest.starts_with(&format!("{major}.{minor}.")), "{oldest}");
        assert_eq!(row(&page, "Node.js"), (oldest, newest));
    }

    /// What is no host: Rust, and the wasmtime that is in the launcher.
    #[test]
    fn the_page_has_the_versions_of_the_build() {
        let page = text(PAGE);
        let (oldest, _) = row(&page, "Rust");
        assert_eq!(oldest, env!("CARGO_PKG_RUST_VERSION"));
        let lock = text("Cargo.lock");
        let (_, wasmtime) = lock
            .split_once("name = \"wasmtime\"\nversion = \"")
            .unwrap();
        let (wasmtime, _) = wasmtime.split_once('"').unwrap();
        assert_eq!(row(&page, "wasmtime").1, wasmtime);
    }

    /// Each that is built by a go.mod of its own has its checksums too.
    #[test]
    fn every_go_mod_is_pinned() {
        for version in VERSIONS {
            if let Source::GoBuild { .. } = version.source {
                let sums = read(&version.go_mod().with_extension("sum")).unwrap();
                assert!(!sums.is_empty(), "{}", version.host);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known() {
        let arguments = Arguments {
            names: vec!["kustomise".to_owned()],
            no_build: true,
        };
        let error = run(&arguments).unwrap_err().to_string();
        assert_eq!(
            error,
            "there are no versions of kustomise; there are of wazero-run, node, session-server, \
             kustomize, helm3, kube-apiserver"
        );
    }
}
