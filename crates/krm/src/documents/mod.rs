//! Wraps plain manifests into a ResourceList, and unwraps them again.
//!
//! People have files of `---`-separated manifests; the function reads one ResourceList. Wrapping
//! is done on the text: nothing is parsed and written anew, so a document that the function does
//! not change comes back byte for byte.
//!
//! ```
//! use krm::alignment::Sequence;
//! use krm::documents::{from_resource_list, to_resource_list};
//!
//! let file = "---\n# the runner's account\nkind: ServiceAccount\n---\nkind: Role\nrules: []\n";
//! let list = to_resource_list(&[("runner.yaml", file)], "kind: SessionServer\n")?;
//! assert_eq!(
//!     list.text,
//!     "\
//! apiVersion: config.kubernetes.io/v1
//! kind: ResourceList
//! functionConfig:
//!   kind: SessionServer
//! items:
//! - kind: ServiceAccount
//! - kind: Role
//!   rules: []
//! "
//! );
//! assert_eq!(list.documents[1].line, 5);
//! assert_eq!(from_resource_list(&list.text)?[1], "kind: Role\nrules: []\n");
//!
//! // What the function has made of the list goes back into the files.
//! let changed = list.text.replace("rules: []", "rules: [] # none");
//! let edited = list.edited(&[("runner.yaml", file)], &changed, &Sequence::default())?;
//! assert_eq!(edited.texts, [file.replace("rules: []", "rules: [] # none")]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`split`] | finds the documents of a file |
//! | [`item`] | finds the items of a list |
//! | [`members`] | finds the resources that a document wraps |
//! | [`resources`] | finds all resources of some files |
//! | [`field_line`] | finds the line of a field |
//! | [`edit`] | puts the items of a list back into the documents that they come from |

mod edit;
mod field_line;
mod item;
mod members;
mod resources;
mod split;

use std::fmt;
use std::ops::Range;

use crate::text::printable;
pub use edit::{Edited, without_function_configs};
pub use field_line::{FieldLines, line_of};
pub use item::{Item, items};
use members::is_sequence;
pub use members::{Member, members};
pub use resources::{FileResource, FoundResources, resources, resources_of, unreadable};
pub use split::{ANY_VERSION, is_function_config, split};
use yaml_splice::{YamlError, YamlErrorKind};

/// A ResourceList, and where each of its items comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedDocuments {
    /// The ResourceList as text.
    pub text: String,
    /// The origin of each item, in the order of the items.
    pub documents: Vec<Document>,
    /// The bytes of each item in the text.
    ranges: Vec<Range<usize>>,
}

/// Where a document is in the files that were wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The index of the file among those given.
    pub file: usize,
    /// The document's number in its file, from 1; empty documents do not count.
    pub number: usize,
    /// The line of its first content, from 1.
    pub line: usize,
    /// Its bytes in the file, from the first line of content to its end. Comments before the
    /// content are not part of it: nothing changes them.
    pub range: Range<usize>,
    /// The start of the line with the separator before it, if there is one.
    pub separator: Option<usize>,
    /// It is a functionConfig of this function, and not a resource for a cluster.
    pub is_function_config: bool,
}

/// Wraps the documents of some files, given as (path, text), as the items of a ResourceList.
///
/// Documents without content are left out, and so are functionConfigs: they are not resources for a
/// cluster. A missing line end at the end of a file is added. A byte order mark is dropped; CRLF
/// stays. Indentation by two spaces does not change the meaning of a document: block scalars are
/// indented as a whole, and none of their lines can look like a separator, because YAML forbids it.
///
/// # Errors
///
/// [`DocumentError`] when wrapping would change what a document means, or when
/// `function_config` is not one document.
pub fn to_resource_list(
    files: &[(&str, &str)],
    function_config: &str,
) -> Result<WrappedDocuments, DocumentError> {
    wrap(files, split(files)?, function_config)
}

