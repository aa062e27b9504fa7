//! The table of changes: the resource, where it is, and the fields that differ.

use view::changes::{Change, Changes, Difference};

use crate::{table, terminal};

/// Appends the table to the page, and the number of resources that do not change.
pub(super) fn append(page: &mut String, changes: &Changes) {
    if changes.resources.is_empty() {
        page.push_str("Nothing changes");
    } else {
        let rows: Vec<_> = changes.resources.iter().flat_map(rows).collect();
        let width = terminal::stdout_width();
        table::append(page, ["RESOURCE", "PLACE", "CHANGE"], &rows, width);
    }
    let stay = if changes.unchanged == 1 {
        "resource stays as it is"
    } else {
        "resources stay as they are"
    };
    page.push_str(if changes.resources.is_empty() {
        ": "
    } else {
        "\n"
    });
    page.push_str(&format!("{} {stay}.\n", changes.unchanged));
}

/// The rows of a resource: one for each change, with the name on the first.
fn rows(resource: &Change) -> Vec<[String; 3]> {
    let changes = match resource.change {
        Difference::Added => vec!["new".to_owned()],
        Difference::Removed => vec!["removed".to_owned()],
        // Only comments or the style differ, and no field.
        Difference::Changed if resource.fields.is_empty() => vec!["changed".to_owned()],
        Difference::Changed => resource.fields.iter().map(ToString::to_string).collect(),
    };
    let mut names = [resource.name.clone(), resource.place.to_string()];
    let row = |change| {
        let [name, place] = std::mem::take(&mut names);
        [name, place, change]
    };
    changes.into_iter().map(row).collect()
}
