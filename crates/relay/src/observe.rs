//! The HTTP server for `/metrics`, `/healthz` and `/readyz`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time;

use crate::limits::Slots;
use crate::listener::Acceptor;
use crate::metrics::Metrics;
use crate::phase::Phase;

/// More than Prometheus and a kubelet need.
const MAX_CONNECTIONS: usize = 64;
/// How long a client may take to send a request head, and between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum duration of a connection.
const LONGEST: Duration = Duration::from_secs(3600);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers requests forever.
pub(crate) async fn serve(
    mut acceptor: Acceptor,
    metrics: Arc<Metrics>,
    phase: watch::Receiver<Phase>,
) -> Infallible {
    let slots = Slots::new(MAX_CONNECTIONS);
    loop {
        let (client, _) = acceptor.accept(&metrics).await;
        if let Some(slot) = slots.take() {
            let (metrics, phase) = (Arc::clone(&metrics), phase.clone());
            tokio::spawn(async move {
                let _ = time::timeout(LONGEST, converse(client, &metrics, &phase)).await;
                drop(slot);
            });
        }
    }
}

async fn converse(client: TcpStream, metrics: &Metrics, phase: &watch::Receiver<Phase>) {
    let service = service_fn(async |request: Request<Incoming>| {
        let (method, path) = (request.method(), request.uri().path());
        Ok::<_, Infallible>(answer(method, path, metrics, *phase.borrow()))
    });
    // An error here concerns only the client, which notices it itself.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(client), service)
        .await;
}

fn answer(method: &Method, path: &str, metrics: &Metrics, phase: Phase) -> Response<Full<Bytes>> {
    let (status, content_type, text) = match (method, path) {
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        (&Method::GET | &Method::HEAD, "/readyz") => match phase {
            Phase::Serving => (StatusCode::OK, TEXT, "ok\n".to_owned()),
            Phase::Starting => (
                StatusCode::SERVICE_UNAVAILABLE,
                TEXT,
                "the pods have not been listed yet\n".to_owned(),
            ),
            Phase::Draining | Phase::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                TEXT,
                "it ends, and takes no more connections\n".to_owned(),
            ),
        },
        (&Method::GET | &Method::HEAD, "/metrics") => match metrics.text() {
            Ok(text) => (StatusCode::OK, OPEN_METRICS, text),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, error.to_string()),
        },
        (_, "/healthz" | "/readyz" | "/metrics") => {
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, "use GET\n".to_owned())
        }
        _ => (
            StatusCode::NOT_FOUND,
            TEXT,
            "there are /metrics, /healthz and /readyz\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_while_it_serves_and_healthy_all_the_time() {
        let metrics = Metrics::new();
        let status = |path, phase| answer(&Method::GET, path, &metrics, phase).status();
        assert_eq!(status("/readyz", Phase::Serving), StatusCode::OK);
        for phase in [Phase::Starting, Phase::Draining, Phase::Stopping] {
            assert_eq!(status("/readyz", phase), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(status("/healthz", phase), StatusCode::OK);
            assert_eq!(status("/metrics", phase), StatusCode::OK);
        }
        assert_eq!(status("/", Phase::Serving), StatusCode::NOT_FOUND);
        let posted = answer(&Method::POST, "/metrics", &metrics, Phase::Serving);
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
