//! Which files a container's commands put at a path.

use std::collections::BTreeMap;

use super::environment::{Environment, unknown};
use super::file_path::FilePath;
use crate::runner::program::{file_name, is_runner, subcommand};
use crate::runner::shell::{self, Command, DOLLAR, Pipeline};

/// A part of a file's content.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ContentPart {
    /// Another file of the container.
    File(FilePath),
    /// Text from the commands themselves, or the output of a program.
    Text,
}

/// What commands write to a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FileContent {
    pub(super) parts: Vec<ContentPart>,
    /// They replace the previous content rather than append to it.
    pub(super) replaces: bool,
}

/// Programs that copy files.
const WRITERS: [&str; 6] = ["cp", "mv", "install", "ln", "rsync", "copy"];

/// The parsed arguments of `cp` and similar commands.
struct Copying<'a> {
    operands: Vec<&'a str>,
    into: &'a str,
    /// An existing target is kept.
    keeps: bool,
}

impl<'a> Copying<'a> {
    fn of(arguments: &'a [String]) -> Option<Self> {
        const INTO: &str = "--target-directory=";
        let (mut operands, mut into, mut keeps) = (Vec::new(), None, false);
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            match argument {
                "-t" | "--target-directory" => into = arguments.next(),
                "-m" | "-o" | "-g" | "--mode" | "--owner" | "--group" | "-S" => {
                    arguments.next();
                }
                "-n" | "--no-clobber" | "-u" | "--update" | "--ignore-existing" => keeps = true,
                option if option.starts_with(INTO) => into = option.strip_prefix(INTO),
                option if option.starts_with('-') && option.len() > 1 => {}
                operand => operands.push(operand),
            }
        }
        let into = into.or_else(|| operands.pop())?;
        (!operands.is_empty()).then_some(Self {
            operands,
            into,
            keeps,
        })
    }
}

/// Follows what commands do with files, without running them.
pub(super) struct Copies<'a> {
    target: &'a FilePath,
    /// Whether a path is a file that the container gets from elsewhere.
    is_given: &'a dyn Fn(&FilePath) -> bool,
    variables: Environment,
    folder: FilePath,
    files: BTreeMap<String, FileContent>,
    /// gitlab-runner has been started: what follows comes after its end.
    has_run: bool,
}

impl<'a> Copies<'a> {
    pub(super) fn new(
        target: &'a FilePath,
        environment: Environment,
        folder: FilePath,
        is_given: &'a dyn Fn(&FilePath) -> bool,
    ) -> Self {
        Self {
            target,
            is_given,
            variables: environment,
            folder,
            files: BTreeMap::new(),
            has_run: false,
        }
    }

    /// The content of the target; `None` if nothing was written to it.
    pub(super) fn finish(mut self) -> Option<FileContent> {
        self.files.remove(&key(self.target))
    }

    /// Interprets one pipeline.
    pub(super) fn run(&mut self, pipeline: &Pipeline) {
        for command in &pipeline.commands {
            self.remember(command, pipeline.is_conditional);
            self.copy(command, pipeline.is_conditional);
            self.delete(command, pipeline.is_conditional);
        }
        self.redirect(pipeline);
    }

    /// The words of a command with variables expanded.
    pub(super) fn words(&self, command: &Command) -> Vec<String> {
        command.words.iter().map(|word| self.expand(word)).collect()
    }

    /// A path of a command.
    pub(super) fn path(&self, word: &str) -> FilePath {
        self.folder.join(&self.expand(word))
    }

    /// `cd FOLDER`, `NAME=value`, `export NAME=value`.
    fn remember(&mut self, command: &Command, is_conditional: bool) {
        let words = self.words(command);
        if let [program, folder] = words.as_slice()
            && program == "cd"
        {
            self.folder = self.folder.join(folder);
        }
        let assignments = words
            .iter()
            .skip_while(|word| matches!(word.as_str(), "export" | "local" | "readonly"))
            .map_while(|word| shell::assignment(word));
        for (name, value) in assignments {
            let before = self.variables.get(&name);
            let differs = before.is_some_and(|before| *before != value);
            let value = match is_conditional && differs {
                true => unknown(&name),
                false => value,
            };
            self.variables.insert(name, value);
        }
    }

