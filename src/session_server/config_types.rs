//! Checks that the values of `[session_server]` have the types that the runner decodes.
//!
//! Source: `SessionServer` in gitlab-runner's `common/config.go`. For any other type, its TOML
//! library returns an error, and the runner does not start.

use super::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, SESSION_TIMEOUT};
use super::config_plan::ConfigLocation;
use krm::results::{FunctionResult, Refusal};

/// Each key with its type, and what to write.
const TYPES: [(&str, &str, &str); 3] = [
    (LISTEN_ADDRESS, "string", "\"0.0.0.0:8093\""),
    (ADVERTISE_ADDRESS, "string", "\"HOST:PORT\""),
    (SESSION_TIMEOUT, "integer", "1800, in seconds"),
];

/// Checks a file, except the keys that are `replaced` later.
///
/// # Errors
/// A value that the runner cannot decode.
pub(crate) fn check(
    file: &ConfigFile,
    location: &ConfigLocation<'_>,
    replaced: &[&str],
) -> Result<(), Refusal> {
    for (key, wanted, example) in TYPES {
        let found = file.type_name(key).filter(|found| *found != wanted);
        if let Some(found) = found.filter(|_| !replaced.contains(&key)) {
            let error = FunctionResult::error(format!(
                "{key} of [session_server] has the type {found}, and the runner starts only with the type \
                 {wanted}: write {key} = {example}"
            ));
            return Err(Box::new(location.locate(error)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, replaced: &[&str]) -> Result<(), String> {
        let file = ConfigFile::parse(text).unwrap();
        check(&file, &ConfigLocation::FILE, replaced).map_err(|refusal| refusal.message)
    }

    #[test]
    fn the_runner_decodes_strings_and_an_integer_alone() {
        let right = "[session_server]\nlisten_address = ':1'\nadvertise_address = ''\nsession_timeout = 0x10\n";
        assert_eq!(checked(right, &[]), Ok(()));
        assert_eq!(
            checked("[session_server.sub]\nsession_timeout = true\n", &[]),
            Ok(())
        );
        for (line, found) in [
            ("listen_address = 8093", "integer"),
            ("listen_address = [':8093']", "array"),
            ("listen_address.port = 1", "table"),
            ("advertise_address = {}", "inline table"),
            ("session_timeout = 30.0", "float"),
            ("session_timeout = '30m'", "string"),
        ] {
            let key = line.split([' ', '.']).next().unwrap();
            let text = format!("[session_server]\n{line}\n");
            let message = checked(&text, &[]).unwrap_err();
            let expected = format!("{key} of [session_server] has the type {found}, and");
            assert!(message.starts_with(&expected), "{message}");
            assert_eq!(checked(&text, &[key]), Ok(()));
        }
    }
}
