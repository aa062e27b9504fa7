//! The API of a cluster, by the little that this program asks of it: a Service, now or when it
//! changes.
//!
//! | module | what it knows |
//! |---|---|
//! | [`connection`] | which API server, and as whom: kubeconfig, service account, proxy |
//! | [`api`] | one request, and what the answers mean |
//! | [`watch`] | waiting for a change |
//! | [`problem`] | what can go wrong, in words that say what to do |

mod api;
mod connection;
mod problem;
mod token;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use runner_terminal::observed::{Answer, ServiceName, Subject};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use api::Api;
pub(crate) use connection::{configuration, problem_of};
pub(crate) use problem::Problem;

/// So many Services are asked for at once: enough to be quick, too few to be throttled.
const AT_ONCE: usize = 8;

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
    pub(crate) fn read(&self, subjects: &[&Subject]) -> Vec<(Subject, Answer)> {
        let read = async |subject: &Subject| {
            let found = self.api.get_patiently(subject).await;
            (subject.clone(), self.answer(subject, found))
        };
        let all = stream::iter(subjects).map(|subject| read(subject));
        self.runtime.block_on(all.buffered(AT_ONCE).collect())
    }

    /// Waits until one of the Services is another than what is known of it. `None` when none was
    /// before the deadline.
    ///
    /// A problem that may pass is waited out, and is the answer when it has not passed by then.
    pub(crate) fn wait(
        &self,
        known: &BTreeMap<&ServiceName, &Answer>,
        deadline: Deadline,
    ) -> Option<(ServiceName, Answer)> {
        self.runtime.block_on(async {
            let mut changes: FuturesUnordered<_> = known
                .iter()
                .map(async |(service, known)| {
                    let changed = watch::change(&self.api, service, known, deadline.0).await;
                    let subject = Subject::Service((*service).clone());
                    changed.map(|found| ((*service).clone(), self.answer(&subject, found)))
                })
                .collect();
            while let Some(changed) = changes.next().await {
                if changed.is_some() {
                    return changed;
                }
            }
            None
        })
    }

    fn answer(&self, subject: &Subject, found: Result<Option<Value>, Problem>) -> Answer {
        let problem = match found {
            Ok(Some(service)) => return Answer::Live(service),
            Ok(None) => {
                return Answer::Absent {
                    namespace: self.api.namespace().to_owned(),
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
