//! Free ports of the loopback address.

use std::net::{Ipv4Addr, TcpListener};

/// The given number of ports, all different.
pub fn free<const N: usize>() -> [u16; N] {
    // All are open at once; otherwise the same port could be returned twice.
    let listeners = [(); N]
        .map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port"));
    listeners.map(|listener| {
        listener
            .local_addr()
            .expect("a socket that is bound has an address")
            .port()
    })
}
