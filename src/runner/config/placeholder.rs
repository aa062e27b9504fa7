//! Placeholders that something fills in after the function has run.

use crate::toml_limit::has_too_many_tables;

/// The maximum length of a placeholder in bytes, far more than a line of template code needs.
const LONGEST: usize = 1_000;

/// The delimiters of each form of placeholder, and whether only a name may be inside.
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
    /// The placeholder as written: `${CONCURRENT}`.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
}

/// The placeholder that keeps a text from being TOML; `None` if the text is not TOML without
/// placeholders either.
pub fn placeholder(text: &str) -> Option<Placeholder> {
    if is_toml(text) {
        return None;
    }
    let mut first = None;
    // The text must be TOML once placeholders are filled in and lines of template code are removed.
    let mut filled = String::new();
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        let mut rest = line;
        let mut out = String::new();
        while let Some((before, placeholder, after)) = next(rest) {
            for text in [before, "0"] {
                out.push_str(text);
                reader.read(text);
            }
            if first.is_none() && reader.is_in_code() {
                first = Some(Placeholder {
                    text: placeholder.to_owned(),
                    line: index + 1,
                });
            }
            rest = after;
        }
        out.push_str(rest);
        reader.read(rest);
        reader.read("\n");
        if out.trim_matches(['0', ' ', '\t']).is_empty() && out.contains('0') {
            out.clear();
        }
        filled.push_str(&out);
        filled.push('\n');
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
    !has_too_many_tables(text) && text.parse::<toml_edit::DocumentMut>().is_ok()
}

/// The state of the TOML reader.
#[derive(Default)]
struct Reader {
    state: State,
    /// The previous character is a backslash.
    is_escaped: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Code,
    Comment,
    /// A string, with its closing delimiter.
    String(&'static str),
}

impl Reader {
    /// Reads more text, which must not end inside a delimiter.
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let step = if std::mem::take(&mut self.is_escaped) {
                first_char(rest)
            } else {
                self.step(rest)
            };
            rest = rest.get(step..).unwrap_or_default();
        }
    }

    /// Reads one delimiter or character, and returns its length.
    fn step(&mut self, rest: &str) -> usize {
        // Comments and single-line strings end with the line.
        let is_multi_line = matches!(self.state, State::String(mark) if mark.len() == 3);
        if rest.starts_with('\n') && !is_multi_line {
            self.state = State::Code;
            return 1;
        }
        match self.state {
            State::Code => {
                let opened = ["\"\"\"", "'''", "\"", "'"]
                    .into_iter()
                    .find(|mark| rest.starts_with(mark));
                if let Some(mark) = opened {
                    self.state = State::String(mark);
                    return mark.len();
                }
                if rest.starts_with('#') {
                    self.state = State::Comment;
                }
            }
            State::String(mark) if rest.starts_with(mark) => {
                self.state = State::Code;
                return mark.len();
            }
            State::String(mark) => {
                self.is_escaped = mark.starts_with('"') && rest.starts_with('\\');
            }
            State::Comment => {}
        }
        first_char(rest)
    }

    fn is_in_code(&self) -> bool {
        self.state == State::Code
    }
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
            let near = name.get(..name.floor_char_boundary(LONGEST));
            let Some((name, _)) = near.unwrap_or(name).split_once(close) else {
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
            (
                "a = \"\"\"\\\\${X}\"\"\" # ${Y}\nb = ${Z}\n",
                Some(("${Z}", 2)),
            ),
            ("a = ['\\', ${X}]\n", Some(("${X}", 1))),
            ("a = '#' \nb = \"\\\"${X}\"\nc = ${Y}", Some(("${Y}", 3))),
        ] {
            let found = placeholder(text);
            let found = found.as_ref().map(|one| (one.text.as_str(), one.line));
            assert_eq!(found, expected, "{text}");
        }
    }
}
