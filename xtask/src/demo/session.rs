//! From manifests to an open terminal on this machine: kustomize runs the function, GitLab Runner's own
//! session server starts with the `config.toml` that it made, and a client connects as GitLab does.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;
use serde::Deserialize as _;
use yaml_serde::Value;

use crate::process::{self, command};
use crate::workspace::{self, path_with};

/// Where the launcher is, below `target`; its profile in `Cargo.toml` has the same name.
pub(super) const LAUNCHER: &str = "quick";

const BEFORE: &str = "kustomize build kustomization/example/base > target/demo/before.yaml";
const AFTER: &str =
    "kustomize build --enable-alpha-plugins --enable-exec target/demo > target/demo/after.yaml";
/// diff exits with 1 where the files differ.
const DIFF: &str = "diff target/demo/before.yaml target/demo/after.yaml || test $? = 1";
const SERVER: &str = "session-server --shell target/demo/config.toml";
const SERVER_LINE: &str = "target/demo/session.json";
/// The sum shows that a shell answers, and not an echo.
const QUESTION: &str = "echo \"The terminal works: 6 * 7 = $((6 * 7))\"";
const ANSWER: &str = "The terminal works: 6 * 7 = 42\n";

/// What a user writes for a runner on this machine: GitLab connects to the PORT where it listens.
const KUSTOMIZATION: &str = "xtask/src/demo/kustomization";

/// A command that has succeeded.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) command: String,
    /// All that it printed.
    pub(super) output: String,
    /// True for the two steps that prove that a terminal works.
    pub(super) is_proof: bool,
}

/// Runs the session with a session server at a port of this machine, and passes each finished step
/// to `show`. Nothing is still running when this returns.
///
/// # Errors
///
/// A command fails, or the terminal gives another answer than a shell does.
pub(super) fn run(port: u16, mut show: impl FnMut(Step)) -> Result<()> {
    let folder = workspace::empty(workspace::target("demo"))?;
    for file in workspace::entries(&workspace::root().join(KUSTOMIZATION))? {
        let text = fs::read_to_string(&file)?.replace("PORT", &port.to_string());
        fs::write(folder.join(file.file_name().unwrap_or_default()), text)?;
    }
    let title = "The function is asked for a session server at an address of this machine";
    show(step(title, "cat target/demo/session-server.yaml")?);
    show(step(
        "kustomize builds a runner without the function …",
        BEFORE,
    )?);
    show(step("… and with it", AFTER)?);
    show(step("What the function changes", DIFF)?);

    let after = fs::read_to_string(folder.join("after.yaml"))?;
    fs::write(folder.join("config.toml"), config_toml(&after)?)?;
    let (_server, output) = Server::start()?;
    show(Step {
        title: "GitLab Runner's own session server starts with that config.toml",
        command: format!("{SERVER} > {SERVER_LINE} &"),
        output,
        is_proof: false,
    });
    let line = format!("runner-terminal check 127.0.0.1:{port}");
    show(proof(step(
        "The address is checked as GitLab connects to it",
        &line,
    )?));
    let line = format!("session-server connect --run '{QUESTION}' < {SERVER_LINE}");
    let terminal = step("A terminal opens, and a shell answers", &line)?;
    let answer = &terminal.output;
    ensure!(
        answer == ANSWER,
        "the terminal answers {answer:?} in place of {ANSWER:?}"
    );
    show(proof(terminal));
    Ok(())
}

/// Runs a line of the session.
fn step(title: &'static str, line: &str) -> Result<Step> {
    Ok(Step {
        title,
        command: line.trim_end_matches(" || test $? = 1").to_owned(),
        output: shell(line)?,
        is_proof: false,
    })
}

fn proof(step: Step) -> Step {
    Step {
        is_proof: true,
        ..step
    }
}

/// The `config.toml` of the ConfigMap among manifests.
fn config_toml(manifests: &str) -> Result<String> {
    let mut found = Vec::new();
    for document in yaml_serde::Deserializer::from_str(manifests) {
        let manifest = Value::deserialize(document)?;
        let text = manifest
            .get("data")
            .and_then(|data| data.get("config.toml"));
        found.extend(text.and_then(Value::as_str).map(str::to_owned));
    }
    match <[String; 1]>::try_from(found) {
        Ok([text]) => Ok(text),
        Err(found) => bail!(
            "kustomize built {} files config.toml in place of one",
            found.len()
        ),
    }
}

/// Runs a line as one would type it, and gives all that it prints.
fn shell(line: &str) -> Result<String> {
    let mut shell = command("sh -c");
    let path = [workspace::target(LAUNCHER), workspace::target("hosts/bin")];
    let output = process::output(shell.arg(line).env("PATH", path_with(&path)?))?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    ensure!(
        output.status.success(),
        "`{line}` failed: {}\n{printed}",
        output.status
    );
    Ok(printed)
}

/// GitLab Runner's session server. It runs until this is dropped.
struct Server(Child);

impl Server {
    /// Starts it, and returns the line that it prints.
    fn start() -> Result<(Self, String)> {
        let log = workspace::target("demo/session-server.log");
        let mut server = command(&format!("target/hosts/bin/{SERVER}"));
        // It runs while its stdin is open: not longer than this program, however that ends.
        server.stdin(Stdio::piped()).stdout(Stdio::piped());
        server.stderr(fs::File::create(&log)?.into_parts().0);
        let child = server.spawn();
        let mut server = Self(child.context("the session server does not start")?);
        let mut line = String::new();
        if let Some(stdout) = server.0.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let said = fs::read_to_string(log)?;
        // It prints the line when it listens.
        ensure!(
            !line.is_empty(),
            "the session server does not start with target/demo/config.toml:\n{said}"
        );
        fs::write(workspace::root().join(SERVER_LINE), line)?;
        Ok((server, said))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to save. An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_config_toml_is_found() {
        let one = "kind: Service\n---\nkind: ConfigMap\ndata:\n  config.toml: |\n    a = 1\n";
        assert_eq!(config_toml(one).unwrap(), "a = 1\n");
        for (manifests, count) in [
            ("kind: ConfigMap\ndata: {}\n".to_owned(), 0),
            (format!("{one}---\n{one}"), 2),
        ] {
            let error = config_toml(&manifests).unwrap_err().to_string();
            assert!(error.contains(&format!(" {count} files ")), "{error}");
        }
    }

    #[test]
    fn a_failure_shows_the_line_and_all_that_it_printed() {
        let error = shell("echo out; echo err >&2; exit 3")
            .unwrap_err()
            .to_string();
        for words in ["exit 3` failed", "exit status: 3", "out\n", "err\n"] {
            assert!(error.contains(words), "{error}");
        }
    }
}
