//! The user's token: without the line end of its file, and whether it has expired, as far as the
//! token itself says.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use kube::config::AuthInfo;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::problem::Problem;

/// Takes the white space around the token away, which files end in: kube would send it along.
///
/// # Errors
///
/// It is no token without that, either.
pub(super) fn trim(user: &mut AuthInfo) -> Result<(), Problem> {
    let Some(token) = read(user) else {
        return Ok(());
    };
    let trimmed = token.trim();
    if HeaderValue::from_str(trimmed).is_err() {
        return Err(Problem::Other(
            "the kubeconfig's token has characters that no token has".to_owned(),
        ));
    }
    // A file that holds nothing else stays one, which kube reads again when it has changed.
    if trimmed != token {
        user.token = Some(SecretString::from(trimmed));
    }
    Ok(())
}

/// Since when the token is expired, in RFC 3339; `None` when it is not, or cannot be told.
pub(super) fn expired(user: &AuthInfo) -> Option<String> {
    since(read(user)?.trim(), SystemTime::now())
}

/// The token, where there is one that can be read.
fn read(user: &AuthInfo) -> Option<String> {
    match (&user.token, &user.token_file) {
        (Some(token), _) => Some(token.expose_secret().to_owned()),
        (None, Some(path)) => fs::read_to_string(path).ok(),
        (None, None) => None,
    }
}

/// The `exp` of a JSON Web Token (RFC 7519), when it lies before `now`.
fn since(token: &str, now: SystemTime) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let end = claims.get("exp")?.as_u64()?;
    let end = UNIX_EPOCH.checked_add(Duration::from_secs(end))?;
    // A time beyond the year 9999 has no date, and is not over.
    (end < now).then(|| humantime::format_rfc3339_seconds(end).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn an_expired_token_is_told() {
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
