//! The cluster: reads Services and nodes, and waits for changes.
//!
//! | module | what it does |
//! |---|---|
//! | [`connection`] | finds the API server and the credential: kubeconfig, service account, proxy |
//! | [`api`] | sends one request, and reads the answer |
//! | [`watch`] | waits for a change of one Service |
//! | [`follow`] | follows one Service until it is as it should be, whatever fails meanwhile |
//! | [`rounds`] | waits for a change of many Services |
//! | [`error`], [`cause`] | what can go wrong, and how it is recognized |
//! | [`explain`] | errors as the user reads them |

mod api;
mod cause;
mod connection;
mod error;
mod explain;
mod follow;
mod rounds;
mod token;
mod watch;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use runner_terminal::observed::{ASKED, Answer, ServiceName, Subject};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::signals::Signals;
use api::{Api, CONCURRENT_REQUESTS, Reading};
pub(crate) use cause::of_client;
pub(crate) use connection::configuration;
pub(crate) use error::ClusterError;
pub(crate) use explain::forbidden_user;
pub(crate) use follow::{Followed, Observer, Sight};

/// How many Services are watched at most. Each watch is a connection, and a process may have some
/// hundreds; more Services are polled.
const MAX_WATCHES: usize = 32;

/// A cluster that can be queried.
pub(crate) struct Cluster {
    runtime: Runtime,
    api: Api,
}

impl Cluster {
    /// Finds the cluster and the credential. Sends no request yet.
    ///
    /// Without `kubeconfig` and `context`, the environment decides as it does for kubectl.
    ///
    /// # Errors
    ///
    /// There is no cluster, or its configuration cannot be used.
    pub(crate) fn connect(
        kubeconfig: Option<&str>,
        context: Option<&str>,
    ) -> Result<Self, ClusterError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ClusterError::Start(error.to_string()))?;
        let api = runtime.block_on(connection::open(kubeconfig, context))?;
        Ok(Self { runtime, api })
    }

    /// Reads the subjects. The answer for one that cannot be read is the reason.
    ///
    /// An error that concerns all requests is not tried again with each of them.
    pub(crate) fn read(&self, subjects: &[&Subject]) -> Vec<(Subject, Answer)> {
        let failed = OnceCell::<ClusterError>::new();
        let read = async |subject: &Subject| {
            let found = match failed.get() {
                Some(error) => Err(error.clone()),
                None => self.api.get_with_retries(subject).await,
            };
            if let Err(error) = &found
                && error.concerns_all_requests()
            {
                failed.get_or_init(|| error.clone());
            }
            (subject.clone(), self.answer(subject, found))
        };
        let all = stream::iter(subjects).map(|subject| read(subject));
        self.runtime
            .block_on(all.buffered(CONCURRENT_REQUESTS).collect())
    }

    /// Waits until some of the Services differ from `known`, and returns those; none if none has
    /// changed by the deadline.
    ///
    /// Transient errors are retried until the deadline, and are the answer then.
    pub(crate) fn wait(
        &self,
        known: &BTreeMap<&ServiceName, &Answer>,
        deadline: Deadline,
    ) -> Vec<(ServiceName, Answer)> {
        let changed = async {
            if known.len() > MAX_WATCHES {
                rounds::changes(&self.api, known, deadline.0).await
            } else {
                self.watch(known, deadline.0).await.into_iter().collect()
            }
        };
        let changed = self.runtime.block_on(changed).into_iter();
        changed
            .map(|(service, found)| {
                let subject = Subject::Service(service.clone());
                (service, self.answer(&subject, found))
            })
            .collect()
    }

    /// Follows a Service in the pod's namespace until the observer has found what it looks for, the
    /// deadline, or SIGTERM or SIGINT.
    pub(crate) fn follow<O: Observer>(
        self,
        service: &str,
        observer: &mut O,
        deadline: Deadline,
    ) -> Followed<O::Found> {
        let service = ServiceName {
            namespace: self.api.namespace().to_owned(),
            name: service.to_owned(),
        };
        let Self { runtime, mut api } = self;
        let followed = runtime.block_on(async {
            let found = follow::follow(&mut api, &service, observer, deadline.0);
            match Signals::new() {
                Ok(mut signals) => tokio::select! {
                    found = found => found.into(),
                    () = signals.next() => Followed::Stopped,
                },
                // Without handlers the signals end the program, unless it is PID 1 of its
                // container.
                Err(_) => found.await.into(),
            }
        });
        // At most a DNS query of the system is still running.
        runtime.shutdown_background();
        followed
    }

    /// The API server, and where its address comes from.
    pub(crate) fn asked(&self) -> String {
        self.api.asked()
    }

    /// The namespace of Services without one.
    pub(crate) fn namespace(&self) -> &str {
        self.api.namespace()
    }

    /// Watches all of them until the first one changes.
    async fn watch(
        &self,
        known: &BTreeMap<&ServiceName, &Answer>,
        deadline: Instant,
    ) -> Option<(ServiceName, Reading)> {
        let mut changes: FuturesUnordered<_> = known
            .iter()
            .map(async |(service, known)| {
                let changed = watch::change(&self.api, service, known, deadline).await;
                changed.map(|found| ((*service).clone(), found))
            })
            .collect();
        while let Some(changed) = changes.next().await {
            if changed.is_some() {
                return changed;
            }
        }
        None
    }

    fn answer(&self, subject: &Subject, found: Reading) -> Answer {
        let error = match found {
            Ok(Some(mut live)) => {
                if let (Subject::Service(_), Some(metadata)) = (
                    subject,
                    live.get_mut("metadata").and_then(Value::as_object_mut),
                ) {
                    let annotations = metadata.entry("annotations").or_insert(json!({}));
                    if let Some(annotations) = annotations.as_object_mut() {
                        annotations.insert(ASKED.to_owned(), json!(self.api.asked()));
                    }
                }
                return Answer::Live(live);
            }
            Ok(None) => {
                return Answer::Absent {
                    namespace: self.api.namespace().to_owned(),
                    asked: Some(self.api.asked()),
                };
            }
            Err(error) => error,
        };
        self.api.explain(&error, subject)
    }
}

/// When to stop waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }
}
