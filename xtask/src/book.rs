//! Builds the docs as a book with mdBook, and is the mdBook preprocessor for links that lead out of
//! the book.

use std::io::{self, Read as _};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use fs_err as fs;
use serde_json::Value;

use crate::process::{self, command};
use crate::{hosts, workspace};

/// Where files that are not in the book are shown.
const REPOSITORY: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");
/// The folder of the book's pages.
const SOURCE: &str = "docs";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Act as mdBook's preprocessor: read a book from standard input, and write it to standard
    /// output
    #[arg(long)]
    preprocess: bool,
    /// What mdBook asks a preprocessor: `supports html`
    #[arg(hide = true, requires = "preprocess")]
    question: Vec<String>,
}

/// Builds the book in `target/book`, or is its preprocessor.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match (arguments.preprocess, arguments.question.is_empty()) {
        (false, _) => {
            hosts::build(&["mdbook", "mdbook-mermaid"])?;
            build()?;
            println!("The book is in target/book; start at index.html");
            Ok(())
        }
        (true, true) => preprocess(),
        // Every renderer is supported.
        (true, false) => Ok(()),
    }
}

/// Builds the book with an mdBook and a preprocessor that are already built.
pub(crate) fn build() -> Result<()> {
    unpack_mermaid()?;
    process::run(&mut command("target/hosts/bin/mdbook build"))?;
    for page in workspace::entries(&workspace::target("book"))? {
        if page
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let is_drawn = !fs::read_to_string(&page)?.contains("language-mermaid");
            ensure!(is_drawn, "{}: a diagram is shown as code", page.display());
        }
    }
    Ok(())
}

/// Lets mdbook-mermaid write its scripts, which `book.toml` names, into `target/mermaid`. It also
/// edits the `book.toml` there, which is not used.
fn unpack_mermaid() -> Result<()> {
    // Otherwise those of an earlier version would stay.
    let folder = workspace::empty(workspace::target("mermaid"))?;
    fs::write(folder.join("book.toml"), "[book]\n")?;
    let mut install = command("target/hosts/bin/mdbook-mermaid install");
    process::run(install.arg(&folder).env("RUST_LOG", "warn"))
}

/// Reads mdBook's context and book, and prints the book with its links changed.
fn preprocess() -> Result<()> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let (_, mut book): (Value, Value) =
        serde_json::from_str(&input).context("standard input is not mdBook's context and book")?;
    let in_book = |path: &str| workspace::root().join(SOURCE).join(path).is_file();
    chapters(&mut book, &|path, text| links_out(path, text, &in_book));
    println!("{book}");
    Ok(())
}

/// Rewrites the text of each chapter, wherever it is in the book.
fn chapters(value: &mut Value, rewrite: &impl Fn(&str, &str) -> String) {
    match value {
        Value::Object(members) => {
            let text = |key| members.get(key).and_then(Value::as_str);
            if let (Some(path), Some(content)) = (text("source_path"), text("content")) {
                let content = rewrite(path, content);
                members.insert("content".to_owned(), content.into());
            }
            members
                .values_mut()
                .for_each(|value| chapters(value, rewrite));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| chapters(value, rewrite)),
        _ => {}
    }
}

/// Makes the links `](../…)` of a page that lead out of the book point to the repository.
fn links_out(path: &str, text: &str, in_book: &impl Fn(&str) -> bool) -> String {
    let mut parts = text.split("](../");
    let mut made = parts.next().unwrap_or_default().to_owned();
    // `docs` for a page of the folder itself, one folder more for one below.
    let folder: Vec<_> = [SOURCE].into_iter().chain(path.split('/')).collect();
    for part in parts {
        let target = format!("../{}", part.split([')', '#']).next().unwrap_or_default());
        let ups = target.matches("../").count();
        let below = target.trim_start_matches("../");
        let kept = folder.len().saturating_sub(1 + ups);
        let folders = folder.get(..kept).unwrap_or_default();
        let full = [folders, &[below]].concat().join("/");
        let is_page = full
            .strip_prefix("docs/")
            .is_some_and(|page| below.ends_with(".md") && in_book(page));
        if is_page {
            made.push_str("](../");
            made.push_str(part);
        } else {
            let rest = part.get(target.len() - "../".len()..).unwrap_or_default();
            made.push_str(&format!("]({REPOSITORY}{full}{rest}"));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_the_book_lead_to_the_repository() {
        let made = |path, text| links_out(path, text, &|page| page == "address.md");
        let repository = "https://github.com/runner-terminal/runner-terminal/blob/main";
        for (path, text, expected) in [
            (
                "a.md",
                "[a](../README.md#b) c",
                format!("[a]({repository}/README.md#b) c"),
            ),
            (
                "a.md",
                "[a](b.md) [c](../d)",
                format!("[a](b.md) [c]({repository}/d)"),
            ),
            (
                "r/a.md",
                "[a](../address.md#b)",
                "[a](../address.md#b)".to_owned(),
            ),
            (
                "r/a.md",
                "[a](../schema/x.json)",
                format!("[a]({repository}/docs/schema/x.json)"),
            ),
            (
                "r/a.md",
                "[a](../../src/a.rs)",
                format!("[a]({repository}/src/a.rs)"),
            ),
        ] {
            assert_eq!(made(path, text), expected);
        }
    }

    #[test]
    fn every_chapter_is_rewritten() {
        let mut book = serde_json::json!({"items": [{"Chapter": {
            "source_path": "a.md", "content": "x",
            "sub_items": [{"Chapter": {"source_path": "b.md", "content": "x"}}],
        }}]});
        chapters(&mut book, &|path, text| format!("{path} {text}"));
        let text = book.to_string();
        assert!(text.contains("a.md x") && text.contains("b.md x"), "{text}");
    }
}
