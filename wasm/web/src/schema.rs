//! The JSON Schemas, as in `docs/schema`. A test of the launcher checks these against the types:
//! generating them here would add a tenth to the size. `build.rs` strips their indentation.

/// The schema of a kind of functionConfig.
pub(crate) fn of(kind: &str) -> Option<&'static str> {
    match kind {
        "SessionServer" => Some(include_str!(concat!(
            env!("OUT_DIR"),
            "/sessionserver.json"
        ))),
        "AdvertiseAddress" => Some(include_str!(concat!(
            env!("OUT_DIR"),
            "/advertiseaddress.json"
        ))),
        "VerifyTerminals" => Some(include_str!(concat!(
            env!("OUT_DIR"),
            "/verifyterminals.json"
        ))),
        _ => None,
    }
}
