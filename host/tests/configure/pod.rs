//! A folder with a `config.toml`, and the command on it.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api_server::ApiServer;
use crate::place::{Place, kubeconfig, with_token};
use crate::program::Ended;

/// A `config.toml` as a user writes it.
pub(crate) const OWN: &str = "concurrent = 4   # jobs at once

[[runners]]
  name = \"one\"
  executor = \"kubernetes\"
";

/// The address of most tests.
pub(crate) const KNOWN: [&str; 2] = ["--advertise-address", "terminal.example.com:9000"];

/// The Service of most tests.
pub(crate) const SERVICE: [&str; 2] = ["--service", "runner-session-server"];

/// A folder `etc` for a `config.toml`.
pub(crate) struct Pod(pub(crate) Place);

impl Pod {
    /// Without an API server.
    pub(crate) fn new() -> Self {
        Self::in_place(Place::new())
    }

    /// With an API server.
    pub(crate) fn of(server: &ApiServer) -> Self {
        Self::by(server, &with_token())
    }

    /// With an API server and the kubeconfig of a user in the namespace `ci`.
    pub(crate) fn by(server: &ApiServer, user: &Value) -> Self {
        let text = kubeconfig(&json!({"server": server.url()}), user);
        let context = "\"user\": \"user\"";
        assert_eq!(text.matches(context).count(), 1, "{text}");
        let text = text.replace(context, &format!("{context}, \"namespace\": \"ci\""));
        Self::in_place(Place::new().kubeconfig(&text))
    }

    fn in_place(place: Place) -> Self {
        fs::create_dir(place.path().join("etc")).unwrap();
        Self(place)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// With this `config.toml`.
    pub(crate) fn config(self, text: &str) -> Self {
        self.0.write("etc/config.toml", text);
        self
    }

    /// Runs the command on `etc/config.toml`.
    #[track_caller]
    pub(crate) fn configure(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["configure", "--config", "etc/config.toml"];
        all.extend(arguments);
        let ended = self.0.run(&all, "");
        assert_eq!(ended.text(), "", "nothing goes to standard output");
        ended
    }

    /// Runs it, asserts that it succeeds, and returns its messages.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let ended = self.configure(arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.stderr
    }

    /// Runs it, and asserts that it fails in these words and leaves `etc` unchanged.
    #[track_caller]
    pub(crate) fn fail(&self, arguments: &[&str], words: &[&str]) {
        let before = self.files();
        let ended = self.configure(arguments);
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        for word in words {
            assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
        }
        assert_eq!(
            ended.stderr.matches("error: ").count(),
            1,
            "{}",
            ended.stderr
        );
        assert_eq!(self.files(), before);
    }

    /// The text of `etc/config.toml`.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path("etc/config.toml")).unwrap()
    }

    /// The names in `etc` with the bytes of each file.
    pub(crate) fn files(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let mut files: Vec<_> = fs::read_dir(self.path("etc"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).ok())
            })
            .collect();
        files.sort();
        files
    }

    /// Asserts that `etc/config.toml` advertises this address, in the table that `configure`
    /// writes.
    #[track_caller]
    pub(crate) fn assert_advertises(&self, address: &str) {
        let text = self.text();
        let table = format!(
            "[session_server]\nsession_timeout = 1800\nlisten_address = \"0.0.0.0:8093\"\n\
             advertise_address = \"{address}\"\n"
        );
        assert!(text.contains(&table), "{table}: {text}");
    }
}

/// The states of a log in JSON.
#[track_caller]
pub(crate) fn states(log: &str) -> Vec<String> {
    let lines = log.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            line["message"].is_string() && line["level"].is_string(),
            "{line}"
        );
        line["state"].as_str().unwrap().to_owned()
    });
    lines.collect()
}
