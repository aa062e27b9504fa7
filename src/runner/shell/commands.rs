//! The commands of a shell script.
//!
//! In: the text of a script, as `sh -c` takes it or as a file holds it. Out: its simple commands in
//! the order in which they are written, with the variables that are known by then written out. A
//! command in a branch, a loop, a function or a substitution counts like any other: what a script
//! might run is what matters here.

use super::lexer::{Lexer, Part, Token, Word};
use super::{assignment, expand};
use crate::runner::config::environment::{Environment, LONGEST};

/// Marks a blank from an unquoted variable, at which a word is split.
const SPLIT: char = '\u{e001}';

/// The maximum nesting depth of substitutions.
const MAX_DEPTH: usize = 8;

/// Reserved words that may precede a command.
const BEFORE_COMMANDS: [&str; 10] = [
    "!", "{", "do", "elif", "else", "if", "then", "until", "while", "time",
];
/// Built-ins that assign their arguments.
const ASSIGNING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];

/// A program that a script runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::runner) struct SimpleCommand {
    /// The variables that it sees.
    pub(in crate::runner) variables: Environment,
    /// The program and its arguments.
    pub(in crate::runner) words: Vec<String>,
}

/// The simple commands of a script that starts with these variables.
pub(in crate::runner) fn commands(script: &str, variables: &Environment) -> Vec<SimpleCommand> {
    let mut found = Vec::new();
    let mut reader = Reader {
        variables: variables.clone(),
        depth: 0,
    };
    reader.read(script, &mut found);
    found
}

struct Reader {
    variables: Environment,
    depth: usize,
}

/// The command that is being read.
#[derive(Default)]
struct Pending {
    assigned: Vec<(String, String)>,
    words: Vec<String>,
}

impl Reader {
    fn read(&mut self, script: &str, found: &mut Vec<SimpleCommand>) {
        let mut pending = Pending::default();
        for token in Lexer::new(script) {
            match token {
                Token::End(_) => self.end(&mut pending, found),
                Token::Redirection { target, .. } => {
                    self.expanded(&target, found);
                }
                Token::Word(word) => {
                    let word = self.expanded(&word, found);
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

    /// A word with variables expanded, and [`SPLIT`] where it becomes several words. Its
    /// substitutions are read as commands.
    fn expanded(&self, word: &Word, found: &mut Vec<SimpleCommand>) -> String {
        let mut expanded = String::new();
        for part in &word.parts {
            match part {
                Part::Literal(text) => expanded.push_str(text),
                Part::Parameter { text, is_quoted } => {
                    let value = expand(text, &self.variables);
                    if expanded.len() + value.len() > LONGEST {
                        expanded.push_str(text);
                        continue;
                    }
                    let split = if *is_quoted {
                        value
                    } else {
                        value.replace(char::is_whitespace, &SPLIT.to_string())
                    };
                    expanded.push_str(&split);
                }
                Part::Substitution(script) if self.depth < MAX_DEPTH => {
                    let mut inner = Self {
                        variables: self.variables.clone(),
                        depth: self.depth + 1,
                    };
                    inner.read(script, found);
                }
                Part::Substitution(_) => {}
            }
        }
        expanded
    }

    /// Ends a command: its assignments apply to it alone, or to the rest of the script.
    fn end(&mut self, pending: &mut Pending, found: &mut Vec<SimpleCommand>) {
        let Pending { assigned, words } = std::mem::take(pending);
        if words.first().is_some_and(|word| word == "unset") {
            for name in words.iter().skip(1) {
                self.variables.remove(name);
            }
            return;
        }
        let assigns_for_all = words
            .first()
            .is_none_or(|word| ASSIGNING.contains(&word.as_str()));
        if assigns_for_all {
            let further = words.iter().skip(1).filter_map(|word| assignment(word));
            let all: Vec<_> = assigned.into_iter().chain(further).collect();
            self.variables.extend(all);
        } else {
            let mut variables = self.variables.clone();
            variables.extend(assigned);
            found.push(SimpleCommand { variables, words });
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_doubles_itself_has_an_end() {
        let script = format!("A=x; {} echo $A", "A=$A$A;".repeat(60));
        let found = commands(&script, &Environment::new());
        let longest = found[0].words.iter().map(String::len).max().unwrap();
        assert!((1024..=LONGEST).contains(&longest), "{longest}");
    }

    /// The commands of a script, with the words of each joined by blanks.
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
