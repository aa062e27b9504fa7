//! Follows the pods of a selection: lists them once, then watches for changes, as long as needed.
//!
//! While the API server is unavailable, the last known pods are kept.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use kube::{Client, Error};
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};

use crate::client::Cluster;
use crate::limits::Throttle;
use crate::log::{Level, Log};
use crate::metrics::{Metrics, WatchMetrics};
use crate::pods::{ApiPod, Pods};
use crate::route::Selection;

/// The number of pods per page of a list.
const PAGE: u32 = 500;
/// How many pages all watches together request at the same time: a page takes some megabytes.
const PAGES_AT_ONCE: usize = 3;
/// How long the API server may take to return a page, or to start a watch.
const ANSWER: Duration = Duration::from_secs(30);
/// How many seconds a watch lasts before the API server ends it.
const WATCH_SECONDS: u32 = 290;
/// A watch that lasts longer has a broken connection.
const SILENCE: Duration = Duration::from_secs(310);
/// The initial pause before the next request to the API server.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// A watch that ends earlier is not begun again at once.
const STEADY: Duration = Duration::from_secs(5);
/// The shortest time between two log lines about one failing watch.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Creates watches.
#[derive(Clone)]
pub(crate) struct Watcher {
    cluster: Cluster,
    metrics: Arc<Metrics>,
    log: Log,
    pages: Arc<Semaphore>,
}

/// The pods of a selection. They are followed until this is dropped.
pub(crate) struct PodWatch {
    selection: Selection,
    pods: Arc<RwLock<Pods>>,
    state: watch::Receiver<State>,
    metrics: Arc<Metrics>,
    task: JoinHandle<()>,
}

/// The progress of a watch.
#[derive(Clone, Debug, Default)]
struct State {
    /// The pods were listed.
    is_listed: bool,
    /// Why they currently cannot be listed or watched.
    problem: Option<String>,
}

impl Watcher {
    pub(crate) fn new(cluster: Cluster, metrics: Arc<Metrics>, log: Log) -> Self {
        Self {
            cluster,
            metrics,
            log,
            pages: Arc::new(Semaphore::new(PAGES_AT_ONCE)),
        }
    }

    /// Starts following the pods of a selection.
    pub(crate) fn watch(&self, selection: &Selection) -> PodWatch {
        let pods = Arc::new(RwLock::new(Pods::default()));
        let (sender, state) = watch::channel(State::default());
        let follower = Follower {
            watcher: self.clone(),
            selection: selection.clone(),
            pods: Arc::clone(&pods),
            state: sender,
            metrics: self.metrics.watch_of(selection),
            throttle: Throttle::new(LOG_INTERVAL),
        };
        PodWatch {
            selection: selection.clone(),
            pods,
            state,
            metrics: Arc::clone(&self.metrics),
            task: tokio::spawn(follower.run()),
        }
    }
}

