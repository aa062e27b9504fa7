//! The one time of a release.

use std::time::{Duration, UNIX_EPOCH};

/// Seconds since 1970 as a text, such as `2026-01-31T12:00:00Z`.
pub(crate) fn rfc_3339(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}
