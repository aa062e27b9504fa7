//! The page.

use dist::Crate;

use crate::workspace::Part;
use crate::{Dependencies, Names, PROGRAMS, names};

impl Dependencies {
    pub(crate) fn page(&self) -> String {
        let direct = self.direct();
        let duplicates = self.duplicates();
        let programs = self.programs();
        format!(
            "# Dependencies\n\nThe crates that our packages name in a `Cargo.toml`, and why, as \
             [`dependencies.yaml`](../xtask/dist/dependencies.yaml) has it. `core` is the function and \
             `host` the launcher; the other packages are folders of `crates`, `wasm`, `xtask` and \
             `tests`. The npm package needs no other npm package.\n\n{direct}{duplicates}{programs}"
        )
    }

    fn direct(&self) -> String {
        let programs = self.rows(Part::Programs, |name, users, why| {
            let brings = match self.only_through[name].len() {
                0 => String::new(),
                number => number.to_string(),
            };
            format!("| {name} | {users} | {brings} | {why} |\n")
        });
        let rows = |part| {
            self.rows(part, |name, users, why| {
                format!("| {name} | {users} | {why} |\n")
            })
        };
        let (build, tests) = (rows(Part::Build), rows(Part::Tests));
        format!(
            "## In what people get\n\n\"Brings\" counts the other crates that are linked only because of \
             this one.\n\n\
             | crate | used by | brings | why |\n|---|---|---:|---|\n{programs}\n\
             ## In what builds and packs it\n\n| crate | used by | why |\n|---|---|---|\n{build}\n\
             ## In tests alone\n\n| crate | used by | why |\n|---|---|---|\n{tests}\n"
        )
    }

    fn rows(&self, of: Part, row: impl Fn(&str, &str, &str) -> String) -> String {
        let direct = self.direct.iter();
        let direct = direct.filter(|(_, uses)| uses.keys().next() == Some(&of));
        let rows = direct.map(|(name, uses)| {
            // Tests may also use what is in a program, but that is not the reason for it.
            let uses = uses
                .iter()
                .filter(|(part, _)| of == Part::Tests || **part != Part::Tests);
            let users: Names = uses.flat_map(|(_, users)| users.clone()).collect();
            row(name, &list(&users), &self.reasons.direct[name])
        });
        rows.collect()
    }

    fn duplicates(&self) -> String {
        let mut page = "## In several versions\n\nCrates that are in `Cargo.lock` more than once, because \
                        crates that are not ours need different versions.\n\n\
                        | crate | version | needed by | linked into | why |\n|---|---|---|---|---|\n"
            .to_owned();
        for group in &self.reasons.duplicates {
            let mut why = group.why.as_str();
            for name in &group.crates {
                let all = self.duplicates.iter();
                let mut versions: Vec<_> = all.filter(|((other, _), _)| other == name).collect();
                versions.sort_by_key(|((_, version), _)| numbers(version));
                for (version, users) in versions {
                    let (into, users) = (self.linked_into(version), few(users));
                    let version = &version.1;
                    page.push_str(&format!(
                        "| {name} | {version} | {users} | {into} | {why} |\n"
                    ));
                    why = "";
                }
            }
        }
        page + "\n"
    }

    fn linked_into(&self, version: &Crate) -> String {
        let programs = PROGRAMS.iter().zip(&self.programs);
        let into = programs.filter(|(_, crates)| crates.contains_key(version));
        let into: Vec<_> = into.map(|((what, ..), _)| *what).collect();
        match into.len() {
            0 => "none".to_owned(),
            number if number == PROGRAMS.len() => "all".to_owned(),
            _ => into.join(", "),
        }
    }

    fn programs(&self) -> String {
        let all = self.programs.each_ref().map(names);
        let mut in_all: Names = all.iter().flatten().cloned().collect();
        in_all.retain(|name| all.iter().all(|names| names.contains(name)));
        let mut page = format!(
            "## All crates of each program\n\nThose that are linked, on all targets together, by name. \
             What builds a program or tests it is not among them. The versions, licences and checksums are \
             in the release's bills of materials.\n\n### In all of them: {}\n\n{}",
            in_all.len(),
            self.grouped(&in_all)
        );
        for ((what, package, _), mut names) in PROGRAMS.into_iter().zip(all) {
            names.remove(package);
            let more = &names - &in_all;
            page.push_str(&format!("\n### In {what}: {}\n\n", names.len()));
            page.push_str(&match more.len() {
                0 => "No more.\n".to_owned(),
                number => format!("{number} more.\n\n{}", self.grouped(&more)),
            });
        }
        page
    }

    /// Crates as items of a list, grouped by the dependency that pulls them in.
    fn grouped(&self, crates: &Names) -> String {
        let (mut named, mut items) = (Names::new(), String::new());
        let mut rest = crates.clone();
        for (name, brings) in &self.only_through {
            named.extend(rest.take(name));
            let brings: Names = brings & crates;
            if !brings.is_empty() {
                items.push_str(&format!("- with {name}: {}\n", list(&brings)));
            }
            rest = &rest - &brings;
        }
        let (ours, several) = (&rest & &self.ours, &rest - &self.ours);
        let item = |what: &str, names: &Names| match names.len() {
            0 => String::new(),
            _ => format!("- {what}: {}\n", list(names)),
        };
        item("our own", &ours) + &item("direct", &named) + &items + &item("with several", &several)
    }
}

pub(crate) fn list(names: &Names) -> String {
    Vec::from_iter(names.clone()).join(", ")
}

/// The sort key of a version.
fn numbers(version: &str) -> Vec<u64> {
    version
        .split('.')
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// All of a few names, or the first of many.
fn few(names: &Names) -> String {
    const SHOWN: usize = 4;
    if names.len() <= SHOWN + 1 {
        return list(names);
    }
    let first = names.iter().take(SHOWN).cloned().collect();
    format!("{} and {} more", list(&first), names.len() - SHOWN)
}
