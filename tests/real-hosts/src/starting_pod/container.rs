//! Runs a container's command line in a root of its own.
//!
//! The root of runner-terminal's image contains that program and its libraries. Other images are
//! the host's `/usr`, with a stand-in for `gitlab-runner`.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

use super::variables::Variables;
use super::volumes::{id, set_mode};
use super::{StartingPod, entries, security, text};
use crate::command;
use crate::programs::artifact;

/// The user of runner-terminal's image: xtask/dist/src/oci.rs.
const NOBODY: u32 = 65532;
/// Where container runtimes look for programs by default.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The program that sets the user and the capabilities, and then executes the container's command
/// line.
const SETPRIV: &str = "/usr/bin/setpriv";
/// The default capabilities of container runtimes.
const CAPABILITIES: [&str; 14] = [
    "audit_write",
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "mknod",
    "net_bind_service",
    "net_raw",
    "setfcap",
    "setgid",
    "setpcap",
    "setuid",
    "sys_chroot",
];

/// A container that is to run.
pub(super) struct Container<'a> {
    pub(super) pod: &'a StartingPod,
    pub(super) spec: &'a Value,
    pub(super) variables: Variables,
}

/// A container that runs until it ends, or is dropped.
#[derive(Debug)]
pub struct RunningContainer {
    child: Child,
    stderr: BufReader<ChildStderr>,
    log: String,
}

/// A container that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it has printed on standard output.
    pub stdout: String,
    /// What it has printed on standard error.
    pub log: String,
}

impl RunningContainer {
    /// Returns once it has printed a line with this text on standard error.
    ///
    /// # Panics
    ///
    /// If it ends without doing so.
    pub fn wait_for(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            let length = self.stderr.read_line(&mut line).expect("it prints UTF-8");
            self.log.push_str(&line);
            if line.contains(text) {
                return;
            }
            assert!(length > 0, "it ended without {text:?}:\n{}", self.log);
        }
    }

    /// Waits until it ends.
    ///
    /// # Panics
    ///
    /// If its output is not UTF-8.
    pub fn end(mut self) -> Ended {
        let mut log = std::mem::take(&mut self.log);
        self.stderr
            .read_to_string(&mut log)
            .expect("it prints UTF-8");
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("it was asked for");
        pipe.read_to_string(&mut stdout).expect("it prints UTF-8");
        let status = self.child.wait().expect("it was started");
        Ended {
            code: status.code(),
            stdout,
            log,
        }
    }
}

