//! The commands of a shell script, as far as they can be told without running it.
//!
//! In: the text of a script, as `sh -c` takes it or as a file holds it. Out: its simple commands in
//! the order in which they are written, with the variables that are known by then written out. A
//! command in a branch, a loop, a function or a substitution counts like any other: what a script
//! might run is what matters here.
//!
//! Source of the grammar: POSIX.1-2017, "Shell Command Language", 2.3 (tokens), 2.9 (commands) and
//! 2.10 (reserved words).

use super::config::environment::Environment;

/// Stands for a blank of a variable that is not quoted, at which a word is split.
const SPLIT: char = '\u{e001}';

/// Substitutions nested deeper than this are not looked into.
const MAX_DEPTH: usize = 8;

/// Reserved words that a command may follow.
const BEFORE_COMMANDS: [&str; 10] = [
    "!", "{", "do", "elif", "else", "if", "then", "until", "while", "time",
];
/// Built-ins that assign what follows them.
const ASSIGNING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// The variables that it sees.
    pub(super) variables: Environment,
    /// The program and its arguments.
    pub(super) words: Vec<String>,
}

/// The simple commands of a script that starts with these variables.
pub(super) fn commands(script: &str, variables: &Environment) -> Vec<Command> {
    let mut found = Vec::new();
    let mut reader = Reader::new(script, variables.clone(), 0);
    reader.read(&mut found);
    found
}

/// Reads a script once, from its beginning to its end.
struct Reader {
    text: Vec<char>,
    at: usize,
    variables: Environment,
    depth: usize,
    /// Delimiters of the here-documents whose text begins on the next line.
    here_documents: Vec<String>,
}

/// The command that is being read.
#[derive(Default)]
struct Pending {
    assigned: Vec<(String, String)>,
    words: Vec<String>,
}

impl Reader {
    fn new(script: &str, variables: Environment, depth: usize) -> Self {
        Self {
            text: script.chars().collect(),
            at: 0,
            variables,
            depth,
            here_documents: Vec::new(),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn peek_after(&self, distance: usize) -> Option<char> {
        self.text.get(self.at + distance).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn read(&mut self, found: &mut Vec<Command>) {
        let mut pending = Pending::default();
        while let Some(next) = self.peek() {
            match next {
                '\n' => {
                    self.at += 1;
                    self.end(&mut pending, found);
                    self.skip_here_documents();
                }
                ';' | '&' | '|' | '(' | ')' => {
                    self.at += 1;
                    self.end(&mut pending, found);
                }
                '#' => {
                    while self.peek().is_some_and(|next| next != '\n') {
                        self.at += 1;
                    }
                }
                '<' | '>' => self.redirection(found),
                next if next.is_whitespace() => self.at += 1,
                '\\' if self.peek_after(1) == Some('\n') => self.at += 2,
                _ => {
                    let word = self.word(found);
                    // `2>&1` begins with the number of a file descriptor.
                    let is_descriptor = matches!(self.peek(), Some('<' | '>'))
                        && word.chars().all(|c| c.is_ascii_digit());
                    if is_descriptor {
                        continue;
                    }
                    if !word.contains(SPLIT) || assignment(&word).is_some() {
                        pending.take(word.replace(SPLIT, " "));
                    } else {
                        let parts = word.split(SPLIT).filter(|part| !part.is_empty());
                        parts.for_each(|part| pending.take(part.to_owned()));
                    }
                }
            }
        }
        self.end(&mut pending, found);
    }

    /// A command has ended: what it assigns holds for it alone, or for the rest of the script.
    fn end(&mut self, pending: &mut Pending, found: &mut Vec<Command>) {
        let Pending { assigned, words } = std::mem::take(pending);
        if words.first().is_some_and(|word| word == "unset") {
            for name in words.iter().skip(1) {
                self.variables.remove(name);
            }
            return;
        }
        let assigns_for_all = words.is_empty()
            || words
                .first()
                .is_some_and(|word| ASSIGNING.contains(&word.as_str()));
        if assigns_for_all {
            let further = words.iter().skip(1).filter_map(|word| assignment(word));
            let all: Vec<_> = assigned.into_iter().chain(further).collect();
            self.variables.extend(all);
        } else {
            let mut variables = self.variables.clone();
            variables.extend(assigned);
            found.push(Command { variables, words });
        }
    }

    /// `> file`, `2>&1`, `<<EOF`: nothing of it is a word of the command.
    fn redirection(&mut self, found: &mut Vec<Command>) {
        let is_here_document = self.peek() == Some('<') && self.peek_after(1) == Some('<');
        let is_here_string = is_here_document && self.peek_after(2) == Some('<');
        while matches!(self.peek(), Some('<' | '>' | '&' | '|' | '-')) {
            self.at += 1;
        }
        // `<(command)` and `>(command)`: what stands in it is read as commands.
        if self.peek() == Some('(') {
            return;
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
        let target = self.word(found);
        if is_here_document && !is_here_string {
            self.here_documents.push(target);
        }
    }

    fn skip_here_documents(&mut self) {
        for delimiter in std::mem::take(&mut self.here_documents) {
            while self.at < self.text.len() {
                let mut line = String::new();
                while let Some(next) = self.next() {
                    if next == '\n' {
                        break;
                    }
                    line.push(next);
                }
                if line.trim_start_matches('\t').trim_end_matches('\r') == delimiter {
                    break;
                }
            }
        }
    }

    /// One word with its quotes removed, and the commands of the substitutions in it.
    fn word(&mut self, found: &mut Vec<Command>) -> String {
        let mut word = String::new();
        while let Some(next) = self.peek() {
            match next {
                ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                next if next.is_whitespace() => break,
                '\'' => {
                    self.at += 1;
                    while let Some(next) = self.next() {
                        if next == '\'' {
                            break;
                        }
                        word.push(next);
                    }
                }
                '"' => {
                    self.at += 1;
                    self.double_quoted(&mut word, found);
                }
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') | None => {}
                        Some(escaped) => word.push(escaped),
                    }
                }
                '$' | '`' => {
                    let mut expanded = String::new();
                    self.expansion(&mut expanded, found);
                    word.push_str(&expanded.replace(char::is_whitespace, &SPLIT.to_string()));
                }
                _ => {
                    self.at += 1;
                    word.push(next);
                }
            }
        }
        word
    }

    fn double_quoted(&mut self, word: &mut String, found: &mut Vec<Command>) {
        while let Some(next) = self.peek() {
            match next {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') | None => {}
                        Some(escaped @ ('$' | '`' | '"' | '\\')) => word.push(escaped),
                        Some(other) => word.extend(['\\', other]),
                    }
                }
                '$' | '`' => self.expansion(word, found),
                _ => {
                    self.at += 1;
                    word.push(next);
                }
            }
        }
    }

