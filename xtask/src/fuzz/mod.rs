//! Builds the fuzzers and lets them run for a while: see fuzz/README.md.

mod seeds;

use std::fs::{self, File};
use std::io::Write as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::bench::figures;
use crate::progress::took;
use crate::{nightly, process, workspace};

/// How long, and which. Without a time it is what `cargo xtask test` does: the same inputs each time.
#[derive(clap::Args, Default)]
pub(crate) struct Arguments {
    /// For so many minutes, all fuzzers together
    #[arg(long, value_name = "N", conflicts_with = "seconds_each")]
    minutes: Option<u64>,
    /// Each fuzzer for so many seconds
    #[arg(long, value_name = "N")]
    seconds_each: Option<u64>,
    /// Only build them
    #[arg(long)]
    build: bool,
    /// Only these, in place of all
    #[arg(value_name = "FUZZER")]
    names: Vec<String>,
}

/// How many executions `cargo xtask test` has time for: some 8 seconds of each. A number and not a
/// time, with one seed, so that a change that has nothing to do with it does not fail.
const EXECUTIONS: &[(&str, u64)] = &[
    ("address", 200_000),
    ("diagram", 150),
    // Their seeds alone, as for `splice`: both still find texts that two readers take for different
    // things, and hashes decide whether a run does.
    ("documents", 0),
    ("function", 800),
    ("item_scanner", 2_000),
    ("kpt_abi", 800),
    ("splice", 0),
];

/// Those of the others.
const MOST_EXECUTIONS: u64 = 4_000;

/// How far a fuzzer goes.
#[derive(Clone, Copy)]
enum Extent {
    Executions,
    Seconds(u64),
}

/// Where the inputs lie that a fuzzer has failed on. libFuzzer's other tools look there, too.
const ARTIFACTS: &str = "fuzz/artifacts";

/// What tells libFuzzer where an input has led, and AddressSanitizer what memory is read.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Zsanitizer=address",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Each condition stays a branch of its own.
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// The limits of one input: memory, time, what is slow, and size. An input takes a millisecond, and
/// the machine may be busy.
const LIMITS: [&str; 4] = [
    "-rss_limit_mb=2048",
    "-timeout=20",
    "-report_slow_units=10",
    "-max_len=16384",
];

/// How many lines of a failure are printed: what has panicked, and where.
const REASON: usize = 12;

/// Builds the fuzzers, and runs them.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let all = names()?;
    if let Some(name) = arguments.names.iter().find(|name| !all.contains(name)) {
        bail!(
            "there is no fuzzer {name}; the fuzzers are {}",
            all.join(", ")
        );
    }
    let names = match &arguments.names[..] {
        [] => all,
        names => names.to_vec(),
    };
    let programs = build()?;
    if arguments.build {
        println!("they are in {}", programs.display());
        return Ok(());
    }
    let at_once = thread::available_parallelism().map_or(1, NonZero::get);
    let rounds = names.len().div_ceil(at_once) as u64;
    let seconds = arguments
        .minutes
        .map(|minutes| (minutes * 60 / rounds).max(1))
        .or(arguments.seconds_each);
    let extent = seconds.map_or(Extent::Executions, Extent::Seconds);
    let fuzzers = names
        .iter()
        .map(|name| Fuzzer::new(name, &programs, extent));
    let fuzzers = fuzzers.collect::<Result<Vec<_>>>()?;
    println!(
        "{} fuzzers, {}, {at_once} at once",
        fuzzers.len(),
        match extent {
            Extent::Executions => "each as often as ever".to_owned(),
            Extent::Seconds(seconds) => format!("each for {seconds} s"),
        }
    );

    let waiting = Mutex::new(fuzzers.iter());
    let next = || waiting.lock().ok()?.next();
    let failures = thread::scope(|scope| {
        let worker = || {
            let mut failures = Vec::new();
            while let Some(fuzzer) = next() {
                failures.extend(fuzzer.run().err());
            }
            failures
        };
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        let ended = workers.into_iter().filter_map(|worker| worker.join().ok());
        ended.flatten().collect::<Vec<_>>()
    });
    for failure in &failures {
        println!("\n{failure:#}");
    }
    if !failures.is_empty() {
        bail!(
            "{} of {} fuzzers failed, on the inputs above; fuzz/README.md says what to do with them",
            failures.len(),
            names.len()
        );
    }
    Ok(())
}

