//! `kustomize build` of the example, with the function, without, and with one that does nothing:
//! what a person waits for.

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use super::figures::{cells, figure};
use super::input;
use super::measure::{self, Effort, Measured, Trial};
use super::targets::{Limit, Target};
use crate::workspace;

const WITH_FUNCTION: &str = "kustomization/example";
/// The same kustomization without its `transformers:`.
const WITHOUT: &str = "target/bench/kustomize/example";
/// The same with a function that gives back what it gets: what kustomize itself takes to have one.
const WITH_CAT: &str = "target/bench/kustomize/example-cat";

/// Measures them, and gives the table and the targets.
pub(crate) fn measure(effort: Effort) -> Result<(String, Vec<Target>)> {
    let resources = format!("resources:\n- ../../../../{WITH_FUNCTION}/base\n");
    write(WITHOUT, "kustomization.yaml", &resources)?;
    let transformers = format!("{resources}transformers:\n- cat.yaml\n");
    write(WITH_CAT, "kustomization.yaml", &transformers)?;
    write(WITH_CAT, "cat.yaml", include_str!("templates/cat.yaml"))?;
    let nothing = input::write("nothing.yaml", "")?;
    let build = |folder: &str| {
        let command = "target/hosts/bin/kustomize build --enable-alpha-plugins --enable-exec";
        let trial = Trial::run(&format!("{command} {folder}"), &nothing, effort)?;
        trial.with_context(|| format!("kustomize does not end in {folder}"))
    };
    let (with, cat, without) = (build(WITH_FUNCTION)?, build(WITH_CAT)?, build(WITHOUT)?);
    let serves =
        |trial: &Trial| String::from_utf8_lossy(&trial.output).contains("-session-server\n");
    ensure!(
        serves(&with) && !serves(&without),
        "the function has to make the difference between {WITH_FUNCTION} and {WITHOUT}"
    );
    ensure!(
        cat.output == without.output,
        "{WITH_CAT} has to build what {WITHOUT} builds"
    );
    let measured = measure::all(&[&with, &cat, &without], effort)?;
    let [with, cat, without] = measured.as_slice() else {
        return Ok(Default::default());
    };

    let ratio = |one: &Measured, other: &Measured| one.median() / other.median();
    let row = |what, one| {
        format!(
            "| {what} | {} | {} |\n",
            cells(one),
            figure(ratio(one, without))
        )
    };
    let table = [
        "**`kustomize build` of the example**\n\n".to_owned(),
        "| kustomization | median | middle half | × without |\n|---|--:|--:|--:|\n".to_owned(),
        row("with the function", with),
        row("with `cat` as a function", cat),
        row("without a function", without),
    ];
    let limit = Limit::AtMost(1.1);
    let over_without = "`kustomize build` of the example with the function, over without it";
    let over_cat = "the same, over with `cat` as a function";
    let targets = vec![
        Target::new(over_without, limit, ratio(with, without)),
        Target::new(over_cat, limit, ratio(with, cat)),
    ];
    Ok((table.concat(), targets))
}

fn write(folder: &str, name: &str, text: &str) -> Result<()> {
    let folder = workspace::root().join(folder);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), text)?)
}
