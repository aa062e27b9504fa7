//! Every short block scalar is read as libyaml reads it, and edits around it give what they should.

use conformance::libyaml;
use serde_json::json;
use yaml_splice::Tree;
use yaml_splice::edit::EditError;

/// Lines below the header: blank ones, and those with content, at different depths.
const LINES: [&str; 8] = ["", " ", "  ", "    ", " x", "  x", "    x", "  # x"];
const STYLES: [&str; 2] = ["|", ">"];
const INDICATORS: [&str; 9] = ["", "-", "+", "1", "2", "1+", "+2", "-1", "2 # c"];
/// What comes after the last line.
const ENDS: [&str; 4] = ["", "\n", "\nd: 1\n", "\n# c\nd: 1"];

/// Each text with a block scalar of up to three lines under `c`.
fn texts() -> impl Iterator<Item = String> {
    let more = |bodies: &[String]| -> Vec<String> {
        let bodies = bodies.iter();
        bodies
            .flat_map(|body| LINES.map(|line| format!("{body}\n{line}")))
            .collect()
    };
    let one = more(&[String::new()]);
    let two = more(&one);
    let three = more(&two);
    let bodies: Vec<String> = [one, two, three].concat();
    STYLES.into_iter().flat_map(move |style| {
        let bodies = bodies.clone();
        INDICATORS.into_iter().flat_map(move |indicators| {
            let with_end = move |body: String| {
                ENDS.map(|end| format!("a: 1\nc: {style}{indicators}{body}{end}"))
            };
            bodies.clone().into_iter().flat_map(with_end)
        })
    })
}

#[test]
fn libyaml_reads_the_same() {
    let mut compared = 0;
    for text in texts() {
        let Ok(tree) = Tree::parse(&text) else {
            continue;
        };
        if let Some(judged) = libyaml(&text) {
            assert_eq!(tree.to_value().unwrap(), judged, "{text:?}");
            compared += 1;
        }
    }
    assert!(compared > 10_000, "only {compared} texts were compared");
}

#[test]
fn an_edit_gives_what_it_should() {
    let mut edited = 0;
    // The test above has all of them; an edit takes longer.
    for text in texts().step_by(5) {
        let Ok(before) = Tree::parse(&text).and_then(|tree| tree.to_value()) else {
            continue;
        };
        for operations in [
            json!([{"op": "replace", "path": "/c", "value": "new"}]),
            json!([{"op": "replace", "path": "/c", "value": "y\n\n"}]),
            json!([{"op": "remove", "path": "/c"}]),
            json!([{"op": "add", "path": "/e", "value": {"f": "g"}}]),
        ] {
            let patch: json_patch::Patch = serde_json::from_value(operations).unwrap();
            let mut expected = before.clone();
            json_patch::patch(&mut expected, &patch).unwrap();
            let output = match yaml_splice::apply(&text, &patch) {
                Ok(output) => output,
                Err(EditError::NotFaithful { .. }) => continue,
                Err(error) => panic!("{text:?}: {patch}: {error}"),
            };
            assert_eq!(libyaml(&output), Some(expected), "{text:?}: {output:?}");
            edited += 1;
        }
    }
    assert!(edited > 5_000, "only {edited} edits were tried");
}
