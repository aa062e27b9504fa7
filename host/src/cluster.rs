//! The API of a cluster, by the little that this program asks of it: a Service, now or when it
//! changes.
//!
//! | module | what it knows |
//! |---|---|
//! | [`connection`] | which API server, and as whom: kubeconfig, service account, proxy |
//! | [`api`] | one request, and what the answers mean |
//! | [`watch`] | waiting for a change of one Service |
//! | [`rounds`] | waiting for a change of many |
//! | [`problem`] | what can go wrong, in words that say what to do |

mod api;
mod connection;
mod problem;
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

use api::Api;
pub(crate) use connection::{configuration, problem_of};
pub(crate) use problem::Problem;

/// So many Services are asked for at once: enough to be quick, too few to be throttled.
const AT_ONCE: usize = 8;
/// So many are watched at once. A watch is a connection, of which a process may have some hundreds,
/// so that more are read again and again.
const WATCHED: usize = 32;

/// What was read of a Service: `None` where there is none.
type Found = Result<Option<Value>, Problem>;

/// A cluster that can be asked.
pub(crate) struct Cluster {
    runtime: Runtime,
    api: Api,
}

impl Cluster {
    /// Finds out which cluster is meant; asks it nothing yet.
    ///
    /// `kubeconfig` and `context` are the user's; without them the environment decides as it does
    /// for kubectl.
    ///
    /// # Errors
    ///
    /// There is no cluster to ask, or no way to say who asks.
    pub(crate) fn connect(
        kubeconfig: Option<&str>,
        context: Option<&str>,
    ) -> Result<Self, Problem> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Problem::Other(format!("cannot start: {error}")))?;
        let api = runtime.block_on(connection::open(kubeconfig, context))?;
        Ok(Self { runtime, api })
    }

    /// Reads what is asked for; what cannot be read is answered by the reason.
    ///
    /// What one Service has shown of the server is not tried again with a thousand others.
    pub(crate) fn read(&self, subjects: &[&Subject]) -> Vec<(Subject, Answer)> {
        let given_up = OnceCell::<Problem>::new();
        let read = async |subject: &Subject| {
            let found = match given_up.get() {
                Some(problem) => Err(problem.clone()),
                None => self.api.get_patiently(subject).await,
            };
            if let Err(problem) = &found
                && problem.is_of_all()
            {
                given_up.get_or_init(|| problem.clone());
            }
            (subject.clone(), self.answer(subject, found))
        };
        let all = stream::iter(subjects).map(|subject| read(subject));
        self.runtime.block_on(all.buffered(AT_ONCE).collect())
    }

    /// Waits until some of the Services are others than what is known of them, and gives these; none
    /// when none was before the deadline.
    ///
    /// A problem that may pass is waited out, and is the answer when it has not passed by then.
    pub(crate) fn wait(
        &self,
        known: &BTreeMap<&ServiceName, &Answer>,
        deadline: Deadline,
    ) -> Vec<(ServiceName, Answer)> {
        let changed = async {
            if known.len() > WATCHED {
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

    /// Watches all of them; gives the first that changes.
    async fn watch(
        &self,
        known: &BTreeMap<&ServiceName, &Answer>,
        deadline: Instant,
    ) -> Option<(ServiceName, Found)> {
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

    fn answer(&self, subject: &Subject, found: Found) -> Answer {
        let problem = match found {
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
            Err(problem) => problem,
        };
        let message = self.api.explain(&problem, subject);
        match problem {
            Problem::Forbidden(_) => Answer::Forbidden(message),
            _ => Answer::Failed(message),
        }
    }
}

/// When to stop waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub(crate) fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }
}
