//! Secrets in a runner's configuration: the password of an address, comments, and tokens in the
//! templates of ExternalSecrets and SealedSecrets.

use std::fs;

use super::manifests::{CONFIG, SESSION_SERVER, WORKLOAD, run_all};
use super::place::{Place, base64};
use crate::program::SESSION_SERVER as KEEPS_ADDRESS;

const FINDS_ADDRESS: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: AdvertiseAddress
metadata:
  name: advertise-address
spec:
  source: Items
";
const VERIFIES: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: VerifyTerminals
metadata:
  name: verify
";

/// The runner with a Secret, a comment above it.
fn with_secret(place: &Place, section: &str) -> String {
    let comment = place.canaries.at("comment");
    format!(
        "# password: {comment}\n---\n# was {comment}\napiVersion: v1\nkind: Secret  # {comment}\n\
         metadata:\n  name: runner\n  namespace: ci\n{section}---\n{WORKLOAD}"
    )
}

fn indented(text: &str, by: usize) -> String {
    let indent = " ".repeat(by);
    text.lines()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}

/// Runs every command on manifests with an address to keep, one to set, and with the terminal off,
/// each before and after it has been applied.
fn run_with_each_config(place: &Place, how: &str, manifests: &str) {
    for (config, of) in [
        (KEEPS_ADDRESS.to_owned(), "address kept"),
        (SESSION_SERVER.to_owned(), "address set"),
        (
            SESSION_SERVER.replace("advertiseAddress:", "enabled: false #"),
            "off",
        ),
    ] {
        place.write("session-server.yaml", &config);
        place.write("manifests.yaml", manifests);
        place.run(how, &["verify", "manifests.yaml"], "");
        for again in [FINDS_ADDRESS, VERIFIES] {
            place.write("other.yaml", again);
            for words in [&["apply-to", "--check"], &["apply-to", "--diff"]] {
                let words = [&words[..], &["-c", "other.yaml", "manifests.yaml"]].concat();
                place.run(how, &words, "");
            }
        }
        run_all(place, &format!("{how}, {of}"), manifests);
        let applied = fs::read_to_string(place.path().join("manifests.yaml")).unwrap();
        if applied != manifests {
            run_all(place, &format!("{how}, {of}, applied"), &applied);
        }
    }
}

#[test]
fn the_password_of_an_advertised_address_is_not_shown() {
    let place = Place::new();
    let password = place.canaries.at("advertise_address password");
    for address in [
        format!("https://user:{password}@runner.example.com"),
        format!("user:{password}@runner.example.com:9000"),
        format!("{password}@runner.example.com"),
        // Without its `@` it is not a valid address, and no part of a Secret's value is quoted.
        format!("https:/user:{password}"),
        format!("runner.example.com:{password}"),
    ] {
        let toml = format!(
            "concurrent = 4\n# was {password}\n[session_server]\n  listen_address = \
             \"0.0.0.0:8093\"\n  advertise_address = \"{address}\"  # {password}\n"
        );
        let text = format!(
            "stringData:\n  # {password}\n  config.toml: |\n{}",
            indented(&toml, 4)
        );
        let encoded = format!("data:\n  config.toml: {}\n", base64(&toml));
        for (how, section) in [("text", text), ("base64", encoded)] {
            let manifests = with_secret(&place, &section);
            run_with_each_config(&place, how, &manifests);

            place.write("manifests.yaml", &manifests);
            place.write("session-server.yaml", KEEPS_ADDRESS);
            let words = [&["apply-to", "--check"], &CONFIG[..], &["manifests.yaml"]].concat();
            let refused = place.run("refused", &words, "");
            assert!(refused.stderr.contains("<masked>"), "{}", refused.stderr);
            place.write("session-server.yaml", SESSION_SERVER);
            let words = [&["apply-to", "--diff"], &CONFIG[..], &["manifests.yaml"]].concat();
            let diff = place.run("replaced", &words, "").text().to_owned();
            assert!(
                diff.contains("runner-terminal.dev/config-before: <masked "),
                "{diff}"
            );
        }
    }
    place.tell("advertised addresses");
}

#[test]
fn a_literal_token_in_a_template_is_not_shown() {
    let place = Place::new();
    let token = place.canaries.at("template token");
    let toml = format!(
        "concurrent = 4\n[[runners]]\n  token = \"glrt-{token}\"\n  # token = \"{token}\"\n\
         [[runners]]\n  token = \"{{{{ .token }}}}\"\n"
    );
    let block = format!("config.toml: |  # {token}\n{}", indented(&toml, 2));
    let quoted = format!("config.toml: {}\n", serde_json::json!(toml));
    for (data, is_block) in [(&block, true), (&quoted, false)] {
        for (kind, template) in [
            (
                "external-secrets.io/v1\nkind: ExternalSecret",
                "  target:\n    template:\n      data:\n",
            ),
            (
                "bitnami.com/v1alpha1\nkind: SealedSecret",
                "  encryptedData: {a: AgBy}\n  template:\n      data:\n",
            ),
        ] {
            let spec = format!(
                "spec:\n{template}{}        other: {token}\n",
                indented(data, 8)
            );
            let manifests = format!(
                "apiVersion: {kind}\nmetadata:\n  name: runner\n  namespace: ci\n{spec}---\n\
                 {WORKLOAD}"
            );
            run_with_each_config(&place, kind, &manifests);

            place.write("manifests.yaml", &manifests);
            place.write("session-server.yaml", SESSION_SERVER);
            let words = [&["apply-to", "--diff"], &CONFIG[..], &["manifests.yaml"]].concat();
            let diff = place.run("as it is", &words, "").text().to_owned();
            assert!(diff.contains("<masked "), "{diff}");
            assert_eq!(
                diff.contains("advertise_address = \"terminal.example.com:9000\""),
                is_block,
                "{diff}"
            );
        }
    }
    place.tell("templates");
}
