//! The pages in `docs/reference` have every field of the functionConfigs, from the JSON Schemas, which
//! `host/tests/schema.rs` compares with the types. `UPDATE_DOCS=1 cargo test --test reference` writes the
//! tables.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "reference/defaults.rs"]
mod defaults;
#[path = "reference/tables.rs"]
mod tables;

use std::fs;
use std::path::Path;

use serde_json::Value;
use tables::{Section, sections, table};

/// Each page, and the file of its schema.
const PAGES: [(&str, &str); 3] = [
    ("session-server.md", "sessionserver.json"),
    ("advertise-address.md", "advertiseaddress.json"),
    ("verify-terminals.md", "verifyterminals.json"),
];
/// The tables are between these lines.
const START: &str = "<!-- fields -->\n";
const END: &str = "<!-- /fields -->\n";

fn docs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))
}

fn schema(file: &str) -> Value {
    let path = docs().join("schema").join(file);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_pages_have_the_fields_of_the_schemas() {
    for (page, file) in PAGES {
        let path = docs().join("reference").join(page);
        let text = fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(START).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let made: String = sections(&schema(file)).iter().map(table).collect();
        let made = format!("{before}{START}{made}\n{END}{after}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &made).unwrap();
        } else {
            assert!(
                text == made,
                "docs/reference/{page} is out of date; UPDATE_DOCS=1 writes it anew"
            );
        }
    }
}

/// Every field and every choice has a description, and no field occurs twice in a section.
#[test]
fn every_field_is_described() {
    let (mut fields, mut defaults) = (0, 0);
    for (page, file) in PAGES {
        for Section { title, rows, .. } in sections(&schema(file)) {
            let mut names = std::collections::BTreeSet::new();
            for row in rows {
                let place = format!("{page}: {title}: {}", row.name);
                assert!(names.insert(row.name.clone()), "{place} is there twice");
                assert!(row.meaning.len() > 2, "{place} is not described");
                assert!(!row.kind.is_empty(), "{place} has no type");
                assert!(
                    !row.meaning.contains("when not set"),
                    "{place}: the default is not the end of the description"
                );
                fields += 1;
                defaults += usize::from(!matches!(row.default.as_str(), "none" | "required"));
            }
        }
    }
    assert!(
        fields >= 95 && defaults >= 35,
        "{fields} fields, {defaults} defaults"
    );
}
