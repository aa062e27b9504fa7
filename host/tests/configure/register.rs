//! A stand-in for `gitlab-runner register`: it loads `config.toml` into one struct, appends a runner, and
//! saves it without comments, in its own order and with its defaults.
//!
//! Source: `Config.SaveConfig` in gitlab-runner's `common/config.go`.

use std::fs;
use std::path::Path;

use toml_edit::{DocumentMut, Item};

/// Registers another runner.
pub(crate) fn register(path: &Path, name: &str) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let document: DocumentMut = text.parse().unwrap();
    let number = |key: &str, default| {
        let value = document.get(key).and_then(Item::as_integer);
        value.unwrap_or(default)
    };
    let server = document.get("session_server");
    let of_server = |key: &str| server.and_then(|server| server.get(key));
    let timeout = of_server("session_timeout").and_then(Item::as_integer);
    let mut saved = format!(
        "concurrent = {}\ncheck_interval = 0\nshutdown_timeout = 0\n\n[session_server]\n  \
         session_timeout = {}\n",
        number("concurrent", 1),
        timeout.unwrap_or(1800)
    );
    for key in ["listen_address", "advertise_address"] {
        if let Some(text) = of_server(key)
            .and_then(Item::as_str)
            .filter(|text| !text.is_empty())
        {
            saved.push_str(&format!("  {key} = \"{text}\"\n"));
        }
    }
    let runners = document.get("runners").and_then(Item::as_array_of_tables);
    let names = runners.into_iter().flatten().map(|runner| {
        let name = runner.get("name").and_then(Item::as_str);
        name.unwrap().to_owned()
    });
    for name in names.chain([name.to_owned()]) {
        saved.push_str(&format!(
            "\n[[runners]]\n  name = \"{name}\"\n  url = \"https://gitlab.example.com\"\n  executor = \
             \"kubernetes\"\n"
        ));
    }
    fs::write(path, saved).unwrap();
}
