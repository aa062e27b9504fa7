//! Inputs that are a text, and choices.
//!
//! A text is what the code reads, so that any file is a good input, and an input that fails can be
//! read. Behind the first zero byte are random numbers, for what is to be done with it.

use arbitrary::Unstructured;
use serde_json::{Value, json};

/// The text of an input, and its choices; `None` for bytes that are no text.
pub fn split(input: &[u8]) -> Option<(&str, Unstructured<'_>)> {
    let end = input.iter().position(|byte| *byte == 0);
    let (text, choices) = input.split_at(end.unwrap_or(input.len()));
    let text = std::str::from_utf8(text).ok()?;
    Some((
        text,
        Unstructured::new(choices.get(1..).unwrap_or_default()),
    ))
}

/// Strings that are hard to write.
const HARD: &[&str] = &[
    "",
    "on",
    "~",
    "0755",
    "1e3",
    "a: b # c",
    "it's \"quoted\"",
    "- x",
    "é 漢 😀",
    "a\nb\n",
    "a\n\nb",
    "  indented\nb\n\n",
    "\n\n",
    "\ta\nb\r\n",
    "\u{feff}",
    "\u{85}\u{2028}",
    "---",
    "---\n",
    "<<",
    "*a",
    "&a",
    "!t",
    "\\",
    " ",
    "#",
];

/// A string: a hard one, or any.
///
/// # Errors
/// None: choices that are used up are zeros.
pub fn string(choices: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    Ok(if choices.arbitrary()? {
        // A key may be no longer than 1,024 characters, as it is written.
        choices.arbitrary::<&str>()?.chars().take(160).collect()
    } else {
        (*choices.choose(HARD)?).to_owned()
    })
}

/// A string for a key. `<<` is none: many readers take it for a merge, in quotes too.
///
/// # Errors
/// As [`string`].
pub fn key(choices: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    Ok(string(choices)?.replace("<<", "<"))
}

/// A value, nested up to a depth.
///
/// # Errors
/// As [`string`].
pub fn value(choices: &mut Unstructured<'_>, depth: usize) -> arbitrary::Result<Value> {
    let kinds = if depth > 0 { 8 } else { 6 };
    Ok(match choices.int_in_range(0..=kinds - 1)? {
        0 => json!("new"),
        1 => Value::Null,
        2 => json!(choices.arbitrary::<bool>()?),
        3 => json!(choices.arbitrary::<i64>()?),
        4 | 5 => json!(string(choices)?),
        6 => {
            let length = choices.int_in_range(0..=3)?;
            (0..length)
                .map(|_| value(choices, depth - 1))
                .collect::<Result<_, _>>()?
        }
        _ => {
            let length = choices.int_in_range(0..=3)?;
            let members = (0..length).map(|_| Ok((key(choices)?, value(choices, depth - 1)?)));
            Value::Object(members.collect::<Result<_, _>>()?)
        }
    })
}
