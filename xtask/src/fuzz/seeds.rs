//! What the fuzzers begin with: the fixtures, as each of them reads its input.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

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

/// Addresses of all forms.
const ADDRESSES: [&str; 6] = [
    "terminal.example.com:443",
    "192.0.2.7:1",
    "2001:db8::7",
    "[2001:db8::7]:8443",
    "https://h:1",
    "[fe80::1%eth0]:1",
];

/// Writes a fuzzer's seeds into a folder, and with them the inputs that it once failed on.
pub(super) fn write(fuzzer: &str, folder: &Path) -> Result<()> {
    let choices: &[&[u8]] = match fuzzer {
        "config_toml" | "splice" => &CHOICES,
        "diagram" | "documents" | "kpt_abi" => CHOICES.get(1..2).unwrap_or_default(),
        _ => &[b""],
    };
    let mut seeds = Vec::new();
    for text in of(fuzzer)? {
        seeds.extend(
            choices
                .iter()
                .map(|choices| [text.as_bytes(), choices].concat()),
        );
    }
    let regressions = workspace::root().join("fuzz/regressions").join(fuzzer);
    if regressions.exists() {
        for path in files(&regressions)? {
            seeds.push(fs::read(path)?);
        }
    }
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("{number:05}")), seed)?;
    }
    Ok(())
}

fn of(fuzzer: &str) -> Result<Vec<String>> {
    let lists = || {
        LISTS
            .iter()
            .map(|folder| fixtures(folder))
            .collect::<Result<Vec<_>>>()
    };
    let lists = || lists().map(|lists| lists.concat());
    // Where one takes long, some do: all are run before the time of a run begins to count.
    let one_in =
        |step| Ok::<_, anyhow::Error>(lists()?.into_iter().step_by(step).collect::<Vec<_>>());
    let items = || -> Result<Vec<_>> {
        let items = fixtures("yaml")?;
        Ok([lists()?, items.iter().map(|text| as_item(text)).collect()].concat())
    };
    Ok(match fuzzer {
        "item_scanner" => items()?,
        "kpt_abi" | "diagram" => one_in(8)?,
        "function" => items()?.into_iter().step_by(4).collect(),
        "documents" => [fixtures("yaml")?, fixtures("chart")?, one_in(8)?].concat(),
        "splice" => {
            let charts = fixtures("chart")?;
            let documents = charts.iter().flat_map(|chart| chart.split("---\n"));
            [fixtures("yaml")?, documents.map(str::to_owned).collect()].concat()
        }
        "function_config" => below(&lists()?, "functionConfig:"),
        "config_toml" => below(&lists()?, "config.toml: |"),
        "chart_values" => fixtures("chart-values")?,
        "address" => ADDRESSES.map(str::to_owned).into(),
        _ => Vec::new(),
    })
}

/// The texts of the files in a folder of fixtures. Some are there for not being text.
fn fixtures(folder: &str) -> Result<Vec<String>> {
    let mut paths = files(&workspace::root().join("tests/fixtures").join(folder))?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    Ok(paths
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = workspace::entries(folder)?;
    files.retain(|path| path.is_file());
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
            let (is_enough, seeds) = (seeds.len() > 5, seeds.len());
            assert!(is_enough || fuzzer == "client_hello", "{fuzzer}: {seeds}");
        }
    }
}