/// Like [`to_resource_list`], for files that are already split.
///
/// # Errors
///
/// [`DocumentError`] when `function_config` is not one document.
pub fn wrap(
    files: &[(&str, &str)],
    mut documents: Vec<Document>,
    function_config: &str,
) -> Result<WrappedDocuments, DocumentError> {
    let size: usize = files
        .iter()
        .map(|(_, text)| text.len() + text.len() / 8)
        .sum();
    let mut text = String::with_capacity(size + function_config.len() + 256);

    text.push_str(HEAD);
    text.push_str("functionConfig:\n");
    let configs = split(&[(FUNCTION_CONFIG, function_config)])?;
    let [config] = configs.as_slice() else {
        let line = configs.get(1).map_or(1, |second| second.line);
        return Err(DocumentError::new(
            FUNCTION_CONFIG,
            line,
            Problem::NotOneConfig,
        ));
    };
    let config = config.text(&[(FUNCTION_CONFIG, function_config)]);
    push_indented(&mut text, config, "  ");

    documents.retain(|document| !document.is_function_config);
    text.push_str(if documents.is_empty() {
        "items: []\n"
    } else {
        "items:\n"
    });
    let mut ranges = Vec::with_capacity(documents.len());
    for document in &documents {
        let start = text.len();
        push_item(&mut text, document.text(files));
        ranges.push(start..text.len());
    }
    Ok(WrappedDocuments {
        text,
        documents,
        ranges,
    })
}

/// Returns the text of each item of a ResourceList as a document: see [`Item::text`].
///
/// # Errors
///
/// As [`items`].
pub fn from_resource_list(text: &str) -> Result<Vec<String>, DocumentError> {
    Ok(items(text)?.iter().map(Item::text).collect())
}

/// Appends a document as an item. An array gets the lines below the dash, so that the dashes of its
/// members begin lines of their own.
fn push_item(list: &mut String, document: &str) {
    if is_sequence(document) {
        list.push_str("-\n");
        push_indented(list, document, "  ");
    } else {
        push_indented(list, document, "- ");
    }
}

/// Appends a document, its first line after `first` and the others after two spaces.
fn push_indented(list: &mut String, document: &str, first: &str) {
    let mut indent = first;
    for (_, line) in item::lines(document) {
        // An empty line stays empty: trailing spaces would only be noise in a diff.
        if !item::is_empty(line) {
            list.push_str(indent);
        }
        list.push_str(line);
        indent = "  ";
    }
    if !document.ends_with('\n') {
        list.push('\n');
    }
}

/// The head of a ResourceList.
const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n";

/// The name of the functionConfig in errors, as it has no path here.
pub const FUNCTION_CONFIG: &str = "function config";

/// The name of a list in errors about its items.
pub const LIST: &str = "ResourceList";

/// Why documents cannot be wrapped or unwrapped, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    /// The path of the file, as given.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is not YAML, for this reason.
    NotYaml(String),
    /// It is not YAML, for this reason, and has lines that start with `{{`, as templates do.
    Template(String),
    /// YAML readers interpret it differently, and why.
    Ambiguous(String),
    /// `--- |`, `--- {a: 1}`: content on the line of the separator.
    ContentAfterSeparator,
    /// `%YAML 1.2`: a directive, which applies to a whole document and cannot be in a list. kubectl
    /// refuses it in manifests: it splits files at `---`, which leaves the directive without a document.
    Directive,
    /// A byte order mark that is not at the start of the file, as where files were concatenated.
    ByteOrderMark,
    /// It is a single block scalar, which is not a resource. Its indentation indicator, if any,
    /// would be wrong in a list.
    BlockScalar,
    /// A carriage return without a line feed, which only YAML treats as a line end.
    LoneCarriageReturn,
    /// The function config has no content, or is more than one document.
    NotOneConfig,
    /// All documents of the files are functionConfigs.
    OnlyConfigs,
    /// The list has no `items:` followed by lines that start with a dash.
    NoItems,
}

