//! The platforms of an index, by which a host finds what it can run.

use serde_json::{Value, json};

use crate::target::Target;

/// A system and a CPU, as OCI names them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Platform {
    pub(super) system: &'static str,
    pub(super) cpu: &'static str,
}

impl Platform {
    /// The platform of a launcher.
    pub(super) fn of_program(target: Target) -> Self {
        Self {
            system: target.system,
            cpu: target.cpu,
        }
    }

    /// The platform of a module, if hosts look for it in registries.
    pub(super) fn of_module(name: &str) -> Option<Self> {
        let system = match name {
            // What containerd's Wasm shims take.
            "runner-terminal.wasm" => "wasip1",
            // What kpt asks for, although no JavaScript is in it.
            "runner-terminal-kpt.wasm" => "js",
            _ => return None,
        };
        Some(Self {
            system,
            cpu: "wasm",
        })
    }

    pub(super) fn to_json(self) -> Value {
        let mut platform = json!({"architecture": self.cpu, "os": self.system});
        if self.cpu == "arm64"
            && let Some(members) = platform.as_object_mut()
        {
            members.insert("variant".to_owned(), "v8".into());
        }
        platform
    }
}
