//! Builds the fuzzers and lets them run for a while: see fuzz/README.md.
//!
//! cargo-fuzz runs one fuzzer at a time, and would be one more program to build before the first
//! test. The options that it passes to the compiler and to libFuzzer are here, so it also works on
//! these fuzzers.

mod seeds;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::process::{self, command};
use crate::{nightly, workspace};
use seeds::Fuzzer;

/// How long each fuzzer runs: `None` for its usual number of executions, or this many seconds.
type Seconds = Option<u64>;

/// The instrumentation by which libFuzzer sees coverage, and AddressSanitizer memory accesses.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Zsanitizer=address",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Keeps a separate branch for each condition.
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// The options of libFuzzer for every fuzzer. The limits of one input are memory, time, the time
/// that counts as slow, and size. Leak detection needs features that not every machine has.
///
/// libFuzzer measures wall time, and a machine may stand still for half a minute: what was slow is
/// [run again](is_slow).
const OPTIONS: &str = "-rss_limit_mb=2048 -timeout=120 -report_slow_units=10 -max_len=16384 \
                       -detect_leaks=0 -print_final_stats=1";

/// The name that libFuzzer gives to an input that was slow, before its hash.
const SLOW: &str = "slow-unit-";

/// The seconds for an input that is run again; most inputs take a millisecond.
const AGAIN: &str = "-timeout=10";

/// The checked-in inputs, in a folder for each fuzzer: those on which it once failed, and those
/// that reach code that the fixtures do not reach.
const KEPT: [&str; 2] = ["fuzz/regressions", "fuzz/corpus"];

/// How many lines of a failure are printed: what panicked, and where.
const REASON: usize = 12;

/// Builds the fuzzers, and runs them.
pub(crate) fn run(names: &[String], minutes: Option<u64>) -> Result<()> {
    let mut fuzzers = seeds::fuzzers()?;
    let known = fuzzers.keys().map(String::as_str);
    workspace::must_be_known("fuzzer", names, known)?;
    fuzzers.retain(|name, _| names.is_empty() || names.contains(name));
    let programs = build()?;
    let at_once = thread::available_parallelism().map_or(1, NonZero::get);
    let rounds = fuzzers.len().div_ceil(at_once) as u64;
    let seconds = minutes.map(|minutes| (minutes * 60 / rounds).max(1));
    let extent = match seconds {
        None => "each as often as ever".to_owned(),
        Some(seconds) => format!("each for {seconds} s"),
    };
    println!("{} fuzzers, {extent}, {at_once} at once", fuzzers.len());

    let waiting = Mutex::new(fuzzers.iter());
    let next = || waiting.lock().ok()?.next();
    let worker = || {
        let runs = std::iter::from_fn(next).map(|fuzzer| fuzz(fuzzer, &programs, seconds));
        runs.filter_map(Result::err).collect::<Vec<_>>()
    };
    let failures = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        let ended = workers.into_iter().filter_map(|worker| worker.join().ok());
        ended.flatten().collect::<Vec<_>>()
    });
    for failure in &failures {
        println!("\n{failure:#}");
    }
    if !failures.is_empty() {
        let (failed, all) = (failures.len(), fuzzers.len());
        bail!(
            "{failed} of {all} fuzzers failed, on the inputs above; fuzz/README.md says what to do \
             with them"
        );
    }
    Ok(())
}

