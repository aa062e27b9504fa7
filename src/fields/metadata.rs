//! Labels and annotations as the API server takes them.
//!
//! Source: `IsQualifiedName` and `IsValidLabelValue` in Kubernetes' apimachinery.

use std::collections::BTreeMap;

use super::ConfigError;

/// The group of this project's own keys, by which it recognises what it added.
const OWN_GROUP: &str = "runner-terminal.dev";

/// Checks labels before they are set on a resource.
pub(crate) fn check_labels(
    path: &str,
    labels: &BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    for (key, value) in labels {
        check_own(path, key)?;
        check_label(path, key, std::slice::from_ref(value))?;
    }
    Ok(())
}

/// Checks annotations before they are set on a resource.
pub(crate) fn check_annotations(
    path: &str,
    annotations: &BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    for key in annotations.keys() {
        check_own(path, key)?;
        check_key(path, &key.to_lowercase())?;
    }
    Ok(())
}

/// Checks a label's key, and values that it may have.
pub(crate) fn check_label(path: &str, key: &str, values: &[String]) -> Result<(), ConfigError> {
    check_key(path, key)?;
    match values.iter().find(|value| !is_label_value(value)) {
        None => Ok(()),
        Some(value) => Err(ConfigError::new(
            path,
            format!(
                "has the value {value:?} for {key:?}, and a label's value has at most 63 letters, \
                 digits, \"-\", \"_\" and \".\", and begins and ends with a letter or digit"
            ),
        )),
    }
}

fn check_own(path: &str, key: &str) -> Result<(), ConfigError> {
    let (prefix, _) = key.split_once('/').unwrap_or_default();
    let prefix = prefix.to_ascii_lowercase();
    let is_own = prefix == OWN_GROUP || prefix.ends_with(&format!(".{OWN_GROUP}"));
    if !is_own {
        return Ok(());
    }
    Err(ConfigError::new(
        path,
        format!(
            "has the key {key}, which is not yours to set: this function finds by it what it has \
             made. Leave it out"
        ),
    ))
}

fn check_key(path: &str, key: &str) -> Result<(), ConfigError> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if is_name(name) && prefix.is_none_or(is_subdomain) {
        return Ok(());
    }
    Err(ConfigError::new(
        path,
        format!(
            "has the key {key:?}, and a key is a name of at most 63 letters, digits, \"-\", \"_\" \
             and \".\", which begins and ends with a letter or digit, after a DNS name and \"/\" or \
             without one"
        ),
    ))
}

fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

fn is_name(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric();
    name.len() <= 63
        && name.starts_with(is_end)
        && name.ends_with(is_end)
        && name.chars().all(|c| is_end(c) || "-_.".contains(c))
}

/// RFC 1123, in lower case.
pub(crate) fn is_subdomain(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.split('.').all(|label| {
            label.starts_with(is_end)
                && label.ends_with(is_end)
                && label.chars().all(|c| is_end(c) || c == '-')
        })
}

/// The alphabet of RFC 1123, without a check of the length: a label is limited as a name of its
/// own, but not as part of a subdomain.
///
/// Source: `IsDNS1123Label` and `IsDNS1123Subdomain` in Kubernetes' apimachinery.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_end)
        && text.ends_with(is_end)
        && text.chars().all(|c| is_end(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_those_that_kubernetes_takes() {
        for key in [
            "a",
            "A.b_c-d",
            "example.com/a",
            "a.example.com/B",
            &"a".repeat(63),
        ] {
            assert!(check_label("p", key, &[]).is_ok(), "{key}");
        }
        for key in [
            "",
            "-a",
            "a-",
            "a b",
            "/a",
            "a/",
            "Example.com/a",
            "a/b/c",
            "é",
            &"a".repeat(64),
        ] {
            assert!(check_label("p", key, &[]).is_err(), "{key}");
        }
        for (value, fits) in [
            ("", true),
            ("a_B.c", true),
            ("a/b", false),
            ("-", false),
            ("a\n", false),
        ] {
            assert_eq!(
                check_label("p", "k", &[value.to_owned()]).is_ok(),
                fits,
                "{value:?}"
            );
        }
    }

    #[test]
    fn an_annotation_takes_upper_case_and_no_key_of_ours() {
        let with = |key: &str| BTreeMap::from([(key.to_owned(), "any thing\n".to_owned())]);
        assert!(check_annotations("p", &with("Example.com/A")).is_ok());
        for key in [
            "a b",
            "runner-terminal.dev/x",
            "Runner-Terminal.dev/x",
            "x.runner-terminal.dev/x",
        ] {
            assert!(check_annotations("p", &with(key)).is_err(), "{key}");
        }
        assert!(check_annotations("p", &with("runner-terminal.dev")).is_ok());
    }
}
