//! `kustomize build` of the example, with the function, without, and with one that does nothing:
//! what a person waits for.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::effort::Effort;
use super::figures::{cells, figure};
use super::hyperfine::{self, Times};
use super::input;
use super::program::Invocation;
use super::targets::{Limit, Target};
use super::trial::{self, Trial};
use crate::workspace;

const WITH_FUNCTION: &str = "kustomization/example";
/// The same kustomization without its `transformers:`.
const WITHOUT: &str = "target/bench/kustomize/example";
/// The same with a function that gives back what it gets: what kustomize itself takes to have one.
const WITH_CAT: &str = "target/bench/kustomize/example-cat";
const CAT: &str = "\
apiVersion: example.com/v1
kind: Cat
metadata:
  name: cat
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: cat
";

/// Measures them, and gives the table and the targets.
pub(crate) fn measure(effort: Effort) -> Result<(String, Vec<Target>)> {
    let resources = format!("resources:\n- ../../../../{WITH_FUNCTION}/base\n");
    write(WITHOUT, "kustomization.yaml", &resources)?;
    let transformers = format!("{resources}transformers:\n- cat.yaml\n");
    write(WITH_CAT, "kustomization.yaml", &transformers)?;
    write(WITH_CAT, "cat.yaml", CAT)?;
    let nothing = input::write("nothing.yaml", "")?;
    let build = |folder: &str| {
        let command = "target/hosts/bin/kustomize build --enable-alpha-plugins --enable-exec";
        trial::run(Invocation::new(&format!("{command} {folder}"), &nothing))
    };
    let (with, with_output) = build(WITH_FUNCTION)?;
    let (cat, cat_output) = build(WITH_CAT)?;
    let (without, without_output) = build(WITHOUT)?;
    ensure!(
        with_output.contains("-session-server\n") && !without_output.contains("-session-server\n"),
        "the function has to make the difference between {WITH_FUNCTION} and {WITHOUT}"
    );
    ensure!(
        cat_output == without_output,
        "{WITH_CAT} has to build what {WITHOUT} builds"
    );
    let trials: [&Trial; 3] = [&with, &cat, &without];
    let times = hyperfine::times(&trials, effort)?;
    let [with, cat, without] = times.as_slice() else {
        return Ok(Default::default());
    };

    let ratio = |times: &Times| times.median() / without.median();
    let row = |what, times| format!("| {what} | {} | {} |\n", cells(times), figure(ratio(times)));
    let table = [
        "**`kustomize build` of the example**\n\n\
         | kustomization | median | middle half | × without |\n\
         |---|--:|--:|--:|\n"
            .to_owned(),
        row("with the function", with),
        row("with `cat` as a function", cat),
        row("without a function", without),
    ];
    let targets = vec![
        Target {
            what: "`kustomize build` of the example with the function, over without it",
            limit: Limit::AtMost(1.1),
            unit: "",
            measured: ratio(with),
        },
        Target {
            what: "the same, over with `cat` as a function",
            limit: Limit::AtMost(1.1),
            unit: "",
            measured: with.median() / cat.median(),
        },
    ];
    Ok((table.concat(), targets))
}

fn write(folder: &str, name: &str, text: &str) -> Result<()> {
    let folder = workspace::root().join(folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join(name);
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}
