//! Pinned versions are checked for updates, and claims have tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use real_hosts::workspace_root;
use serde_json::Value;

/// The oldest supported versions, which must not be updated.
const LEFT_ALONE: &str = "/tests/hosts/versions";

fn read(name: &str) -> String {
    let path = workspace_root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(name: &str) -> Value {
    yaml_serde::from_str(&read(name)).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

fn workflows() -> Vec<String> {
    let folder = workspace_root().join(".github/workflows");
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .map(|name| format!(".github/workflows/{name}"))
        .collect();
    names.sort();
    names
}

/// Each folder with pinned dependencies, by what pins them.
fn pinned() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut git = Command::new("git");
    git.current_dir(workspace_root());
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = String::from_utf8(git.output().unwrap().stdout).unwrap();
    let kinds = [
        ("Cargo.lock", "cargo"),
        ("go.mod", "gomod"),
        ("package-lock.json", "npm"),
    ];
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for path in listed.lines().map(Path::new) {
        let name = path.file_name().unwrap().to_string_lossy();
        for (file, kind) in kinds {
            let folder = format!("/{}", path.parent().unwrap().display());
            if name == file && !folder.starts_with(LEFT_ALONE) {
                found.entry(kind).or_default().insert(folder);
            }
        }
    }
    found
}

#[test]
fn updates_are_looked_for_wherever_something_is_pinned() {
    let config = yaml(".github/dependabot.yml");
    let mut watched: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for update in config["updates"].as_array().unwrap() {
        let kind = update["package-ecosystem"].as_str().unwrap().to_owned();
        assert_eq!(update["schedule"]["interval"], "weekly", "{kind}");
        assert!(
            update["cooldown"]["default-days"].as_u64().unwrap() >= 7,
            "{kind}"
        );
        assert_eq!(update["groups"].as_object().unwrap().len(), 1, "{kind}");
        let folders = strings(&update["directories"]).into_iter().collect();
        assert!(
            watched.insert(kind.clone(), folders).is_none(),
            "{kind} is there twice"
        );
    }
    let actions = watched.remove("github-actions").unwrap();
    assert_eq!(actions, BTreeSet::from(["/".to_owned()]));
    let pinned: BTreeMap<_, _> = pinned()
        .into_iter()
        .map(|(kind, folders)| (kind.to_owned(), folders))
        .collect();
    assert_eq!(watched, pinned);
}

#[test]
fn the_workflows_have_the_oldest_rust_that_is_supported() {
    let manifest = read("Cargo.toml");
    let line = |start: &str| {
        let mut lines = manifest.lines();
        lines
            .find_map(|line| line.strip_prefix(start))
            .unwrap()
            .to_owned()
    };
    let oldest = line("rust-version = ");
    let oldest = oldest.trim_matches('"');
    for name in workflows() {
        assert_eq!(yaml(&name)["env"]["RUST"], format!("{oldest}.0"), "{name}");
    }
    let newest = read(".github/workflows/test.yml");
    assert!(newest.contains("rustup default stable\n"));
}

/// A tag can be moved to other code; a commit cannot.
#[test]
fn actions_are_pinned_by_their_commits() {
    let mut count = 0;
    for name in workflows() {
        for line in read(&name).lines() {
            let Some((_, action)) = line.split_once("uses: ") else {
                continue;
            };
            let (_, version) = action.split_once('@').unwrap();
            let (commit, version) = version.split_once(" # v").unwrap();
            assert!(
                commit.len() == 40 && !version.is_empty(),
                "{name}: {action}"
            );
            count += 1;
        }
    }
    assert!(count >= 20, "{count}");
}

/// Workflows have no permissions by default.
#[test]
fn workflows_have_no_right_that_a_job_does_not_name() {
    for name in workflows() {
        let workflow = yaml(&name);
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{name}");
        for (job, content) in workflow["jobs"].as_object().unwrap() {
            let rights = content["permissions"].as_object().unwrap();
            let writes = rights.values().filter(|right| *right == "write").count();
            assert!(writes == 0 || job == "publish", "{name}: {job}");
        }
    }
}

/// Each claim of `SECURITY.md` names tests that exist.
#[test]
fn the_threat_model_names_its_tests() {
    let page = read("SECURITY.md");
    let mut tests = BTreeSet::new();
    let mut claims = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let named: Vec<_> = row
            .split('`')
            .skip(1)
            .step_by(2)
            .filter_map(|code| code.split_once("::"))
            .collect();
        if named.is_empty() {
            continue;
        }
        claims += 1;
        for (file, test) in named {
            let text = read(file);
            let is_there = if file.ends_with(".rs") {
                // A test, or one that a macro generates with this name.
                text.contains(&format!("fn {test}("))
            } else {
                text.contains(&format!("\"{test}")) || text.contains(&format!("`{test}"))
            };
            assert!(is_there, "{file}::{test} is no test");
            tests.insert(format!("{file}::{test}"));
        }
    }
    assert!(claims >= 30, "{claims} claims");
    assert!(tests.len() >= 60, "{} tests", tests.len());
}

