//! The command with arguments.

#![cfg(feature = "cluster")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod program;

use std::fs;

use program::{Ended, command, run, run_with_closed_output};

fn explain(arguments: &[&str], input: &str) -> Ended {
    run(command(&["explain"]).args(arguments), input.as_bytes())
}

fn chart(name: &str) -> String {
    fs::read_to_string(format!(
        "{}/../tests/fixtures/chart/chart-{name}.yaml",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

#[test]
fn the_version_is_the_packages() {
    let expected = concat!("runner-terminal ", env!("CARGO_PKG_VERSION"), "\n");
    for argument in ["version", "--version", "-V"] {
        let ended = run(&mut command(&[argument]), b"");
        assert_eq!((ended.code, ended.text()), (0, expected));
    }
}

#[test]
fn the_schema_is_the_file() {
    let schema = include_str!("../../docs/schema/sessionserver.json");
    for arguments in [
        &["schema"][..],
        &["schema", "SessionServer"],
        &["schema", "sessionserver"],
    ] {
        let ended = run(&mut command(arguments), b"");
        assert_eq!((ended.code, ended.text()), (0, schema));
    }
    let ended = run(&mut command(&["schema", "Pod"]), b"");
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.stderr,
        "runner-terminal: there is no kind \"Pod\"; there is: SessionServer, AdvertiseAddress, \
         VerifyTerminals\n"
    );
}

#[test]
fn help_names_the_commands_and_wrong_arguments_exit_with_2() {
    let ended = run(&mut command(&["--help"]), b"");
    assert_eq!(ended.code, 0);
    for word in ["explain", "schema", "version", "RUNNER_TERMINAL_MAX_MIB"] {
        assert!(ended.text().contains(word), "{word}");
    }
    assert_eq!(run(&mut command(&["apply"]), b"").code, 2);
}

#[test]
fn a_closed_output_is_no_panic() {
    for arguments in [
        &["schema"][..],
        &["version"],
        &["--help"],
        &["explain", "chart/chart-default.yaml"],
    ] {
        let ended = run_with_closed_output(&mut command(arguments), b"");
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (0, ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn explain_shows_diff_table_and_results() {
    let ended = explain(&["chart/chart-default.yaml"], "");
    let text = ended.text();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(text.starts_with("--- chart/chart-default.yaml\n+++ chart/chart-default.yaml\n@@ "));
    assert!(
        text.contains("\n+        - name: session-server\n"),
        "{text}"
    );
    assert!(
        text.contains("\n+---\n+apiVersion: v1\n+kind: Service\n"),
        "{text}"
    );
    assert!(text.contains("\nRESOURCE "), "{text}");
    assert!(
        text.contains(" + spec.template.spec.containers[gr-gitlab-runner].ports[session-server]\n"),
        "{text}"
    );
    assert!(
        text.contains(
            " + spec.template.metadata.annotations[runner-terminal.dev/config-checksum]\n"
        ),
        "{text}"
    );
    assert!(text.contains("\n5 resources stay as they are.\n"), "{text}");
    assert!(
        text.contains("\nrunner-terminal: warning: Service ci/"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "there are no colours in a pipe");
}

#[test]
fn explain_is_in_colour_where_that_is_asked_for() {
    let mut command = command(&["explain", "chart/chart-default.yaml"]);
    let ended = run(command.env("CLICOLOR_FORCE", "1"), b"");
    assert!(ended.text().contains("\u{1b}[32m+"));
    let ended = run(
        command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE"),
        b"",
    );
    assert!(!ended.text().contains('\u{1b}'));
}

#[test]
fn explain_exits_with_1_on_an_error() {
    let ended = explain(&["chart/chart-replicas-3.yaml"], "");
    assert_eq!(ended.code, 1);
    let text = ended.text();
    assert!(
        text.starts_with("runner-terminal: error: Deployment ci/gr-gitlab-runner, spec.replicas: "),
        "{text}"
    );
}

#[test]
fn explain_reads_standard_input_folders_and_lists() {
    let from_stdin = explain(&[], &chart("default"));
    assert!(from_stdin.text().starts_with("--- -\n+++ -\n"));
    assert_eq!(explain(&["-"], &chart("default")).stdout, from_stdin.stdout);

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    fs::write(folder.path().join("a.yaml"), "kind: Pod\n").unwrap();
    fs::write(folder.path().join("kustomization.yaml"), "resources: []\n").unwrap();
    fs::write(folder.path().join("b/c.yml"), chart("default")).unwrap();
    let from_folder = run(command(&["explain", "."]).current_dir(folder.path()), b"");
    let text = from_folder.text();
    assert!(text.starts_with("--- ./b/c.yml\n"), "{text}");
    assert!(text.contains("\n6 resources stay as they are.\n"), "{text}");

    let config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  \
                  name: session-server\n";
    let list = krm::documents::to_resource_list(&[("", &chart("default"))], config).unwrap();
    let from_list = explain(&[], &list.text);
    let text = from_list.text();
    assert!(text.starts_with("--- -\n+++ -\n"), "{text}");
    assert!(
        text.contains("\n+          - name: session-server\n"),
        "{text}"
    );
    assert!(text.contains(" -, item "), "{text}");
}

#[test]
fn explain_takes_a_function_config() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let text = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: \
                x\nspec:\n  advertiseAddress: terminal.example.com\n";
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let ended = explain(&["-c", config, "chart/chart-default.yaml"], "");
    assert_eq!(ended.code, 0);
    assert!(
        ended
            .text()
            .contains("advertise_address = \"terminal.example.com:9000\""),
        "{}",
        ended.text()
    );

    fs::write(config, "# nothing\n").unwrap();
    let ended = explain(&["-c", config, "chart/chart-default.yaml"], "");
    assert_eq!(ended.code, 1);
    let message = format!("runner-terminal: {config} is empty; it should hold a SessionServer");
    assert!(ended.stderr.starts_with(&message), "{}", ended.stderr);
}

/// A build by a stand-in for kustomize, which prints what it is given.
#[cfg(unix)]
#[test]
fn explain_of_a_kustomization_with_the_function_shows_what_it_changes_there() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata:\n  name: \
                x\nspec:\n  sessionTimeout: 1h\n  exposure:\n    type: NodePort\n    port: 31000\n";
    fs::write(at("config.yaml"), text).unwrap();
    fs::write(at("kustomize"), "#!/bin/sh\ncat built.yaml\n").unwrap();
    fs::set_permissions(at("kustomize"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(at("apps")).unwrap();
    let run_there = |line: &[&str], input: &str| {
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let mut command = command(line);
        run(
            command.current_dir(folder.path()).env("PATH", path),
            input.as_bytes(),
        )
    };
    /// The changed lines of a diff.
    fn changes(ended: &Ended) -> Vec<&str> {
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let lines = ended.text().lines();
        let is_change = |line: &&str| {
            let is_head = line.starts_with("--- ") || line.starts_with("+++ ");
            line.starts_with(['+', '-']) && !is_head
        };
        lines.filter(is_change).collect()
    }

    let chart = chart("default");
    let built = run_there(&["apply-to", "-", "-c", "config.yaml"], &chart);
    fs::write(at("built.yaml"), built.text()).unwrap();
    let before = run_there(&["explain", "-", "-c", "config.yaml"], &chart);
    let explained = run_there(&["explain", "-k", "apps"], "");
    assert_eq!(changes(&explained), changes(&before));
    assert!(changes(&explained).len() > 20, "{}", explained.text());
    let said = "info: apps runs the function itself: this is what the function changes there";
    assert!(explained.text().contains(said), "{}", explained.text());
    assert!(!explained.text().contains("its settings are lost"));

    let picture = run_there(&["explain", "--mermaid", "-k", "apps"], "");
    assert!(
        picture.text().contains("31000 to session-server"),
        "{}",
        picture.text()
    );
    assert!(picture.stderr.contains(said), "{}", picture.stderr);

    // If the build does not run the function, there are changes to show.
    fs::write(at("built.yaml"), &chart).unwrap();
    let explained = run_there(&["explain", "-k", "apps"], "");
    assert!(!explained.text().contains(said), "{}", explained.text());
    assert!(changes(&explained).len() > 20, "{}", explained.text());
}

#[test]
fn explain_names_the_file_and_line_that_it_cannot_take() {
    let ended = explain(&["nowhere.yaml"], "");
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .starts_with("runner-terminal: cannot read nowhere.yaml: ")
    );

    let ended = explain(&[], "a: 1\n--- |\n x\n");
    assert_eq!(
        ended.stderr,
        "runner-terminal: -:2: there is content on the line of the separator; put it on a line of \
         its own\n"
    );
}

#[test]
fn completions_know_the_commands() {
    for (shell, mark) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef runner-terminal"),
        ("fish", "complete -c runner-terminal"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let ended = run(&mut command(&["completions", shell]), b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        for word in [mark, "apply-to", "in-place"] {
            assert!(ended.text().contains(word), "{shell} lacks {word}");
        }
    }
}

#[test]
fn there_is_a_man_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let man = folder.path().join("share/man1");
    let ended = run(command(&["man"]).arg(&man), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let page = |name: &str| fs::read_to_string(man.join(name)).unwrap();
    assert!(page("runner-terminal.1").contains("RUNNER_TERMINAL_MAX_MIB"));
    for name in ["apply-to", "explain", "check", "resolve", "relay"] {
        let page = page(&format!("runner-terminal-{name}.1"));
        assert!(page.contains(".TH"), "{page}");
    }
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let ended = run(command(&["man"]).arg(&blocked), b"");
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains("cannot write man pages to "),
        "{}",
        ended.stderr
    );
}

/// If members of a List share values by an alias, the fields of each are listed.
#[test]
fn explain_lists_the_fields_of_members_that_share_anchors() {
    let list = format!(
        "kind: List\napiVersion: v1\nitems:\n{}{}",
        item(&include_str!("program/config.yaml").replace(
            "metadata: {name: runner, namespace: ci}",
            "metadata: &named {name: runner, namespace: ci}"
        )),
        item(&include_str!("program/runner.yaml").replace(
            "metadata: {name: runner, namespace: ci}",
            "metadata: *named"
        )),
    );
    let ended = explain(&["-"], &list);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let table = ended.text();
    assert!(table.contains("Deployment ci/runner"), "{table}");
    assert!(
        table.contains("+ spec.template.spec.containers[runner].ports"),
        "{table}"
    );
}

/// A document as an item in block style.
fn item(document: &str) -> String {
    let lines: Vec<&str> = document.lines().collect();
    format!("- {}\n", lines.join("\n  "))
}
