//! The commands of a shell script.
//!
//! In: the text of a script, as `sh -c` takes it or as a file holds it. Out: its simple commands in
//! the order in which they are written, with the variables that are known by then written out. A
//! command in a branch, a loop, a function or a substitution counts like any other: what a script
//! might run is what matters here.

use super::branches::{Branches, Kind, TESTS, Variables, matches, result};
use super::lexer::{End, Lexer, Part, Token, Word};
use super::{assignment, expand};
use crate::runner::config::environment::{Environment, LONGEST, unknown};

/// Marks a blank from an unquoted variable, at which a word is split.
const SPLIT: char = '\u{e001}';

/// Stands for the output of a substitution, which is not known.
const OUTPUT: &str = "$()";

/// The maximum nesting depth of substitutions.
const MAX_DEPTH: usize = 8;

/// Reserved words that may precede a command.
const BEFORE_COMMANDS: [&str; 10] = [
    "!", "{", "do", "elif", "else", "if", "then", "until", "while", "time",
];
/// Built-ins that assign their arguments.
const ASSIGNING: [&str; 5] = ["export", "declare", "local", "readonly", "typeset"];
/// Built-ins that run commands in the same shell, which see all of its variables.
const IN_SAME_SHELL: [&str; 3] = ["eval", "source", "."];
/// The variable with the working directory.
///
/// Source: POSIX.1-2017, 2.5.3.
pub(in crate::runner) const WORKING_DIRECTORY: &str = "PWD";

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
    Reader::new(Variables::of(variables), 0).read(script, &mut found);
    found
}

struct Reader {
    variables: Variables,
    branches: Branches,
    /// The commands of a condition that is being read.
    condition: Option<Vec<Vec<String>>>,
    /// The words of the command before.
    last: Vec<String>,
    /// The command before is connected to the next one by `|`.
    is_piped: bool,
    /// Each variable that is assigned is exported (`set -a`).
    exports_all: bool,
    depth: usize,
}

/// The command that is being read.
#[derive(Default)]
struct Pending {
    assigned: Vec<(String, String)>,
    words: Vec<String>,
}

impl Reader {
    fn new(variables: Variables, depth: usize) -> Self {
        Self {
            variables,
            branches: Branches::default(),
            condition: None,
            last: Vec::new(),
            is_piped: false,
            exports_all: false,
            depth,
        }
    }