impl PodWatch {
    pub(crate) fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The pods, as far as they are known; `None` if they were never listed.
    pub(crate) fn pods(&self) -> Option<RwLockReadGuard<'_, Pods>> {
        let is_listed = self.state.borrow().is_listed;
        is_listed.then(|| self.pods.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// True once the pods have been listed.
    pub(crate) fn is_listed(&self) -> bool {
        self.state.borrow().is_listed
    }

    /// True once the first attempt to list the pods is over.
    pub(crate) fn is_tried(&self) -> bool {
        let state = self.state.borrow();
        state.is_listed || state.problem.is_some()
    }

    /// Waits until the first attempt to list the pods is over.
    pub(crate) async fn wait_until_tried(&self) {
        let mut state = self.state.clone();
        // An error means that the follower has ended, so there is nothing to wait for.
        let _ = state
            .wait_for(|state| state.is_listed || state.problem.is_some())
            .await;
    }

    /// Why the pods currently cannot be listed or watched.
    pub(crate) fn problem(&self) -> Option<String> {
        self.state.borrow().problem.clone()
    }
}

impl Drop for PodWatch {
    fn drop(&mut self) {
        self.task.abort();
        self.metrics.forget_watch(&self.selection);
    }
}

/// Keeps the pods of a selection up to date.
struct Follower {
    watcher: Watcher,
    selection: Selection,
    pods: Arc<RwLock<Pods>>,
    state: watch::Sender<State>,
    metrics: WatchMetrics,
    throttle: Throttle,
}

/// How a watch has ended.
enum End {
    /// As expected: the API server ends every watch after a while; or a connection broke. The watch
    /// can continue from the last version.
    Resumable(Option<String>),
    /// The pods must be listed again: the last version is too old, or the API server sent something
    /// unexpected. `None` if this is harmless.
    Over(Option<String>),
}

impl Follower {
    async fn run(mut self) {
        let mut pause = Pause::default();
        let mut version = None;
        loop {
            let mut from = match version.take() {
                Some(version) => version,
                None => match self.list().await {
                    Ok(version) => version,
                    Err(problem) => {
                        self.note_failure(problem);
                        pause.wait().await;
                        continue;
                    }
                },
            };
            let begun = Instant::now();
            let end = self.follow(&mut from).await;
            // Down until the next watch is open: a server that is starting may delay it.
            self.metrics.up(false);
            let is_steady = begun.elapsed() >= STEADY;
            if is_steady {
                pause = Pause::default();
            }
            let problem = match end {
                End::Resumable(problem) => {
                    version = Some(from);
                    problem
                }
                End::Over(problem) => problem,
            };
            let has_failed = problem.is_some();
            if let Some(problem) = problem {
                self.note_failure(problem);
            }
            if has_failed || !is_steady {
                pause.wait().await;
            }
        }
    }

    /// Lists the pods page by page, and returns the version of the list.
    async fn list(&self) -> Result<String, String> {
        let mut pods = Pods::default();
        let mut page = ListParams::default()
            .labels(&self.selection.selector)
            .limit(PAGE);
        let client = &self.watcher.cluster.client;
        loop {
            let request = self.request().list(&page);
            let request = request.map_err(|error| self.explain(&Error::BuildRequest(error)))?;
            // The semaphore is never closed.
            let permit = self.watcher.pages.acquire().await;
            let list = time::timeout(ANSWER, client.request::<PodList>(request)).await;
            let list = list.map_err(|_| too_late())?;
            drop(permit);
            let list = list.map_err(|error| self.explain(&error))?;
            for pod in list.items.into_iter().flatten() {
                pods.apply(pod);
            }
            match list.metadata.next.filter(|next| !next.is_empty()) {
                Some(next) => page = page.continue_token(&next),
                None => {
                    self.store(pods);
                    return Ok(list.metadata.resource_version);
                }
            }
        }
    }

    /// Follows the changes since a version, and updates the version.
    async fn follow(&mut self, version: &mut String) -> End {
        let params = WatchParams::default()
            .labels(&self.selection.selector)
            .timeout(WATCH_SECONDS);
        let request = match self.request().watch(&params, version) {
            Ok(request) => request,
            Err(error) => return End::Over(Some(self.explain(&Error::BuildRequest(error)))),
        };
        let client: Client = self.watcher.cluster.client.clone();
        let opened = time::timeout(ANSWER, client.request_events::<ApiPod>(request)).await;
        let events = match opened {
            Ok(Ok(events)) => events,
            Ok(Err(error)) => return self.end_of(&error),
            Err(_) => return End::Resumable(Some(too_late())),
        };
        self.note_open();
        let mut events = std::pin::pin!(events);
        loop {
            match time::timeout(SILENCE, events.try_next()).await {
                Ok(Ok(Some(WatchEvent::Error(status)))) => {
                    return self.end_of(&Error::Api(status));
                }
                Ok(Ok(Some(event))) => self.take(event, version),
                Ok(Ok(None)) => return End::Resumable(None),
                Ok(Err(error)) => return self.end_of(&error),
                Err(_) => return End::Resumable(Some(too_late())),
            }
        }
    }

