//! Released files do not grow unnoticed: no module and no program may be more than a tenth
//! larger than `benches/sizes.json` says.

#![allow(clippy::print_stderr, reason = "it prints what it has measured")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use real_hosts::workspace_root;
use serde_json::{Value, json};

/// The modules, which are the same on every machine.
const MODULES: [&str; 4] = [
    "runner-terminal.wasm",
    "runner-terminal-kpt.wasm",
    "runner-terminal-helm.wasm",
    "web/runner_terminal_bg.wasm",
];

/// The launcher is machine code: its size is recorded for the platform of CI, else only printed.
const LAUNCHER: &str = "release/runner-terminal";
const RECORDS_LAUNCHER: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

const RECORD: &str = "benches/sizes.json";
/// Set it to 1 to accept the current sizes.
const UPDATE: &str = "UPDATE_SIZES";
/// The maximum size relative to the recorded one.
const ROOM: f64 = 1.1;

/// The sizes of a file, in bytes.
#[derive(Clone, Copy)]
struct Sizes {
    bytes: u64,
    gzip: u64,
}

impl Sizes {
    fn of(content: &[u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        Self {
            bytes: content.len().try_into().unwrap(),
            gzip: encoder.finish().unwrap().len().try_into().unwrap(),
        }
    }

    fn recorded(value: &Value) -> Option<Self> {
        let size = |key: &str| value.get(key)?.as_u64();
        Some(Self {
            bytes: size("bytes")?,
            gzip: size("gzip")?,
        })
    }

    fn to_json(self) -> Value {
        json!({"bytes": self.bytes, "gzip": self.gzip})
    }
}

/// A sentence for each file that grew too much, and the table of all.
fn compare(now: &BTreeMap<&str, Sizes>, record: &Value) -> (Vec<String>, String) {
    let mut grown = Vec::new();
    let mut table =
        "| file | bytes | × recorded | with gzip | × recorded |\n|---|--:|--:|--:|--:|\n"
            .to_owned();
    for (file, sizes) in now {
        let recorded = record.get(file).and_then(Sizes::recorded);
        let mut row = format!("| `target/{file}` |");
        for (what, now, recorded) in [
            ("", sizes.bytes, recorded.map(|sizes| sizes.bytes)),
            (" with gzip", sizes.gzip, recorded.map(|sizes| sizes.gzip)),
        ] {
            let growth = recorded.map(|recorded| now as f64 / recorded as f64);
            let shown = growth.map_or("not recorded".to_owned(), |growth| format!("{growth:.3}"));
            write!(row, " {now} | {shown} |").unwrap();
            if let (Some(recorded), Some(growth)) = (recorded, growth)
                && growth > ROOM
            {
                let percent = (growth - 1.0) * 100.0;
                grown.push(format!(
                    "target/{file}{what} has grown by {percent:.0} %, from {recorded} bytes to {now}"
                ));
            }
        }
        table.push_str(&row);
        table.push('\n');
        if recorded.is_none() && (*file != LAUNCHER || RECORDS_LAUNCHER) {
            grown.push(format!("{RECORD} does not say how large target/{file} is"));
        }
    }
    (grown, table)
}

#[test]
fn nothing_has_grown_by_more_than_a_tenth() {
    let files = MODULES.into_iter().chain([LAUNCHER]);
    let now: BTreeMap<_, _> = files
        .map(|file| {
            let path = workspace_root().join("target").join(file);
            let content = fs::read(&path).unwrap_or_else(|error| {
                panic!("{}: {error}: run `cargo xtask build`", path.display())
            });
            (file, Sizes::of(&content))
        })
        .collect();

    let path = workspace_root().join(RECORD);
    if env::var_os(UPDATE).is_some_and(|value| value == "1") {
        let mut record: BTreeMap<_, _> = now.iter().map(|(file, s)| (*file, s.to_json())).collect();
        if !RECORDS_LAUNCHER {
            let text = fs::read_to_string(&path).unwrap();
            let kept = serde_json::from_str::<Value>(&text).unwrap();
            record.insert(LAUNCHER, kept.get(LAUNCHER).cloned().unwrap_or_default());
        }
        let text = serde_json::to_string_pretty(&record).unwrap();
        fs::write(&path, text + "\n").unwrap();
    }

    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{RECORD}: {error}"));
    let mut record: Value = serde_json::from_str(&text).unwrap();
    if !RECORDS_LAUNCHER {
        record.as_object_mut().unwrap().remove(LAUNCHER);
    }
    let (grown, table) = compare(&now, &record);
    eprintln!("{table}");
    assert!(
        grown.is_empty(),
        "{}\n\nIf that is what it takes, accept it and look at the difference:\n  \
         {UPDATE}=1 cargo test -p real-hosts --test sizes",
        grown.join("\n")
    );
}

#[test]
fn growth_is_told_with_the_file_and_both_sizes() {
    let now = BTreeMap::from([(
        "runner-terminal.wasm",
        Sizes {
            bytes: 1_111,
            gzip: 500,
        },
    )]);
    let record = |bytes| json!({"runner-terminal.wasm": {"bytes": bytes, "gzip": 500}});
    assert!(compare(&now, &record(1_010)).0.is_empty());
    assert_eq!(
        compare(&now, &record(1_000)).0,
        ["target/runner-terminal.wasm has grown by 11 %, from 1000 bytes to 1111"]
    );
    assert_eq!(
        compare(&now, &json!({})).0,
        ["benches/sizes.json does not say how large target/runner-terminal.wasm is"]
    );
}
