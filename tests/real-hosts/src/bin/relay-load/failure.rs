//! Kills one of two relays while terminals are open in both: those of the other stay open.

use std::io::{self, Error};

use real_hosts::{EchoCluster, EchoTerminal};
use serde_json::{Value, json};

use crate::load::Sizes;

/// Kills one, and returns how many terminals of each relay are still open.
pub(crate) async fn one_relay_of_two(cluster: &EchoCluster, sizes: Sizes) -> io::Result<Value> {
    let hellos = EchoTerminal::hellos()?;
    let relays = [cluster.start_relay(), cluster.start_relay()];
    let mut open = [Vec::new(), Vec::new()];
    for number in 0..sizes.terminals {
        let hello = hellos.get(number % hellos.len()).ok_or_else(none)?;
        let relay = number % relays.len();
        if let (Some(relay), Some(open)) = (relays.get(relay), open.get_mut(relay)) {
            open.push(EchoTerminal::open(relay.address(), number, hello).await?);
        }
    }
    let [killed, other] = relays;
    drop(killed);
    let mut kept = [0, 0];
    for (terminals, kept) in open.iter_mut().zip(&mut kept) {
        for terminal in terminals {
            *kept += usize::from(terminal.type_key().await.is_ok());
        }
    }
    drop(other);
    let [of_killed, of_other] = kept;
    Ok(json!({"of the killed": of_killed, "of the other": of_other}))
}

fn none() -> Error {
    Error::other("there are no pods")
}
