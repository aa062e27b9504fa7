//! Three replicas: their terminals behind one Service, and as shards.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;
use std::thread;

use real_hosts::{
    Balance, HaProxy, Runtime, SessionServer, free_ports, run_module, workspace_root,
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
