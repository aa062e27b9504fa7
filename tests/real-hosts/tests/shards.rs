//! Several replicas: their terminals behind one Service, as shards, and by the names of their pods
//! through the relay.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;
use std::sync::Arc;
use std::thread;

use real_hosts::{
    Balance, ControlPlane, HaProxy, Relay, Runtime, SessionServer, free_ports, run_module,
    workspace_root,
};
use serde_json::Value;

const REPLICAS: usize = 3;
const SESSIONS: usize = 300;

/// The function's output for a fixture.
fn resources(fixture: &str) -> Vec<Value> {
    let path = workspace_root().join(format!("tests/fixtures/session-server/{fixture}.yaml"));
    let output = run_module(Runtime::Launcher, &fs::read(path).unwrap());
    assert!(output.status.success(), "{output:?}");
    let list: Value = yaml_serde::from_slice(&output.stdout).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn of_kind<'a>(resources: &'a [Value], kind: &str) -> Vec<&'a Value> {
    resources
        .iter()
        .filter(|resource| resource["kind"] == kind)
        .collect()
}

/// Each `config.toml`, with the pod labels of the workload that mounts it.
fn configs(resources: &[Value]) -> Vec<(&Value, &str)> {
    let config_maps: BTreeMap<&str, &str> = of_kind(resources, "ConfigMap")
        .into_iter()
        .map(|map| {
            let name = map["metadata"]["name"].as_str().unwrap();
            (name, map["data"]["config.toml"].as_str().unwrap())
        })
        .collect();
    let workloads = of_kind(resources, "Deployment").into_iter();
    workloads
        .map(|workload| {
            let template = &workload["spec"]["template"];
            let volume = &template["spec"]["volumes"][0]["configMap"]["name"];
            let labels = &template["metadata"]["labels"];
            assert_eq!(workload["spec"]["replicas"], 1);
            (labels, config_maps[volume.as_str().unwrap()])
        })
        .collect()
}

/// The pods that a Service selects.
fn selected(service: &Value, pods: &[(&Value, &str)]) -> Vec<usize> {
    let selector = service["spec"]["selector"].as_object().unwrap();
    let fits = |labels: &Value| selector.iter().all(|(key, value)| labels[key] == *value);
    (0..pods.len()).filter(|pod| fits(pods[*pod].0)).collect()
}

fn opened(client: &Output) -> bool {
    client.status.success() && client.stdout == b"terminal open\n"
}

/// Opens each server's terminal through the address, a given number of times, and returns how many
/// attempts failed.
fn lost(servers: &[SessionServer], address: &str) -> usize {
    // A session has one terminal at a time; those of several servers are opened in parallel.
    let lost_of = |server: &SessionServer| {
        (0..SESSIONS / servers.len())
            .filter(|_| !opened(&server.connect_through(address)))
            .count()
    };
    thread::scope(|scope| {
        let clients: Vec<_> = servers
            .iter()
            .map(|server| scope.spawn(move || lost_of(server)))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    })
}

/// Each shard has its own host at one entry point, which passes TLS through by SNI: the routes
/// are those of the Ingresses, Services and pods in the function's output.
#[test]
fn no_terminal_of_a_shard_is_lost() {
    let resources = resources("shard-ingress");
    let pods = configs(&resources);
    assert_eq!(pods.len(), REPLICAS);
    let ports: [u16; REPLICAS] = free_ports();
    let servers: Vec<SessionServer> = pods
        .iter()
        .zip(ports)
        .map(|((_, config), port)| SessionServer::start_beside(config, port).unwrap())
        .collect();

    let services: BTreeMap<&str, &Value> = of_kind(&resources, "Service")
        .into_iter()
        .map(|service| (service["metadata"]["name"].as_str().unwrap(), service))
        .collect();
    let routes: Vec<(String, String)> = of_kind(&resources, "Ingress")
        .into_iter()
        .map(|ingress| {
            let rule = &ingress["spec"]["rules"][0];
            let backend = &rule["http"]["paths"][0]["backend"]["service"]["name"];
            let pods = selected(services[backend.as_str().unwrap()], &pods);
            assert_eq!(pods.len(), 1, "{backend} selects several pods");
            let host = rule["host"].as_str().unwrap().to_owned();
            (host, servers[pods[0]].address())
        })
        .collect();
    assert_eq!(routes.len(), REPLICAS);
    let proxy = HaProxy::start(Balance::ByHost(&routes));

    assert_eq!(lost(&servers, proxy.address()), 0);
}

