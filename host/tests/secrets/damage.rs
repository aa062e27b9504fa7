//! Mistakes that people make in YAML and TOML.

/// Makes a damaged line from the text before a value and from the value.
type Mistake = fn(&str, &str) -> String;

/// Mistakes in a line. Its value is the text after `: `, `- ` or ` = `.
const OF_LINES: [(&str, Mistake); 22] = [
    ("a double quote before", |key, value| {
        format!("{key}\"{value}")
    }),
    ("a single quote before", |key, value| {
        format!("{key}'{value}")
    }),
    ("a quote behind", |key, value| format!("{key}{value}\"")),
    ("no quotes", |key, value| {
        format!("{key}{}", value.replace(['"', '\''], ""))
    }),
    ("a bracket", |key, value| format!("{key}[{value}")),
    ("a brace", |key, value| format!("{key}{{{value}")),
    ("an anchor", |key, value| {
        format!("{key}&{}", value.trim_matches('"'))
    }),
    ("an alias", |key, value| {
        format!("{key}*{}", value.trim_matches('"'))
    }),
    ("a tag", |key, value| format!("{key}!{value}")),
    ("a known tag", |key, value| format!("{key}!!int {value}")),
    ("a directive", |key, value| format!("%{key}{value}")),
    ("a sign that is kept", |key, value| {
        format!("{key}@{}", value.trim_matches('"'))
    }),
    ("a block scalar", |key, value| format!("{key}| {value}")),
    ("another mapping", |key, value| {
        format!("{key}a: {value}: b")
    }),
    ("a sequence", |key, value| format!("{key}- {value}\n - b")),
    ("an escape", |key, value| {
        format!("{key}\"{}\\q\"", value.trim_matches('"'))
    }),
    ("no separator", |key, value| {
        format!("{}{value}", key.trim_end_matches([' ', ':', '=']))
    }),
    ("twice", |key, value| format!("{key}{value}\n{key}{value}")),
    ("further in", |key, value| format!(" {key}{value}")),
    ("at the margin", |key, value| {
        format!("{}{value}", key.trim_start())
    }),
    ("a tab", |key, value| format!("\t{key}{value}")),
    ("value for key", |key, value| {
        let key = key.trim_end_matches([' ', ':', '=']);
        let indent = key.len() - key.trim_start().len();
        format!(
            "{}{}: {}",
            " ".repeat(indent),
            value.trim_matches('"'),
            key.trim()
        )
    }),
];

/// A text with a mistake in it, and what the mistake is.
pub(crate) struct Damaged {
    pub(crate) how: String,
    pub(crate) text: String,
}

/// The text with each mistake in each wanted line, and cut off in the middle of each line.
pub(crate) fn damaged(text: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<Damaged> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| is_wanted(line)) {
        let number = index + 1;
        let separators = [": ", " = ", "- "];
        let value = separators
            .iter()
            .find_map(|separator| line.find(separator).map(|found| found + separator.len()));
        let (key, value) = line.split_at(value.unwrap_or(line.len() - line.trim_start().len()));
        for (how, change) in OF_LINES {
            let mut changed = lines.clone();
            let new = change(key, value);
            changed[index] = &new;
            all.push(Damaged {
                how: format!("line {number}: {how}"),
                text: format!("{}\n", changed.join("\n")),
            });
        }
        let mut cut = lines[..index].join("\n");
        cut.push('\n');
        cut.push_str(&line[..line.len() - value.len() / 3]);
        all.push(Damaged {
            how: format!("line {number}: cut"),
            text: cut,
        });
    }
    all
}
