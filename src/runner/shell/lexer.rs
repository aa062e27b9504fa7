//! The tokens of a shell script.

/// A part of a script.
#[derive(Debug)]
pub(super) enum Token {
    /// A word of a command.
    Word(Word),
    /// `> file`, `2>&1`, `<<EOF`: not part of the command's words.
    Redirection { kind: Redirection, target: Word },
    /// A command ends.
    End(End),
}

/// What a redirection does with its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirection {
    /// `< file`
    Input,
    /// `> file`, `>> file`
    Output { appends: bool },
    /// `<<EOF`
    HereDocument,
    /// `<<< text`
    HereString,
    /// A stream other than the standard ones: `2> file`, `>&2`.
    OtherStream,
}

/// What ends a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// `;`, `&`, a line break.
    List,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `(`, `)`
    Parenthesis,
}

/// A word, with its quotes removed.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
}

/// A part of a word.
#[derive(Debug)]
pub(super) enum Part {
    /// Literal text.
    Literal(String),
    /// `$NAME`, `${NAME:-default}`; just `$` for `$@` and similar ones.
    Parameter { text: String, is_quoted: bool },
    /// The script in `$(…)` or `` `…` ``.
    Substitution(String),
}

/// Reads a script once, from its beginning to its end.
pub(super) struct Lexer<'s> {
    rest: &'s str,
    /// Delimiters of the here-documents whose text begins on the next line.
    here_documents: Vec<String>,
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let next = self.rest.chars().next()?;
            match next {
                '\n' => {
                    self.take();
                    self.skip_here_documents();
                    return Some(Token::End(End::List));
                }
                '#' => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = self.rest.split_at(end).1;
                }
                '<' | '>' => {
                    if let Some(token) = self.redirection("") {
                        return Some(token);
                    }
                }
                '&' if self.rest.starts_with("&>") => {
                    self.take();
                }
                ';' | '&' | '|' | '(' | ')' => return Some(Token::End(self.end())),
                next if next.is_whitespace() => {
                    self.take();
                }
                '\\' if self.skip("\\\n") => {}
                _ => {
                    let word = self.word();
                    if !self.rest.starts_with(['<', '>']) || !word.is_number() {
                        return Some(Token::Word(word));
                    }
                    // `2>&1` begins with the number of a file descriptor.
                    if let Some(token) = self.redirection(&word.text()) {
                        return Some(token);
                    }
                }
            }
        }
    }
}

