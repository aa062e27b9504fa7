//! The chart's values: what a key holds, as Helm's templates read it, and where it stands.

use serde_json::Value;

use super::source::{Source, at, shown};
use super::{ChartValuesError, Note, Place};
use runner_terminal::address::{Address, Host};

/// The chart's values, and where they stand.
pub(super) struct Values<'a> {
    source: Source<'a>,
    /// The keys that lead to the chart's values in those of the release.
    path: Vec<String>,
    /// The chart's values.
    chart: Value,
}

impl<'a> Values<'a> {
    /// The values at a path in those of a release. Empty ones are valid: everything has the chart's
    /// defaults.
    pub(super) fn new(source: Source<'a>, path: Vec<String>) -> Self {
        let chart = at(&source.value, &path).cloned().unwrap_or_default();
        Self {
            source,
            path,
            chart,
        }
    }

    /// References to values that are stored elsewhere and are not read.
    pub(super) fn elsewhere(&self) -> &[Note] {
        &self.source.elsewhere
    }

    /// The resource that holds the values; `None` for a plain values file.
    pub(super) fn resource(&self) -> Option<String> {
        self.source.resource.as_ref().map(ToString::to_string)
    }

    /// Whether the values are the whole file.
    pub(super) fn is_whole_file(&self) -> bool {
        self.path.is_empty() && self.source.path.is_empty()
    }

    /// The value at a path. `null` counts as none: Helm removes such a key.
    pub(super) fn get(&self, path: &[&str]) -> Option<&Value> {
        let value = path
            .iter()
            .try_fold(&self.chart, |value, key| value.get(*key))?;
        (!value.is_null()).then_some(value)
    }

    /// The value at a path, unless templates treat it as false: `""`, `0`, `false`, `[]`, `{}`.
    pub(super) fn set(&self, path: &[&str]) -> Option<&Value> {
        self.get(path).filter(|value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Bool(true) => true,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
        })
    }

    /// A boolean. Helm reads `yes` and `on` like YAML 1.1, and the chart accepts a quoted `"true"`.
    pub(super) fn switch(&self, path: &[&str]) -> Result<bool, ChartValuesError> {
        match self.get(path) {
            None => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => Ok(true),
                "" | "false" | "no" | "off" | "n" => Ok(false),
                _ => Err(self.wrong(path, "is neither true nor false")),
            },
            Some(_) => Err(self.wrong(path, "is neither true nor false")),
        }
    }

    /// A whole number from 1. A quoted one is accepted, since templates write it unchanged.
    pub(super) fn number(
        &self,
        path: &[&str],
        most: u32,
        what: &str,
    ) -> Result<Option<u32>, ChartValuesError> {
        let Some(value) = self.set(path) else {
            return Ok(None);
        };
        whole(value)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (1..=most).contains(number))
            .map(Some)
            .ok_or_else(|| {
                self.wrong(
                    path,
                    &format!("is no {what}: write a number from 1 to {most}"),
                )
            })
    }

    /// A TCP port.
    pub(super) fn port(&self, path: &[&str]) -> Result<Option<u32>, ChartValuesError> {
        self.number(path, u32::from(u16::MAX), "port")
    }

    /// A text.
    pub(super) fn text(&self, path: &[&str]) -> Result<Option<&str>, ChartValuesError> {
        match self.set(path) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(path, "is no text")),
        }
    }

    /// A host name or IP address, without a port.
    pub(super) fn host(&self, path: &[&str]) -> Result<Option<Host>, ChartValuesError> {
        let Some(text) = self.text(path)? else {
            return Ok(None);
        };
        match Address::parse(text) {
            Ok(Address { host, port: None }) => Ok(Some(host)),
            Ok(_) => Err(self.wrong(path, "has a port; the chart adds externalPort to it")),
            Err(error) => Err(self.error(path, error.to_string())),
        }
    }

    /// The members of a mapping with text values, such as annotations. Other scalars are converted
    /// to text: Kubernetes accepts only strings.
    pub(super) fn texts(&self, path: &[&str]) -> Result<Vec<(String, String)>, ChartValuesError> {
        let members = match self.set(path) {
            None => return Ok(Vec::new()),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(self.wrong(path, "is no mapping")),
        };
        let mut texts = Vec::new();
        for (name, value) in members {
            match value {
                Value::Null => {}
                Value::String(text) => texts.push((name.clone(), text.clone())),
                Value::Bool(_) | Value::Number(_) => texts.push((name.clone(), value.to_string())),
                Value::Array(_) | Value::Object(_) => {
                    let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
                    return Err(self.wrong(&path, "is no text"));
                }
            }
        }
        Ok(texts)
    }

    /// An error that quotes the value at a path.
    pub(super) fn wrong(&self, path: &[&str], what: &str) -> ChartValuesError {
        let value = self.get(path).map(quoted).unwrap_or_default();
        self.error(path, format!("{value} {what}"))
    }

    /// An error at a path.
    pub(super) fn error(&self, path: &[&str], message: impl Into<String>) -> ChartValuesError {
        let mut message = message.into();
        let is_placeholder = |text: &str| text.contains("{{") || text.contains("${");
        if self
            .get(path)
            .and_then(Value::as_str)
            .is_some_and(is_placeholder)
        {
            message.push_str(". Fill in the placeholder first");
        }
        let place = self.place(path);
        ChartValuesError::Value {
            note: Note { place, message },
        }
    }

    /// The position of a value; if a key is not written, as with `<<`, that of its parent.
    pub(super) fn place(&self, path: &[&str]) -> Place {
        let path = path.iter().map(|key| (*key).to_owned());
        let path: Vec<String> = self.path.iter().cloned().chain(path).collect();
        self.source.place(&path)
    }
}

/// A value as a whole number, as Helm's templates would write it.
pub(super) fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            // To Helm, numbers are floating point: 9000.0 is written as 9000.
            let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
            format!("{float}").parse().ok()
        }),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A value in a message.
pub(super) fn quoted(value: &Value) -> String {
    shown(&value.to_string())
}
