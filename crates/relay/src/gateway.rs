//! The routes in use, and the pods behind them.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant};

use crate::ending::Ending;
use crate::lookup::{self, FoundPod, Known, NoPod};
use crate::pod_watch::PodWatch;
use crate::route::{Route, Selection};
use crate::table::{Choice, Table};

/// A route, and the watch of its pods.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) route: Route,
    pub(crate) watch: Arc<PodWatch>,
}

/// The routes in use.
#[derive(Clone)]
pub(crate) struct Gateway(pub(crate) watch::Receiver<Arc<Table<Entry>>>);

impl Gateway {
    /// The routes at this moment.
    pub(crate) fn table(&self) -> Arc<Table<Entry>> {
        Arc::clone(&self.0.borrow())
    }

    /// Waits until a list of each route's pods has been attempted, and at least one list has
    /// succeeded. So a namespace that may not be read does not block the others.
    pub(crate) async fn ready(&self) {
        const INTERVAL: Duration = Duration::from_millis(50);
        while !is_ready(&self.table()) {
            time::sleep(INTERVAL).await;
        }
    }
}

fn is_ready(table: &Table<Entry>) -> bool {
    let all = || table.entries().map(|entry| &entry.watch);
    let is_empty = all().next().is_none();
    all().all(|watch| watch.is_tried()) && (is_empty || all().any(|watch| watch.is_listed()))
}

/// The pod for a choice. Waits for the first list of pods as long as that may contain the pod.
///
/// # Errors
///
/// There is no pod to connect to.
pub(crate) async fn find(
    choice: &Choice<'_, Entry>,
    deadline: Instant,
) -> Result<FoundPod, Ending> {
    let entries = match choice {
        Choice::Newest(entry) => slice::from_ref(*entry),
        Choice::Named(_, entries) => *entries,
    };
    loop {
        let found = with_known(entries, |known| match (choice, known) {
            (Choice::Newest(_), [known, ..]) => lookup::newest(*known),
            (Choice::Named(name, _), [_, ..]) => {
                let domain = entries.first().map(|entry| entry.route.name());
                lookup::by_name(&domain.unwrap_or_default(), name, known)
            }
            (_, []) => Err(NoPod::Unknown(String::new())),
        });
        let missing = match found {
            Err(NoPod::NotListed(missing)) => missing,
            found => return found.map_err(Ending::NoPod),
        };
        let mut watches = entries.iter().map(|entry| &entry.watch);
        let Some(watch) = watches.find(|watch| !watch.is_tried()) else {
            return Err(not_listed(&missing, entries));
        };
        if time::timeout_at(deadline, watch.wait_until_tried())
            .await
            .is_err()
        {
            return Err(not_listed(watch.selection(), entries));
        }
    }
}

/// Runs a function on the known pods of these routes.
fn with_known<T>(entries: &[Entry], run: impl FnOnce(&[Known<'_>]) -> T) -> T {
    let guards: Vec<_> = entries.iter().map(|entry| entry.watch.pods()).collect();
    let known: Vec<Known<'_>> = entries
        .iter()
        .zip(&guards)
        .map(|(entry, pods)| Known {
            selection: entry.route.selection(),
            port: entry.route.port(),
            pods: pods.as_deref(),
        })
        .collect();
    run(&known)
}

fn not_listed(selection: &Selection, entries: &[Entry]) -> Ending {
    let mut watches = entries.iter().map(|entry| &entry.watch);
    let watch = watches.find(|watch| watch.selection() == selection);
    let problem = watch.and_then(|watch| watch.problem());
    Ending::PodsNotListed(match problem {
        Some(problem) => format!("the pods of {selection} cannot be listed: {problem}"),
        None => format!(
            "the pods of {selection} have not been listed yet: the API server has not answered in \
             time"
        ),
    })
}
