//! The checked-in schemas are those of the types. `UPDATE_SCHEMA=1 cargo test -p
//! runner-terminal-host --test schema` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::{env, fs};

#[test]
fn schemas_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    for (file, schema) in [
        (
            "sessionserver.json",
            runner_terminal::schema::session_server(),
        ),
        (
            "advertiseaddress.json",
            runner_terminal::schema::advertise_address(),
        ),
    ] {
        let expected = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = folder.join(file);
        if env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &expected).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == expected,
            "{file} is out of date; UPDATE_SCHEMA=1 writes it anew"
        );
    }
}