/// Builds all fuzzers at once, and returns their folder.
fn build() -> Result<PathBuf> {
    let installed = nightly::install("", "--version");
    installed.context("only a nightly has the sanitizers that fuzzers need")?;
    // libFuzzer is written in C++.
    process::capture(&mut command("c++ --version"))?;
    let version = process::read(&mut nightly::cargo("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("cargo does not say which machine this is")?;
    let target = workspace::target("fuzz");
    println!("building the fuzzers …");
    let start = Instant::now();
    // With an explicit target, build scripts and macros are not instrumented.
    let mut cargo = nightly::cargo(&format!(
        "build --quiet --release --locked --bins --manifest-path fuzz/Cargo.toml --target {host}"
    ));
    cargo.arg("--target-dir").arg(&target);
    process::run(cargo.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")))?;
    println!("built in {:.1?}", start.elapsed());
    Ok(target.join(host).join("release"))
}

/// Runs a fuzzer, and prints a summary.
fn fuzz((name, fuzzer): (&String, &Fuzzer), programs: &Path, seconds: Seconds) -> Result<()> {
    let folder = |kind: &str| workspace::target("fuzz").join(kind).join(name);
    // Without a time, the inputs are the same each time, and nothing that an earlier run has kept
    // is used.
    let corpus = match seconds {
        None => workspace::empty(folder("tested"))?,
        Some(_) => folder("corpus"),
    };
    // The folder for inputs on which it fails. libFuzzer's other tools use it, too.
    let artifacts = format!("fuzz/artifacts/{name}");
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(workspace::root().join(&artifacts))?;
    let kept = KEPT.map(|kept| workspace::root().join(kept).join(name));
    fuzzer.write_seeds(&kept, &workspace::empty(folder("seeds"))?)?;

    let (program, log) = (programs.join(name), folder("").with_extension("log"));
    let out = fs::File::create(&log)?.into_file();
    let mut command = command("env ASAN_OPTIONS=detect_leaks=0 RUST_BACKTRACE=1");
    command.arg(&program).args(OPTIONS.split_whitespace());
    let prefix = format!("-artifact_prefix={artifacts}/");
    command.arg(&prefix);
    match seconds {
        None => command.args(["-seed=1".to_owned(), format!("-runs={}", fuzzer.executions)]),
        Some(seconds) => command.arg(format!("-max_total_time={seconds}")),
    };
    // libFuzzer writes new inputs into the first folder.
    command.arg(corpus).arg(folder("seeds"));
    command.stdout(out.try_clone()?).stderr(out);
    let start = Instant::now();
    let status = command.status();
    let status = status.with_context(|| format!("{} does not start", program.display()))?;
    // The input may be printed, too, and may not be text.
    let mut said = Said::read(&String::from_utf8_lossy(&fs::read(&log)?));
    println!("{name}: {:.1?}, {}", start.elapsed(), said.summary);
    said.inputs
        .retain(|input| !input.contains(SLOW) || is_slow(&program, &prefix, input));
    if status.success() && said.inputs.is_empty() && said.executions > 0 {
        return Ok(());
    }
    let mut again = String::new();
    for input in said.inputs {
        let line = format!("{} {input}", program.display());
        again.push_str(&format!("\n  {input}\nTo run it again:\n  {line}"));
    }
    let (why, log) = (said.why, log.display());
    bail!(
        "the fuzzer {name} failed ({status}), on the input{again}\n{why}\nAll that it has said is in \
         {log}"
    )
}

/// Runs an input alone that was slow. It is no failure if it is quick now: the machine was busy.
fn is_slow(program: &Path, prefix: &str, input: &str) -> bool {
    let mut command = command("env ASAN_OPTIONS=detect_leaks=0");
    command.arg(program).args([AGAIN, prefix, input]);
    let is_quick = process::capture(&mut command).is_ok();
    if is_quick {
        println!("  {input} was slow once, and is quick alone");
    }
    !is_quick
}

/// What libFuzzer reports about a run.
#[derive(Debug, Default)]
struct Said {
    executions: u64,
    /// Its last line on executions, edges and inputs kept.
    summary: String,
    /// The files with the inputs that failed, or were slow.
    inputs: Vec<String>,
    /// The first lines about a failure, as many as [`REASON`].
    why: String,
}

impl Said {
    fn read(log: &str) -> Self {
        let after = |word: &'static str| {
            let rests = log.lines().filter_map(move |line| line.split_once(word));
            rests.map(|(_, rest)| rest.trim())
        };
        let executions = after("stat::number_of_executed_units: ").next();
        let is_reason = |line: &&str| line.contains(" panicked at ") || line.contains("ERROR: ");
        let why = log.lines().skip_while(|line| !is_reason(line)).take(REASON);
        let summary = log.lines().rfind(|line| line.contains(" cov: "));
        Self {
            executions: executions.map_or(Ok(0), str::parse).unwrap_or(0),
            summary: summary.unwrap_or("no coverage").replace('\t', " "),
            inputs: after("Test unit written to ").map(str::to_owned).collect(),
            why: why.collect::<Vec<_>>().join("\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_has_done_is_read_off_its_log() {
        let log = "#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 31Mb\n\
                   #9\tNEW    cov: 4120 ft: 9000 corp: 217/11Kb lim: 4 exec/s: 0 rss: 31Mb\n\
                   stat::number_of_executed_units: 1234567\n";
        let said = Said::read(log);
        assert_eq!(said.executions, 1_234_567);
        assert!(
            said.summary.contains("cov: 4120 ft: 9000 corp: 217/11Kb"),
            "{}",
            said.summary
        );
        assert!(said.inputs.is_empty() && said.why.is_empty());
    }

    #[test]
    fn a_failure_has_its_input_and_its_reason() {
        let log = "thread '<unnamed>' panicked at targets/splice.rs:1:1:\nit differs\n\
                   ==5== ERROR: libFuzzer: deadly signal\n\
                   artifact_prefix='a/'; Test unit written to a/crash-0f\n\
                   stat::number_of_executed_units: 7\n";
        let said = Said::read(log);
        assert_eq!(said.inputs, ["a/crash-0f"]);
        assert_eq!(said.executions, 7);
        assert!(said.why.contains("it differs"));
    }
}
