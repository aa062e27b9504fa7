//! A stand-in for `gitlab-runner`, which treats `config.toml` in the same way.
//!
//! It loads the file into one struct, in which `[session_server]` is a member. `register` adds a runner
//! and saves the struct, so that comments are lost. `run` writes its system ID beside the file, and
//! prints the file instead of serving jobs.
//!
//! Source: `Config` in GitLab Runner's `common/config.go`, `commands/register.go`. That package
//! cannot be imported from another module.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value, value};

/// `[session_server]`
#[derive(Default)]
struct SessionServer {
    listen_address: Option<String>,
    advertise_address: Option<String>,
    session_timeout: Option<i64>,
}

/// Everything that is loaded, and saved again.
#[derive(Default)]
struct Config {
    concurrent: Option<i64>,
    check_interval: Option<i64>,
    shutdown_timeout: Option<i64>,
    log_level: Option<String>,
    session_server: SessionServer,
    runners: Vec<Table>,
}

impl Config {
    fn load(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let file: DocumentMut = text.parse()?;
        let integer = |name: &str| file.get(name).and_then(Item::as_integer);
        let server = file.get("session_server");
        let of_server = |name: &str| server.and_then(|server| server.get(name));
        let text = |item: Option<&Item>| item.and_then(Item::as_str).map(str::to_owned);
        let runners = file.get("runners").and_then(Item::as_array_of_tables);
        Ok(Self {
            concurrent: integer("concurrent"),
            check_interval: integer("check_interval"),
            shutdown_timeout: integer("shutdown_timeout"),
            log_level: text(file.get("log_level")),
            session_server: SessionServer {
                listen_address: text(of_server("listen_address")),
                advertise_address: text(of_server("advertise_address")),
                session_timeout: of_server("session_timeout").and_then(Item::as_integer),
            },
            runners: runners.into_iter().flatten().cloned().collect(),
        })
    }

    fn save(self, path: &Path) -> io::Result<()> {
        let mut file = DocumentMut::new();
        file.insert("concurrent", value(self.concurrent.unwrap_or(1)));
        file.insert("check_interval", value(self.check_interval.unwrap_or(0)));
        file.insert(
            "shutdown_timeout",
            value(self.shutdown_timeout.unwrap_or(0)),
        );
        if let Some(level) = self.log_level {
            file.insert("log_level", value(level));
        }
        let mut server = Table::new();
        let timeout = self.session_server.session_timeout.unwrap_or(1800);
        server.insert("session_timeout", value(timeout));
        let addresses = [
            ("listen_address", self.session_server.listen_address),
            ("advertise_address", self.session_server.advertise_address),
        ];
        for (key, address) in addresses {
            if let Some(address) = address {
                server.insert(key, value(address));
            }
        }
        file.insert("session_server", Item::Table(server));
        let runners: ArrayOfTables = self.runners.into_iter().collect();
        file.insert("runners", Item::ArrayOfTables(runners));
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)?;
        let mut opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        opened.write_all(file.to_string().as_bytes())
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "gitlab-runner: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let path = config_path(&words);
    match words.first().map(String::as_str) {
        Some("register") => register(&path),
        Some("run") => serve(&path),
        _ => Err(format!("no test needs this command: {words:?}").into()),
    }
}

/// `--config`, `-c`, `CONFIG_FILE`, or the user's own.
fn config_path(words: &[String]) -> PathBuf {
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if let Some(path) = word.strip_prefix("--config=") {
            return path.into();
        }
        if ["--config", "-c"].contains(&word.as_str())
            && let Some(path) = rest.next()
        {
            return path.into();
        }
    }
    if let Some(path) = std::env::var_os("CONFIG_FILE") {
        return path.into();
    }
    match std::env::var("HOME") {
        Ok(home) if home != "/root" => Path::new(&home).join(".gitlab-runner/config.toml"),
        _ => "/etc/gitlab-runner/config.toml".into(),
    }
}

fn register(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut config = Config::load(path)?;
    let mut runner = Table::new();
    for (key, text) in [
        ("name", "registered"),
        ("url", "https://gitlab.example.com/"),
        ("token", "glrt-of-a-test"),
        ("executor", "kubernetes"),
    ] {
        runner.insert(key, Item::Value(Value::from(text)));
    }
    config.runners.push(runner);
    config.save(path)?;
    Ok(())
}

fn serve(path: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    // The runner continues without it if the folder is not writable.
    if let Err(error) = fs::write(path.with_file_name(".runner_system_id"), "r_test") {
        writeln!(io::stderr(), "WARNING: Couldn't save system ID: {error}")?;
    }
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