impl Document {
    /// Its text in the files that it comes from.
    pub fn text<'f>(&self, files: &[(&str, &'f str)]) -> &'f str {
        let file = files.get(self.file).map_or("", |(_, text)| *text);
        file.get(self.range.clone()).unwrap_or_default()
    }

    /// Converts a parse error of its text to one with its position in the files.
    pub fn not_yaml(&self, files: &[(&str, &str)], error: YamlError) -> DocumentError {
        let path = files.get(self.file).map_or("", |(path, _)| *path);
        let line = self.line + error.line.saturating_sub(1);
        let mut lines = self.text(files).lines();
        let problem = match Problem::from(error) {
            Problem::NotYaml(why) if lines.any(|line| line.trim_start().starts_with("{{")) => {
                Problem::Template(why)
            }
            problem => problem,
        };
        DocumentError::new(path, line, problem)
    }
}

impl DocumentError {
    /// At a line of a file, from 1.
    pub fn new(path: &str, line: usize, problem: Problem) -> Self {
        Self {
            path: path.to_owned(),
            line,
            problem,
        }
    }
}

impl From<YamlError> for Problem {
    fn from(error: YamlError) -> Self {
        match error.kind {
            YamlErrorKind::Ambiguous => Self::Ambiguous(error.message),
            _ => Self::NotYaml(error.message),
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("{}:{}: {}", self.path, self.line, self.problem);
        formatter.write_str(&printable(&line))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotYaml(why) => return write!(formatter, "this is not valid YAML: {why}"),
            Self::Template(why) => {
                return write!(
                    formatter,
                    "this is not valid YAML: {why}. If it is a template of a Helm chart, use what \
                     `helm template` prints"
                );
            }
            Self::Ambiguous(why) => return write!(formatter, "this cannot be read: {why}"),
            Self::ContentAfterSeparator => {
                "there is content on the line of the separator; put it on a line of its own"
            }
            Self::Directive => "kubectl reads no manifests with a YAML directive; remove the line",
            Self::ByteOrderMark => {
                "there is a byte order mark before this line; keep at most one, at the start of the \
                 file"
            }
            Self::BlockScalar => {
                "this document is only a text, not a resource; remove it, or write a mapping"
            }
            Self::LoneCarriageReturn => {
                "there is a carriage return inside the line; end lines with LF or CRLF"
            }
            Self::NotOneConfig => "there must be one document here; keep one SessionServer",
            Self::OnlyConfigs => {
                "this is a functionConfig, and there are no manifests for it: name those too, or name \
                 them alone and hand this over by --function-config"
            }
            Self::NoItems => {
                "the list has no items in block style; write `items:` and each item after `- `, \
                 as `kustomize fn` and kpt do"
            }
        })
    }
}

