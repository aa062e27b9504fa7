//! The JSON Schemas of the function configs, for editors and for CI.

use runner_terminal::function_config::ApiVersion;
use thiserror::Error;

/// There is no function config of that kind.
#[derive(Debug, Error)]
#[error("there is no kind {kind:?}; there is: {}", kinds().join(", "))]
pub(crate) struct UnknownKind {
    kind: String,
}

/// Each kind of function config and its schemas: of v1alpha1, and of v1beta1.
const SCHEMAS: [(&str, [&str; 2]); 3] = [
    (
        "SessionServer",
        [
            include_str!("../../docs/schema/sessionserver.json"),
            include_str!("../../docs/schema/v1beta1/sessionserver.json"),
        ],
    ),
    (
        "AdvertiseAddress",
        [
            include_str!("../../docs/schema/advertiseaddress.json"),
            include_str!("../../docs/schema/v1beta1/advertiseaddress.json"),
        ],
    ),
    (
        "VerifyTerminals",
        [
            include_str!("../../docs/schema/verifyterminals.json"),
            include_str!("../../docs/schema/v1beta1/verifyterminals.json"),
        ],
    ),
];

/// The schema of a kind, ignoring case; without a kind, the first one.
///
/// # Errors
///
/// There is no such kind.
pub(crate) fn of(kind: Option<&str>, version: ApiVersion) -> Result<&'static str, UnknownKind> {
    SCHEMAS
        .iter()
        .find(|(name, _)| kind.is_none_or(|kind| kind.eq_ignore_ascii_case(name)))
        .map(|(_, [alpha, beta])| match version {
            ApiVersion::V1Alpha1 => *alpha,
            ApiVersion::V1Beta1 => *beta,
        })
        .ok_or_else(|| UnknownKind {
            kind: kind.unwrap_or_default().to_owned(),
        })
}

fn kinds() -> Vec<&'static str> {
    SCHEMAS.iter().map(|(name, _)| *name).collect()
}
