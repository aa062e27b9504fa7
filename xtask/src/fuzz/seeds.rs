//! What the fuzzers begin with: the fixtures, as each of them reads its input.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::workspace;

/// Folders of ResourceLists.
const LISTS: [&str; 5] = [
    "advertise-address",
    "not-a-list",
    "refused",
    "refused-address",
    "session-server",
];

/// What stands behind a text and says what is to be done with it (`fuzz/src/tape.rs`): some of each.
const CHOICES: [&[u8]; 3] = [
    &[0],
    b"\0\x01\x02\x03\x04\x05\x06\x07",
    b"\0\xff\xfe\xfd\xfc\xfb",
];

/// Writes a fuzzer's seeds into a folder, and with them the inputs that it once failed on.
pub(super) fn write(fuzzer: &str, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let choices: &[&[u8]] = match fuzzer {
        "config_toml" | "splice" => &CHOICES,
        "diagram" | "documents" | "kpt_abi" => CHOICES.get(1..2).unwrap_or_default(),
        _ => &[b""],
    };
    let seeds = of(fuzzer)?;
    let texts = seeds.iter().flat_map(|text| {
        let with = |choices: &&[u8]| [text.as_bytes(), choices].concat();
        choices.iter().map(with).collect::<Vec<_>>()
    });
    for (number, seed) in texts.chain(regressions(fuzzer)?).enumerate() {
        let path = folder.join(format!("{number:05}"));
        fs::write(&path, seed).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn of(fuzzer: &str) -> Result<Vec<String>> {
    let lists = || -> Result<Vec<String>> {
        let folders = LISTS.iter().map(|folder| fixtures(folder));
        Ok(folders.collect::<Result<Vec<_>>>()?.concat())
    };
    let items = |texts: Vec<String>| texts.iter().map(|text| as_item(text)).collect::<Vec<_>>();
    Ok(match fuzzer {
        "item_scanner" => [lists()?, items(fixtures("yaml")?)].concat(),
        // Where one takes long, some do: all are run before the time of a run begins to count.
        "kpt_abi" | "diagram" => lists()?.into_iter().step_by(8).collect(),
        "function" => {
            let all = [lists()?, items(fixtures("yaml")?)].concat();
            all.into_iter().step_by(4).collect()
        }
        "documents" => {
            let lists = lists()?.into_iter().step_by(8).collect();
            [fixtures("yaml")?, fixtures("chart")?, lists].concat()
        }
        "splice" => {
            let charts = fixtures("chart")?;
            let documents = charts.iter().flat_map(|chart| chart.split("---\n"));
            [fixtures("yaml")?, documents.map(str::to_owned).collect()].concat()
        }
        "function_config" => below(&lists()?, "functionConfig:"),
        "config_toml" => below(&lists()?, "config.toml: |"),
        "chart_values" => fixtures("chart-values")?,
        "address" => [
            "terminal.example.com:443",
            "192.0.2.7:1",
            "2001:db8::7",
            "[2001:db8::7]:8443",
            "https://h:1",
            "[fe80::1%eth0]:1",
        ]
        .map(str::to_owned)
        .into(),
        _ => Vec::new(),
    })
}

/// The texts of the files in a folder of fixtures. Some are there for not being text.
fn fixtures(folder: &str) -> Result<Vec<String>> {
    let folder = workspace::root().join("tests/fixtures").join(folder);
    let mut texts = Vec::new();
    for path in files(&folder)? {
        if path.extension() == Some(OsStr::new("yaml"))
            && let Ok(text) = fs::read_to_string(&path)
        {
            texts.push(text);
        }
    }
    Ok(texts)
}

/// What a fuzzer has failed on, and does no more.
fn regressions(fuzzer: &str) -> Result<Vec<Vec<u8>>> {
    let folder = workspace::root().join("fuzz/regressions").join(fuzzer);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let read =
        |path: PathBuf| fs::read(&path).with_context(|| format!("cannot read {}", path.display()));
    files(&folder)?.into_iter().map(read).collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
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

/// What is written below a key, as a text of its own; each of them once.
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
        for fuzzer in super::super::names().unwrap() {
            let seeds = of(&fuzzer).unwrap();
            assert!(
                seeds.len() > 5 || fuzzer == "client_hello",
                "{fuzzer}: {}",
                seeds.len()
            );
        }
    }
}
