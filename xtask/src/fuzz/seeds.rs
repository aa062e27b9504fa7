//! The seeds of the fuzzers: the fixtures, in the form in which each fuzzer reads its input.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde::Deserialize;

use crate::workspace::{self, root};

/// A fuzzer in `fuzzers.yaml`.
#[derive(Deserialize)]
pub(super) struct Fuzzer {
    pub(super) executions: u64,
    /// The alternatives for the bytes after a text.
    #[serde(default = "no_choices")]
    choices: Vec<Vec<u8>>,
    seeds: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    fixtures: Vec<String>,
    #[serde(default)]
    texts: Vec<String>,
    r#as: Option<Form>,
    below: Option<String>,
    every: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    Item,
    Documents,
}

/// The fuzzers by their names.
pub(super) fn fuzzers() -> Result<BTreeMap<String, Fuzzer>> {
    yaml_serde::from_str(include_str!("fuzzers.yaml")).context("in fuzzers.yaml")
}

fn no_choices() -> Vec<Vec<u8>> {
    vec![Vec::new()]
}

impl Fuzzer {
    /// Writes its seeds into a folder, together with the checked-in inputs.
    pub(super) fn write_seeds(&self, kept: &[PathBuf], folder: &Path) -> Result<()> {
        let mut seeds = Vec::new();
        for text in self.texts()? {
            let with = |choices: &Vec<u8>| [text.as_bytes(), choices].concat();
            seeds.extend(self.choices.iter().map(with));
        }
        for inputs in kept.iter().filter(|inputs| inputs.exists()) {
            for path in workspace::entries(inputs)? {
                seeds.push(fs::read(path)?);
            }
        }
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("{number:05}")), seed)?;
        }
        Ok(())
    }

    fn texts(&self) -> Result<Vec<String>> {
        let texts = self.seeds.iter().map(Source::texts);
        Ok(texts.collect::<Result<Vec<_>>>()?.concat())
    }
}

impl Source {
    fn texts(&self) -> Result<Vec<String>> {
        let mut texts = self.texts.clone();
        for folder in &self.fixtures {
            let paths = workspace::entries(&root().join("tests/fixtures").join(folder))?;
            let is_yaml = |path: &&_| Path::new(path).extension().is_some_and(|it| it == "yaml");
            // Some fixtures are deliberately not text.
            texts.extend(paths.iter().filter(is_yaml).flat_map(fs::read_to_string));
        }
        match self.r#as {
            Some(Form::Item) => texts.iter_mut().for_each(|text| *text = as_item(text)),
            Some(Form::Documents) => {
                let documents = texts.iter().flat_map(|text| text.split("---\n"));
                texts = documents.map(str::to_owned).collect();
            }
            None => {}
        }
        if let Some(key) = &self.below {
            texts = below(&texts, key);
        }
        Ok(texts.into_iter().step_by(self.every.unwrap_or(1)).collect())
    }
}

/// A list of one item.
fn as_item(document: &str) -> String {
    let mut list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n".to_owned();
    let mut indent = "- ";
    for line in document.split_inclusive('\n') {
        let is_content = !(line.trim().is_empty() || line.starts_with('#'));
        if is_content {
            list.push_str(std::mem::replace(&mut indent, "  "));
        }
        list.push_str(line);
    }
    list
}

/// What is below a key, as a separate text; each text once.
fn below(lists: &[String], key: &str) -> Vec<String> {
    let mut found = Vec::new();
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    for list in lists {
        let mut lines = list.split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            if !line.trim_start().starts_with(key) {
                continue;
            }
            let (column, mut text, mut own) = (indent(line), String::new(), None);
            while let Some(line) =
                lines.next_if(|line| line.trim().is_empty() || indent(line) > column)
            {
                let own = *own.get_or_insert(indent(line));
                text.push_str(line.get(own.min(indent(line))..).unwrap_or_default());
            }
            found.push(text);
        }
    }
    found.retain(|text| !text.is_empty());
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_key_is_a_text_of_its_own() {
        let list =
            "items:\n- data:\n    config.toml: |\n      a = 1\n\n        b = 2\n    other: 3\n";
        let lists = [list.to_owned(), list.to_owned()];
        assert_eq!(below(&lists, "config.toml: |"), ["a = 1\n\n  b = 2\n"]);
    }

    #[test]
    fn every_fuzzer_that_reads_text_has_seeds() {
        for (name, fuzzer) in fuzzers().unwrap() {
            let seeds = fuzzer.texts().unwrap().len();
            assert!(seeds > 5 || name == "client_hello", "{name}: {seeds}");
        }
    }

    #[test]
    fn every_target_is_a_fuzzer() {
        let targets = workspace::entries(&root().join("fuzz/targets")).unwrap();
        let targets = targets.iter().filter_map(|path| path.file_stem()?.to_str());
        assert!(targets.eq(fuzzers().unwrap().keys()));
    }
}
