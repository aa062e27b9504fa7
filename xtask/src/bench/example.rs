//! `kustomize build` of the example, with the function and without: what a person waits for.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::effort::Effort;
use super::figures::{cells, figure};
use super::hyperfine;
use super::input;
use super::program::Invocation;
use super::targets::{Limit, Target};
use super::trial::{self, Trial};
use crate::workspace;

const WITH_FUNCTION: &str = "kustomization/example";
/// The same kustomization without its `transformers:`.
const WITHOUT: &str = "target/bench/kustomize/example";

/// Measures both, and gives the table and the target.
pub(crate) fn measure(effort: Effort) -> Result<(String, Vec<Target>)> {
    let folder = workspace::root().join(WITHOUT);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(
        folder.join("kustomization.yaml"),
        format!("resources:\n- ../../../../{WITH_FUNCTION}/base\n"),
    )?;
    let nothing = input::write("nothing.yaml", "")?;
    let build = |folder: &str| {
        let command = "target/hosts/bin/kustomize build --enable-alpha-plugins --enable-exec";
        trial::run(Invocation::new(&format!("{command} {folder}"), &nothing))
    };
    let (with, with_output) = build(WITH_FUNCTION)?;
    let (without, without_output) = build(WITHOUT)?;
    ensure!(
        with_output.contains("-session-server\n") && !without_output.contains("-session-server\n"),
        "the function has to make the difference between {WITH_FUNCTION} and {WITHOUT}"
    );
    let trials: [&Trial; 2] = [&with, &without];
    let times = hyperfine::times(&trials, effort)?;
    let [with, without] = times.as_slice() else {
        return Ok(Default::default());
    };

    let ratio = with.median() / without.median();
    let table = format!(
        "**`kustomize build` of the example**\n\n\
         | kustomization | median | middle half | × without |\n\
         |---|--:|--:|--:|\n\
         | with the function | {} | {} |\n\
         | without it | {} | 1 |\n",
        cells(with),
        figure(ratio),
        cells(without),
    );
    let target = Target {
        what: "`kustomize build` of the example with the function, over without it",
        limit: Limit::AtMost(1.1),
        unit: "",
        measured: ratio,
    };
    Ok((table, vec![target]))
}
