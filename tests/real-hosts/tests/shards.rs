//! Several replicas: their terminals behind one Service, as shards, and by the names of their pods
//! through the relay that the function makes. The tests of the relay need root.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fs;
use std::process::Output;
use std::sync::Arc;

use real_hosts::{
    Balance, ControlPlane, HaProxy, OpenTerminal, Relay, SessionServer, StartNode, StartingPod,
    free_ports, items_from, lost_terminals, resource_list, workspace_root,
};
use serde_json::{Value, json};

const REPLICAS: usize = 3;
const SESSIONS: usize = 300;

/// The function's output for a fixture.
fn resources(fixture: &str) -> Vec<Value> {
    let path = workspace_root().join(format!("tests/fixtures/session-server/{fixture}.yaml"));
    items_from(&fs::read_to_string(path).unwrap())
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

/// How many terminals did not reach the process of their session through the address.
fn lost<S: Borrow<SessionServer> + Sync>(servers: &[S], address: &str) -> usize {
    lost_terminals(servers, SESSIONS, |server| server.connect_through(address))
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

    let servers: Vec<&SessionServer> = servers.iter().collect();
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

    let servers: Vec<&SessionServer> = servers.iter().collect();
    let lost = lost(&servers, proxy.address());

    println!("{lost} of {SESSIONS} terminals were lost");
    // One connection in three reaches the right process; which one is partly random.
    assert!((SESSIONS / 2..SESSIONS * 5 / 6).contains(&lost), "{lost}");
}

const SUFFIX: &str = ".terminals.example.com";
const INIT_CONTAINER: &str = "session-server";

/// A runner behind a relay, all of it as the function makes it: its manifests are applied to a real
/// API server, and a stand-in for the kubelet starts its pods and those of the relay.
struct Gateway {
    plane: Arc<ControlPlane>,
    node: StartNode,
    /// The runner's; the relay's is RELAY-NAMESPACE.
    namespace: String,
    /// The third number of its pods' addresses: 127.0.NETWORK.POD.
    network: u8,
    pods: u8,
    port: u16,
}

/// A pod of a runner, with the real session server. GitLab's address of it is its name.
struct RunnerPod {
    name: String,
    server: SessionServer,
}

impl Gateway {
    /// An empty namespace for a runner, and one for its relay.
    fn new(namespace: &str, network: u8) -> Self {
        let plane = ControlPlane::shared();
        plane.add_namespace(namespace, &json!({}));
        let restricted = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        plane.add_namespace(&format!("relay-{namespace}"), &restricted);
        let [port] = free_ports();
        Self {
            node: StartNode::new(&plane),
            plane,
            namespace: namespace.to_owned(),
            network,
            pods: 0,
            port,
        }
    }

    fn relay_namespace(&self) -> String {
        format!("relay-{}", self.namespace)
    }

    /// Runs the function on manifests, and applies what it makes.
    fn serve(&self, manifests: &[Value]) {
        let spec = json!({
            "configure": {"at": "PodStart", "image": "registry.example.com/runner-terminal:0.2.0"},
            "exposure": {
                "type": "Relay",
                "host": format!("{{pod}}{SUFFIX}"),
                "port": 443,
                "relay": {"namespace": self.relay_namespace()},
            },
            "listenPort": self.port,
        });
        let items = items_from(&resource_list(manifests, &spec).to_string());
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        self.plane.apply(&list.to_string());
    }

    /// Starts another pod of a runner, which runs and has an address once its session server listens.
    fn start(&mut self, workload: &str) -> RunnerPod {
        self.start_in(&self.namespace.clone(), workload)
    }

    fn start_in(&mut self, namespace: &str, workload: &str) -> RunnerPod {
        self.pods += 1;
        let ip = format!("127.0.{}.{}", self.network, self.pods);
        self.node.pod_ips = vec![ip.clone()];
        let pod = self.node.create_pod(namespace, workload);
        let init = pod.start_container_named(INIT_CONTAINER).end();
        assert_eq!(init.code, Some(0), "{}", init.log);
        let config = pod.run_runner().stdout;
        let name = pod.manifest()["metadata"]["name"].as_str().unwrap();
        let advertised = format!("advertise_address = \"{name}{SUFFIX}:443\"");
        assert!(config.contains(&advertised), "{advertised}\n{config}");
        let address = format!("{ip}:{}", self.port);
        let server = SessionServer::start_at(&config, &address).unwrap();
        self.plane.run_pod(namespace, name, &ip);
        RunnerPod {
            name: name.to_owned(),
            server,
        }
    }

    /// A pod of the relay.
    fn relay_pod(&self) -> StartingPod {
        let relay = self.relay_namespace();
        let pod = self
            .node
            .create_pod(&relay, "deployment/runner-terminal-relay");
        let service = self.plane.get(&relay, "service/runner-terminal-relay");
        let spec = &service["spec"];
        let labels = &pod.manifest()["metadata"]["labels"];
        for (name, value) in spec["selector"].as_object().unwrap() {
            assert_eq!(labels[name], *value, "{labels}");
        }
        assert_eq!(spec["ports"][0]["port"], 443, "{spec}");
        let ports = pod.manifest()["spec"]["containers"][0]["ports"].as_array();
        let target = &spec["ports"][0]["targetPort"];
        let led_to = ports.unwrap().iter().find(|port| port["name"] == *target);
        // Where the relay listens by default.
        assert_eq!(led_to.unwrap()["containerPort"], 9000, "{service}");
        pod
    }

    /// Waits until a relay knows this many pods of a runner.
    fn wait_for(&self, relay: &Relay, namespace: &str, count: u32) {
        let labels = format!("{{namespace=\"{namespace}\",selector=\"app=runner\"}}");
        let name = format!("runner_terminal_relay_watched_pods{labels}");
        relay.wait_for_metric(&name, count.into());
    }

    fn delete(&self, pod: &RunnerPod) {
        let args = ["-n", &self.namespace, "delete", "pod", &pod.name];
        let args = [&args[..], &["--force", "--grace-period=0"]].concat();
        assert!(self.plane.kubectl(&args, "").status.success());
    }
}

/// The pods of a relay behind its Service, which sends connections to them in turn.
struct RelayService {
    // Their volumes.
    _pods: [StartingPod; 2],
    relays: Vec<Relay>,
    service: HaProxy,
}

impl RelayService {
    fn start(gateway: &Gateway) -> Self {
        let pods = [gateway.relay_pod(), gateway.relay_pod()];
        let relays: Vec<Relay> = pods.iter().map(Relay::start_in).collect();
        let addresses: Vec<String> = relays
            .iter()
            .map(|relay| relay.address().to_string())
            .collect();
        Self {
            service: HaProxy::start(Balance::InTurn(&addresses)),
            relays,
            _pods: pods,
        }
    }

    /// Through the relay, every session of these pods reaches the right process. Through a plain
    /// Service, most do not.
    fn loses_nothing(&self, gateway: &Gateway, pods: &[RunnerPod]) {
        for relay in &self.relays {
            let count = u32::try_from(pods.len()).unwrap();
            gateway.wait_for(relay, &gateway.namespace, count);
        }
        let servers: Vec<&SessionServer> = pods.iter().map(|pod| &pod.server).collect();
        assert_eq!(lost(&servers, self.service.address()), 0);
        for relay in &self.relays {
            assert_eq!(relay.ended("pod-unknown"), 0);
            assert!(relay.ended("") >= SESSIONS as u64 / 3, "it had no part");
        }
        if servers.len() > 1 {
            let addresses: Vec<String> = servers
                .iter()
                .map(|server| server.listens_at().to_owned())
                .collect();
            let plain = HaProxy::start(Balance::InTurn(&addresses));
            let lost = lost(&servers, plain.address());
            let pods = pods.len();
            assert!(
                lost > SESSIONS / 2,
                "{lost} of {SESSIONS} terminals of {pods} pods were lost"
            );
        }
    }
}

/// A ConfigMap with a runner's `config.toml`, and a workload of pods that mount it.
fn runner(namespace: &str, kind: &str, spec: &Value) -> [Value; 2] {
    let metadata = json!({"name": "runner", "namespace": namespace});
    let config_map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"config.toml": "concurrent = 4\n\n[[runners]]\n  name = \"a\"\n  token = \"glrt-x\"\n"},
    });
    let mut workload = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": {"app": "runner"}},
            "template": {"metadata": {"labels": {"app": "runner"}}, "spec": {
                "securityContext": {
                    "runAsNonRoot": true,
                    "runAsUser": 999,
                    "fsGroup": 999,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [{
                    "name": "runner",
                    "image": "gitlab/gitlab-runner:v18.9.0",
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{
                        "name": "config",
                        "mountPath": "/home/gitlab-runner/.gitlab-runner",
                        "readOnly": true,
                    }],
                }],
                "volumes": [{"name": "config", "configMap": {"name": "runner"}}],
            }},
        },
    });
    for (field, value) in spec.as_object().unwrap() {
        workload["spec"][field] = value.clone();
    }
    [config_map, workload]
}

