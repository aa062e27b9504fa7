//! Lengths of time on the command line.

use std::time::Duration;

use thiserror::Error;

/// Why text is not a length of time.
#[derive(Clone, Debug, PartialEq, Error)]
pub(crate) enum DurationError {
    /// `soon`, or a number that is too large.
    #[error("{0}; write 10s, or a number of seconds")]
    Invalid(#[from] humantime::DurationError),
    /// `0s`
    #[error("there must be some time")]
    Zero,
}

/// Reads a length of time: `10s`, `1m 30s`, or a number of seconds.
///
/// # Errors
///
/// It is not a length of time, or zero.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let timeout = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)?,
    };
    if timeout.is_zero() {
        return Err(DurationError::Zero);
    }
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit_or_is_in_seconds() {
        assert_eq!(parse("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse("10"), Ok(Duration::from_secs(10)));
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "0", "0s", "-1", "soon", "99999999999999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
