//! Answers requests from the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use krm::text::printable;
use runner_terminal::observed::{Answer, Look, Request, ServiceName, Subject};

use crate::cluster::{Cluster, ClusterError, Deadline};
use crate::terminal;

/// The number of Services that the progress line names.
const MAX_NAMES: usize = 5;

/// The cluster, connected at the first request.
#[derive(Default)]
pub(super) struct Asked {
    cluster: Option<Result<Cluster, ClusterError>>,
    deadline: Option<Deadline>,
}

impl Asked {
    /// Adds the answers to `requests`. False if there is nothing new.
    pub(super) fn answer(
        &mut self,
        requests: &[Request],
        answers: &mut BTreeMap<Subject, Answer>,
    ) -> bool {
        // A functionConfig names one cluster.
        let first = requests.first();
        let cluster = self.cluster.get_or_insert_with(|| {
            Cluster::connect(
                first.and_then(|first| first.kubeconfig.as_deref()),
                first.and_then(|first| first.context.as_deref()),
            )
        });
        answer(cluster, requests, answers, &mut self.deadline)
    }
}

/// Adds the answers to `requests`. False if there is nothing new.
fn answer(
    cluster: &Result<Cluster, ClusterError>,
    requests: &[Request],
    answers: &mut BTreeMap<Subject, Answer>,
    deadline: &mut Option<Deadline>,
) -> bool {
    let unknown: Vec<&Subject> = requests
        .iter()
        .map(|request| &request.subject)
        .filter(|subject| !answers.contains_key(subject))
        .collect();
    if !unknown.is_empty() {
        let read = match cluster {
            Ok(cluster) => {
                let _waiting = terminal::waiting(|| reading(&unknown));
                cluster.read(&unknown)
            }
            Err(error) => unknown
                .into_iter()
                .map(|subject| (subject.clone(), Answer::Failed(error.to_string())))
                .collect(),
        };
        answers.extend(read);
        return true;
    }
    let Ok(cluster) = cluster else {
        return false;
    };
    let waited: Vec<(&ServiceName, Duration)> = requests
        .iter()
        .filter_map(|request| match (&request.subject, request.look) {
            (Subject::Service(service), Look::Change(timeout)) => {
                Some((service, Duration::from_secs(timeout.0.into())))
            }
            _ => None,
        })
        .collect();
    let Some((_, timeout)) = waited.first() else {
        return false;
    };
    let end = *deadline.get_or_insert_with(|| {
        announce(&waited, *timeout);
        Deadline::after(*timeout)
    });
    let known = waited
        .iter()
        .filter_map(|(service, _)| {
            let subject = Subject::Service((*service).clone());
            Some((*service, answers.get(&subject)?))
        })
        .collect();
    let waiting = terminal::waiting(|| "waiting for an address".to_owned());
    let changed = cluster.wait(&known, end);
    drop(waiting);
    let has_changed = !changed.is_empty();
    answers.extend(
        changed
            .into_iter()
            .map(|(service, seen)| (Subject::Service(service), seen)),
    );
    has_changed
}

/// The objects that are read, for the progress line.
fn reading(subjects: &[&Subject]) -> String {
    match subjects {
        [subject] => format!("reading {subject} from the cluster"),
        _ => format!("reading {} objects from the cluster", subjects.len()),
    }
}

/// Prints a line with the first of the names.
fn announce(waited: &[(&ServiceName, Duration)], timeout: Duration) {
    let (shown, others) = waited.split_at(waited.len().min(MAX_NAMES));
    let mut names: Vec<String> = shown
        .iter()
        .map(|(service, _)| service.to_string())
        .collect();
    if !others.is_empty() {
        names.push(format!("{} more", others.len()));
    }
    terminal::report(&format!(
        "runner-terminal: waiting up to {} for the address of {}\n",
        humantime::format_duration(timeout),
        printable(&names.join(", "))
    ));
}
