//! Shell scripts as lists of commands, as far as it takes to see which file a command writes.
//!
//! Not a shell: conditions are not evaluated, and what is not understood is passed over.

/// Commands that are connected by `|`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    pub(super) commands: Vec<Command>,
    /// It runs only sometimes: it stands in an `if` or `case`, or behind `||` or a test.
    pub(super) is_conditional: bool,
}

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    /// Its words, in which a dollar sign that is no variable is written [`DOLLAR`].
    pub(super) words: Vec<String>,
    /// The files behind `<`.
    pub(super) inputs: Vec<String>,
    /// The file behind `>` or `>>`, and whether it is appended to.
    pub(super) output: Option<(String, bool)>,
    /// It is given text of the script itself, by `<<` or `<<<`.
    pub(super) has_text: bool,
}

/// A dollar sign in single quotes or behind a backslash.
pub(super) const DOLLAR: char = '\u{e000}';

/// Words before a command that are not its name.
const BEFORE: [&str; 22] = [
    "if", "then", "else", "elif", "fi", "do", "done", "while", "until", "for", "case", "esac", "{",
    "}", "(", ")", "!", "exec", "sudo", "command", "time", "nohup",
];

/// Reads a script.
pub(super) fn parse(script: &str) -> Vec<Pipeline> {
    let mut reader = Reader {
        rest: script,
        ..Reader::default()
    };
    reader.read();
    reader.pipelines
}

/// A command of these words alone.
pub(super) fn command(words: Vec<String>) -> Pipeline {
    let mut reader = Reader::default();
    reader.command.words = words;
    reader.end_pipeline();
    reader.pipelines.into_iter().next().unwrap_or_default()
}

#[derive(Default)]
struct Reader<'s> {
    rest: &'s str,
    pipelines: Vec<Pipeline>,
    pipeline: Pipeline,
    command: Command,
    word: Option<String>,
    /// What the next word is: a file to read or to write.
    redirect: Option<Redirect>,
    /// The words that end the here-documents which begin behind this line.
    here: Vec<String>,
    /// How many `if` and `case` are open.
    conditions: usize,
}

#[derive(Clone, Copy)]
enum Redirect {
    Input,
    Output {
        appends: bool,
    },
    Here,
    Text,
    /// Of another stream than the standard ones.
    Other,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_with(String::new).push(c);
    }

    fn read(&mut self) {
        while let Some(c) = self.take() {
            match c {
                '\\' => match self.take() {
                    Some('\n') | None => {}
                    Some('$') => self.push(DOLLAR),
                    Some(other) => self.push(other),
                },
                '\'' => {
                    self.word.get_or_insert_with(String::new);
                    while let Some(c) = self.take().filter(|c| *c != '\'') {
                        self.push(if c == '$' { DOLLAR } else { c });
                    }
                }
                '"' => self.double_quoted(),
                '$' => self.variable(),
                '`' => {
                    self.push(DOLLAR);
                    while self.take().is_some_and(|c| c != '`') {}
                }
                '#' if self.word.is_none() => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = self.rest.get(end..).unwrap_or_default();
                }
                ' ' | '\t' | '\r' => self.end_word(),
                '\n' => {
                    self.end_pipeline();
                    self.here_documents();
                }
                ';' => self.end_pipeline(),
                '(' | ')' => {
                    self.end_word();
                    if !self.command.words.is_empty() {
                        self.end_pipeline();
                    }
                }
                '&' if self.skip(">") => {
                    self.end_word();
                    let appends = self.skip(">");
                    self.redirect = Some(Redirect::Output { appends });
                }
                '&' if self.skip("&") => {
                    self.end_command();
                    let tests = self.pipeline.commands.first().is_some_and(|command| {
                        let program = command.words.first().map_or("", String::as_str);
                        matches!(program, "test" | "[" | "[[" | "grep" | "command")
                    });
                    let is_conditional = tests || self.pipeline.is_conditional;
                    self.end_pipeline();
                    self.pipeline.is_conditional = is_conditional;
                }
                '&' => self.end_pipeline(),
                '|' if self.skip("|") => {
                    self.end_pipeline();
                    self.pipeline.is_conditional = true;
                }
                '|' => {
                    self.end_word();
                    self.end_command();
                }
                '<' | '>' => self.redirection(c),
                c => self.push(c),
            }
        }
        self.end_pipeline();
    }

    fn redirection(&mut self, c: char) {
        let stream = self
            .word
            .take_if(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()));
        self.end_word();
        let redirect = match c {
            '<' if self.skip("<<") => Redirect::Text,
            '<' if self.skip("<") => {
                let _ = self.skip("-");
                Redirect::Here
            }
            '<' => Redirect::Input,
            _ => {
                let appends = self.skip(">");
                let _ = self.skip("|");
                Redirect::Output { appends }
            }
        };
        let is_other =
            self.skip("&") || stream.is_some_and(|stream| stream != "0" && stream != "1");
        self.redirect = Some(if is_other { Redirect::Other } else { redirect });
    }

    fn double_quoted(&mut self) {
        self.word.get_or_insert_with(String::new);
        while let Some(c) = self.take() {
            match c {
                '"' => return,
                '$' => self.variable(),
                '\\' => match self.take() {
                    Some('\n') | None => {}
                    Some('$') => self.push(DOLLAR),
                    Some(c @ ('"' | '\\' | '`')) => self.push(c),
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                },
                c => self.push(c),
            }
        }
    }

    /// Takes `${NAME}` as it is, and leaves a mark for the output of a command.
    fn variable(&mut self) {
        if self.skip("(") {
            self.push(DOLLAR);
            let mut depth = 1;
            while depth > 0 {
                match self.take() {
                    Some('(') => depth += 1,
                    Some(')') => depth -= 1,
                    Some(_) => {}
                    None => return,
                }
            }
            return;
        }
        self.push('$');
        if self.skip("{") {
            self.push('{');
            while let Some(c) = self.take() {
                self.push(c);
                if c == '}' {
                    return;
                }
            }
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        match self.redirect.take() {
            None => {
                if self.command.words.is_empty() && BEFORE.contains(&word.as_str()) {
                    match word.as_str() {
                        "if" | "case" => self.conditions += 1,
                        "fi" | "esac" => self.conditions = self.conditions.saturating_sub(1),
                        _ => {}
                    }
                } else {
                    self.command.words.push(word);
                }
            }
            Some(Redirect::Input) => self.command.inputs.push(word),
            Some(Redirect::Output { appends }) => self.command.output = Some((word, appends)),
            Some(Redirect::Here) => {
                self.command.has_text = true;
                self.here.push(word);
            }
            Some(Redirect::Text) => self.command.has_text = true,
            Some(Redirect::Other) => {}
        }
    }

    fn end_command(&mut self) {
        self.end_word();
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

    fn here_documents(&mut self) {
        for end in std::mem::take(&mut self.here) {
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                if line.trim() == end {
                    break;
                }
            }
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
        let pipelines = parse(script);
        let pipelines = pipelines.iter().map(|pipeline| {
            let commands: Vec<String> = pipeline.commands.iter().map(command).collect();
            let mark = if pipeline.is_conditional { "?" } else { "" };
            format!("{mark}{}", commands.join("|"))
        });
        pipelines.collect::<Vec<_>>().join(";").replace(DOLLAR, "§")
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
            parse(script);
        }
    }
}