    /// `rm FILE`: what is there before the runner starts is no longer what was mounted or written.
    fn delete(&mut self, command: &Command, is_conditional: bool) {
        let words = self.words(command);
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        self.has_run |= is_runner(program) && subcommand(arguments) == Some("run");
        if file_name(program) != "rm" || is_conditional || self.has_run {
            return;
        }
        let folder = self.target.parent();
        let operands = arguments.iter().filter(|word| !word.starts_with('-'));
        let deletes = operands.map(|word| self.folder.join(word)).any(|path| {
            let is_pattern = path.parent().is(&folder) && {
                let name = path.name();
                name.contains(['*', '?']) && matches_pattern(name, self.target.name())
            };
            is_pattern || self.target.below(&path).is_some()
        });
        if deletes {
            self.write(&self.target.clone(), vec![ContentPart::Text], true);
        }
    }

    /// `cp a b` and its like.
    fn copy(&mut self, command: &Command, is_conditional: bool) {
        let words = self.words(command);
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        if !WRITERS.contains(&file_name(program)) {
            return;
        }
        let Some(copying) = Copying::of(arguments) else {
            return;
        };
        let replaces = !is_conditional && !copying.keeps;
        let destination = self.folder.join(copying.into);
        for operand in copying.operands {
            let source = self.folder.join(operand);
            let end = file_name(operand);
            let is_folder = end.is_empty() || matches!(end, "." | "..");
            if let Some(copied) = self.copied(&source, end, is_folder, &destination) {
                let parts = self.parts_of(copied);
                self.write(&self.target.clone(), parts, replaces);
            } else if !is_folder {
                let parts = self.parts_of(source.clone());
                self.write(&destination, parts, replaces);
                let in_folder = destination.join(source.name());
                let parts = self.parts_of(source);
                self.write(&in_folder, parts, replaces);
            }
        }
    }

    /// The file that is copied to the target, which is the destination or a file in it.
    fn copied(
        &self,
        source: &FilePath,
        end: &str,
        is_folder: bool,
        destination: &FilePath,
    ) -> Option<FilePath> {
        if is_folder {
            return Some(source.child(self.target.below(destination)?));
        }
        let is_in_place = self.target.parent().is(destination);
        if end.contains(['*', '?', '[', '{']) {
            let fits = is_in_place && matches_pattern(end, self.target.name());
            return fits.then(|| source.parent().join(self.target.name()));
        }
        let has_its_name = is_in_place && source.name() == self.target.name();
        (self.target.is(destination) || has_its_name).then(|| source.clone())
    }

    /// What a pipeline prints into a file, by `>`, `tee` or `-o`.
    fn redirect(&mut self, pipeline: &Pipeline) {
        let mut outputs: Vec<(FilePath, bool)> = Vec::new();
        for command in &pipeline.commands {
            if let Some((file, appends)) = &command.output {
                outputs.push((self.path(file), *appends));
            }
            let words = self.words(command);
            let program = words.first().map_or("", |word| word.as_str());
            if program.rsplit('/').next() == Some("tee") {
                let appends = words.iter().any(|word| word == "-a" || word == "--append");
                let files = words.iter().skip(1).filter(|word| !word.starts_with('-'));
                outputs.extend(files.map(|file| (self.folder.join(file), appends)));
            }
            for (option, file) in words.iter().zip(words.iter().skip(1)) {
                if matches!(option.as_str(), "-o" | "-O" | "-out" | "--out" | "--output") {
                    outputs.push((self.folder.join(file), false));
                }
            }
            for word in &words {
                if let Some(file) = word.strip_prefix("--output=") {
                    outputs.push((self.folder.join(file), false));
                }
            }
        }
        for (output, appends) in outputs {
            let mut parts = Vec::new();
            for command in &pipeline.commands {
                parts.extend(self.given(command, &output));
            }
            if parts.is_empty() {
                parts.push(ContentPart::Text);
            }
            self.write(&output, parts, !appends && !pipeline.is_conditional);
        }
    }