impl Drop for RunningContainer {
    fn drop(&mut self) {
        // An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Container<'_> {
    /// Starts it.
    pub(super) fn start(self) -> RunningContainer {
        let mut child = command::start(self.command().stdout(Stdio::piped()));
        let stderr = child.stderr.take().expect("it was asked for");
        RunningContainer {
            child,
            stderr: BufReader::new(stderr),
            log: String::new(),
        }
    }

    /// The command that starts it.
    pub(super) fn command(self) -> Command {
        let root = tempfile::Builder::new()
            .prefix("root-")
            .tempdir_in(self.pod.folder())
            .expect("a temporary folder can be made")
            .keep();
        set_mode(&root, 0o755);
        let user = self.user();
        let script = self.script(&root, user);
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--mount", "--propagation", "private", "sh", "-ec", &script])
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", if user == 0 { "/root" } else { HOME })
            .envs(self.variables.iter())
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        unshare
    }

    fn is_ours(&self) -> bool {
        text(self.spec, "image").contains("/runner-terminal:")
    }

    fn security(&self, field: &str) -> Option<&Value> {
        security(&self.pod.pod, self.spec, field)
    }

    fn is_set(&self, field: &str) -> bool {
        self.security(field) == Some(&Value::Bool(true))
    }

    fn user(&self) -> u32 {
        let of_image = if self.is_ours() { NOBODY } else { 0 };
        let user = self.security("runAsUser").and_then(Value::as_u64);
        let user = user.map_or(of_image, id);
        assert!(
            user != 0 || !self.is_set("runAsNonRoot"),
            "CreateContainerConfigError: container has runAsNonRoot and image will run as root: {}",
            self.spec
        );
        user
    }

    /// The shell script that makes the root and runs the command line in it.
    fn script(&self, root: &Path, user: u32) -> String {
        let mut script = Script::new(root);
        if self.is_ours() {
            bare_image(root);
        } else {
            runner_image(root, user, &mut script);
        }
        self.mounts(&mut script);
        if self.is_set("readOnlyRootFilesystem") {
            script.line(&format!("mount -o remount,bind,ro {}", quoted(root)));
        }
        let mut line = format!("exec chroot {} {SETPRIV}", quoted(root));
        for word in self.privileges(user).into_iter().chain(self.command_line()) {
            line.push(' ');
            line.push_str(&quoted(&word));
        }
        script.line(&line);
        script.text
    }

    fn mounts(&self, script: &mut Script<'_>) {
        let mut mounts: Vec<&Value> = entries(self.spec, "/volumeMounts").collect();
        mounts.sort_by_key(|mount| text(mount, "mountPath").matches('/').count());
        for mount in mounts {
            let volume = self.pod.volumes.get(text(mount, "name"));
            let sub_path = match text(mount, "subPathExpr") {
                "" => text(mount, "subPath").to_owned(),
                expression => self.variables.expand(expression),
            };
            let source = source(&volume.folder, &sub_path);
            let is_read_only =
                volume.is_read_only || mount.get("readOnly") == Some(&Value::Bool(true));
            script.bind(&source, text(mount, "mountPath"), is_read_only);
        }
    }

    /// Arguments of setpriv.
    fn privileges(&self, user: u32) -> Vec<String> {
        let group = self.security("runAsGroup").and_then(Value::as_u64);
        // Without a group, the image's group is used: that of root, or of its own user.
        let of_image = if self.is_ours() { NOBODY } else { 0 };
        let group = group.map_or(of_image, id);
        let fs_group = self.pod.pod.pointer("/spec/securityContext/fsGroup");
        let groups: Vec<String> = [Some(group), fs_group.and_then(Value::as_u64).map(id)]
            .into_iter()
            .flatten()
            .map(|group| group.to_string())
            .collect();
        let drops = self.spec.pointer("/securityContext/capabilities/drop");
        let drops_all = drops
            .and_then(Value::as_array)
            .is_some_and(|drops| drops.iter().any(|name| name == "ALL"));
        let mut bounding = "-all".to_owned();
        if !drops_all {
            for name in CAPABILITIES {
                let _ = write!(bounding, ",+{name}");
            }
        }
        let mut words = vec![
            format!("--reuid={user}"),
            format!("--regid={group}"),
            format!("--groups={}", groups.join(",")),
            "--inh-caps=-all".to_owned(),
            format!("--bounding-set={bounding}"),
        ];
        let escalates = self
            .spec
            .pointer("/securityContext/allowPrivilegeEscalation");
        if escalates == Some(&Value::Bool(false)) {
            words.push("--no-new-privs".to_owned());
        }
        words.push("--".to_owned());
        words
    }

    fn command_line(&self) -> Vec<String> {
        let words = |pointer: &str| -> Vec<String> {
            let words = entries(self.spec, pointer).filter_map(Value::as_str);
            words.map(|word| self.variables.expand(word)).collect()
        };
        let mut command = words("/command");
        let args = words("/args");
        if command.is_empty() {
            command.push("/entrypoint".to_owned());
            if args.is_empty() {
                command.push("run".to_owned());
            }
        }
        // The host may lack the init program of the image.
        if command
            .first()
            .is_some_and(|first| first.ends_with("dumb-init"))
        {
            command.retain(|word| !word.ends_with("dumb-init") && word != "--");
        }
        command.into_iter().chain(args).collect()
    }
}

/// The home of the runner's own user.
const HOME: &str = "/home/gitlab-runner";

/// Puts runner-terminal into the root, and setpriv, which starts it.
fn bare_image(root: &Path) {
    let program = artifact("release/runner-terminal");
    copy(&program, root, "/usr/local/bin/runner-terminal");
    copy(Path::new(SETPRIV), root, SETPRIV);
    // Programs of a release are linked statically. Those that the tests build are not.
    for program in [&program, Path::new(SETPRIV)] {
        for library in libraries(program) {
            copy(&library, root, &library.to_string_lossy());
        }
    }
}

/// Makes the root of an image with a shell and `gitlab-runner`.
fn runner_image(root: &Path, user: u32, script: &mut Script<'_>) {
    for folder in [
        "usr",
        "opt",
        "dev",
        "tmp",
        "root",
        "etc/gitlab-runner",
        HOME,
    ] {
        let folder = root.join(folder.trim_start_matches('/'));
        fs::create_dir_all(folder).expect("a temporary folder can be made");
    }
    set_mode(&root.join("tmp"), 0o1777);
    set_mode(&root.join("etc/gitlab-runner"), 0o700);
    let home = root.join(HOME.trim_start_matches('/'));
    chown(home, Some(user), Some(0)).expect("root gives files away");
    script.bind(Path::new("/usr"), "/usr", true);
    for folder in ["bin", "sbin", "lib", "lib64"] {
        let host = Path::new("/").join(folder);
        let link = root.join(folder);
        if let Ok(target) = fs::read_link(&host) {
            std::os::unix::fs::symlink(target, link).expect("a link can be made");
        } else if host.is_dir() {
            fs::create_dir(link).expect("a temporary folder can be made");
            script.bind(&host, &format!("/{folder}"), true);
        }
    }
    for device in ["/dev/null", "/dev/urandom"] {
        script.bind(Path::new(device), device, false);
    }
    // For programs that an image's script runs and the host may lack.
    let programs = root.join("opt/bin");
    fs::create_dir(&programs).expect("a temporary folder can be made");
    copy(&gitlab_runner(), root, "/opt/bin/gitlab-runner");
    script.bind(&programs, "/usr/local/bin", true);
    let entrypoint = root.join("entrypoint");
    let text = "#!/bin/sh\nexec gitlab-runner \"$@\"\n";
    fs::write(&entrypoint, text).expect("a temporary file can be written");
    set_mode(&entrypoint, 0o755);
}

/// The stand-in for GitLab Runner, which cargo builds with the tests.
fn gitlab_runner() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its path");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("it is in a folder of target");
    let program = folder.join("gitlab-runner");
    assert!(program.is_file(), "{} is missing", program.display());
    program
}

