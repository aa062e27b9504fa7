//! An edit of `config.toml` changes the keys that it is to change, in the table `[session_server]`,
//! and nothing else; a second time it changes nothing; and it can be taken back.

#![no_main]

use arbitrary::Unstructured;
use fuzz::{mutate, tape};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use runner_terminal::session_server::config_file::{
    ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS, SESSION_TIMEOUT, TABLE,
};
use serde_json::{Value, json};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

const KEYS: [&str; 3] = [LISTEN_ADDRESS, ADVERTISE_ADDRESS, SESSION_TIMEOUT];

fuzz_target!(|input: &[u8]| {
    let Some((text, mut choices)) = tape::split(input) else {
        return;
    };
    let Ok(mut config) = ConfigFile::parse(text) else {
        return;
    };
    assert_eq!(config.text(), text, "reading changes it");
    let _ = (config.metrics_port(), config.has_misplaced_table());
    let Ok(settings) = settings(&mut choices) else {
        return;
    };
    let had_table = config.has_table();
    let before = KEYS.map(|key| config.get(key));

    config.set(&settings);
    let edited = config.text().to_owned();
    let read = ConfigFile::parse(&edited).unwrap_or_else(|error| panic!("{error}:\n{edited}"));
    for (place, key) in KEYS.into_iter().enumerate() {
        let set = settings.iter().rev().find(|(set, _)| *set == key);
        let expected = set.map(|(_, value)| value).or(before[place].as_ref());
        assert_eq!(read.get(key).as_ref(), expected, "{key}:\n{edited}");
    }
    assert_eq!(
        others(text),
        others(&edited),
        "another key is another:\n{edited}"
    );
    if !is_regrouped(text) {
        lines_stay(text, &edited);
    }
    let judged = basic_toml::from_str::<Value>(text).ok();
    if let Some(mut judged) = judged.filter(|_| !settings.is_empty()) {
        for (key, value) in &settings {
            judged[TABLE][*key] = value.clone();
        }
        let found = basic_toml::from_str::<Value>(&edited);
        assert_eq!(found.ok(), Some(judged), "to the other reader:\n{edited}");
    }

    config.set(&settings);
    assert_eq!(config.text(), edited, "a second time it changes more");

    let keys: Vec<&str> = settings.iter().map(|(key, _)| *key).collect();
    let new: Vec<&str> = keys
        .iter()
        .filter(|key| read.get(key).is_some())
        .copied()
        .collect();
    let were_there = KEYS
        .iter()
        .zip(&before)
        .any(|(key, value)| value.is_some() && new.contains(key));
    if !were_there {
        config.unset(&keys, !had_table);
        assert_eq!(config.text(), text, "it is not taken back from:\n{edited}");
    } else {
        for (key, value) in KEYS.iter().zip(&before) {
            match value {
                Some(value) => config.set(&[(key, value.clone())]),
                None => config.unset(&[key], false),
            }
        }
        assert_eq!(others(config.text()), others(text), "it is not taken back");
    }
});

fn settings(choices: &mut Unstructured<'_>) -> arbitrary::Result<Vec<(&'static str, Value)>> {
    let mut settings = Vec::new();
    for key in KEYS {
        if choices.arbitrary()? {
            let value = match key {
                SESSION_TIMEOUT => json!(choices.arbitrary::<u32>()?),
                // An address is on one line.
                _ => json!(tape::string(choices)?.replace(['\r', '\n'], "")),
            };
            settings.push((key, value));
        }
    }
    Ok(settings)
}

/// Whether toml_edit itself writes another text than it has read.
fn is_regrouped(text: &str) -> bool {
    let document: toml_edit::DocumentMut = text.parse().expect("read before");
    let written = document.to_string();
    let plain = |text: &str| text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    plain(&written).trim_end_matches('\n') != plain(text).trim_end_matches('\n')
}

/// All that is not ours to change, as data.
fn others(text: &str) -> String {
    let mut document: toml_edit::DocumentMut = text.parse().expect("read before");
    let mut is_empty = false;
    if let Some(table) = document
        .get_mut(TABLE)
        .and_then(|item| item.as_table_like_mut())
    {
        for key in KEYS {
            table.remove(key);
        }
        is_empty = table.is_empty();
    }
    if is_empty {
        document.remove(TABLE);
    }
    let mut data = String::new();
    for (key, item) in document.iter() {
        data.push_str(&format!("{key:?}: {}\n", plain(item)));
    }
    data
}

/// A value without its spelling.
fn plain(item: &toml_edit::Item) -> String {
    use toml_edit::{Item, Value};
    fn members<'a>(members: impl Iterator<Item = (&'a str, String)>) -> String {
        members
            .map(|(key, value)| format!("{key:?}: {value}, "))
            .collect()
    }
    match item {
        Item::None => String::new(),
        Item::Value(Value::Array(array)) => {
            let items = array.iter().map(|value| plain(&Item::Value(value.clone())));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Item::Value(Value::InlineTable(table)) => {
            let table = table.iter();
            members(table.map(|(key, value)| (key, plain(&Item::Value(value.clone())))))
        }
        Item::Value(Value::String(text)) => format!("{:?}", text.value()),
        Item::Value(Value::Integer(number)) => number.value().to_string(),
        Item::Value(Value::Float(number)) => format!("{:?}", number.value()),
        Item::Value(Value::Boolean(flag)) => flag.value().to_string(),
        Item::Value(Value::Datetime(time)) => time.value().to_string(),
        Item::Table(table) => members(table.iter().map(|(key, item)| (key, plain(item)))),
        Item::ArrayOfTables(tables) => {
            let tables = tables
                .iter()
                .map(|table| plain(&Item::Table(table.clone())));
            format!("[{}]", tables.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The lines that say nothing of the keys are all there, comments too, in their order.
fn lines_stay(text: &str, edited: &str) {
    let named = |line: &&str| KEYS.iter().any(|key| line.contains(key)) || line.contains(TABLE);
    let mut found = edited.lines();
    for line in text.lines().filter(|line| !named(line)) {
        // A table may go by another spelling, and then its lines are anywhere.
        let is_there = found.any(|found| found.trim_end() == line.trim_end());
        assert!(
            is_there || text.contains('\\'),
            "this line is lost: {line:?}\n{edited}"
        );
    }
}
