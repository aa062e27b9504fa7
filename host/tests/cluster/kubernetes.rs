//! Responses of an API server.

use serde_json::{Value, json};

use super::api_server::{Reply, Request, Step};

/// The Service of the lists in [`super::place`], at a version, with the addresses that it has.
pub(crate) fn service(version: u64, addresses: &[&str]) -> Value {
    service_called("runner-session-server", version, addresses)
}

pub(crate) fn service_called(name: &str, version: u64, addresses: &[&str]) -> Value {
    let ingress: Vec<Value> = addresses.iter().map(|ip| json!({ "ip": ip })).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": "ci",
            "resourceVersion": version.to_string(),
            "annotations": {"runner-terminal.dev/owned-by": "SessionServer"},
        },
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.0.0.7",
            "ports": [{"name": "session-server", "port": 9000}],
        },
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

/// The name of the Service that a request is about.
pub(crate) fn name_of(request: &Request) -> String {
    let of_watch = request.line.split_once("metadata.name%3D");
    let name = of_watch.or_else(|| request.line.split_once("/services/"));
    let (_, name) = name.unwrap();
    name.split(['&', ' ']).next().unwrap().to_owned()
}

/// A response with a body and additional header lines, each with its line ending.
pub(crate) fn answer(status: &str, head: &str, body: &str) -> Reply {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{head}Content-Length: {length}\r\n\r\n{body}");
    vec![Step::Say(text.into())]
}

/// 200, with an object.
pub(crate) fn found(object: &Value) -> Reply {
    let head = "Content-Type: application/json\r\n";
    answer("200 OK", head, &object.to_string())
}

/// A Status: the API server's response to a request that it does not fulfil.
pub(crate) fn failure(status: &str, head: &str, message: &str) -> Reply {
    let (code, reason) = status.split_once(' ').unwrap();
    let body = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason.replace(' ', ""),
        "details": {"name": "runner-session-server", "kind": "services"},
        "code": code.parse::<u16>().unwrap(),
    });
    answer(status, head, &body.to_string())
}

/// 404, as for a Service that is not there.
pub(crate) fn not_found() -> Reply {
    let message = r#"services "runner-session-server" not found"#;
    failure("404 Not Found", "", message)
}

/// 403, for a user who is not allowed to do that.
pub(crate) fn forbidden(user: &str, verb: &str) -> Reply {
    let message = format!(
        r#"services "runner-session-server" is forbidden: User "{user}" cannot {verb} resource "services" in API group "" in the namespace "ci""#
    );
    failure("403 Forbidden", "", &message)
}

/// What an API server that is ready says about itself.
pub(crate) fn ready() -> Reply {
    answer("200 OK", "", "ok")
}

/// What one that is starting says about itself. Source: kube-apiserver's `/readyz`.
pub(crate) fn starting() -> Reply {
    let said = "[+]ping ok\n[-]informer-sync failed: reason withheld\nreadyz check failed\n";
    answer("500 Internal Server Error", "", said)
}

/// [`forbidden`] by an API server that is ready: it reports that it is, and forbids it again.
pub(crate) fn always_forbidden(user: &str, verb: &str) -> [Reply; 3] {
    [forbidden(user, verb), ready(), forbidden(user, verb)]
}

/// The head of a watch, whose events come by [`chunk`].
pub(crate) fn watch_head() -> Step {
    Step::Say(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            .into(),
    )
}

/// A chunk of a chunked body.
pub(crate) fn chunk(text: &str) -> Step {
    Step::Say(format!("{:x}\r\n{text}\r\n", text.len()).into())
}

/// The end of a chunked body.
pub(crate) fn end() -> Step {
    Step::Say("0\r\n\r\n".into())
}

pub(crate) fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

/// A watch with these events that stays open.
pub(crate) fn watch(events: &[String]) -> Reply {
    let chunks = events.iter().map(|event| chunk(event));
    let mut reply = vec![watch_head()];
    reply.extend(chunks);
    reply.push(Step::Hang);
    reply
}

/// Asserts that these were the paths of all requests, in this order; `W` is a watch of the Service, `R`
/// reads it, and `S` asks whether the API server is still starting.
#[track_caller]
pub(crate) fn assert_asked(requests: &[Request], expected: &str) {
    let read = "GET /api/v1/namespaces/ci/services/runner-session-server HTTP/1.1";
    let asked: String = requests
        .iter()
        .map(|request| match () {
            () if request.line == read => 'R',
            () if request.is_watch() => 'W',
            () if request.line == "GET /readyz HTTP/1.1" => 'S',
            () => '?',
        })
        .collect();
    assert_eq!(asked, expected, "{requests:#?}");
}
