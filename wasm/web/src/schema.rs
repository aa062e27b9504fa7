//! The JSON Schemas, as `docs/schema` has them. A test of the launcher holds these to the types:
//! making them here would cost a tenth more bytes. `build.rs` takes their indentation away.

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
