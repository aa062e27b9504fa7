//! The stages of the core, each by itself, in one process: `cargo bench --bench core`.
//!
//! `cargo xtask bench` measures what people run, which is a process; this says where its time goes.
//! `cargo test` runs each stage once, so that none of them rots.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::unreachable,
    reason = "a benchmark whose input is wrong ends"
)]

mod lists;

use std::fmt;

use divan::{Bencher, black_box, counter::BytesCount};
use json_patch::Patch;
use krm::documents::to_resource_list;
use krm::resource_list::ResourceList;
use lists::List;
use runner_terminal::function_config::FunctionConfig;
use runner_terminal::runner;
use runner_terminal::session_server::config_file::ConfigFile;
use serde_json::json;

fn main() {
    divan::main();
}

/// Many objects with one runner, and fewer with many. Small ones do where nothing is optimized, which
/// is where `cargo test` runs this.
const LISTS: [Named; 2] = if cfg!(debug_assertions) {
    [Named(List::of(100, 1)), Named(List::of(100, 10))]
} else {
    [Named(List::of(10_000, 1)), Named(List::of(1_000, 100))]
};

/// A list that divan can print.
#[derive(Clone, Copy)]
struct Named(List);

impl fmt::Display for Named {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0.name())
    }
}

/// Finds the items of the list.
#[divan::bench(args = LISTS)]
fn read(bencher: Bencher<'_, '_>, Named(list): Named) {
    let text = list.resource_list();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| ResourceList::read(black_box(text.as_bytes())).unwrap());
}

/// Finds the runners among the items of a list that was just read: what it remembers, no run before
/// has left there.
#[divan::bench(args = LISTS)]
fn find_runners(bencher: Bencher<'_, '_>, Named(list): Named) {
    let text = list.resource_list();
    let read = || ResourceList::read(text.as_bytes()).unwrap();
    let FunctionConfig::SessionServer(config) =
        FunctionConfig::parse(read().function_config().unwrap()).unwrap()
    else {
        unreachable!("the lists have a SessionServer");
    };
    bencher.with_inputs(read).bench_refs(|read| {
        let workloads = runner::find_workloads(read, &config.spec.runner, None).unwrap();
        let runners: Vec<_> = workloads
            .into_iter()
            .map(|workload| runner::complete(read, workload, None, None).unwrap())
            .collect();
        assert_eq!(runners.len(), list.runners);
        runners
    });
}

/// All of it.
#[divan::bench(args = LISTS)]
fn whole_run(bencher: Bencher<'_, '_>, Named(list): Named) {
    let text = list.resource_list();
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let outcome = runner_terminal::run(black_box(text.as_bytes()));
        assert!(!outcome.failed());
        outcome
    });
}

/// Carries out the operations that a runner's Deployment gets.
#[divan::bench]
fn edit_item(bencher: Bencher<'_, '_>) {
    let [deployment, _] = lists::runner(0);
    let patch: Patch = serde_json::from_value(json!([
        {
            "op": "add",
            "path": "/spec/template/spec/containers/0/ports/-",
            "value": {"name": "session-server", "containerPort": 8093, "protocol": "TCP"},
        },
        {
            "op": "add",
            "path": "/spec/template/metadata/annotations",
            "value": {"runner-terminal.dev/config-checksum": "0".repeat(64)},
        },
    ]))
    .unwrap();
    bencher
        .counter(BytesCount::of_str(&deployment))
        .bench(|| yaml_splice::apply(black_box(&deployment), black_box(&patch.0)).unwrap());
}

/// Reads a `config.toml` and writes `[session_server]` into it.
#[divan::bench]
fn edit_config(bencher: Bencher<'_, '_>) {
    let [_, config_map] = lists::runner(0);
    let (_, indented) = config_map.split_once("config.toml: |\n").unwrap();
    let text: String = indented
        .split_inclusive('\n')
        .map(|line| line.strip_prefix("      ").unwrap_or(line))
        .collect();
    let settings = [
        ("listen_address", json!("0.0.0.0:8093")),
        ("advertise_address", json!("terminal.example.com:9000")),
        ("session_timeout", json!(1800)),
    ];
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut config = ConfigFile::parse(black_box(&text)).unwrap();
        config.set(&settings);
        config
    });
}

/// Makes a ResourceList of plain manifests.
#[divan::bench(args = LISTS)]
fn wrap_documents(bencher: Bencher<'_, '_>, Named(list): Named) {
    let (text, config) = (list.manifests(), list.function_config());
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| to_resource_list(&[("all.yaml", black_box(&text))], &config).unwrap());
}

/// Puts the items of the function's list back into the file that they came from.
#[divan::bench(args = LISTS)]
fn unwrap_documents(bencher: Bencher<'_, '_>, Named(list): Named) {
    let text = list.manifests();
    let files = [("all.yaml", text.as_str())];
    let wrapped = to_resource_list(&files, &list.function_config()).unwrap();
    let outcome = runner_terminal::run(wrapped.text.as_bytes());
    let (output, items_now) = (outcome.text(), &outcome.alignment().items);
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        wrapped
            .edited(&files, black_box(&output), items_now)
            .unwrap()
    });
}