/// The dynamic libraries of a program, with the loader.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = command::run(Command::new("ldd").arg(program), b"");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let words = listed.split_whitespace();
    words
        .filter(|word| word.starts_with('/') && !word.ends_with(':'))
        .map(PathBuf::from)
        .collect()
}

fn copy(file: &Path, root: &Path, to: &str) {
    let to = root.join(to.trim_start_matches('/'));
    let folder = to.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("a temporary folder can be made");
    fs::copy(file, to).expect("a temporary file can be written");
}

/// What is mounted for a `subPath`. The kubelet creates a folder if it does not exist.
fn source(volume: &Path, sub_path: &str) -> PathBuf {
    if sub_path.is_empty() {
        return volume.to_owned();
    }
    let source = volume.join(sub_path);
    if !source.exists() {
        fs::create_dir_all(&source).expect("a temporary folder can be made");
        let mode = fs::metadata(volume).expect("the volume was made");
        fs::set_permissions(&source, mode.permissions()).expect("root sets any mode");
    }
    let source = source.canonicalize().expect("the file was found");
    assert!(source.starts_with(volume.canonicalize().expect("the volume was made")));
    source
}

/// Commands that root runs in a separate mount namespace.
struct Script<'r> {
    root: &'r Path,
    text: String,
}

impl<'r> Script<'r> {
    fn new(root: &'r Path) -> Self {
        let mut script = Self {
            root,
            text: String::new(),
        };
        let root = quoted(root);
        script.line(&format!("mount --bind {root} {root}"));
        // The script's own folder is the root that was mounted over.
        script.line("cd /");
        script
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Mounts a file or a folder at a path, which is created first, as container runtimes do.
    fn bind(&mut self, source: &Path, path: &str, is_read_only: bool) {
        let target = self.root.join(path.trim_start_matches('/'));
        let parent = quoted(target.parent().unwrap_or(self.root));
        let target = quoted(&target);
        if source.is_dir() {
            self.line(&format!("mkdir -p {target}"));
        } else {
            self.line(&format!(
                "mkdir -p {parent}; [ -e {target} ] || : > {target}"
            ));
        }
        self.line(&format!("mount --bind {} {target}", quoted(source)));
        if is_read_only {
            self.line(&format!("mount -o remount,bind,ro {target}"));
        }
    }
}

/// A word of a shell's command line.
fn quoted(word: impl AsRef<Path>) -> String {
    let word = word.as_ref().to_string_lossy();
    format!("'{}'", word.replace('\'', r"'\''"))
}
