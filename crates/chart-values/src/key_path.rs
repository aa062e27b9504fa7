//! A key path in text form: `platform.ci.values`.

use std::fmt;
use std::str::FromStr;

/// The keys that lead to a value, from the top of a YAML document.
///
/// A dot separates keys. A key that contains a dot is quoted (`"ci.example.com".values`) or has a
/// backslash before the dot (`ci\.example\.com.values`), as in Helm's `--set`. A list item is given
/// by its index, from 0: `sources.1.helm` or `sources[1].helm`. A single dot is the root.
///
/// ```
/// use chart_values::KeyPath;
///
/// let path: KeyPath = r#"apps[0]."ci.example.com".values"#.parse()?;
/// assert_eq!(path.keys(), ["apps", "0", "ci.example.com", "values"]);
/// assert_eq!(path.to_string(), r"apps.0.ci\.example\.com.values");
/// # Ok::<(), chart_values::KeyPathError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<String>);

/// Text that is not a path of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyPathError {
    /// `a..b`, or nothing at all.
    #[error("a key is empty; write a path such as platform.ci.values, or . for the top")]
    EmptyKey,
    /// A quote or bracket that is opened and not closed.
    #[error("{0} has no end")]
    Unclosed(char),
    /// `"a"b`: text directly after a quote or bracket.
    #[error("after a quoted key or an index, a dot has to follow")]
    NoDot,
    /// A backslash at the end.
    #[error("the backslash at the end stands before no character")]
    NothingEscaped,
}

impl KeyPath {
    /// The keys, outermost first. Empty for the top of the document.
    pub fn keys(&self) -> &[String] {
        &self.0
    }
}

impl From<Vec<String>> for KeyPath {
    fn from(keys: Vec<String>) -> Self {
        Self(keys)
    }
}

impl FromStr for KeyPath {
    type Err = KeyPathError;

    fn from_str(text: &str) -> Result<Self, KeyPathError> {
        if text == "." {
            return Ok(Self::default());
        }
        // yq and jq start paths with a dot.
        let text = text.strip_prefix('.').unwrap_or(text);
        let mut keys = Vec::new();
        let mut chars = text.chars().peekable();
        loop {
            let key = match chars.peek() {
                Some('"' | '\'') => quoted(&mut chars)?,
                // `[0].a`: a list at the top.
                Some('[') if keys.is_empty() => bracketed(&mut chars)?,
                _ => bare(&mut chars)?,
            };
            keys.push(key);
            while chars.peek() == Some(&'[') {
                keys.push(bracketed(&mut chars)?);
            }
            match chars.next() {
                None => return Ok(Self(keys)),
                Some('.') => {}
                Some(_) => return Err(KeyPathError::NoDot),
            }
        }
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// A key up to the next dot or bracket.
fn bare(chars: &mut Chars<'_>) -> Result<String, KeyPathError> {
    let mut key = String::new();
    while let Some(c) = chars.next_if(|c| !matches!(c, '.' | '[')) {
        if c == '\\' {
            key.push(chars.next().ok_or(KeyPathError::NothingEscaped)?);
        } else {
            key.push(c);
        }
    }
    if key.is_empty() {
        return Err(KeyPathError::EmptyKey);
    }
    Ok(key)
}

/// A key in quotes. A backslash escapes the next character.
fn quoted(chars: &mut Chars<'_>) -> Result<String, KeyPathError> {
    let quote = chars.next().unwrap_or('"');
    let mut key = String::new();
    loop {
        match chars.next() {
            None => return Err(KeyPathError::Unclosed(quote)),
            Some('\\') => key.push(chars.next().ok_or(KeyPathError::NothingEscaped)?),
            Some(c) if c == quote => return Ok(key),
            Some(c) => key.push(c),
        }
    }
}

/// `[0]` or `["key"]`.
fn bracketed(chars: &mut Chars<'_>) -> Result<String, KeyPathError> {
    chars.next();
    let key = match chars.peek() {
        Some('"' | '\'') => quoted(chars)?,
        _ => {
            let mut key = String::new();
            while let Some(c) = chars.next_if(|c| *c != ']') {
                key.push(c);
            }
            key
        }
    };
    match chars.next() {
        Some(']') if key.is_empty() => Err(KeyPathError::EmptyKey),
        Some(']') => Ok(key),
        _ => Err(KeyPathError::Unclosed('[')),
    }
}

impl fmt::Display for KeyPath {
    /// The path as [`KeyPath::from_str`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (index, key) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if key.is_empty() {
                f.write_str("\"\"")?;
            }
            for c in key.chars() {
                if matches!(c, '.' | '[' | '\\' | '"' | '\'') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}