impl std::error::Error for DocumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "kind: SessionServer\n";

    /// The items of a list made of one file.
    fn items(file: &str) -> String {
        let list = to_resource_list(&[("a.yaml", file)], CONFIG).unwrap();
        list.text
            .split_once("items:")
            .unwrap()
            .1
            .trim_start_matches('\n')
            .to_owned()
    }

    fn refused(file: &str) -> String {
        to_resource_list(&[("a.yaml", file)], CONFIG)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn every_document_comes_back_byte_for_byte() {
        for document in [
            "a: 1\n",
            "a: |\n  x\n\n    y\n   \n  z\n\n\nb: >+\n  --- inside\n  ... inside\n\n\n",
            "a: 1\r\nb: |\r\n  x\r\n\r\n  y\r\n",
            "{\n\"a\": [1,\n2]\n}\n",
            "  a: 1\n  b: 2\n",
            "- a\n-   b\n- - c\n",
            "a: 1 # comment\n# comment\n   # comment\n\nb: 2\n# at the end\n",
            "a:   \n \t\nb: \"x\n  y\"\n",
            "a: &x 1\nb: *x\n---a: not a separator\n....: nor this\n",
        ] {
            let file = format!("# before\n\n---\n{document}---\n{document}");
            let list = to_resource_list(&[("a", &file), ("b", document)], CONFIG).unwrap();
            assert_eq!(
                from_resource_list(&list.text).unwrap(),
                [document; 3],
                "{}",
                list.text
            );
            for origin in &list.documents {
                let text = if origin.file == 0 { &file } else { document };
                assert_eq!(&text[origin.range.clone()], document);
            }
        }
    }

    #[test]
    fn the_charts_come_back_byte_for_byte() {
        for name in [
            "default",
            "metrics",
            "replicas-3",
            "hpa",
            "session-server-on",
        ] {
            let path = format!(
                "{}/../../tests/fixtures/chart/chart-{name}.yaml",
                env!("CARGO_MANIFEST_DIR")
            );
            let chart = std::fs::read_to_string(path).unwrap();
            let list = to_resource_list(&[("chart.yaml", &chart)], CONFIG).unwrap();
            let items = from_resource_list(&list.text).unwrap();
            assert!(items.len() > 4);
            assert_eq!(items.len(), list.documents.len());
            for (item, origin) in items.iter().zip(&list.documents) {
                assert_eq!(*item, chart[origin.range.clone()]);
            }
        }
    }

    #[test]
    fn separators_may_have_comments_and_documents_may_be_empty() {
        assert_eq!(
            items("--- # first\na: 1\n---\t\n\n# only a comment\n---\nb: 2\n...\n"),
            "- a: 1\n- b: 2\n"
        );
        assert_eq!(
            items("a: 1\n... # end\n# between\nb: 2"),
            "- a: 1\n- b: 2\n"
        );
        assert_eq!(items("\u{feff}---\r\na: 1\r\n"), "- a: 1\r\n");
        assert_eq!(items("# nothing\n---\n"), " []\n");
    }

    #[test]
    fn origins_name_file_number_and_line() {
        let files = [
            ("a.yaml", "# x\n---\n---\n# y\na: 1\n---\nb: 2\n"),
            ("b.yaml", "c: 3\n"),
        ];
        let list = to_resource_list(&files, CONFIG).unwrap();
        let origins: Vec<_> = list
            .documents
            .iter()
            .map(|origin| (origin.file, origin.number, origin.line))
            .collect();
        assert_eq!(origins, [(0, 1, 5), (0, 2, 7), (1, 1, 1)]);
    }

    #[test]
    fn what_wrapping_would_change_is_refused() {
        assert_eq!(
            refused("a: 1\n--- |\n text\n"),
            "a.yaml:2: there is content on the line of the separator; put it on a line of its own"
        );
        assert!(refused("--- {a: 1}\n").contains("separator"));
        assert!(refused("a: 1\n... b: 1\n").contains("separator"));
        assert!(refused("%YAML 1.2\n---\na: 1\n").starts_with("a.yaml:1: kubectl reads no"));
        assert!(refused("a: 1\rb: 2\n").contains("carriage return"));
    }

    #[test]
    fn the_function_config_is_one_document() {
        for config in ["", "# nothing\n", "a: 1\n---\nb: 1\n"] {
            let error = to_resource_list(&[], config).unwrap_err();
            assert_eq!(error.problem, Problem::NotOneConfig);
        }
        let list =
            to_resource_list(&[], "# comment\n---\n{kind: SessionServer,\nspec: {}}").unwrap();
        assert!(
            list.text
                .contains("functionConfig:\n  {kind: SessionServer,\n  spec: {}}\nitems: []\n")
        );
    }

    #[test]
    fn items_are_found_as_other_programs_write_them() {
        let list = "kind: ResourceList\nitems:\n  # one\n  - a: 1\n    b: |\n      x\n\n      - y\n  -   c:\n      - 2\n  -\n    d: 4\nresults:\n- message: x\n";
        assert_eq!(
            from_resource_list(list).unwrap(),
            ["a: 1\nb: |\n  x\n\n  - y\n", "  c:\n  - 2\n", "d: 4\n"]
        );
        assert_eq!(
            from_resource_list("items: [] # none\n").unwrap(),
            Vec::<String>::new()
        );
        assert!(from_resource_list("items: [{a: 1}]\nkind: x\n").is_err());
        assert!(from_resource_list("kind: x\n").is_err());
    }
}
