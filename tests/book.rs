//! The README is short, every page of the docs is in the book, and every link leads somewhere. No test
//! here needs a network: `cargo xtask book` builds the book.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Where Markdown is published, besides the root: files and folders.
const PLACES: [&str; 6] = [
    ".github",
    "crates",
    "docs",
    "fuzz/README.md",
    "tests/fixtures/chart/README.md",
    "wasm/web/npm/README.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The Markdown files in and below a folder, by their paths from the root.
fn below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["node_modules", "target"].contains(&name) {
            below(&path, found);
        } else if name.ends_with(".md") {
            found.insert(
                path.strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}

fn pages() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.insert(name);
        }
    }
    for place in PLACES {
        let path = root().join(place);
        if path.is_dir() {
            below(&path, &mut pages);
        } else if path.is_file() {
            pages.insert(place.to_owned());
        }
    }
    pages
}

/// The links of a page, and its anchors as GitHub and mdBook generate them.
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

fn parse(text: &str) -> Page {
    let (mut links, mut anchors) = (Vec::new(), BTreeSet::new());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_GFM) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.to_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap());
                let count = counts.entry(slug.clone()).or_default();
                anchors.insert(match *count {
                    0 => slug,
                    count => format!("{slug}-{count}"),
                });
                *count += 1;
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                for attribute in ["src=\"", "srcset=\"", "href=\""] {
                    let values = html.split(attribute).skip(1);
                    links.extend(values.map(|rest| rest.split('"').next().unwrap().to_owned()));
                }
            }
            _ => {}
        }
    }
    Page { links, anchors }
}

/// The anchor of a heading.
fn slug(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

/// A path without `..`; `None` if it leads out of the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => normal.pop().then_some(())?,
            component => normal.push(component),
        }
    }
    Some(normal)
}

/// What is wrong with a link of a page.
fn fault(page: &str, link: &str, anchors: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(page).parent().unwrap();
    let target = match path {
        "" => PathBuf::from(page),
        path => normal(&folder.join(path))?,
    };
    if !root().join(&target).exists() {
        return Some(format!("{page}: {link}: there is no {}", target.display()));
    }
    let target = target.to_str().unwrap();
    let has_anchor = anchors
        .get(target)
        .is_some_and(|anchors| anchors.contains(anchor));
    (!anchor.is_empty() && !has_anchor)
        .then(|| format!("{page}: {link}: {target} has no heading for #{anchor}"))
}

#[test]
fn every_link_leads_somewhere() {
    let pages: BTreeMap<_, _> = pages()
        .into_iter()
        .map(|path| (path.clone(), parse(&read(&path))))
        .collect();
    let anchors: BTreeMap<_, _> = pages
        .iter()
        .map(|(path, page)| (path.clone(), page.anchors.clone()))
        .collect();
    let (mut faults, mut links) = (Vec::new(), 0);
    for (path, page) in &pages {
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            faults.extend(fault(path, link, &anchors));
            links += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(
        links >= 300 && pages.len() >= 40,
        "{links} links, {} pages",
        pages.len()
    );
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "# A `b` c\n\n[x](gone.md) [y](#a-b-c) [z](#a-b) <img src=\"z.png\">\n\n# A b c\n";
    let page = parse(text);
    assert_eq!(page.links, ["gone.md", "#a-b-c", "#a-b", "z.png"]);
    let anchors = BTreeMap::from([("README.md".to_owned(), page.anchors)]);
    let fault = |link| fault("README.md", link, &anchors);
    assert_eq!(fault("#a-b-c"), None);
    assert_eq!(fault("#a-b-c-1"), None);
    assert_eq!(fault("docs"), None);
    for link in ["gone.md", "#a-b", "docs/gone.md", "docs/yaml.md#a-b-c"] {
        assert!(fault(link).is_some(), "{link}");
    }
}

/// Code and messages also name pages.
#[test]
fn pages_that_code_names_exist() {
    let pages = pages();
    let mut named = 0;
    for folder in [
        "src",
        "crates",
        "host",
        "kustomization",
        "xtask",
        "wasm/kpt",
        "wasm/playground/src",
    ] {
        let mut files = Vec::new();
        sources(&root().join(folder), &mut files);
        for (file, text) in files {
            for (at, _) in text.match_indices("docs/") {
                // Not a page of another repository.
                if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '/') {
                    continue;
                }
                let rest = &text[at..];
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "/-_.".contains(c)));
                let path = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
                if path.ends_with(".md") {
                    assert!(pages.contains(path), "{file} names {path}");
                    named += 1;
                }
            }
        }
    }
    assert!(named >= 10, "{named}");
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["node_modules", "target", "corpus"].contains(&name) {
                sources(&path, found);
            }
        } else if [".rs", ".yaml", ".ts", ".toml"]
            .iter()
            .any(|end| name.ends_with(end))
            && let Ok(text) = fs::read_to_string(&path)
        {
            found.push((path.display().to_string(), text));
        }
    }
}

/// A page that is not in the book yet has `()` for its path in `docs/SUMMARY.md`: mdBook shows its title.
#[test]
fn every_page_is_in_the_book_once() {
    let summary = read("docs/SUMMARY.md");
    let mut in_book = BTreeSet::new();
    for link in parse(&summary)
        .links
        .into_iter()
        .filter(|link| !link.is_empty())
    {
        assert!(
            in_book.insert(format!("docs/{link}")),
            "{link} is there twice"
        );
    }
    let docs: BTreeSet<_> = pages()
        .into_iter()
        .filter(|page| page.starts_with("docs/") && page != "docs/SUMMARY.md")
        .collect();
    assert_eq!(docs, in_book, "add the page to docs/SUMMARY.md");
    assert!(in_book.len() >= 20);
    let parts: Vec<_> = summary
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    assert_eq!(parts, ["Summary", "Learn", "Do", "Look up", "Understand"]);
}

/// Everything counts: words of commands, tables and links too.
#[test]
fn the_readme_is_short() {
    let readme = read("README.md");
    let words = readme.split_whitespace().count();
    assert!(words < 900, "{words} words");
    let (before, _) = readme.split_once("```").unwrap();
    let words = before.split_whitespace().count();
    assert!(words <= 60, "{words} words before the first command");
}

#[test]
fn the_readme_has_its_sections_in_order() {
    let readme = read("README.md");
    let sections: Vec<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(
        sections,
        [
            "Do I need it?",
            "Install",
            "Quick start",
            "The outermost overlay",
            "Hosts",
            "The Debug button does nothing?",
            "Documentation",
            "Build it",
        ]
    );
    let picture = readme.lines().find(|line| line.starts_with("![")).unwrap();
    assert!(readme.find(picture) < readme.find("\n## "), "{picture}");
    for bold in ["> **What restarts when.**", "> **How to uninstall.**"] {
        assert!(readme.contains(bold), "{bold}");
    }
}
