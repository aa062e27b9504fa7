//! The cases below `tests/cases`: reads them, and checks each kind of case.

pub(crate) mod manifests;
pub(crate) mod pod_start;
pub(crate) mod properties;
pub(crate) mod resource_lists;
pub(crate) mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

/// One file below `tests/cases`.
pub(crate) struct Case {
    /// `service/users-own.yaml`
    pub(crate) path: String,
    /// The first lines, as key and value.
    header: Vec<(String, String)>,
    /// The input of the functions. For a JSON file it begins after the header, because JSON has no
    /// comments.
    pub(crate) text: String,
    ran: OnceLock<manifests::Ran>,
}

/// The kind of a case, determined by its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Manifests, with their functionConfigs: `served`, `unchanged`, `refused`.
    Manifests,
    /// A ResourceList with a VerifyTerminals: `right`, `warning`, `error`.
    ResourceList,
    /// Values of the Helm chart: `imported`, `not imported`.
    Values,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        let all = std::fs::read_to_string(path).unwrap();
        let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let lines = all.lines().take_while(|line| line.starts_with('#'));
        let header = lines.map(|line| {
            let entry = line
                .strip_prefix("# ")
                .and_then(|line| line.split_once(": "));
            let (key, value) =
                entry.unwrap_or_else(|| panic!("{relative}: {line} is no `# key: value`"));
            (key.to_owned(), value.to_owned())
        });
        let header: Vec<_> = header.collect();
        let body = || all.split_inclusive('\n').skip(header.len()).collect();
        let text = if relative.ends_with(".json") {
            body()
        } else {
            all.clone()
        };
        Self {
            path: relative.to_owned(),
            header,
            text,
            ran: OnceLock::new(),
        }
    }

    /// The text after the first lines.
    pub(crate) fn body(&self) -> &str {
        let mut text = self.text.as_str();
        while let Some((_, rest)) = text
            .split_once('\n')
            .filter(|(line, _)| line.starts_with('#'))
        {
            text = rest;
        }
        text
    }

    /// The result of running the functions on a case's manifests.
    pub(crate) fn ran(&self) -> &manifests::Ran {
        self.ran.get_or_init(|| manifests::run_case(self))
    }

    /// `users-own.yaml`
    pub(crate) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    pub(crate) fn header(&self) -> impl Iterator<Item = (&str, &str)> {
        self.header
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(crate) fn all<'c>(&'c self, wanted: &'c str) -> impl Iterator<Item = &'c str> {
        let found = self.header().filter(move |(key, _)| *key == wanted);
        found.map(|(_, value)| value)
    }

    /// The value of a key that may occur once.
    pub(crate) fn one<'c>(&'c self, key: &'c str) -> Option<&'c str> {
        let mut found = self.all(key);
        let first = found.next();
        assert!(found.next().is_none(), "{}: {key} stands twice", self.path);
        first
    }

    pub(crate) fn outcome(&self) -> &str {
        let outcome = self.one("outcome");
        outcome.unwrap_or_else(|| panic!("{}: has no outcome", self.path))
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.outcome() {
            "served" | "unchanged" | "refused" => Kind::Manifests,
            "right" | "warning" | "error" => Kind::ResourceList,
            "imported" | "not imported" => Kind::Values,
            other => panic!("{}: {other:?} is no outcome", self.path),
        }
    }

    /// Compares the outcome of the case with its first lines.
    pub(crate) fn check(&self) -> Result<(), String> {
        let expected = self.one("Expected").unwrap_or_default();
        if expected.is_empty() {
            return Err("no line `# Expected: …` says what is right".to_owned());
        }
        match self.kind() {
            Kind::Manifests => manifests::check(self),
            Kind::ResourceList => resource_lists::check(self),
            Kind::Values => values::check(self),
        }
    }

    /// Each line of the header that does not hold, with what was found. `holds` returns `None` for
    /// an unknown key.
    fn check_lines(
        &self,
        holds: impl Fn(&str, &str) -> Option<Result<(), String>>,
    ) -> Result<(), String> {
        let mut faults = String::new();
        for (key, value) in self.header().filter(|(key, _)| *key != "Expected") {
            let held = holds(key, value).unwrap_or_else(|| Err("there is no such key".to_owned()));
            if let Err(found) = held {
                faults.push_str(&format!("# {key}: {value}\n{found}\n"));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// `Ok` if it holds, else what was found.
pub(crate) fn expect(holds: bool, found: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(found.into()) }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Every case, sorted by path.
pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);

/// Reads them. A folder in a folder is a kustomization, which
/// `tests/real-hosts/tests/kustomize_cases.rs` builds.
fn cases() -> Vec<Case> {
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let mut cases = Vec::new();
    for path in entries(&root()).iter().flat_map(|folder| entries(folder)) {
        if path.is_dir() {
            let is_kustomization = path.join("kustomization.yaml").exists();
            assert!(is_kustomization, "{} is no kustomization", path.display());
        } else {
            cases.push(Case::read(&path));
        }
    }
    assert!(cases.len() >= 350, "only {} cases", cases.len());
    cases
}

/// Checks each case, and names all that fail. Returns the number of cases to which the check
/// applies: those for which it returns `Some`.
pub(crate) fn each(check: impl Fn(&Case) -> Option<Result<(), String>>) -> usize {
    let mut tried = 0;
    let mut faults = Vec::new();
    for case in CASES.iter() {
        // A panic does not name the case.
        let result = catch_unwind(AssertUnwindSafe(|| check(case)));
        let result = result.unwrap_or_else(|_| Some(Err("panicked, as is said above".to_owned())));
        tried += usize::from(result.is_some());
        if let Some(Err(found)) = result {
            faults.push(format!("tests/cases/{}:\n{found}", case.path));
        }
    }
    assert!(
        faults.is_empty(),
        "{} failed\n\n{}",
        faults.len(),
        faults.join("\n\n")
    );
    tried
}
