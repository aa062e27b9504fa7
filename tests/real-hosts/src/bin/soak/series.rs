//! What was measured over time, and whether it grew.

use serde_json::{Value, json};

/// A measure, at equal intervals.
pub(crate) struct Series {
    name: &'static str,
    values: Vec<f64>,
}

/// What is allowed on top of [`SHARE`].
#[derive(Clone, Copy)]
pub(crate) struct Slack(pub(crate) f64);

/// By how much the last quarter may exceed the second: an allocator is not exact.
const SHARE: f64 = 0.05;

impl Series {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            values: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The problem, if it grew: the median of the last quarter is compared with that of the second.
    /// In the first quarter, a program warms up.
    pub(crate) fn growth(&self, Slack(slack): Slack) -> Option<String> {
        let Self { name, values } = self;
        let quarter = values.len() / 4;
        let of = |from: usize| values.get(from..from + quarter).and_then(median);
        let (Some(early), Some(late)) = (of(quarter), of(values.len() - quarter)) else {
            let count = values.len();
            return Some(format!(
                "{name} was measured {count} times, and 4 are needed to tell whether it grew"
            ));
        };
        (late > early * (1.0 + SHARE) + slack)
            .then(|| format!("{name} grew from {early:.1} to {late:.1}: {values:.1?}"))
    }

    /// The values, and their range.
    pub(crate) fn to_json(&self) -> Value {
        let rounded = |value: f64| (value * 10.0).round() / 10.0;
        let values: Vec<_> = self.values.iter().copied().map(rounded).collect();
        let least = values.iter().copied().reduce(f64::min);
        let most = values.iter().copied().reduce(f64::max);
        json!({"least": least, "most": most, "values": values})
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(values: impl IntoIterator<Item = f64>) -> Option<String> {
        let mut series = Series::new("memory in MiB");
        values.into_iter().for_each(|value| series.push(value));
        series.growth(Slack(1.0))
    }

    #[test]
    fn what_warms_up_and_varies_did_not_grow() {
        let values = (0..60).map(|minute: i32| match minute {
            0..10 => f64::from(minute),
            _ => 20.0 + f64::from(minute % 3) / 2.0,
        });
        assert_eq!(growth(values), None);
    }

    #[test]
    fn what_grows_steadily_or_late_grew() {
        let leak = (0..60).map(|minute| 20.0 + f64::from(minute) / 10.0);
        assert!(
            growth(leak)
                .unwrap()
                .starts_with("memory in MiB grew from ")
        );
        let jump = (0..60).map(|minute| if minute < 40 { 20.0 } else { 23.0 });
        assert!(growth(jump).is_some());
    }

    #[test]
    fn a_peak_is_no_growth() {
        let peak = (0..60).map(|minute| if minute == 55 { 40.0 } else { 20.0 });
        assert_eq!(growth(peak), None);
    }

    #[test]
    fn too_few_values_say_nothing() {
        assert!(growth([1.0, 1.0, 1.0]).is_some());
        assert_eq!(growth([1.0; 4]), None);
    }
}
