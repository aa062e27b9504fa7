//! The user's token: trims it, and tells whether it has expired.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use kube::config::AuthInfo;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::error::ClusterError;

/// Removes the white space around the token, such as the line end of its file: kube would send it.
///
/// # Errors
///
/// The token has characters that a header cannot have.
pub(super) fn trim(user: &mut AuthInfo) -> Result<(), ClusterError> {
    let Some(token) = read(user) else {
        return Ok(());
    };
    let trimmed = token.trim();
    if HeaderValue::from_str(trimmed).is_err() {
        return Err(ClusterError::TokenCharacters);
    }
    // Otherwise the file's name stays set, and kube reads the file again when it changes.
    if trimmed != token {
        user.token = Some(SecretString::from(trimmed));
    }
    Ok(())
}

/// When the token expired, in RFC 3339; `None` if it has not, or if it names no expiry.
pub(super) fn expired(user: &AuthInfo) -> Option<String> {
    since(read(user)?.trim(), SystemTime::now())
}

fn read(user: &AuthInfo) -> Option<String> {
    match (&user.token, &user.token_file) {
        (Some(token), _) => Some(token.expose_secret().to_owned()),
        (None, Some(path)) => fs::read_to_string(path).ok(),
        (None, None) => None,
    }
}

/// The `exp` of a JSON Web Token (RFC 7519), if it is before `now`.
fn since(token: &str, now: SystemTime) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let end = claims.get("exp")?.as_u64()?;
    let end = UNIX_EPOCH.checked_add(Duration::from_secs(end))?;
    // A time beyond the year 9999 has no date, and is not past.
    (end < now).then(|| humantime::format_rfc3339_seconds(end).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn an_expired_token_is_recognized() {
        let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        assert_eq!(
            since(&token(r#"{"exp": 1700000000}"#), now).as_deref(),
            Some("2023-11-14T22:13:20Z")
        );
        for other in [
            token(r#"{"exp": 2100000000}"#),
            token(r#"{"exp": "soon"}"#),
            token("{}"),
            token("x"),
            "opaque".to_owned(),
            "a.b.c".to_owned(),
            String::new(),
        ] {
            assert_eq!(since(&other, now), None, "{other}");
        }
    }
}