    fn read(&mut self, script: &str, found: &mut Vec<SimpleCommand>) {
        let mut pending = Pending::default();
        for token in Lexer::new(script) {
            match token {
                Token::End(end) => {
                    let is_pattern = self.pattern(end, &mut pending);
                    if !is_pattern {
                        self.end(&mut pending, found);
                    }
                    self.connect(end);
                }
                Token::Redirection { target, .. } => {
                    self.expanded(&target, found);
                }
                Token::Word(word) => {
                    let word = self.expanded(&word, found);
                    if pending.is_empty() {
                        self.branch(&word);
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

    /// A word with variables expanded, and [`SPLIT`] where it becomes several words. Its
    /// substitutions are read as commands.
    fn expanded(&self, word: &Word, found: &mut Vec<SimpleCommand>) -> String {
        let mut expanded = String::new();
        for part in &word.parts {
            match part {
                Part::Literal(text) => expanded.push_str(text),
                Part::Parameter { text, is_quoted } => {
                    let value = expand(text, &self.variables.values);
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
                Part::Substitution(script) => {
                    expanded.push_str(OUTPUT);
                    if self.depth >= MAX_DEPTH {
                        continue;
                    }
                    Self::new(self.variables.clone(), self.depth + 1).read(script, found);
                }
            }
        }
        expanded
    }

    /// A reserved word at the place of a program begins or ends a branch.
    fn branch(&mut self, word: &str) {
        match word {
            "if" => self.branches.begin(Kind::If, &self.variables, None),
            "elif" => self.branches.next(&mut self.variables, None),
            "else" => self.branches.next(&mut self.variables, Some(true)),
            "while" | "until" | "for" | "select" => {
                self.branches.begin(Kind::Loop, &self.variables, None);
            }
            "then" => {
                let is_taken = match self.condition.take().as_deref() {
                    Some([only]) => result(only),
                    _ => None,
                };
                self.branches.decide(is_taken);
            }
            // A test behind it counts as one of several.
            "!" => self
                .condition
                .iter_mut()
                .for_each(|condition| condition.push(Vec::new())),
            "fi" | "done" | "esac" => self.branches.end(&mut self.variables),
            _ => {}
        }
        if matches!(word, "if" | "elif") {
            self.condition = Some(Vec::new());
        }
    }

    /// Whether the words before an end are a pattern of a `case`: they begin its next branch.
    fn pattern(&mut self, end: End, pending: &mut Pending) -> bool {
        let word = match (end, pending.words.as_slice()) {
            (End::List | End::Pipe | End::Parenthesis, [case, word, ..]) if case == "case" => {
                let kind = Kind::Case(word.clone());
                self.branches.begin(kind, &self.variables, None);
                word.clone()
            }
            (End::Parenthesis, [_]) => match self.branches.innermost() {
                Some(Kind::Case(word)) => word.clone(),
                _ => return false,
            },
            _ => return false,
        };
        if end == End::Parenthesis {
            let pattern = pending.words.last().map_or("", String::as_str);
            let is_taken = match self.is_piped {
                true if pattern != "*" => None,
                _ => matches(&word, pattern),
            };
            self.branches.next(&mut self.variables, is_taken);
        }
        let is_pattern = pending.words.len() == 1;
        if is_pattern {
            *pending = Pending::default();
        }
        is_pattern
    }

    /// What connects a command to the next one.
    fn connect(&mut self, end: End) {
        let in_chain = self.branches.innermost() == Some(&Kind::Chain);
        let is_test = self
            .last
            .first()
            .is_some_and(|program| TESTS.contains(&program.as_str()));
        let holds = result(&self.last);
        match end {
            End::List if in_chain => self.branches.end(&mut self.variables),
            End::And if in_chain && is_test && holds != Some(true) => self.branches.decide(holds),
            End::And if !in_chain && is_test => {
                self.branches.begin(Kind::Chain, &self.variables, holds);
            }
            End::Or if in_chain => self.branches.next(&mut self.variables, None),
            End::Or => {
                let is_taken = holds.map(|holds| !holds);
                self.branches.begin(Kind::Chain, &self.variables, is_taken);
            }
            _ => {}
        }
        self.is_piped = end == End::Pipe;
    }

    /// Ends a command: its assignments apply to it alone, or to the rest of the script.
    fn end(&mut self, pending: &mut Pending, found: &mut Vec<SimpleCommand>) {
        let Pending { assigned, words } = std::mem::take(pending);
        if let Some(condition) = &mut self.condition
            && !words.is_empty()
        {
            condition.push(words.clone());
        }
        self.last.clone_from(&words);
        let program = words.first().map_or("", String::as_str);
        let arguments = words.get(1..).unwrap_or_default();
        match program {
            "unset" => arguments.iter().for_each(|name| self.variables.unset(name)),
            "" => self.assign(assigned),
            _ if ASSIGNING.contains(&program) => {
                let further = arguments.iter().filter_map(|word| assignment(word));
                self.assign(assigned.into_iter().chain(further).collect());
                if program == "export" || arguments.iter().any(|option| option == "-x") {
                    for word in arguments {
                        let name = word.split('=').next().unwrap_or(word);
                        self.variables.export(name);
                    }
                }
            }
            _ => {
                self.exports_all |= program == "set" && arguments.iter().any(|a| a == "-a");
                let mut variables = match IN_SAME_SHELL.contains(&program) {
                    true => self.variables.values.clone(),
                    false => self.variables.environment(),
                };
                variables.extend(assigned);
                if program == "cd" || program == "pushd" {
                    self.go_to(arguments);
                }
                let mut words = words;
                words.retain(|word| !self.variables.is_option(word));
                found.push(SimpleCommand { variables, words });
            }
        }
    }

    fn assign(&mut self, assigned: Vec<(String, String)>) {
        for (name, value) in assigned {
            if self.exports_all {
                self.variables.export(&name);
            }
            self.variables.set(name, value);
        }
    }

    /// `cd FOLDER`
    fn go_to(&mut self, arguments: &[String]) {
        let folder = arguments.iter().rfind(|word| !word.starts_with('-'));
        let before = self.variables.values.get(WORKING_DIRECTORY);
        let folder = match (folder.map_or("", String::as_str), before) {
            ("", _) => unknown(WORKING_DIRECTORY),
            (folder, _) if folder.starts_with('/') || folder.contains('$') => folder.to_owned(),
            (folder, None) => folder.to_owned(),
            (folder, Some(before)) => format!("{before}/{folder}"),
        };
        if folder.len() > LONGEST {
            return;
        }
        self.variables.export(WORKING_DIRECTORY);
        let name = WORKING_DIRECTORY.to_owned();
        self.variables.set(name, folder);
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.assigned.is_empty()
    }

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
        assert_eq!(
            read("a $(b c $(d)) `e f`"),
            ["d", "b c $()", "e f", "a $() $()"]
        );
        assert_eq!(read("a \"$(b)\""), ["b", "a $()"]);
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
