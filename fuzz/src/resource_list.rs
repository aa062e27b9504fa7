//! The core's readers of lists, which nobody outside of the core can see: its files, as they are.

#![allow(dead_code, reason = "the core uses more of them")]

#[rustfmt::skip]
#[path = "../../crates/krm/src/resource_list/scan/tests/agreed.rs"]
mod agreed;
#[rustfmt::skip]
#[path = "../../crates/krm/src/resource_list/lines.rs"]
mod lines;
#[rustfmt::skip]
#[path = "../../crates/krm/src/resource_list/line_head/mod.rs"]
mod line_head;
#[rustfmt::skip]
#[path = "../../crates/krm/src/resource_list/swar.rs"]
mod swar;
#[rustfmt::skip]
#[path = "../../crates/krm/src/resource_list/scan/mod.rs"]
mod scan;

/// Whether both readers say the same of a text, and what is another where they do not.
///
/// # Errors
/// What they say.
pub fn readers_agree(text: &str) -> Result<(), String> {
    agreed::agreed(text).map(drop)
}

/// The texts of a list's items; `None` when it is no list.
pub fn items(text: &str) -> Option<Vec<&str>> {
    let layout = scan::scan(text).ok()?;
    let items = layout.items.into_iter();
    items.map(|item| text.get(item.range)).collect()
}
