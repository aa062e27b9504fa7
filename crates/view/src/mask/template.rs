//! Recognises literal values in the templates of objects that generate Secrets, such as
//! ExternalSecrets.
//!
//! A template that only refers to the contents of a secret store is not secret, and is worth
//! reading in a diff. A token written into it literally is as secret as in a Secret.

/// Sections and fields of a template that have no value of the Secret.
pub(super) const SHOWN: [&str; 12] = [
    "apiVersion",
    "configMap",
    "engineVersion",
    "immutable",
    "kind",
    "mergePolicy",
    "metadata",
    "name",
    "secret",
    "target",
    "templateAs",
    "type",
];

/// Keys of config.toml whose text is not secret, unless it contains credentials.
const HARMLESS: [&str; 10] = [
    "advertise_address",
    "executor",
    "image",
    "listen_address",
    "log_format",
    "log_level",
    "name",
    "namespace",
    "shell",
    "url",
];

/// True for an object that generates Secrets from a template.
pub(super) fn is_maker(kind: &str) -> bool {
    kind.ends_with("Secret") && kind != "Secret"
}

/// True for a line that has no literal value, as far as can be told: nothing but Go templates, the
/// header of a TOML table, or a key with a number, a boolean, a template or a harmless text.
pub(super) fn is_shown(line: &str) -> bool {
    let line = line.trim();
    if is_template(line) || is_header(line) {
        return true;
    }
    let Some((key, value)) = line.split_once('=') else {
        return false;
    };
    let (key, value) = (key.trim(), value.trim());
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    key.chars().all(is_bare)
        && (is_number_or_boolean(value)
            || text(value).is_some_and(|text| {
                is_template(text) || HARMLESS.contains(&key) && !text.contains('@')
            }))
}

/// The content of a quoted string that is the complete value.
fn text(value: &str) -> Option<&str> {
    ['"', '\''].iter().find_map(|quote| {
        let content = value.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!content.contains(*quote)).then_some(content)
    })
}

/// True if a text consists only of Go templates without quoted strings in them.
fn is_template(text: &str) -> bool {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let inside = rest
            .strip_prefix("{{")
            .and_then(|rest| rest.split_once("}}"));
        let Some((action, after)) = inside else {
            return false;
        };
        let is_comment = action.trim_start_matches(['-', ' ']).starts_with("/*");
        if is_comment || action.contains(['"', '\'', '`']) {
            return false;
        }
        rest = after.trim_start();
    }
    true
}

/// `[session_server]`, `[[runners]]`
fn is_header(line: &str) -> bool {
    let inside = line
        .strip_prefix('[')
        .and_then(|line| line.strip_suffix(']'));
    inside.is_some_and(|inside| {
        let is_name = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.' | '[' | ']' | '3');
        inside.chars().all(is_name)
    })
}

fn is_number_or_boolean(value: &str) -> bool {
    matches!(value, "true" | "false")
        || !value.is_empty() && value.len() < 8 && value.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_and_harmless_settings_are_shown() {
        for line in [
            "",
            "    ",
            "concurrent = 4",
            "[[runners]]",
            "  [runners.cache.s3]",
            "  privileged = true",
            "  name = \"one\"",
            "  url = 'https://gitlab.example.com'",
            "  token = \"{{ .token }}\"",
            "  token = \"{{ .first }}{{ .second | trim }}\"",
            "{{- range .runners }}",
            "advertise_address = \"terminal.example.com:9000\"",
        ] {
            assert!(is_shown(line), "{line}");
        }
    }

    #[test]
    fn literals_are_not() {
        for line in [
            "token = \"glrt-canary\"",
            "token = 'glrt-canary'",
            "token = \"{{ .prefix }}canary\"",
            "token = \"{{ \"canary\" }}\"",
            "token = \"{{ `canary` }}\"",
            "token = \"{{ .token }}\" # canary",
            "token = \"\" \"canary\"",
            "SecretKey = \"canary\"",
            "environment = [\"PASSWORD=canary\"]",
            "url = \"https://user:canary@gitlab.example.com\"",
            "name = \"\"\"canary",
            "name = \"one\" # \"canary\"",
            "# token = \"canary\"",
            "{{/* canary */}}",
            "[\"canary\"]",
            "[CANARY]",
            "canary",
            "canary = ",
            "pin = 12345678901234567890",
        ] {
            assert!(!is_shown(line), "{line}");
        }
    }
}