/// The fuzzers, by the names of their files.
fn names() -> Result<Vec<String>> {
    let folder = workspace::root().join("fuzz/targets");
    let entries = fs::read_dir(&folder).context("cannot list fuzz/targets")?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Builds all fuzzers at once, and gives the folder that they are in.
fn build() -> Result<PathBuf> {
    nightly::install(&["rustc"]).context("only a nightly has the sanitizers that fuzzers need")?;
    // libFuzzer is written in it.
    process::capture(process::command("c++").arg("--version"))?;
    let version = process::capture(nightly::cargo().arg("-vV"))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("cargo does not say which machine this is")?;
    let target = workspace::target("fuzz");
    print!("building the fuzzers … ");
    std::io::stdout().flush()?;
    let start = Instant::now();
    let mut cargo = nightly::cargo();
    cargo.args(["build", "--quiet", "--release", "--locked", "--bins"]);
    cargo.args(["--manifest-path", "fuzz/Cargo.toml"]);
    // With a target named, what runs in the build itself is left as it is.
    cargo.args(["--target", host]);
    cargo.arg("--target-dir").arg(&target);
    process::run(cargo.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")))?;
    println!("built in {}", took(start.elapsed()));
    Ok(target.join(host).join("release"))
}

/// One fuzzer, and what it needs.
struct Fuzzer {
    name: String,
    program: PathBuf,
    extent: Extent,
    log: PathBuf,
    artifacts: PathBuf,
    /// Folders of inputs: what it finds worth keeping goes into the first.
    inputs: Vec<PathBuf>,
}

impl Fuzzer {
    fn new(name: &str, programs: &std::path::Path, extent: Extent) -> Result<Self> {
        let folder = |kind: &str| workspace::target("fuzz").join(kind).join(name);
        let (corpus, seeds) = match extent {
            Extent::Executions => (folder("tested"), folder("seeds")),
            Extent::Seconds(_) => (folder("corpus"), folder("seeds")),
        };
        // The same inputs each time: nothing that an earlier run has kept.
        if matches!(extent, Extent::Executions) && corpus.exists() {
            fs::remove_dir_all(&corpus)
                .with_context(|| format!("cannot empty {}", corpus.display()))?;
        }
        let artifacts = workspace::root().join(ARTIFACTS).join(name);
        for folder in [&corpus, &artifacts] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        seeds::write(name, &seeds)?;
        let log = workspace::target("fuzz").join(format!("{name}.log"));
        Ok(Self {
            name: name.to_owned(),
            program: programs.join(name),
            extent,
            log,
            artifacts,
            inputs: vec![corpus, seeds],
        })
    }

    /// The command, with this on its end.
    fn command(&self) -> Command {
        let mut command = process::command(&self.program);
        command.args(LIMITS);
        command.arg(format!("-artifact_prefix={}/", self.artifacts.display()));
        // Leaks are looked for by other means than every machine has.
        command
            .arg("-detect_leaks=0")
            .env("ASAN_OPTIONS", "detect_leaks=0");
        command.env("RUST_BACKTRACE", "1");
        command
    }

    /// Runs it, and prints what it has done.
    fn run(&self) -> Result<()> {
        let log = File::create(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = self.command();
        match self.extent {
            Extent::Executions => {
                let executions = EXECUTIONS.iter().find(|(name, _)| *name == self.name);
                let executions = executions.map_or(MOST_EXECUTIONS, |(_, executions)| *executions);
                command.args(["-seed=1".to_owned(), format!("-runs={executions}")])
            }
            Extent::Seconds(seconds) => command.arg(format!("-max_total_time={seconds}")),
        };
        command.arg("-print_final_stats=1").args(&self.inputs);
        command.stdout(log.try_clone()?).stderr(log);
        let start = Instant::now();
        let status = command.status();
        let status =
            status.with_context(|| format!("{} does not start", self.program.display()))?;
        // What was read may be printed, too, and be no text.
        let said = fs::read(&self.log)?;
        let said = Said::read(&String::from_utf8_lossy(&said));
        println!(
            "{}: {} executions in {}, {} edges, {} inputs kept",
            self.name,
            figures::count(said.executions),
            took(start.elapsed()),
            figures::count(said.edges),
            figures::count(said.kept),
        );
        if status.success() && said.inputs.is_empty() && said.executions > 0 {
            return Ok(());
        }
        let mut again = String::new();
        for input in &said.inputs {
            let command = process::text_of(&{
                let mut command = process::command(&self.program);
                command.arg(input);
                command
            });
            again.push_str(&format!("\n  {input}\nTo run it again:\n  {command}"));
        }
        bail!(
            "the fuzzer {} failed ({status}), on the input{}\n{}\nAll that it has said is in {}",
            self.name,
            again,
            said.why,
            self.log.display()
        )
    }
}

/// What libFuzzer says of a run.
#[derive(Debug, Default, PartialEq)]
struct Said {
    executions: usize,
    edges: usize,
    kept: usize,
    /// The files with the inputs that failed, or were slow.
    inputs: Vec<String>,
    /// The first lines about a failure, as many as [`REASON`].
    why: String,
}

impl Said {
    fn read(log: &str) -> Self {
        let mut said = Self::default();
        let number_after = |line: &str, word: &str| {
            let (_, rest) = line.split_once(word)?;
            let end = rest.find(|c: char| !c.is_ascii_digit());
            rest.get(..end.unwrap_or(rest.len()))?.parse().ok()
        };
        for line in log.lines() {
            if let Some(number) = number_after(line, "stat::number_of_executed_units: ") {
                said.executions = number;
            } else if let (Some(edges), Some(kept)) =
                (number_after(line, " cov: "), number_after(line, " corp: "))
            {
                (said.edges, said.kept) = (edges, kept);
            } else if let Some((_, path)) = line.split_once("Test unit written to ") {
                said.inputs.push(path.trim().to_owned());
            }
        }
        let is_reason = |line: &&str| line.contains(" panicked at ") || line.contains("ERROR: ");
        let reason = log.lines().skip_while(|line| !is_reason(line));
        said.why = reason.take(REASON).collect::<Vec<_>>().join("\n");
        said
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
        assert_eq!(
            (said.executions, said.edges, said.kept),
            (1_234_567, 4120, 217)
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

    #[test]
    fn an_unknown_fuzzer_is_refused_with_the_names_of_the_known() {
        let arguments = Arguments {
            minutes: None,
            seconds_each: None,
            build: false,
            names: vec!["slice".to_owned()],
        };
        let error = run(&arguments).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no fuzzer slice; the fuzzers are address, "),
            "{error}"
        );
    }
}
