//! Input that is hostile by its shape or size. The fixtures under `refused/` and `not-a-list/`
//! hold the rest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n";
const TAIL: &str = "functionConfig: {apiVersion: runner-terminal.dev/v1alpha1, kind: SessionServer, metadata: {name: s}}\n";

fn report(input: impl AsRef<[u8]>) -> String {
    let outcome = runner_terminal::run(input.as_ref());
    assert!(outcome.failed());
    outcome.report()
}

#[test]
fn empty_input_says_what_is_wanted() {
    for input in ["", "\n", "   \n\n", "\u{feff}"] {
        assert!(
            report(input).contains("is empty: a KRM function reads a ResourceList"),
            "{input:?}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let mut input = HEAD.as_bytes().to_vec();
    input.push(0xff);
    assert!(report(&input).contains(&format!("not UTF-8 text: byte {}", HEAD.len())));
}

#[test]
fn a_byte_order_mark_is_kept() {
    let input =
        std::fs::read_to_string("tests/fixtures/session-server/address-known.yaml").unwrap();
    let plain = runner_terminal::run(input.as_bytes()).text();
    let marked = format!("\u{feff}{input}");
    let outcome = runner_terminal::run(marked.as_bytes());
    assert!(!outcome.failed(), "{}", outcome.report());
    assert_eq!(outcome.text(), format!("\u{feff}{plain}"));
}

#[test]
fn nesting_is_limited() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let flow = format!("{HEAD}- kind: Pod\n  image: gitlab-runner\n  deep: {deep}\n{TAIL}");
    let told = report(&flow);
    assert!(
        told.contains("nested deeper than") || told.contains("recursion limit"),
        "{told}"
    );
    let mut block = format!("{HEAD}- kind: Pod\n  image: gitlab-runner\n");
    for depth in 1..2_000 {
        block.push_str(&format!("{}k:\n", "  ".repeat(depth)));
    }
    block.push_str(TAIL);
    assert!(report(&block).contains("nested deeper than"));
}

#[test]
fn an_item_that_does_not_matter_may_be_anything() {
    let fixture =
        std::fs::read_to_string("tests/fixtures/session-server/address-known.yaml").unwrap();
    let odd = "- kind: Odd\n  &a a: &b {x: *c}\n  a: 1\n  a: 2\n";
    let input = fixture.replace("items:\n", &format!("items:\n{odd}"));
    let outcome = runner_terminal::run(input.as_bytes());
    assert!(!outcome.failed(), "{}", outcome.report());
    assert!(outcome.text().contains(odd));
}

/// Cutting a list anywhere, or changing a byte of it, never panics, and never loses the user's
/// data: the output is empty or holds every item that does not change.
#[test]
fn truncated_and_damaged_lists_do_not_panic() {
    for name in [
        "odd-style",
        "address-known",
        "json",
        "existing-table-conflict",
    ] {
        let input = std::fs::read(format!("tests/fixtures/session-server/{name}.yaml")).unwrap();
        for cut in (0..input.len()).step_by(2) {
            let _ = runner_terminal::run(&input[..cut]).report();
        }
        for at in (0..input.len()).step_by(13) {
            for byte in *b"\n\t-:'\"{[&*|#\0\xff" {
                let mut damaged = input.clone();
                damaged[at] = byte;
                let _ = runner_terminal::run(&damaged).report();
            }
        }
    }
}
