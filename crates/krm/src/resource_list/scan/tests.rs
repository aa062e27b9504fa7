//! Both readers agree, and the fast one is used.

mod agreed;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{by_lines, by_tree};
use agreed::agreed;
use yaml_splice::YamlError;

/// A list whose items are these documents.
fn list(documents: &[String], column: usize) -> String {
    let mut text = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n".to_owned();
    for document in documents {
        let mut dash = "- ";
        for line in document.split_inclusive('\n') {
            let blank = line.trim().is_empty();
            let comment = line.starts_with('#');
            if !blank {
                text.push_str(&" ".repeat(column));
                text.push_str(if comment {
                    ""
                } else {
                    std::mem::replace(&mut dash, "  ")
                });
            }
            text.push_str(line);
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text.push_str("functionConfig:\n  kind: SessionServer\n  metadata: {name: a}\n");
    text
}

/// The documents of the files in a folder of fixtures.
fn documents(folder: &str) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(format!("../../tests/fixtures/{folder}")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let documents = text
            .split("---\n")
            .map(str::to_owned)
            .filter(|document| {
                document
                    .lines()
                    .any(|line| !line.starts_with('#') && !line.is_empty())
            })
            .collect();
        all.push((name, documents));
    }
    assert!(all.len() > 3, "{folder}");
    all
}

#[test]
fn the_quick_reader_reads_what_tools_write() {
    for (name, documents) in documents("chart") {
        for column in [0, 2, 4] {
            let text = list(&documents, column);
            for text in [text.replace('\n', "\r\n"), text] {
                let layout = agreed(&text)
                    .unwrap()
                    .unwrap_or_else(|| panic!("{name} is not read"));
                assert_eq!(layout.items.len(), documents.len(), "{name}");
                assert!(
                    layout.items.iter().all(|item| item.head.is_some()),
                    "{name}"
                );
            }
        }
    }
    for folder in ["session-server", "refused", "advertise-address"] {
        for entry in std::fs::read_dir(format!("../../tests/fixtures/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            let layout = agreed(&text).unwrap();
            let json = text.lines().any(|line| line.starts_with('{'));
            let odd = json || by_tree(&text).is_err();
            assert!(layout.is_some() || odd, "{} is not read", path.display());
        }
    }
}

/// The cases that are hard to edit are hard to read, too.
#[test]
fn the_hard_cases_of_the_editor() {
    let mut quick = 0;
    for (name, documents) in documents("yaml") {
        for column in [0, 2] {
            let text = list(&documents, column);
            match agreed(&text) {
                Ok(Some(_)) => quick += 1,
                Ok(None) => println!("{name}: left to the parser"),
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    assert!(quick > 80, "{quick}");
}

/// Parts of lists with lines that could be mistaken for something else.
const HOSTILE: &[&str] = &[
    // Text that looks like items, keys, comments and separators.
    "- kind: A\n  metadata:\n    name: a\n  data:\n    x: |\n      - kind: Deployment\n      items:\n      - b\n\n     # under\n    y: z\n",
    "- kind: A\n  a: |\n\n    items:\n  \n  b: |-\n   - kind: B\n   ---\n",
    "- kind: A\n  a: |2\n      - b\n    kind: C\n  b: >1+\n   x\n\n",
    "- kind: A\n  a: \"x\n    - kind: B\n    kind: C\n\n    # no comment\n    --- \"\n  b: c\n",
    "- kind: A\n  a: \"x\n\n- kind: B\n\n  \"\n",
    "- kind: A\n  a: 'it''s\n    - x: ''\n    items:\n    '\n",
    "- kind: A\n  a: x\n    - kind: B\n    y\n    # a comment ends it\n  b: z\n",
    "- kind: A\n  a:\n    x\n    - y\n  b:\n    - |\n      kind: D\n    - z\n",
    "- kind: A\n  a: [x,\n  y, {b: c,\nd: e}\n  , 'it''s', \"]\"]\n  b: {\n}\n",
    "- kind: A\n  a: it's\n  b: a \"b\" c: \"d\n  c: 'x' # it's\n  d: x #y: z\n",
    "- kind: A\n  a: x#y\n  b: http://c:1/#d\n  c: \"#\"\n  d: '# '\n  e: - x\n",
    "- kind: A # kind: B\n  metadata: # name: x\n    # name: y\n    name: b # c\n    namespace: \"c\" # d\n",
    "- kind: \"A\"\n  metadata: {name: a, namespace: b}\n",
    "- \"kind\": A\n  'metadata':\n    \"name\": b\n",
    "- kind: A\n  metadata:\n    labels:\n      name: wrong\n    name: right\n    annotations:\n      namespace: wrong\n",
    "- metadata:\n    name: a\n  kind: B\n  spec:\n    kind: wrong\n    metadata:\n      name: wrong\n",
    "-   kind: A\n    metadata:\n     name: a\n",
    "-\n  kind: A\n",
    "- # comment\n  kind: A\n  metadata:\n\n    name: a\n",
    "- {kind: A, metadata: {name: a}}\n",
    "- &a\n  kind: A\n  b: &b {c: d}\n",
    "- &a kind: A\n  metadata: &m\n    name: &n a\n    namespace: *n\n",
    "- *a\n",
    "- <<: *a\n  kind: B\n",
    "- kind: A\n  metadata:\n    <<: *m\n    namespace: x\n",
    "- kind: A\n  metadata: *m\n",
    "- !!map\n  kind: !!str A\n  metadata: !m\n    name: ! a\n",
    "- kind: |\n    A\n  metadata:\n    name: >-\n      a\n",
    "- kind:\n    A\n  metadata:\n    name:\n      a\n    namespace: # c\n      b\n",
    "- kind: A\n  metadata:\n    name: a\n     b\n    namespace: \"c\n      d\"\n",
    "- kind: A\n  metadata:\n    name: a\n     b\n    namespace: c\n\n\n      d\n",
    "- kind: A\n   B\n  metadata:\n    name: a\n\n    # c\n    namespace: b\n",
    "- kind: 5\n  metadata:\n    name: 1e3\n    namespace: true\n",
    "- kind: null\n  metadata:\n    name: ~\n    namespace: off\n",
    "- kind: \"a\\x62\"\n  metadata:\n    name: 'it''s'\n    namespace: ''\n",
    "- kind: A\n  ? b\n  : c\n",
    "- kind: A\n  \"a\n    b\": c\n",
    "- kind: A\n  a:\n  - - kind: B\n    - name: c\n  -   - - d\n",
    "- kind: A\n  a:\n  - name: b\n    metadata:\n      name: c\n  metadata:\n    name: d\n",
    "- - kind: A\n  - kind: B\n",
    "- text\n",
    "- |\n  kind: A\n",
    "- \"kind: A\n  metadata:\"\n",
    "-\n",
    "- \n- kind: A\n",
    "- kind: A\tb\n  a:\tb\n  c: \t d\n",
    "- kind: A\n\t# tab\n  a: b\n",
    "- kind: A\n  a: |\n    \tx\n\t\n    y\n",
    "- kind : A\n  metadata : \n    name : a\n",
    "- kind: A\n  a: {kind: B, b: [c,\n    - d]}\n",
    "- kind: A\n  a: [a: b, :c, d:e, \"f\":g, {h}: i, -j, k#l]\n",
    "- kind: A\n  a: [x, # it's ]\n    'y', &z z, *z, !t u ]\n",
    "- kind: A\n  a: %x\n",
    "- kind: A\n  -b: c\n  ?d: e\n  f:g: h\n  :i: j\n",
    "- kind: A\n  metadata:\n  - name: b\n",
    "- kind: A\n  metadata:\n    name: a\n    name : b\n",
    "- kind: A\n  kind: B\n",
    "- kind: é漢\n  metadata:\n    name: 😀\n    é: \"漢\n      😀\"\n",
    // Below an item's own keys, where most lines are stepped over.
    "- kind: A\n  spec:\n    a: b\n      - kind: Deployment\n      c\n    d: e\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    a: \"x\\\"\n\n- kind: B\n    \"\n    c: \"\"\n    d: \"e\" # \"\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    a: \"\n\n- kind: B\n\n    \"\n    b: \"'\"\n    c: '\"'\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    - a: |\n       b: c\n\n      - kind: D\n    - b: \"c\"\n      d:\n      - e: f\n        g\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    a:\n      [b,\n- c: \"d\",\n  kind: e]\n    f:\n    - g:\n        h\n        i: j\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    a:\n      \"b\n\n  kind: c\n      d: \\\"\n    \"\n    e#f: g\n    h: i#: \"j\"\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    a: b #: \"\n    c: d: e\n    f:\n    -  g: h\n    - - i: j\n        k\n      - l: \"m\"\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    a: &a \"b\"\n    c: *a\n    d: !!str \"e\n\n  kind: f\"\n    g: h\n\n      i\n    # j\n  metadata:\n    name: a\n",
    "- kind: A\n  spec:\n    a: \"b\"\n    c: \"d\" \n    é: \"f\"\n    g: \"h\": i\n  metadata:\n    name: a\n",
    // Between the items and around them.
    "# between\n\n",
    "  # deeper\n",
    "    \n",
    "\n",
    "---\n",
    "...\n",
    "  ---\n",
];

const SECTIONS: &[&str] = &[
    "apiVersion: config.kubernetes.io/v1\n",
    "kind: ResourceList\n",
    "kind: \"ResourceList\" # it is\n",
    "items:\n",
    "items: # these\n",
    "items: []\n",
    "items: [] # none\n",
    "items: &items\n",
    "items: {}\n",
    "items:\n  # deep\n",
    "\"items\":\n",
    "items : \n",
    "functionConfig:\n  kind: C\n  metadata:\n    name: x\n",
    "functionConfig: {kind: C,\n  items: [a]}\n",
    "functionConfig:\n",
    "functionConfig: *a\n",
    "functionConfig: |\n  items:\n  - a\n",
    "results:\n- message: a\n  severity: info\n",
    "results:\n  - message: \"a\n      - b\"\n",
    "results: []\n",
    "openAPI: {a: b}\n",
    "metadata:\n  name: |\n    items:\n    - kind: A\n",
    "note: plain\n  items\n  - x\n",
    "note: \"quoted\n\n  items:\n  - x\"\n",
    "<<: {items: []}\n",
    "? a\n: b\n",
    "# comment\n",
    "\n",
    "\u{feff}",
    "---\n",
    "--- # start\n",
    "...\n",
    "%YAML 1.2\n",
];

fn indented(part: &str, column: usize) -> String {
    part.split_inclusive('\n')
        .map(|line| match line.trim_end() {
            "" => line.to_owned(),
            _ => format!("{}{line}", " ".repeat(column)),
        })
        .collect()
}

/// Each hard part as the only item, as the first and as the last.
#[test]
fn every_hostile_part() {
    let start = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n";
    let plain = "- &a\n  kind: Plain\n  metadata: &m\n    name: plain\n";
    for part in HOSTILE {
        for column in [0, 2, 4] {
            for (before, after) in [("", ""), (plain, ""), ("", plain), (plain, plain)] {
                let items = indented(&format!("{before}{part}{after}"), column);
                for end in SECTIONS {
                    for text in [
                        format!("{start}items:\n{items}{end}"),
                        format!("items:\n{items}{start}{end}"),
                        format!("---\n# c\n{start}{end}items:\n{items}"),
                    ] {
                        let crlf = text.replace('\n', "\r\n");
                        for text in [text.as_str(), &crlf, text.trim_end()] {
                            if let Err(error) = agreed(text) {
                                panic!("{error}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_json_list_is_left_to_the_parser() {
    let text = r#"{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": [{"kind": "A"}]}"#;
    assert!(by_lines(text).is_err());
    assert_eq!(
        by_tree(text).map(|layout| layout.items.len()),
        Ok::<_, YamlError>(1)
    );
}

/// Moves, duplicates, indents, truncates or removes lines of a text.
fn damage(text: &str, damages: &[(Index, Index, u8)]) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for (from, to, kind) in damages {
        if lines.is_empty() {
            break;
        }
        let (from, to) = (from.index(lines.len()), to.index(lines.len()));
        match kind % 9 {
            0 => {
                lines.remove(from);
            }
            1 => {
                let line = lines.remove(from);
                lines.insert(to.min(lines.len()), line);
            }
            2 => lines.insert(to, lines[from].clone()),
            3 => lines[from].insert(0, ' '),
            4 => lines[from].insert_str(0, "  "),
            5 if lines[from].starts_with(' ') => {
                lines[from].remove(0);
            }
            6 => lines[from] = lines[from].trim_start().to_owned(),
            7 => lines[from] = lines[from].replace(": ", ":\n"),
            8 => {
                let signs = [
                    "- ", "\"", "'", "[", "]", "{", "}", "# ", ": ", "|", "\t", "&x ", "!t ", "*a",
                    ",", "? ", "\\", "é",
                ];
                let place = lines[from]
                    .char_indices()
                    .nth(to % 12)
                    .map_or(0, |(at, _)| at);
                lines[from].insert_str(place, signs[to % signs.len()]);
            }
            _ => {}
        }
    }
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(4000)
    })]

    #[test]
    fn random_lists(
        before in prop::collection::vec(prop::sample::select(SECTIONS), 0..4),
        items in prop::collection::vec(prop::sample::select(HOSTILE), 0..5),
        after in prop::collection::vec(prop::sample::select(SECTIONS), 0..3),
        column in prop::sample::select(vec![0_usize, 0, 1, 2, 4]),
        damages in prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 0..5),
        crlf in prop::bool::weighted(0.2),
    ) {
        let items = indented(&items.concat(), column);
        let text = format!("{}items:\n{items}{}", before.concat(), after.concat());
        let text = damage(&text, &damages);
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        if let Err(error) = agreed(&text) {
            return Err(TestCaseError::fail(error));
        }
    }

    #[test]
    fn any_text_at_all(text in "([ -]{0,4}[a-c:#'\"|>{}\\[\\],&*!?é\t-]{0,4}[ \n\r]?){0,12}") {
        if let Err(error) = agreed(&text) {
            return Err(TestCaseError::fail(error));
        }
    }
}
