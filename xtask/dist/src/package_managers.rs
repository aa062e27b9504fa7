//! The files by which krew, kubectl's plugin manager, and Homebrew install the launcher. Both fetch an
//! archive of the release, and compare its checksum.

use anyhow::Result;
use serde_json::{Value, json};

use crate::HOME;
use crate::target::Target;

const SUMMARY: &str = "Give GitLab runners a working web terminal";

/// An archive of a release, with a launcher in the folder that it is named after.
pub(crate) struct Archive {
    pub(crate) target: Target,
    pub(crate) name: String,
    pub(crate) sha256: String,
}

impl Archive {
    /// Where a release publishes it.
    pub(crate) fn url(&self, version: &str) -> String {
        format!("{HOME}/releases/download/v{version}/{}", self.name)
    }

    fn folder(&self) -> &str {
        self.name.strip_suffix(".tar.gz").unwrap_or(&self.name)
    }
}

/// A plugin's manifest, which krew reads: <https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/>
///
/// # Errors
///
/// If it cannot be written as YAML.
pub(crate) fn krew(version: &str, archives: &[Archive]) -> Result<String> {
    let platform = |archive: &Archive| {
        let Target { system, cpu, .. } = archive.target;
        let file = |name: &str| json!({"from": format!("{}/{name}", archive.folder()), "to": "."});
        json!({
            "selector": {"matchLabels": {"os": system, "arch": cpu}},
            "uri": archive.url(version),
            "sha256": archive.sha256,
            "files": [file(archive.target.program()), file("LICENSE")],
            "bin": archive.target.program(),
        })
    };
    let manifest = json!({
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "runner-terminal"},
        "spec": {
            "version": format!("v{version}"),
            "homepage": HOME,
            "shortDescription": SUMMARY,
            "description": "Makes the Debug button of CI jobs work for GitLab runners on Kubernetes: adds \
                the session server to their manifests, and says why a terminal does not open.\n",
            "caveats": "Find out why a terminal does not open:\n  kubectl runner-terminal doctor\n",
            "platforms": archives.iter().map(platform).collect::<Vec<Value>>(),
        },
    });
    Ok(yaml_serde::to_string(&manifest)?)
}

/// A formula, which Homebrew reads: <https://docs.brew.sh/Formula-Cookbook>. It has the systems for
/// which there is an archive, except Windows, which has no Homebrew.
pub(crate) fn homebrew(version: &str, archives: &[Archive]) -> String {
    let mut systems = String::new();
    for (block, system) in [("on_macos", "darwin"), ("on_linux", "linux")] {
        let own = archives.iter().filter(|one| one.target.system == system);
        let cpus: String = own.map(|archive| cpu_block(version, archive)).collect();
        if !cpus.is_empty() {
            systems.push_str(&format!("\n  {block} do\n{cpus}  end\n"));
        }
    }
    format!(
        r##"class RunnerTerminal < Formula
  desc "{SUMMARY}"
  homepage "{HOME}"
  version "{version}"
  license "Apache-2.0"
{systems}
  def install
    bin.install "runner-terminal"
    bin.install_symlink "runner-terminal" => "kubectl-runner_terminal"
    man1.install Dir["man/man1/*"]
    bash_completion.install "completions/bash/runner-terminal"
    zsh_completion.install "completions/zsh/_runner-terminal"
    fish_completion.install "completions/fish/runner-terminal.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{{bin}}/runner-terminal --version")
  end
end
"##
    )
}

/// The archive for one CPU.
fn cpu_block(version: &str, archive: &Archive) -> String {
    let name = match archive.target.cpu {
        "arm64" => "on_arm",
        _ => "on_intel",
    };
    format!(
        "    {name} do\n      url \"{}\"\n      sha256 \"{}\"\n    end\n",
        archive.url(version),
        archive.sha256
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(target: &str) -> Archive {
        Archive {
            target: target.parse().unwrap(),
            name: format!("runner-terminal-1.2.3-{target}.tar.gz"),
            sha256: "ab".repeat(32),
        }
    }

    #[test]
    fn a_plugin_names_the_program_of_each_platform() {
        let all = ["aarch64-apple-darwin", "x86_64-pc-windows-msvc"].map(archive);
        let manifest: Value = yaml_serde::from_str(&krew("1.2.3", &all).unwrap()).unwrap();
        let [mac, windows] = manifest["spec"]["platforms"].as_array().unwrap().as_slice() else {
            panic!("{manifest}");
        };
        assert_eq!(
            mac["selector"]["matchLabels"],
            json!({"os": "darwin", "arch": "arm64"})
        );
        assert_eq!(mac["bin"], "runner-terminal");
        assert_eq!(windows["bin"], "runner-terminal.exe");
        let file = "runner-terminal-1.2.3-x86_64-pc-windows-msvc/runner-terminal.exe";
        assert_eq!(windows["files"][0]["from"], file);
        assert!(
            mac["uri"]
                .as_str()
                .unwrap()
                .contains("/download/v1.2.3/runner-terminal-1.2.3-aarch64-")
        );
    }

    #[test]
    fn a_formula_has_the_systems_that_there_is_an_archive_for() {
        let targets = [
            "x86_64-unknown-linux-musl",
            "aarch64-unknown-linux-musl",
            "x86_64-pc-windows-msvc",
        ];
        let formula = homebrew("1.2.3", &targets.map(archive));
        assert_eq!(formula.matches("sha256 \"").count(), 2, "{formula}");
        assert!(
            formula.contains("  on_linux do\n    on_intel do\n      url "),
            "{formula}"
        );
        assert!(!formula.contains("on_macos"), "{formula}");
    }
}
