//! Strips line breaks and indentation from the JSON Schemas, which browsers fetch with the module.

use std::path::Path;
use std::{env, fs, io};

const SCHEMAS: &str = "../../docs/schema";

fn main() -> io::Result<()> {
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    for name in [
        "sessionserver.json",
        "advertiseaddress.json",
        "verifyterminals.json",
    ] {
        let schema = Path::new(SCHEMAS).join(name);
        println!("cargo::rerun-if-changed={}", schema.display());
        // JSON strings cannot contain line breaks.
        let lines = fs::read_to_string(schema)?;
        let text: String = lines.lines().map(str::trim).collect();
        fs::write(Path::new(&out).join(name), text)?;
    }
    Ok(())
}