    fn take(&self, event: WatchEvent<ApiPod>, version: &mut String) {
        let mut pods = self.pods.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                version.clone_from(&pod.metadata.resource_version);
                pods.apply(pod);
            }
            WatchEvent::Deleted(pod) => {
                version.clone_from(&pod.metadata.resource_version);
                pods.remove(&pod);
            }
            WatchEvent::Bookmark(bookmark) => *version = bookmark.metadata.resource_version,
            WatchEvent::Error(_) => {}
        }
        self.metrics.pods(pods.len());
    }

    fn request(&self) -> Request {
        Request::new(format!(
            "/api/v1/namespaces/{}/pods",
            self.selection.namespace
        ))
    }

    fn end_of(&self, error: &Error) -> End {
        match error {
            // The version is too old, which is normal after a long time without a watch.
            Error::Api(status) if status.code == 410 => End::Over(None),
            Error::ReadEvents(_) | Error::HyperError(_) | Error::Service(_) => {
                End::Resumable(Some(self.explain(error)))
            }
            _ => End::Over(Some(self.explain(error))),
        }
    }

    fn explain(&self, error: &Error) -> String {
        let explained = (self.watcher.cluster.explain)(error);
        match error {
            Error::Api(status) if status.code == 403 => {
                format!("{} (it takes list and watch of pods)", explained.trim_end())
            }
            _ => explained,
        }
    }

    fn store(&self, pods: Pods) {
        let count = pods.len();
        self.metrics.pods(count);
        *self.pods.write().unwrap_or_else(PoisonError::into_inner) = pods;
        let is_first = self
            .state
            .send_if_modified(|state| !std::mem::replace(&mut state.is_listed, true));
        if is_first {
            self.line(Level::Info, "pods-listed")
                .with("pods", count)
                .write();
        }
    }

    fn note_open(&self) {
        self.metrics.up(true);
        let has_recovered = self
            .state
            .send_if_modified(|state| state.problem.take().is_some());
        if has_recovered {
            self.line(Level::Info, "watch-recovered").write();
        }
    }

    fn note_failure(&mut self, problem: String) {
        self.metrics.up(false);
        self.metrics.failed();
        if let Some(suppressed) = self.throttle.admit() {
            let pods = self.pods.read().unwrap_or_else(PoisonError::into_inner);
            self.line(Level::Warning, "watch-failed")
                .with("pods_known", pods.len())
                .with_untrusted("detail", Some(&problem))
                .with("not_logged", suppressed)
                .write();
        }
        self.state
            .send_modify(|state| state.problem = Some(problem));
    }

    fn line(&self, level: Level, event: &str) -> crate::log::Line {
        self.watcher
            .log
            .line(level, event)
            .with("namespace", self.selection.namespace.as_str())
            .with("selector", self.selection.selector.as_str())
    }
}

fn too_late() -> String {
    "the API server has not answered in time".to_owned()
}

/// A page of a list.
#[derive(Debug, Deserialize)]
struct PodList {
    #[serde(default)]
    metadata: ListMetadata,
    items: Option<Vec<ApiPod>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMetadata {
    resource_version: String,
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// Pauses that get longer. They differ between watches, so that not all of them send requests at
/// once when the API server comes back.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(SHORTEST_PAUSE)
    }
}

impl Pause {
    async fn wait(&mut self) {
        // The keys of a hasher are the only random numbers in the standard library.
        let random = RandomState::new().hash_one(0_u8) % 512;
        let share = u32::try_from(random)
            .unwrap_or_default()
            .saturating_add(512);
        time::sleep(self.0.saturating_mul(share) / 1024).await;
        self.0 = self.0.saturating_mul(2).min(LONGEST_PAUSE);
    }
}