/// Why the function refuses three processes behind one address.
#[test]
fn two_thirds_are_lost_behind_one_service() {
    let resources = resources("address-known");
    let pods = configs(&resources);
    let config = pods[0].1;
    let ports: [u16; REPLICAS] = free_ports();
    let servers: Vec<SessionServer> = ports
        .iter()
        .map(|port| SessionServer::start_beside(config, *port).unwrap())
        .collect();
    let addresses: Vec<String> = servers.iter().map(SessionServer::address).collect();
    let proxy = HaProxy::start(Balance::InTurn(&addresses));

    let lost = lost(&servers, proxy.address());

    println!("{lost} of {SESSIONS} terminals were lost");
    // One connection in three reaches the right process; which one is partly random.
    assert!((SESSIONS / 2..SESSIONS * 5 / 6).contains(&lost), "{lost}");
}

/// The pods of a workload, each with a session server at an address of its own, in a namespace of a
/// real API server.
struct Pods {
    plane: Arc<ControlPlane>,
    namespace: String,
    /// The third number of their addresses: 127.0.NETWORK.POD.
    network: u8,
    port: u16,
}

impl Pods {
    fn new(namespace: &str, network: u8) -> Self {
        let plane = ControlPlane::shared();
        plane.add_namespace(namespace, &serde_json::json!({}));
        let [port] = free_ports();
        Self {
            plane,
            namespace: namespace.to_owned(),
            network,
            port,
        }
    }

    /// Starts a pod that advertises its name in the relay's domain.
    fn start(&self, name: &str, number: usize) -> SessionServer {
        let ip = format!("127.0.{}.{number}", self.network);
        let port = self.port;
        self.plane.add_pod(&self.namespace, name, "runner");
        self.plane.run_pod(&self.namespace, name, &ip);
        let config = format!(
            "[session_server]\n  listen_address = \"0.0.0.0:{port}\"\n  advertise_address = \
             \"{name}.terminals.example.com:9000\"\n"
        );
        SessionServer::start_at(&config, &format!("{ip}:{port}")).unwrap()
    }

    fn relay(&self) -> Relay {
        let (namespace, port) = (&self.namespace, self.port);
        let route = format!("--route=*.terminals.example.com={namespace}/app=runner:{port}");
        Relay::start(self.plane.kubeconfig(), &["--dial=pod", &route])
    }

    /// Waits until the relay knows this many pods.
    fn wait_for(&self, relay: &Relay, count: u32) {
        let namespace = &self.namespace;
        let labels = format!("{{namespace=\"{namespace}\",selector=\"app=runner\"}}");
        let name = format!("runner_terminal_relay_watched_pods{labels}");
        relay.wait_for_metric(&name, count.into());
    }
}

/// Each pod is a host of its own at the one address of the relay, so any number of them lose no
/// terminal, also while an autoscaler adds and removes some.
#[test]
fn no_terminal_of_several_replicas_is_lost_through_the_relay() {
    let pods = Pods::new("replicas-relay", 21);
    let name = |number: usize| format!("runner-6f7c9d-{number:05}");
    let start = |number| pods.start(&name(number), number);
    let mut servers: Vec<SessionServer> = (1..=REPLICAS).map(start).collect();
    let relay = pods.relay();
    let address = relay.address().to_string();
    assert_eq!(lost(&servers, &address), 0);

    // The autoscaler goes to ten, and back to one.
    servers.extend((REPLICAS + 1..=10).map(start));
    pods.wait_for(&relay, 10);
    assert_eq!(lost(&servers, &address), 0);
    servers.drain(1..);
    for number in 2..=10 {
        let args = ["-n", &pods.namespace, "delete", "pod", &name(number)];
        let args = [&args[..], &["--force", "--grace-period=0"]].concat();
        assert!(pods.plane.kubectl(&args, "").status.success());
    }
    pods.wait_for(&relay, 1);
    assert_eq!(lost(&servers, &address), 0);
    assert_eq!(relay.ended("pod-unknown"), 0);
}

/// The pods of a DaemonSet are one on each node.
#[test]
fn no_terminal_of_a_daemon_set_is_lost_through_the_relay() {
    let pods = Pods::new("daemon-set-relay", 22);
    let servers: Vec<SessionServer> = ["4x9wq", "8kd2n", "c7hzv", "m5t2r", "zz6bl"]
        .iter()
        .zip(1..)
        .map(|(suffix, number)| pods.start(&format!("runner-{suffix}"), number))
        .collect();
    let relay = pods.relay();
    assert_eq!(lost(&servers, &relay.address().to_string()), 0);
}