    /// `$NAME`, `${NAME:-default}`, `$(command)` and `` `command` ``.
    fn expansion(&mut self, word: &mut String, found: &mut Vec<Command>) {
        if self.next() == Some('`') {
            let inner = self.until('`');
            return self.inner(&inner, found);
        }
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let inner = self.until_closed('(', ')');
                self.inner(&inner, found);
            }
            Some('{') => {
                self.at += 1;
                let inner = self.until_closed('{', '}');
                word.push_str(&self.parameter(&inner));
            }
            Some(next) if next.is_ascii_alphabetic() || next == '_' => {
                let mut name = String::new();
                while let Some(next) = self.peek() {
                    if !(next.is_ascii_alphanumeric() || next == '_') {
                        break;
                    }
                    name.push(next);
                    self.at += 1;
                }
                match self.variables.get(&name) {
                    Some(value) => word.push_str(value),
                    None => {
                        word.push('$');
                        word.push_str(&name);
                    }
                }
            }
            // `"$@"` and the like stand for words that are not known.
            _ => word.push('$'),
        }
    }

    /// What `${inner}` stands for; the text itself where that is not known.
    fn parameter(&self, inner: &str) -> String {
        let end = inner
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(inner.len());
        let (name, operator) = inner.split_at_checked(end).unwrap_or((inner, ""));
        let value = self.variables.get(name);
        let with_colon = operator.starts_with(':');
        let is_set = value.is_some_and(|value| !with_colon || !value.is_empty());
        let operator = operator.strip_prefix(':').unwrap_or(operator);
        match (operator.chars().next(), value) {
            (Some('-' | '='), _) if !is_set => operator.get(1..).unwrap_or_default().to_owned(),
            (None | Some('-' | '=' | '?'), Some(value)) => value.clone(),
            _ => format!("${{{inner}}}"),
        }
    }

    fn inner(&self, script: &str, found: &mut Vec<Command>) {
        if self.depth < MAX_DEPTH {
            Self::new(script, self.variables.clone(), self.depth + 1).read(found);
        }
    }

    fn until(&mut self, end: char) -> String {
        let mut inner = String::new();
        while let Some(next) = self.next() {
            match next {
                '\\' => inner.extend(self.next()),
                next if next == end => break,
                next => inner.push(next),
            }
        }
        inner
    }

    /// The text up to the bracket that closes the one before it.
    fn until_closed(&mut self, open: char, close: char) -> String {
        let mut inner = String::new();
        let mut depth = 1;
        let mut quote = None;
        while let Some(next) = self.next() {
            match (next, quote) {
                ('\\', None | Some('"')) => {
                    inner.push(next);
                    inner.extend(self.next());
                    continue;
                }
                ('\'' | '"', None) => quote = Some(next),
                (next, Some(open)) if next == open => quote = None,
                (next, None) if next == open => depth += 1,
                (next, None) if next == close => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            inner.push(next);
        }
        inner
    }
}

