//! How long things take, in words.

use std::time::Duration;

/// A duration for a person: `0.4 s`, `31 s`, `6 min 28 s`.
pub(crate) fn took(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(took(Duration::from_millis(420)), "0.4 s");
        assert_eq!(took(Duration::from_millis(31_700)), "31 s");
        assert_eq!(took(Duration::from_secs(388)), "6 min 28 s");
    }
}
