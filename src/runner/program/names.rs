//! The names of programs.

/// The program.
pub(super) const RUNNER: &str = "gitlab-runner";

/// Its name before version 10.
pub(super) const OLD_RUNNER: &str = "gitlab-ci-multi-runner";

/// Folders of programs that come with the system. A program in any other folder is specific to the
/// image.
const SYSTEM_FOLDERS: [&str; 4] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];

/// Programs that run the program in their arguments, with their options that take a value, and the
/// number of arguments before the program.
pub(super) const WRAPPERS: [(&str, &[&str], usize); 21] = [
    ("busybox", &[], 0),
    ("catatonit", &["-g"], 0),
    ("chroot", &[], 1),
    ("command", &[], 0),
    ("dumb-init", &["-r", "--rewrite"], 0),
    ("env", &["-u", "--unset", "-C", "--chdir"], 0),
    ("exec", &["-a"], 0),
    ("gosu", &[], 1),
    ("ionice", &["-c", "-n", "-p"], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("nohup", &[], 0),
    ("runuser", &["-u", "-g", "-G"], 0),
    ("s6-setuidgid", &[], 1),
    ("setpriv", &["--reuid", "--regid", "--groups"], 0),
    ("setuidgid", &[], 1),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("su-exec", &[], 1),
    ("sudo", &["-u", "-g", "-h", "-p", "-C"], 0),
    ("timeout", &["-k", "--kill-after", "-s", "--signal"], 1),
    ("tini", &["-e", "-p"], 0),
    ("tini-static", &["-e", "-p"], 0),
];

pub(super) const SHELLS: [&str; 8] = [
    "ash",
    "bash",
    "cmd",
    "dash",
    "ksh",
    "powershell",
    "sh",
    "zsh",
];

/// The last segment of a Linux path.
pub(in crate::runner) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The name of a program, without folders and the Windows extension.
pub(super) fn name_of(program: &str) -> String {
    let name = program.rsplit_once('\\').map_or(program, |(_, name)| name);
    let name = file_name(name).to_ascii_lowercase();
    name.strip_suffix(".exe")
        .map_or(name.clone(), str::to_owned)
}

pub(in crate::runner) fn is_runner(program: &str) -> bool {
    let name = name_of(program);
    // The binaries that GitLab publishes include their platform in the name.
    let platform = name.strip_prefix("gitlab-runner-");
    let is_binary = platform.is_some_and(|platform| {
        ["linux-", "darwin-", "freebsd-", "windows-"]
            .iter()
            .any(|system| platform.starts_with(system))
    });
    name == RUNNER || name == OLD_RUNNER || is_binary
}

pub(in crate::runner) fn is_wrapper(program: &str) -> bool {
    let name = name_of(program);
    SHELLS.contains(&name.as_str()) || WRAPPERS.iter().any(|(wrapper, ..)| *wrapper == name)
}

/// True for a program that is specific to the image and may start anything; false for one that
/// comes with the system.
pub(super) fn is_of_image(path: &str) -> bool {
    let is_script = [".sh", ".bash", ".py", ".pl", ".rb", ".ps1", ".bat", ".cmd"]
        .iter()
        .any(|ending| path.ends_with(ending));
    let folder = path.rsplit_once('/').map(|(folder, _)| folder);
    is_script || folder.is_some_and(|folder| !SYSTEM_FOLDERS.contains(&folder))
}
