//! What errors of the libraries below, and statuses of the API server, mean.

use std::error::Error as StdError;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use http::StatusCode;
use kube::client::AuthError;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use serde_json::Value;

use super::error::ClusterError;

/// The end of the year 9999: a later time has no date.
const LAST_SECOND: u64 = 253_402_300_799;

/// What an error of a client means.
pub(crate) fn of_client(error: &kube::Error) -> ClusterError {
    match error {
        kube::Error::Auth(error) => of_credential(error),
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => ClusterError::ProxyScheme,
        kube::Error::RustlsTls(error) => ClusterError::ClientTls(error.to_string()),
        kube::Error::InferKubeconfig(_) => ClusterError::ClientCertificate,
        other => of_chain(other),
    }
}

/// What an error while a body is read means.
pub(super) fn of_body(error: &(dyn StdError + 'static)) -> ClusterError {
    of_chain(error)
}

/// What a status means. `body` is the API's Status, or anything.
pub(super) fn of_status(
    status: StatusCode,
    retry_after: Option<Duration>,
    body: &[u8],
) -> ClusterError {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_status = value.get("kind").and_then(Value::as_str) == Some("Status");
    let message = value.get("message").and_then(Value::as_str);
    match status {
        StatusCode::UNAUTHORIZED => ClusterError::Unauthorized,
        StatusCode::FORBIDDEN if is_status => {
            ClusterError::Forbidden(message.unwrap_or_default().to_owned())
        }
        StatusCode::NOT_FOUND if is_status && value.pointer("/details/name").is_some() => {
            ClusterError::Absent
        }
        StatusCode::GONE if is_status => ClusterError::Gone,
        StatusCode::TOO_MANY_REQUESTS => ClusterError::Throttled(retry_after),
        status if status.is_server_error() => ClusterError::Server(status),
        status => ClusterError::NotKubernetes(format!("the status {status}")),
    }
}

/// What an error event of a watch means.
pub(super) fn of_event(status: Option<&Value>) -> ClusterError {
    let code = status
        .and_then(|status| status.get("code")?.as_u64())
        .and_then(|code| u16::try_from(code).ok())
        .and_then(|code| StatusCode::from_u16(code).ok());
    let body = status.map(ToString::to_string).unwrap_or_default();
    let seconds = status.and_then(|s| s.pointer("/details/retryAfterSeconds")?.as_u64());
    match code {
        Some(code) => of_status(code, seconds.map(Duration::from_secs), body.as_bytes()),
        None => ClusterError::Broken,
    }
}

fn of_credential(error: &AuthError) -> ClusterError {
    ClusterError::Plugin(match error {
        AuthError::ReadTokenFile(error, path) => {
            return ClusterError::TokenFile(format!("{}: {error}", path.display()));
        }
        AuthError::AuthExecRun { out, .. } => {
            let stderr = String::from_utf8_lossy(&out.stderr);
            let last = stderr.lines().rfind(|line| !line.trim().is_empty());
            match last {
                Some(last) => format!("it ended with {}, and said: {}", out.status, last.trim()),
                None => format!("it ended with {}", out.status),
            }
        }
        AuthError::AuthExecStart(error) => format!("it does not start: {error}"),
        AuthError::MissingCommand => "the kubeconfig names none".to_owned(),
        // The output is the credential, and so is not shown.
        AuthError::AuthExecParse(_) => "what it printed is no ExecCredential".to_owned(),
        _ => "its credential cannot be used".to_owned(),
    })
}

/// Looks for the most specific cause in the chain of an error.
fn of_chain(error: &(dyn StdError + 'static)) -> ClusterError {
    let mut cause = Some(error);
    let mut found = None;
    while let Some(error) = cause {
        found = match found {
            // What follows is about the proxy, not about the server.
            Some(ClusterError::Proxy) => found,
            _ => of_cause(error).or(found),
        };
        cause = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            // `source` skips the error that an io::Error wraps.
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    found.unwrap_or_else(|| ClusterError::Unreachable("the connection failed".to_owned()))
}

fn of_cause(error: &(dyn StdError + 'static)) -> Option<ClusterError> {
    // A credential that is renewed before a request.
    if let Some(error) = error.downcast_ref::<AuthError>() {
        return Some(of_credential(error));
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return of_http(error);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error);
    }
    // These two types of hyper-util are private, so only their messages identify them.
    let message = error.to_string();
    if message.starts_with("dns error") {
        Some(ClusterError::NoSuchHost)
    } else if message.starts_with("tunnel error") || message.starts_with("proxy authorization") {
        Some(ClusterError::Proxy)
    } else {
        None
    }
}

fn of_tls(error: &rustls::Error) -> ClusterError {
    let what = match error {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => return ClusterError::UnknownAuthority,
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { time, not_after }) => {
            format!(
                "its certificate expired at {}, and this machine's clock says {}: is that right?",
                date(*not_after),
                date(*time)
            )
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
            time,
            not_before,
        }) => format!(
            "its certificate is not valid before {}, and this machine's clock says {}: is that \
             right?",
            date(*not_before),
            date(*time)
        ),
        rustls::Error::AlertReceived(alert) => {
            format!("the server ended the TLS handshake: {alert:?}")
        }
        other => other.to_string(),
    };
    ClusterError::Certificate(what)
}

fn of_http(error: &hyper::Error) -> Option<ClusterError> {
    if error.is_parse() {
        Some(ClusterError::NotKubernetes("what is no HTTP".to_owned()))
    } else {
        (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
            .then_some(ClusterError::Broken)
    }
}

fn of_io(error: &io::Error) -> Option<ClusterError> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(ClusterError::Refused),
        io::ErrorKind::TimedOut => Some(ClusterError::Timeout),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(ClusterError::Broken),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            Some(ClusterError::Unreachable(error.to_string()))
        }
        _ => None,
    }
}

/// A time of a certificate, in RFC 3339; in seconds if it is not a date.
fn date(time: UnixTime) -> String {
    let seconds = time.as_secs();
    match UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        Some(time) if seconds <= LAST_SECOND => humantime::format_rfc3339_seconds(time).to_string(),
        _ => format!("second {seconds}"),
    }
}