    /// The files that a command reads, and its text input.
    fn given(&self, command: &Command, output: &FilePath) -> Vec<ContentPart> {
        let words = command.words.iter().skip(1);
        let mut parts = Vec::new();
        for word in words.chain(&command.inputs) {
            let word = self.expand(word);
            let value = match word.split_once('=') {
                Some((option, value)) if option.starts_with('-') => value,
                _ => word.as_str(),
            };
            let path = self.folder.join(value);
            // A word such as `s/a/b/` is not an absolute path.
            let is_absolute = path.is(&FilePath::parse(value)) && value.starts_with(['/', '\\']);
            let is_in_root = self.folder.is(&FilePath::parse("/"));
            if is_in_root && !is_absolute && !self.files.contains_key(&key(&path)) {
                continue;
            }
            if path.is(output) || value.starts_with('-') || value.is_empty() {
                continue;
            }
            if value.contains(['*', '?']) {
                // `cat /in/*.toml` reads any number of files.
                if (self.is_given)(&path.parent().join(self.target.name())) {
                    let file = path.parent().join(self.target.name());
                    parts.push(ContentPart::File(file));
                    parts.push(ContentPart::Text);
                }
            } else if self.files.contains_key(&key(&path)) || (self.is_given)(&path) {
                parts.extend(self.parts_of(path));
            }
        }
        if command.has_text {
            parts.push(ContentPart::Text);
        }
        parts
    }

    fn parts_of(&self, path: FilePath) -> Vec<ContentPart> {
        match self.files.get(&key(&path)) {
            Some(written) => written.parts.clone(),
            None => vec![ContentPart::File(path)],
        }
    }

    fn write(&mut self, path: &FilePath, parts: Vec<ContentPart>, replaces: bool) {
        let file = self.files.entry(key(path)).or_default();
        if replaces {
            *file = FileContent { parts, replaces };
            return;
        }
        for part in parts {
            if part == ContentPart::Text || !file.parts.contains(&part) {
                file.parts.push(part);
            }
        }
    }

    fn expand(&self, word: &str) -> String {
        let word = shell::expand(word, &self.variables).replace(DOLLAR, "$");
        let home = self.variables.get("HOME");
        match (word.strip_prefix('~'), home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                format!("{home}{rest}")
            }
            _ => word,
        }
    }
}

fn key(path: &FilePath) -> String {
    // Different spellings of one path are the same key.
    let segments = path.segments().join("/");
    match path.ignores_case() {
        true => segments.to_lowercase(),
        false => segments,
    }
}

