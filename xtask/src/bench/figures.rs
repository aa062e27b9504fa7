//! Figures, formatted for people.

use super::measure::Measured;

/// A number with about three significant digits.
pub(crate) fn figure(value: f64) -> String {
    match value {
        ..0.1 => format!("{value:.4}"),
        0.1..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => count(value.round() as usize),
    }
}

/// A whole number with thousands separators: `100,000`.
pub(crate) fn count(value: usize) -> String {
    match value {
        0..1_000 => value.to_string(),
        _ => format!("{},{:03}", count(value / 1_000), value % 1_000),
    }
}

/// A time: `4.28 ms`.
pub(crate) fn milliseconds(seconds: f64) -> String {
    format!("{} ms", figure(seconds * 1e3))
}

/// A median with its spread, as two cells of a table.
pub(crate) fn cells(measured: &Measured) -> String {
    let (low, high) = measured.middle_half();
    let (low, high) = (figure(low * 1e3), figure(high * 1e3));
    format!("{} | {low}–{high}", milliseconds(measured.median()))
}

/// A size: `8.4 KiB`, `11.6 MiB`.
pub(crate) fn bytes(bytes: f64) -> String {
    let kibibytes = bytes / 1024.0;
    if kibibytes < 1024.0 {
        format!("{kibibytes:.1} KiB")
    } else {
        format!("{:.1} MiB", kibibytes / 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_exact_as_they_are_useful() {
        let shown = [0.00521, 0.521, 3.2468, 42.42, 1234.5].map(figure);
        assert_eq!(shown, ["0.0052", "0.521", "3.25", "42.4", "1,235"]);
    }

    #[test]
    fn thousands_stand_apart() {
        let shown = [7, 1_000, 123_456, 1_234_567].map(count);
        assert_eq!(shown, ["7", "1,000", "123,456", "1,234,567"]);
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!([8_617.0, 12_160_197.0].map(bytes), ["8.4 KiB", "11.6 MiB"]);
    }
}
