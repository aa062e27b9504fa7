//! The long runs of `cargo xtask soak`, for some seconds, so that they work when they are needed,
//! and because some bugs show immediately.

use std::process::Command;

use serde_json::Value;

fn soak(arguments: &str) -> Value {
    let mut soak = Command::new(env!("CARGO_BIN_EXE_soak"));
    let output = soak.args(arguments.split(' ')).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn terminals_that_come_and_go_leave_nothing_in_the_relay() {
    let figures = soak("relay --for=8s --every=500ms --terminals=50 --life=500ms");
    let of = |name: &str| figures[name].as_u64().unwrap();
    assert_eq!(of("lost"), 0, "{figures}");
    assert!(of("terminals opened") > 200, "{figures}");
    let ended = figures["ended"].as_object().unwrap().values();
    let ended: u64 = ended.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(ended, of("terminals opened"), "{figures}");
    assert!(
        figures["memory"]["most"].as_f64().unwrap() > 1.0,
        "{figures}"
    );
    assert!(
        figures["descriptors"]["most"].as_f64().unwrap() > 20.0,
        "{figures}"
    );
}

#[test]
fn waiting_outlives_restarts_of_the_api_server() {
    let figures = soak("wait --for=10s --every=1s");
    assert!(figures["restarts"].as_u64().unwrap() >= 1, "{figures}");
    for name in ["AdvertiseAddress", "configure"] {
        let of_waiter = &figures[name];
        assert!(
            of_waiter["memory"]["most"].as_f64().unwrap() > 1.0,
            "{figures}"
        );
        assert!(
            of_waiter["connections"]["most"].as_f64().unwrap() >= 1.0,
            "{figures}"
        );
    }
}
