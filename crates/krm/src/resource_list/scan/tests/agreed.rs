//! Checks that both readers of a list agree. The fuzzers include this file, too.

use crate::resource::Resource;
use crate::resource_list::scan::{HeadRanges, Layout, by_lines, by_tree};
use yaml_splice::Tree;
use yaml_splice::edit::item_root;

/// The result of the fast reader, confirmed by the parser; `None` if it deferred to the parser, or
/// the text is not a list.
pub(in crate::resource_list) fn agreed(text: &str) -> Result<Option<Layout>, String> {
    let Ok(quick) = by_lines(text) else {
        return Ok(None);
    };
    let Ok(full) = by_tree(text) else {
        return Ok(None);
    };
    for item in &quick.items {
        let written = text
            .get(item.range.clone())
            .ok_or("a range inside a character")?;
        let Some(head) = &item.head else {
            continue;
        };
        // An item with an alias to another one cannot be parsed separately, but its head can be
        // read.
        let Ok(Ok(value)) =
            Tree::parse(written).map(|tree| tree.value_of(item_root(&tree).unwrap()))
        else {
            continue;
        };
        let identity = Resource::new(0, value).identity;
        let read = |range: &std::ops::Range<usize>| text[range.clone()].to_owned();
        let HeadRanges {
            kind,
            name,
            namespace,
        } = head;
        let found = (read(kind), read(name), read(namespace));
        if found
            != (
                identity.kind.clone(),
                identity.name.clone(),
                identity.namespace.clone(),
            )
        {
            return Err(format!(
                "{found:?} is the head of\n{written}\nwhich is {identity:?}"
            ));
        }
    }
    let without_heads = |layout: &Layout| {
        let ranges: Vec<_> = layout.items.iter().map(|item| item.range.clone()).collect();
        (
            ranges,
            layout.form,
            layout.api_version.clone(),
            layout.kind.clone(),
            layout.function_config.clone(),
            layout.results.clone(),
            layout.end,
        )
    };
    if without_heads(&quick) == without_heads(&full) {
        Ok(Some(quick))
    } else {
        Err(format!("{text}\nby lines: {quick:?}\nby tree: {full:?}"))
    }
}