/// Each command in `docs/security.md` exists: its package, its test file, and tests with that
/// name in it.
#[test]
fn the_page_of_security_names_commands_that_are_there() {
    let folders = BTreeMap::from([
        ("conformance", "tests/conformance"),
        ("dist", "xtask/dist"),
        ("real-hosts", "tests/real-hosts"),
        ("runner-terminal", ""),
        ("runner-terminal-host", "host"),
    ]);
    let page = read("docs/security.md");
    let (mut tests, mut own) = (0, 0);
    for command in page.split('`').skip(1).step_by(2) {
        if let Some(command) = command.strip_prefix("cargo xtask ") {
            let name = command.split(' ').next().unwrap();
            let variant = format!("    {}{}", name[..1].to_uppercase(), &name[1..]);
            assert!(read("xtask/src/main.rs").contains(&variant), "{name}");
            own += 1;
        }
        let Some(command) = command.strip_prefix("cargo test ") else {
            continue;
        };
        let mut words = command.split(' ');
        let (mut package, mut file) = ("runner-terminal", None);
        while let Some(word) = words.next() {
            match word {
                "-p" => package = words.next().unwrap(),
                "--test" => file = words.next(),
                "--features" => {
                    let feature = words.next().unwrap();
                    let manifest = workspace_root().join(folders[package]).join("Cargo.toml");
                    let manifest = fs::read_to_string(manifest).unwrap();
                    assert!(manifest.contains(&format!("\n{feature} = ")), "{command}");
                }
                "--bin" => _ = words.next(),
                filter => {
                    let named = |text: &str| {
                        text.contains(&format!("fn {filter}"))
                            || text.contains(&format!("mod {filter};"))
                    };
                    let folder = workspace_root().join(folders[package]);
                    let sources = [folder.join("tests"), folder.join("src")];
                    assert!(
                        sources.iter().any(|folder| any_file(folder, &named)),
                        "{command}"
                    );
                }
            }
        }
        if let Some(file) = file {
            let path = workspace_root().join(folders[package]).join("tests");
            assert!(path.join(format!("{file}.rs")).is_file(), "{command}");
        }
        tests += 1;
    }
    assert!(tests >= 20 && own >= 6, "{tests} tests, {own} commands");
}

/// Whether the text of any Rust file in or below a folder satisfies the predicate.
fn any_file(folder: &Path, is_so: &dyn Fn(&str) -> bool) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return any_file(&path, is_so);
        }
        path.extension().is_some_and(|extension| extension == "rs")
            && is_so(&fs::read_to_string(&path).unwrap())
    })
}

/// The changelog and the security policy name the same version.
#[test]
fn the_changelog_tells_of_this_version() {
    let page = read("CHANGELOG.md");
    let heading = concat!("\n## [", env!("CARGO_PKG_VERSION"), "] - ");
    assert_eq!(page.matches(heading).count(), 1);
    let supported = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0;
    assert!(read("SECURITY.md").contains(&format!("| {supported}.x | yes |")));
}
