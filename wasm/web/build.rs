//! Takes the lines' ends and the indentation out of the JSON Schemas, which browsers fetch with the
//! module.

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
        // No text of JSON has an end of a line in it.
        let lines = fs::read_to_string(schema)?;
        let text: String = lines.lines().map(str::trim).collect();
        fs::write(Path::new(&out).join(name), text)?;
    }
    Ok(())
}
