//! The JSON Schemas of the function configs, for editors and for CI.

/// Each kind of function config and its schema.
const SCHEMAS: [(&str, &str); 2] = [
    (
        "SessionServer",
        include_str!("../../docs/schema/sessionserver.json"),
    ),
    (
        "AdvertiseAddress",
        include_str!("../../docs/schema/advertiseaddress.json"),
    ),
];

/// The schema of a kind, in any case; of the first when none is given.
///
/// # Errors
///
/// A sentence that lists the kinds there are.
pub(crate) fn of(kind: Option<&str>) -> Result<&'static str, String> {
    SCHEMAS
        .iter()
        .find(|(name, _)| kind.is_none_or(|kind| kind.eq_ignore_ascii_case(name)))
        .map(|(_, schema)| *schema)
        .ok_or_else(|| {
            let kinds: Vec<_> = SCHEMAS.iter().map(|(name, _)| *name).collect();
            format!(
                "there is no kind {:?}; there is: {}",
                kind.unwrap_or(""),
                kinds.join(", ")
            )
        })
}