impl<'s> Lexer<'s> {
    pub(super) fn new(script: &'s str) -> Self {
        Self {
            rest: script,
            here_documents: Vec::new(),
        }
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn end(&mut self) -> End {
        if self.skip("&&") {
            return End::And;
        }
        if self.skip("||") {
            return End::Or;
        }
        match self.take() {
            Some('|') => End::Pipe,
            Some('(' | ')') => End::Parenthesis,
            _ => End::List,
        }
    }

    /// `None` for `<(command)` and `>(command)`: their content is read as commands.
    fn redirection(&mut self, stream: &str) -> Option<Token> {
        let kind = if self.skip("<<<") {
            Redirection::HereString
        } else if self.skip("<<-") || self.skip("<<") {
            Redirection::HereDocument
        } else if self.skip("<>") || self.skip("<") {
            Redirection::Input
        } else {
            let appends = self.skip(">>");
            let _ = appends || self.skip(">|") || self.skip(">");
            Redirection::Output { appends }
        };
        let is_standard = matches!(stream, "" | "0" | "1");
        let kind = if self.skip("&") || !is_standard {
            Redirection::OtherStream
        } else {
            kind
        };
        if self.rest.starts_with('(') {
            return None;
        }
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let target = self.word();
        if kind == Redirection::HereDocument {
            self.here_documents.push(target.text());
        }
        Some(Token::Redirection { kind, target })
    }

    fn skip_here_documents(&mut self) {
        for delimiter in std::mem::take(&mut self.here_documents) {
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                if line.trim() == delimiter {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Word {
        let mut word = Word::default();
        while let Some(next) = self.rest.chars().next() {
            match next {
                ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                next if next.is_whitespace() => break,
                '$' | '`' => word.parts.push(self.expansion(false)),
                '\'' => {
                    self.take();
                    let (quoted, rest) = self.rest.split_once('\'').unwrap_or((self.rest, ""));
                    word.push_str(quoted);
                    self.rest = rest;
                }
                '"' => {
                    self.take();
                    self.double_quoted(&mut word);
                }
                '\\' => {
                    self.take();
                    word.extend(self.take().filter(|escaped| *escaped != '\n'));
                }
                _ => word.extend(self.take()),
            }
        }
        word
    }

    fn double_quoted(&mut self, word: &mut Word) {
        word.push_str("");
        while let Some(next) = self.rest.chars().next() {
            match next {
                '$' | '`' => word.parts.push(self.expansion(true)),
                '"' => {
                    self.take();
                    return;
                }
                '\\' => {
                    self.take();
                    self.escaped(word);
                }
                _ => word.extend(self.take()),
            }
        }
    }

    /// Handles a backslash in double quotes.
    fn escaped(&mut self, word: &mut Word) {
        match self.take() {
            Some('\n') | None => {}
            Some(escaped @ ('$' | '`' | '"' | '\\')) => word.extend([escaped]),
            Some(other) => word.extend(['\\', other]),
        }
    }

    /// `$NAME`, `${NAME:-default}`, `$(command)` and `` `command` ``.
    fn expansion(&mut self, is_quoted: bool) -> Part {
        if self.skip("`") {
            return Part::Substitution(self.until_backquote());
        }
        if self.skip("$(") {
            let (script, rest) = closed(self.rest, '(', ')');
            self.rest = rest;
            return Part::Substitution(script.to_owned());
        }
        let text = if self.skip("${") {
            let (inner, rest) = closed(self.rest, '{', '}');
            self.rest = rest;
            format!("${{{inner}}}")
        } else {
            self.take();
            let (mut name, mut rest) = super::name(self.rest);
            if name.starts_with(|c: char| c.is_ascii_digit()) {
                (name, rest) = ("", self.rest);
            }
            self.rest = rest;
            format!("${name}")
        };
        Part::Parameter { text, is_quoted }
    }

    fn until_backquote(&mut self) -> String {
        let mut inner = String::new();
        while let Some(next) = self.take() {
            match next {
                '\\' => inner.extend(self.take()),
                '`' => break,
                next => inner.push(next),
            }
        }
        inner
    }
}

impl Word {
    /// The word as it is written, without its quotes and substitutions.
    fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(text) | Part::Parameter { text, .. } => text.as_str(),
            Part::Substitution(_) => "",
        });
        parts.collect()
    }

    fn is_number(&self) -> bool {
        match self.parts.as_slice() {
            [Part::Literal(text)] => text.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        }
    }

    fn push_str(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Literal(literal)) => literal.push_str(text),
            _ => self.parts.push(Part::Literal(text.to_owned())),
        }
    }
}

impl Extend<char> for Word {
    fn extend<T: IntoIterator<Item = char>>(&mut self, characters: T) {
        for character in characters {
            self.push_str(character.encode_utf8(&mut [0; 4]));
        }
    }
}

/// The text up to the matching closing bracket, and the rest after it.
pub(super) fn closed(text: &str, open: char, close: char) -> (&str, &str) {
    let mut depth = 1;
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, next)) = characters.next() {
        match (next, quote) {
            ('\\', None | Some('"')) => {
                characters.next();
            }
            ('\'' | '"', None) => quote = Some(next),
            (next, Some(quoted)) if next == quoted => quote = None,
            (next, None) if next == open => depth += 1,
            (next, None) if next == close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (text.split_at(at).0, characters.as_str());
        }
    }
    (text, "")
}
