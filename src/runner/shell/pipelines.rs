//! The pipelines of a shell script, parsed just enough to see which files a command writes.
//!
//! Conditions are not evaluated, and anything unknown is skipped.

use super::branches::TESTS;
use super::lexer::{End, Lexer, Part, Redirection, Token, Word};

/// Commands connected by `|`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::runner) struct Pipeline {
    pub(in crate::runner) commands: Vec<Command>,
    /// It runs conditionally: it is in an `if` or `case`, or after `||` or a test.
    pub(in crate::runner) is_conditional: bool,
}

/// One command of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::runner) struct Command {
    /// Its words. A dollar sign that does not start a variable is replaced by [`DOLLAR`].
    pub(in crate::runner) words: Vec<String>,
    /// The files after `<`.
    pub(in crate::runner) inputs: Vec<String>,
    /// The file behind `>` or `>>`, and whether it is appended to.
    pub(in crate::runner) output: Option<(String, bool)>,
    /// It gets text from the script itself, by `<<` or `<<<`.
    pub(in crate::runner) has_text: bool,
}

/// A dollar sign in single quotes or behind a backslash.
pub(in crate::runner) const DOLLAR: char = '\u{e000}';

/// Words before a command that are not its name.
const BEFORE: [&str; 22] = [
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "for", "case", "esac", "{",
    "}", "(", ")", "!", "exec", "sudo", "command", "time", "nohup",
];

/// The pipelines of a script.
pub(in crate::runner) fn pipelines(script: &str) -> Vec<Pipeline> {
    let mut reader = Reader::default();
    for token in Lexer::new(script) {
        match token {
            Token::Word(word) => reader.word(text_of(&word)),
            Token::Redirection { kind, target } => reader.redirection(kind, text_of(&target)),
            Token::End(end) => reader.end(end),
        }
    }
    reader.end_pipeline();
    reader.pipelines
}

impl Pipeline {
    /// A command with just these words.
    pub(in crate::runner) fn of_words(words: Vec<String>, is_conditional: bool) -> Self {
        let command = Command {
            words,
            ..Command::default()
        };
        Self {
            commands: vec![command],
            is_conditional,
        }
    }
}

/// A word with its variables unexpanded, and a marker for the output of a command.
fn text_of(word: &Word) -> String {
    let dollar = DOLLAR.to_string();
    let parts = word.parts.iter().map(|part| match part {
        Part::Literal(text) => text.replace('$', &dollar),
        Part::Parameter { text, .. } => text.clone(),
        Part::Substitution(_) => dollar.clone(),
    });
    parts.collect()
}

#[derive(Default)]
struct Reader {
    pipelines: Vec<Pipeline>,
    pipeline: Pipeline,
    command: Command,
    /// The number of open `if` and `case` statements.
    conditions: usize,
}

impl Reader {
    fn word(&mut self, word: String) {
        if !self.command.words.is_empty() || !BEFORE.contains(&word.as_str()) {
            return self.command.words.push(word);
        }
        match word.as_str() {
            "if" | "case" => self.conditions += 1,
            "fi" | "esac" => self.conditions = self.conditions.saturating_sub(1),
            _ => {}
        }
    }

    fn redirection(&mut self, kind: Redirection, target: String) {
        match kind {
            Redirection::HereDocument | Redirection::HereString => self.command.has_text = true,
            _ if target.is_empty() => {}
            Redirection::Input => self.command.inputs.push(target),
            Redirection::Output { appends } => self.command.output = Some((target, appends)),
            Redirection::OtherStream => {}
        }
    }

    fn end(&mut self, end: End) {
        match end {
            End::List => self.end_pipeline(),
            End::Pipe => self.end_command(),
            End::Parenthesis if self.command.words.is_empty() => {}
            End::Parenthesis => self.end_pipeline(),
            End::Or => {
                self.end_pipeline();
                self.pipeline.is_conditional = true;
            }
            End::And => {
                self.end_command();
                let first = self.pipeline.commands.first();
                let program = first.and_then(|command| command.words.first());
                let tests = program.is_some_and(|program| TESTS.contains(&program.as_str()));
                let is_conditional = tests || self.pipeline.is_conditional;
                self.end_pipeline();
                self.pipeline.is_conditional = is_conditional;
            }
        }
    }

    fn end_command(&mut self) {
        let command = std::mem::take(&mut self.command);
        if command != Command::default() {
            self.pipeline.commands.push(command);
        }
    }

    fn end_pipeline(&mut self) {
        self.end_command();
        let mut pipeline = std::mem::take(&mut self.pipeline);
        pipeline.is_conditional |= self.conditions > 0;
        if !pipeline.commands.is_empty() {
            self.pipelines.push(pipeline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(script: &str) -> String {
        let command = |command: &Command| {
            let mut out = command.words.join("_");
            for input in &command.inputs {
                out.push_str(&format!("<{input}"));
            }
            if let Some((output, appends)) = &command.output {
                out.push_str(&format!("{}{output}", if *appends { ">>" } else { ">" }));
            }
            if command.has_text {
                out.push_str("<<");
            }
            out
        };
        let found = pipelines(script);
        let found = found.iter().map(|pipeline| {
            let commands: Vec<String> = pipeline.commands.iter().map(command).collect();
            let mark = if pipeline.is_conditional { "?" } else { "" };
            format!("{mark}{}", commands.join("|"))
        });
        found.collect::<Vec<_>>().join(";").replace(DOLLAR, "§")
    }

    #[test]
    fn scripts_are_lists_of_commands() {
        for (script, expected) in [
            ("cp /a /b && exec run", "cp_/a_/b;run"),
            ("cat /a /b>/c", "cat_/a_/b>/c"),
            (
                "cat /a | envsubst >> \"/c\" 2>/dev/null",
                "cat_/a|envsubst>>/c",
            ),
            (
                "set -e # cp /x /y\ncp \\\n /a /b; true",
                "set_-e;cp_/a_/b;true",
            ),
            (
                "envsubst '$A ${B}' < /a > ${C}/d",
                "envsubst_§A §{B}</a>${C}/d",
            ),
            ("cat > /c <<EOF\ncp /x /y\nEOF\nrun", "cat>/c<<;run"),
            (
                "if [ -f /a ]; then cp /a /c; else cp /b /c; fi\nrun",
                "?[_-f_/a_];?cp_/a_/c;?cp_/b_/c;run",
            ),
            ("cp /a /c || cp /b /c", "cp_/a_/c;?cp_/b_/c"),
            ("[ -f /a ] && cp /a /c; run", "[_-f_/a_];?cp_/a_/c;run"),
            (
                "case $X in a) cp /a /c;; *) cp /b /c;; esac; run",
                "?$X_in_a;?cp_/a_/c;?*;?cp_/b_/c;run",
            ),
            ("(cd /x && cp a b)", "cd_/x;cp_a_b"),
            ("{ cat /a; cat /b; } > /c", "cat_/a;cat_/b;>/c"),
            ("echo $(cat /a | x) `y` >&2", "echo_§_§"),
            ("echo 'it''s' \"a b\"", "echo_its_a b"),
        ] {
            assert_eq!(written(script), expected, "{script}");
        }
    }

    #[test]
    fn no_script_is_too_broken() {
        for script in [
            "'",
            "\"",
            "${",
            "$(",
            "`",
            "<<",
            ">",
            "\\",
            "cat <<EOF\nx",
            "((",
            "))",
            "&&|",
        ] {
            pipelines(script);
        }
    }
}
