//! AdvertiseAddress and `configure`, which wait for the address of a Service while the API server is
//! restarted again and again.

use std::fs;
use std::io::{self, Error};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use real_hosts::{ControlPlane, Waiting, items_from, launcher, resource_list};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::series::{Series, Slack};
use crate::{Outcome, Pace};

const ADVERTISE_ADDRESS: &str = "AdvertiseAddress";
const NAMESPACE: &str = "soak";
/// The account that waits: it may read the one Service, and nothing else.
const READER: &str = "reader";
const SERVICE: &str = "runner-session-server";
/// The address that the Service gets at the end.
const INGRESS: &str = r#"[{"ip":"192.0.2.7"}]"#;
const ADDRESS: &str = "192.0.2.7:9000";
/// The time that a restart of the API server, and then the address, may take on a busy machine.
const GRACE: Duration = Duration::from_secs(10 * 60);
/// How long both may take to see the address.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long they may take to notice that the API server is back, and to watch again.
const SETTLE: Duration = Duration::from_secs(2);
/// How often they are measured between two restarts.
const LOOKS: u32 = 4;
/// Mebibytes.
const MEMORY_SLACK: Slack = Slack(1.0);
/// A connection for reads and one for the watch; and as many again whose failure the client has not
/// yet noticed.
const MAX_CONNECTIONS: usize = 4;

/// Lets both wait, and returns what they used meanwhile.
pub(crate) fn soak(pace: Pace) -> io::Result<Outcome> {
    let plane = ControlPlane::start();
    let manifests = apply_runner(&plane);
    let reader = plane.kubeconfig_of(NAMESPACE, READER);
    let folder = tempfile::tempdir()?;
    let mut waiting = [
        Waiter::advertise_address(&reader, &manifests, pace),
        Waiter::configure(&reader, &folder, pace)?,
    ];
    let end = Instant::now() + pace.duration;
    let mut restarts = 0;
    while Instant::now() < end && waiting.iter_mut().all(Waiter::is_waiting) {
        let next = end.min(Instant::now() + pace.every);
        plane.restart_api_server();
        restarts += 1;
        change_service(&plane, restarts)?;
        let left = SETTLE.max(next.saturating_duration_since(Instant::now()));
        for _ in 0..LOOKS {
            thread::sleep(left / LOOKS);
            for waiter in &mut waiting {
                waiter.look(restarts)?;
            }
        }
    }
    let mut figures = json!({"seconds": pace.duration.as_secs(), "restarts": restarts});
    let mut problems = Vec::new();
    for waiter in &mut waiting {
        if !waiter.is_waiting() {
            let name = waiter.name;
            let problem = format!("{name} no longer waited after {restarts} restarts");
            waiter.problems.push(problem);
        }
    }
    plane.set_ingress(NAMESPACE, SERVICE, INGRESS);
    let set = Instant::now();
    for waiter in waiting {
        let name = waiter.name;
        let (output, of_waiter, found) = waiter.end(set);
        problems.extend(found);
        let has_address = match name {
            ADVERTISE_ADDRESS => output.contains(ADDRESS),
            _ => fs::read_to_string(config_of(&folder))?.contains(ADDRESS),
        };
        if !has_address {
            problems.push(format!("{name} has not written {ADDRESS}"));
        }
        if let Some(figures) = figures.as_object_mut() {
            figures.insert(name.to_owned(), of_waiter);
        }
    }
    Ok(Outcome { figures, problems })
}

/// Gives a runner a session server, applies its manifests, and returns them.
fn apply_runner(plane: &ControlPlane) -> Vec<Value> {
    let account = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": READER, "namespace": NAMESPACE},
    });
    let config = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "runner", "namespace": NAMESPACE},
        "data": {"config.toml": "concurrent = 1\n"},
    });
    let labels = json!({"app": "runner"});
    let runner = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "runner", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [{
                    "name": "runner",
                    "image": "gitlab/gitlab-runner:v18.9.0",
                    "volumeMounts": [{"name": "config", "mountPath": "/etc/gitlab-runner"}],
                }],
                "volumes": [{"name": "config", "configMap": {"name": "runner"}}],
            },
        }},
    });
    let readers = json!({"readers": [{"namespace": NAMESPACE, "serviceAccount": READER}]});
    let list = resource_list(&[config, runner], &readers);
    let manifests = items_from(&list.to_string());
    plane.add_namespace(NAMESPACE, &json!({}));
    plane.apply(&account.to_string());
    let all = json!({"apiVersion": "v1", "kind": "List", "items": manifests});
    plane.apply(&all.to_string());
    manifests
}