/// Whether a name matches a shell pattern. Bracket sets and braces match anything.
fn matches_pattern(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(['*', '?', '[', '{']) else {
        return pattern == name;
    };
    let end = rest
        .rsplit_once(['*', '?', ']', '}'])
        .map_or(rest, |(_, end)| end);
    name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::shell::pipelines;

    fn sources(script: &str) -> String {
        let target = FilePath::parse("/etc/gitlab-runner/config.toml");
        let given = |path: &FilePath| {
            ["/in", "/secret"]
                .iter()
                .any(|folder| path.below(&FilePath::parse(folder)).is_some())
        };
        let environment = Environment::from([("OUT".to_owned(), "/etc/gitlab-runner".to_owned())]);
        let mut copies = Copies::new(&target, environment, FilePath::parse("/"), &given);
        for pipeline in pipelines(script) {
            copies.run(&pipeline);
        }
        let Some(written) = copies.finish() else {
            return "nothing".to_owned();
        };
        let parts = written.parts.iter().map(|part| match part {
            ContentPart::File(path) => path.to_string(),
            ContentPart::Text => "text".to_owned(),
        });
        let before = if written.replaces { "" } else { "+ " };
        format!("{before}{}", parts.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_files_that_a_script_copies() {
        for (script, expected) in [
            (
                "cp /in/config.toml /etc/gitlab-runner/config.toml",
                "/in/config.toml",
            ),
            ("cp /in/config.toml /etc/gitlab-runner/", "/in/config.toml"),
            ("cp -rL /in/. /etc/gitlab-runner", "/in/config.toml"),
            ("cp /in/* $OUT", "/in/config.toml"),
            ("cp /in/*.sh $OUT", "nothing"),
            ("cp /in/a.toml ${OUT}/config.toml", "/in/a.toml"),
            (
                "D=/etc/gitlab-runner/\nmkdir -p $D\ncp /in/config.toml $D",
                "/in/config.toml",
            ),
            (
                "export D=/etc/gitlab-runner; cp -t \"$D\" /in/config.toml",
                "/in/config.toml",
            ),
            (
                "cd /in && install -m 600 config.toml /etc/gitlab-runner",
                "/in/config.toml",
            ),
            (
                "ln -sf /in/config.toml /etc/gitlab-runner/config.toml",
                "/in/config.toml",
            ),
            (
                "cat /in/a /secret/b > /etc/gitlab-runner/config.toml",
                "/in/a /secret/b",
            ),
            (
                "cat /in/a > $OUT/config.toml; cat /secret/b >> $OUT/config.toml",
                "/in/a /secret/b",
            ),
            ("cat /secret/b >> $OUT/config.toml", "+ /secret/b"),
            ("envsubst < /in/c.tpl > $OUT/config.toml", "/in/c.tpl"),
            (
                "cat /in/c.tpl | envsubst | tee $OUT/config.toml",
                "/in/c.tpl",
            ),
            (
                "sed -e 's/a/b/' -e \"s|x|$Y|\" /in/c > $OUT/config.toml",
                "/in/c",
            ),
            (
                "sed 's/a/b/' /in/c > /tmp/x && mv /tmp/x $OUT/config.toml",
                "/in/c",
            ),
            ("gomplate -f /in/c -o $OUT/config.toml", "/in/c"),
            (
                "cp /in/config.toml $OUT/; sed -i s/a/b/ $OUT/config.toml",
                "/in/config.toml",
            ),
            ("echo 'a = 1' > $OUT/config.toml", "text"),
            (
                "cp /in/config.toml $OUT/; echo x >> $OUT/config.toml",
                "/in/config.toml text",
            ),
            ("cat > $OUT/config.toml <<EOF\na = 1\nEOF", "text"),
            (
                "if test -f /in/a; then cp /in/a $OUT/config.toml; else cp /in/b $OUT/config.toml; fi",
                "+ /in/a /in/b",
            ),
            (
                "[ -f $OUT/config.toml ] || cp /in/config.toml $OUT/",
                "+ /in/config.toml",
            ),
            ("cp -n /in/config.toml $OUT/", "+ /in/config.toml"),
            (
                "if true; then cp /in/config.toml $OUT; fi",
                "+ /in/config.toml",
            ),
            ("rm -f $OUT/config.toml; gitlab-runner register -n", "text"),
            ("rm -rf $OUT/*", "text"),
            (
                "rm -rf $OUT/*.toml; cp /in/config.toml $OUT/",
                "/in/config.toml",
            ),
            ("rm -r $OUT", "text"),
            ("rm -f $OUT/config.toml.bak $OUT/x", "nothing"),
            ("[ -n \"$RESET\" ] && rm -f $OUT/config.toml", "nothing"),
            ("gitlab-runner run; rm -f $OUT/config.toml", "nothing"),
            (
                "S=/in/a; if [ -f /prod ]; then S=/in/b; fi; cp $S $OUT/config.toml",
                "/${S}",
            ),
            (
                "HOME=/etc; cp /in/config.toml ~/gitlab-runner/",
                "/in/config.toml",
            ),
            ("cp /in/config.toml /elsewhere/", "nothing"),
            ("cp /in/config.toml", "nothing"),
            ("gitlab-runner run --config /in/config.toml", "nothing"),
        ] {
            assert_eq!(sources(script), expected, "{script}");
        }
    }
}
