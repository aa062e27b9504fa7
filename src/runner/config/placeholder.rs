//! Placeholders that something fills in after the function has run.

/// What a placeholder begins and ends with, and whether its inside is a name alone.
const FORMS: [(&str, &str, Inside); 10] = [
    ("${", "}", Inside::Anything),
    ("$(", ")", Inside::Anything),
    ("{{", "}}", Inside::Anything),
    ("{%", "%}", Inside::Anything),
    ("<%", "%>", Inside::Anything),
    ("@@", "@@", Inside::Name),
    ("__", "__", Inside::Name),
    ("<", ">", Inside::Anything),
    ("@", "@", Inside::Name),
    ("%", "%", Inside::Name),
];

#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Anything,
    Name,
}

/// A placeholder of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// As it is written: `${CONCURRENT}`.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
}

/// The placeholder for which a text is not TOML; `None` when it is not TOML without them either.
pub fn placeholder(text: &str) -> Option<Placeholder> {
    if is_toml(text) {
        return None;
    }
    let mut first = None;
    // The text is TOML when the placeholders are filled in, or lines of template code are removed.
    let mut filled = String::new();
    let mut open = String::new();
    for (index, line) in text.lines().enumerate() {
        let mut rest = line;
        let mut out = String::new();
        while let Some((before, placeholder, after)) = next(rest) {
            out.push_str(before);
            out.push('0');
            let so_far = format!("{open}{out}");
            if first.is_none() && !ends_in_string(&so_far) {
                first = Some(Placeholder {
                    text: placeholder.to_owned(),
                    line: index + 1,
                });
            }
            rest = after;
        }
        out.push_str(rest);
        if out.trim_matches(['0', ' ', '\t']).is_empty() && out.contains('0') {
            out.clear();
        }
        filled.push_str(&out);
        filled.push('\n');
        open.push_str(&out);
        open.push('\n');
    }
    let first = first?;
    let whole = text.trim();
    let is_alone =
        next(whole).is_some_and(|(before, _, after)| before.is_empty() && after.is_empty());
    (is_alone || is_toml(&filled)).then_some(first)
}

/// Whether a whole value is one placeholder, as those of argocd-vault-plugin: `<path:ci/data/r#toml>`.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    next(value).is_some_and(|(before, _, after)| before.is_empty() && after.is_empty())
}

fn is_toml(text: &str) -> bool {
    text.parse::<toml_edit::DocumentMut>().is_ok()
}

/// Whether a text stops inside a string. Comments are passed over.
fn ends_in_string(text: &str) -> bool {
    let mut quote: Option<&str> = None;
    let mut rest = text;
    while !rest.is_empty() {
        let step = match quote {
            None => {
                if rest.starts_with('#') {
                    rest.find('\n').unwrap_or(rest.len())
                } else {
                    let opened = ["\"\"\"", "'''", "\"", "'"]
                        .into_iter()
                        .find(|mark| rest.starts_with(mark));
                    quote = opened;
                    opened.map_or_else(|| first_char(rest), str::len)
                }
            }
            Some(mark) if rest.starts_with(mark) => {
                quote = None;
                mark.len()
            }
            Some(mark) => {
                let escaped = mark.starts_with('"') && rest.starts_with('\\');
                // A string of one line does not go on in the next.
                if mark.len() == 1 && rest.starts_with('\n') {
                    quote = None;
                }
                let first = first_char(rest);
                if escaped {
                    first + rest.get(first..).map_or(0, first_char)
                } else {
                    first
                }
            }
        };
        let Some(next) = rest.get(step..) else {
            break;
        };
        rest = next;
    }
    quote.is_some()
}

fn first_char(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// The first placeholder of a line, and the text before and after it.
fn next(line: &str) -> Option<(&str, &str, &str)> {
    for (at, _) in line.char_indices() {
        let (before, from) = line.split_at_checked(at)?;
        for (open, close, inside) in FORMS {
            let Some(name) = from.strip_prefix(open) else {
                continue;
            };
            let Some((name, _)) = name.split_once(close) else {
                continue;
            };
            let is_name = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            if is_name || inside == Inside::Anything && !name.is_empty() {
                let length = open.len() + name.len() + close.len();
                let (placeholder, after) = from.split_at_checked(length)?;
                return Some((before, placeholder, after));
            }
        }
        let variable = from.strip_prefix('$').map_or(0, |name| {
            let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            name.chars().take_while(is_part).count()
        });
        if variable > 0 {
            let (placeholder, after) = from.split_at_checked(variable + 1)?;
            return Some((before, placeholder, after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_named_where_it_breaks_the_toml() {
        for (text, expected) in [
            ("concurrent = ${CONCURRENT}\n", Some(("${CONCURRENT}", 1))),
            (
                "a = 1\nconcurrent = $CONCURRENT # many\n",
                Some(("$CONCURRENT", 2)),
            ),
            (
                "a = \"${X}\"\nb = {{ .Values.b }}\n",
                Some(("{{ .Values.b }}", 2)),
            ),
            ("{{ if .x }}\na = 1\n{{ end }}\n", Some(("{{ if .x }}", 1))),
            ("a = @@N@@\n", Some(("@@N@@", 1))),
            ("a = __N__\n", Some(("__N__", 1))),
            ("a = <concurrency>\n", Some(("<concurrency>", 1))),
            (
                "<path:ci/data/runner#config>",
                Some(("<path:ci/data/runner#config>", 1)),
            ),
            ("a = \"\"\"\n${X}\n\"\"\"\nb = %N%\n", Some(("%N%", 4))),
            ("a = \"${X}\"\n", None),
            ("a = \"${X}\"\nb = = 1\n", None),
            ("# ${X}\nb = \n", None),
            ("a = 1\n", None),
            ("= ä${X\n", None),
        ] {
            let found = placeholder(text);
            let found = found.as_ref().map(|one| (one.text.as_str(), one.line));
            assert_eq!(found, expected, "{text}");
        }
    }
}