/// Changes the Service, but gives it no address: the waiters have to read it, and to wait again.
fn change_service(plane: &ControlPlane, number: u32) -> io::Result<()> {
    let annotation = format!("example.com/restarts={number}");
    let args = ["annotate", "service", SERVICE, &annotation, "--overwrite"];
    let args = [&["--namespace", NAMESPACE][..], &args].concat();
    let changed = plane.kubectl(&args, "");
    if changed.status.success() {
        return Ok(());
    }
    Err(Error::other(format!(
        "the Service is not changed: {changed:?}"
    )))
}

fn config_of(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("config.toml")
}

/// A command that waits.
struct Waiter {
    name: &'static str,
    waiting: Waiting,
    memory: Series,
    connections: Series,
    problems: Vec<String>,
}

impl Waiter {
    fn new(name: &'static str, waiting: Waiting) -> Self {
        Self {
            name,
            waiting,
            memory: Series::new("memory in MiB"),
            connections: Series::new("connections"),
            problems: Vec::new(),
        }
    }

    /// The function, as it waits in a build.
    fn advertise_address(kubeconfig: &Path, manifests: &[Value], pace: Pace) -> Self {
        let timeout = (pace.duration + GRACE).as_secs();
        let list = json!({
            "apiVersion": "config.kubernetes.io/v1",
            "kind": "ResourceList",
            "items": manifests,
            "functionConfig": {
                "apiVersion": "runner-terminal.dev/v1alpha1",
                "kind": "AdvertiseAddress",
                "metadata": {"name": "advertise-address"},
                "spec": {"whenPending": "Wait", "timeout": timeout},
            },
        });
        let mut command = launcher(kubeconfig);
        let waiting = Waiting::start(&mut command, list.to_string().as_bytes());
        Self::new(ADVERTISE_ADDRESS, waiting)
    }

    /// The init container of a pod that starts.
    fn configure(kubeconfig: &Path, folder: &TempDir, pace: Pace) -> io::Result<Self> {
        let config = config_of(folder);
        fs::write(&config, "concurrent = 1\n")?;
        let timeout = format!("{}s", (pace.duration + GRACE).as_secs());
        let mut command = launcher(kubeconfig);
        command.arg("configure").arg("--config").arg(config);
        command.args(["--service", SERVICE, "--timeout", &timeout]);
        command.args(["--when-pending", "Fail"]);
        Ok(Self::new("configure", Waiting::start(&mut command, b"")))
    }

    fn is_waiting(&mut self) -> bool {
        self.waiting.is_running()
    }

    /// Measures it after a restart of the API server, if it still waits.
    fn look(&mut self, restarts: u32) -> io::Result<()> {
        if !self.is_waiting() {
            return Ok(());
        }
        let Self { name, waiting, .. } = self;
        let memory = waiting.process().memory()? / f64::from(1 << 20);
        let connections = waiting.process().connections()?;
        eprintln!("{restarts} restarts: {name}, {memory:.1} MiB, {connections} connections");
        self.memory.push(memory);
        self.connections.push(connections as f64);
        if connections > MAX_CONNECTIONS {
            self.problems.push(format!(
                "{name} had {connections} connections after {restarts} restarts, more than {MAX_CONNECTIONS}"
            ));
        }
        Ok(())
    }

    /// Waits until it has seen the address, which was set at this time. Returns its output, what was
    /// measured, and what is wrong.
    fn end(self, set: Instant) -> (String, Value, Vec<String>) {
        let Self {
            name,
            waiting,
            memory,
            connections,
            mut problems,
        } = self;
        let output = waiting.end_within(PATIENCE);
        let took = set.elapsed().as_secs_f64();
        if !output.status.success() || !problems.is_empty() {
            let said = String::from_utf8_lossy(&output.stderr);
            problems.push(format!(
                "{name} ended with {} and said: {said}",
                output.status
            ));
        }
        problems.extend(memory.growth(MEMORY_SLACK));
        let figures = json!({
            "memory": memory.to_json(),
            "connections": connections.to_json(),
            "seconds until the address was written": took,
        });
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            figures,
            problems,
        )
    }
}