#[test]
fn no_terminal_of_three_replicas_is_lost_through_the_relay() {
    let mut gateway = Gateway::new("replicas", 21);
    gateway.serve(&runner("replicas", "Deployment", &json!({"replicas": 3})));
    let pods: Vec<RunnerPod> = (0..3).map(|_| gateway.start("deployment/runner")).collect();
    RelayService::start(&gateway).loses_nothing(&gateway, &pods);
}

/// The relay follows the pods while an autoscaler adds and removes some.
#[test]
fn no_terminal_of_an_autoscaler_is_lost_through_the_relay() {
    let mut gateway = Gateway::new("scaled", 23);
    let scaler = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "runner", "namespace": "scaled"},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 10,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "runner"},
        },
    });
    let [config_map, deployment] = runner("scaled", "Deployment", &json!({}));
    gateway.serve(&[config_map, deployment, scaler]);
    let mut pods = vec![gateway.start("deployment/runner")];
    let relay = RelayService::start(&gateway);
    relay.loses_nothing(&gateway, &pods);

    pods.extend((1..10).map(|_| gateway.start("deployment/runner")));
    relay.loses_nothing(&gateway, &pods);

    for pod in pods.drain(..9) {
        gateway.delete(&pod);
    }
    relay.loses_nothing(&gateway, &pods);
}

