//! Puts the relay and HAProxy under a load of terminals, one after the other, and prints what each
//! used as JSON.
//!
//! `cargo xtask bench --only relay` makes a table of it.
//!
//! | module | what it has |
//! |---|---|
//! | `proxy` | a program that is measured |
//! | `load` | what is measured |
//! | `failure` | the failure of one of two relays |

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what a command-line program does"
)]

mod failure;
mod load;
mod proxy;

use std::io;
use std::process::ExitCode;

use real_hosts::{EchoCluster, PodChanges};
use serde_json::json;

use load::Sizes;
use proxy::Proxy;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let sizes = match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Sizes::FULL,
        ["--quick"] => Sizes::QUICK,
        _ => {
            eprintln!("usage: relay-load [--quick]");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime.and_then(|runtime| runtime.block_on(run(sizes))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(sizes: Sizes) -> io::Result<()> {
    let cluster = EchoCluster::start(PodChanges::None).await?;
    let proxies = [Proxy::relay(&cluster), Proxy::haproxy(&cluster)];
    let [relay, haproxy] = load::measure(&proxies, sizes).await?;
    drop(proxies);
    eprintln!("one relay of two is killed");
    let kept = failure::one_relay_of_two(&cluster, sizes).await?;
    let result = json!({
        "sizes": sizes.to_json(),
        "relay": relay,
        "haproxy": haproxy,
        "kept": kept,
    });
    println!("{result}");
    Ok(())
}
