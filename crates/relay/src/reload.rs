//! Replaces the routes in use while connections stay open.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant};

use crate::ending::Ending;
use crate::folder::Files;
use crate::gateway::{self, Entry, Gateway};
use crate::log::{Level, Log};
use crate::metrics::Metrics;
use crate::pod_watch::{PodWatch, Watcher};
use crate::route::{Host, Route, Selection};
use crate::routes::{Routes, RoutesError, Source};
use crate::table::{Choice, Table};

/// How often to check the folder of routes.
const POLL: Duration = Duration::from_secs(2);
/// A changing folder is read until two reads agree, so that no partial change is used.
const SETTLE: Duration = Duration::from_millis(200);
/// How long to wait for a list of pods before logging a line about its route.
const PATIENCE: Duration = Duration::from_secs(40);

/// Replaces the routes in use.
pub(crate) struct Reloader {
    watcher: Watcher,
    metrics: Arc<Metrics>,
    log: Log,
    source: Source,
    /// The contents of the folder at the last read, or why it could not be read.
    last: Result<Files, String>,
    table: watch::Sender<Arc<Table<Entry>>>,
    /// Those that a route or a connection still uses.
    watches: HashMap<Selection, Weak<PodWatch>>,
}

/// Starts watching the pods of all routes.
pub(crate) fn start(
    routes: &Routes,
    watcher: Watcher,
    metrics: Arc<Metrics>,
    log: Log,
) -> (Gateway, Reloader) {
    let (table, receiver) = watch::channel(Arc::new(Table::new([])));
    let mut reloader = Reloader {
        watcher,
        metrics,
        log,
        source: routes.source().clone(),
        last: Ok(routes.files().clone()),
        table,
        watches: HashMap::new(),
    };
    reloader.apply(routes.iter().cloned().collect());
    (Gateway(receiver), reloader)
}

impl Reloader {
    /// Activates routes. Watches that they share with the previous ones continue.
    fn apply(&mut self, routes: Vec<Route>) {
        let before = self.table.borrow().clone();
        let known: HashSet<String> = before.entries().map(described).collect();
        self.watches.retain(|_, watch| watch.strong_count() > 0);
        self.metrics.routes(routes.len());
        let mut added = Vec::new();
        let entries = routes.into_iter().map(|route| {
            let entry = Entry {
                watch: self.watch_of(route.selection()),
                route,
            };
            self.metrics.announce(&entry.route.name());
            if !known.contains(&described(&entry)) {
                added.push(entry.clone());
            }
            (entry.route.host().clone(), entry)
        });
        let table = Table::new(entries.collect::<Vec<_>>());
        self.table.send_replace(Arc::new(table));
        for entry in added {
            tokio::spawn(report(entry, self.log));
        }
    }

    fn watch_of(&mut self, selection: &Selection) -> Arc<PodWatch> {
        if let Some(watch) = self.watches.get(selection).and_then(Weak::upgrade) {
            return watch;
        }
        let watch = Arc::new(self.watcher.watch(selection));
        self.watches
            .insert(selection.clone(), Arc::downgrade(&watch));
        watch
    }

    /// Checks the folder forever, and activates its changes. Without a folder it returns at once.
    pub(crate) async fn follow(mut self) {
        if self.source.folder.is_none() {
            return;
        }
        self.metrics.announce_folder();
        loop {
            time::sleep(POLL).await;
            let mut now = self.read().await;
            while now != self.last {
                time::sleep(SETTLE).await;
                let again = self.read().await;
                if again == now {
                    self.last = now.clone();
                    match &now {
                        Ok(files) => self.reload(files),
                        Err(error) => self.refuse(error),
                    }
                }
                now = again;
            }
        }
    }

    /// The files of the folder, or why they cannot be read.
    async fn read(&self) -> Result<Files, String> {
        let source = self.source.clone();
        let read = tokio::task::spawn_blocking(move || source.read());
        match read.await {
            Ok(read) => read.map_err(|error| RoutesError::from(error).to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn reload(&mut self, files: &Files) {
        match self.source.combine(files) {
            Ok(routes) => {
                self.log
                    .line(Level::Info, "routes-reloaded")
                    .with("routes", routes.len())
                    .write();
                self.metrics.reloaded(true);
                self.apply(routes);
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn refuse(&self, error: &str) {
        self.metrics.reloaded(false);
        self.log
            .line(Level::Warning, "routes-refused")
            .with_untrusted("detail", Some(error))
            .with("effect", "the routes from before stay in use")
            .write();
    }
}

fn described(entry: &Entry) -> String {
    let (route, selection) = (&entry.route, entry.route.selection());
    format!("{}={selection}:{}", route.name(), route.port())
}

/// Logs how many pods a new route has, so that a mistake in it shows before the first terminal is
/// opened.
async fn report(entry: Entry, log: Log) {
    let found = gateway::find(&Choice::Newest(&entry), Instant::now() + PATIENCE).await;
    let names_pods = matches!(entry.route.host(), Host::Wildcard(_));
    let pods = entry.watch.pods().map(|pods| pods.len());
    let (level, pod, ending) = match found {
        // Pods that are chosen by name come and go, and need not be ready.
        Ok(_) | Err(Ending::NoPod(_)) if names_pods => (Level::Info, None, None),
        Ok(found) => (Level::Info, Some(found.name), None),
        Err(ending) => (Level::Warning, None, Some(ending)),
    };
    let selection = entry.route.selection();
    log.line(level, "route")
        .with("route", entry.route.name())
        .with("namespace", selection.namespace.as_str())
        .with("selector", selection.selector.as_str())
        .with("port", entry.route.port())
        .with("pods", pods)
        .with_untrusted("pod", pod.as_deref())
        .with_untrusted(
            "detail",
            ending.and_then(|ending| ending.detail()).as_deref(),
        )
        .write();
}