#[test]
fn no_terminal_of_a_daemon_set_is_lost_through_the_relay() {
    let mut gateway = Gateway::new("daemons", 22);
    gateway.serve(&runner("daemons", "DaemonSet", &json!({})));
    let pods: Vec<RunnerPod> = (0..5).map(|_| gateway.start("daemonset/runner")).collect();
    RelayService::start(&gateway).loses_nothing(&gateway, &pods);
}

/// A build with one more runner adds a key to the relay's ConfigMap, and a Role.
#[test]
fn a_runner_is_added_while_a_terminal_is_open() {
    let mut gateway = Gateway::new("first", 24);
    let first = runner("first", "Deployment", &json!({}));
    gateway.serve(&first);
    let pod = gateway.start("deployment/runner");
    let relay_pod = gateway.relay_pod();
    let relay = Relay::start_in(&relay_pod);
    let address = relay.address().to_string();
    gateway.wait_for(&relay, "first", 1);
    let mut terminal = OpenTerminal::open(pod.server.terminal(), &address);
    terminal.type_into("before");

    gateway.plane.add_namespace("second", &json!({}));
    let second = runner("second", "Deployment", &json!({}));
    gateway.serve(&[first, second].concat());
    let added = gateway.start_in("second", "deployment/runner");
    assert!(!opened(&added.server.connect_through(&address)));
    relay_pod.update_volumes();
    relay.wait_for_metric("runner_terminal_relay_routes", 2.0);
    gateway.wait_for(&relay, "second", 1);

    assert!(opened(&added.server.connect_through(&address)));
    terminal.type_into("after");
}

#[test]
fn the_relays_role_finds_the_pods_of_its_selectors_and_no_others() {
    let mut gateway = Gateway::new("least", 25);
    gateway.serve(&runner("least", "Deployment", &json!({})));
    let pod = gateway.start("deployment/runner");
    // Another workload of the namespace, and the same labels in a namespace without a route.
    let plane = Arc::clone(&gateway.plane);
    plane.add_namespace("elsewhere", &json!({}));
    let strangers = [("least", "stranger"), ("elsewhere", "runner")].map(|(namespace, app)| {
        plane.add_pod(namespace, app, app);
        plane.run_pod(namespace, app, "127.0.25.200");
        app
    });
    let relay_pod = gateway.relay_pod();
    let relay = Relay::start_in(&relay_pod);
    let address = relay.address().to_string();
    gateway.wait_for(&relay, "least", 1);
    assert!(opened(&pod.server.connect_through(&address)));
    for name in strangers {
        let mut terminal = pod.server.terminal().clone();
        terminal.endpoint = terminal.endpoint.replace(&pod.name, name);
        assert!(!opened(&relay.open(&terminal)), "{name}");
        let line = relay.wait_for_end("pod-unknown");
        assert_eq!(line["sni"], format!("{name}{SUFFIX}"), "{line}");
    }

    let account = "relay-least:runner-terminal-relay";
    let rights = plane.rights_of("least", account);
    assert_eq!(rights, ["pods [] [] [list watch]"]);
    for other in ["elsewhere", "relay-least", "default"] {
        let rights = plane.rights_of(other, account);
        assert!(rights.is_empty(), "{other}: {rights:?}");
    }
}