impl Pending {
    fn take(&mut self, word: String) {
        if !self.words.is_empty() {
            return self.words.push(word);
        }
        match assignment(&word) {
            Some(assigned) => self.assigned.push(assigned),
            None if BEFORE_COMMANDS.contains(&word.as_str()) => {}
            None => self.words.push(word),
        }
    }
}

/// `NAME=value`
pub(super) fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands of a script, each as its words joined by blanks.
    fn read(script: &str) -> Vec<String> {
        let variables = Environment::from([("HOME".to_owned(), "/root".to_owned())]);
        let found = commands(script, &variables);
        found
            .into_iter()
            .map(|command| command.words.join(" "))
            .collect()
    }

    #[test]
    fn commands_end_at_operators_and_line_breaks() {
        assert_eq!(
            read("a b; c && d|e & f\ng"),
            ["a b", "c", "d", "e", "f", "g"]
        );
        assert_eq!(read("a \\\n  b # c d\n# e\nf#g"), ["a b", "f#g"]);
        assert_eq!(read("(a; b) || { c; }"), ["a", "b", "c", "}"]);
    }

    #[test]
    fn reserved_words_are_no_programs() {
        assert_eq!(
            read("if ! a; then b; else c; fi; while d; do e; done"),
            ["a", "b", "c", "fi", "d", "e", "done"]
        );
        assert_eq!(
            read("case $1 in run) a b ;; *) c;; esac"),
            [
                "case $ 1 in run".replace("$ 1", "$1"),
                "a b".into(),
                "*".into(),
                "c".into(),
                "esac".into()
            ]
        );
    }

    #[test]
    fn quotes_are_removed() {
        assert_eq!(
            read(r#"a 'b c' "d 'e' \"f\"" g\ h"#),
            [r#"a b c d 'e' "f" g h"#]
        );
        assert_eq!(
            read("echo 'gitlab-runner run; x'"),
            ["echo gitlab-runner run; x"]
        );
    }

    #[test]
    fn known_variables_are_written_out() {
        assert_eq!(
            read("a $HOME/x ${HOME}y \"$HOME\" '$HOME'"),
            ["a /root/x /rooty /root $HOME"]
        );
        assert_eq!(
            read("D=/etc/x; a $D/y ${E:-/z} ${D:-w} $E"),
            ["a /etc/x/y /z /etc/x $E"]
        );
        assert_eq!(read("export D=/x E=/y\na $D$E"), ["a /x/y"]);
        assert_eq!(read("D='b c'; a $D; unset D; a $D"), ["a b c", "a $D"]);
        assert_eq!(
            commands("D='b c'; a $D \"$D\"", &Environment::new())[0].words,
            ["a", "b", "c", "b c"]
        );
        let found = commands("A=1 b; c", &Environment::new());
        assert_eq!(found[0].variables["A"], "1");
        assert!(found[1].variables.is_empty());
    }

    #[test]
    fn redirections_and_here_documents_are_no_words() {
        assert_eq!(read("a >b 2>&1 <c d >> e"), ["a d"]);
        assert_eq!(
            read("cat > f <<EOF\ngitlab-runner run\nEOF\na"),
            ["cat", "a"]
        );
        assert_eq!(read("cat <<-'EOF' > f\n\tx\n\tEOF\na"), ["cat", "a"]);
        assert_eq!(read("a <<< b c"), ["a c"]);
    }

    #[test]
    fn substitutions_hold_commands() {
        assert_eq!(read("a $(b c $(d)) `e f`"), ["d", "b c ", "e f", "a  "]);
        assert_eq!(read("a \"$(b)\""), ["b", "a "]);
    }

    #[test]
    fn unfinished_scripts_end_where_they_end() {
        for script in [
            "a '",
            "a \"b",
            "a $(b",
            "a ${b",
            "a `b",
            "a \\",
            "a >",
            "cat <<E\nx",
            "a $",
        ] {
            let _ = read(script);
        }
    }
}
