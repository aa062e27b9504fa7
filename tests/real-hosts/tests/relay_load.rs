//! The load on the relay that `cargo xtask bench --only relay` measures, with few connections, so
//! that it works when it is needed. No figure is judged here.

use std::process::Command;

use serde_json::Value;

#[test]
fn the_relay_and_haproxy_carry_a_small_load() {
    let output = Command::new(env!("CARGO_BIN_EXE_relay-load"))
        .arg("--quick")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let terminals = result["sizes"]["terminals"].as_u64().unwrap();
    for program in ["relay", "haproxy"] {
        let figures = result[program].as_object().unwrap();
        assert_eq!(figures.len(), 8, "{result}");
        for figure in [
            "echo p50",
            "echo p99",
            "connections a second",
            "gigabytes a second",
        ] {
            assert!(figures[figure].as_f64().unwrap() > 0.0, "{result}");
        }
    }
    // Only the terminals of the relay that was killed have ended.
    assert_eq!(result["kept"]["of the killed"], 0, "{result}");
    assert_eq!(result["kept"]["of the other"], terminals / 2, "{result}");
}
