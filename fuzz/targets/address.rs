//! An address that is read is written as a runner takes it: no scheme, brackets around IPv6, a port;
//! and it is read as the same again.

#![no_main]

use std::net::{IpAddr, SocketAddr};

use libfuzzer_sys::fuzz_target;
use runner_terminal::address::{Address, Host};

fuzz_target!(|text: &str| {
    let read = Address::parse(text);
    // What the standard library takes for an address with a port is one.
    if let Ok(socket) = text.parse::<SocketAddr>()
        && !socket.ip().is_unspecified()
        && socket.port() > 0
        && !text.contains('%')
    {
        let expected = Address {
            host: Host::Ip(socket.ip()),
            port: Some(socket.port()),
        };
        assert_eq!(read.as_ref(), Ok(&expected));
    }
    let Ok(address) = read else {
        return;
    };
    let written = address.with_default_port(9000);
    let port = address.port.unwrap_or(9000);
    let again = Address::parse(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(again.host, address.host, "{written}");
    assert_eq!(again.port, Some(port), "{written}");
    assert_eq!(again.with_default_port(1), written);
    assert!(
        !written.contains("://") && !written.contains(['/', '@', ' ', '%', '\n']),
        "{written}"
    );
    assert!(written.is_ascii() && port > 0, "{written}");
    match address.host {
        Host::Ip(ip) => {
            assert!(!ip.is_unspecified());
            assert_eq!(written.parse(), Ok(SocketAddr::new(ip, port)));
            assert_eq!(written.starts_with('['), ip.is_ipv6(), "{written}");
        }
        Host::Name(name) => {
            assert!(
                name.parse::<IpAddr>().is_err() && !name.contains(':'),
                "{name}"
            );
            assert_eq!(written, format!("{name}:{port}"));
        }
    }
});
