//! Runs the function until it requests nothing more from the cluster.

use std::collections::BTreeMap;

use krm::resource_list::ReadError;

use super::{Answer, Request, Subject, answer};

/// The outcome of one run, and its requests.
#[derive(Debug)]
pub struct Step<T> {
    /// The final outcome, if nothing more can be looked up.
    pub outcome: T,
    /// What to look up.
    pub requests: Vec<Request>,
}

/// Runs `step` on the text of a ResourceList, and again with the answers, until it asks for nothing or
/// `learn` has no new answer. `learn` adds to the answers and says whether it has.
///
/// # Errors
///
/// The error of `step`; or it requests something for a text that is not a ResourceList, which no
/// answer can be added to.
pub fn run_to_fixpoint<T, E: From<ReadError>>(
    list: Vec<u8>,
    mut step: impl FnMut(Vec<u8>) -> Result<Step<T>, E>,
    mut learn: impl FnMut(&[Request], &mut BTreeMap<Subject, Answer>) -> bool,
) -> Result<T, E> {
    let mut answers = BTreeMap::new();
    let mut asked_with = list.clone();
    loop {
        let Step { outcome, requests } = step(asked_with)?;
        if requests.is_empty() || !learn(&requests, &mut answers) {
            return Ok(outcome);
        }
        asked_with = answer(&list, &answers)?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Look, ServiceName};
    use super::*;

    /// The outcome before the answers would say that nobody has looked.
    #[test]
    fn an_answer_that_cannot_be_given_is_an_error() {
        let asks = |_: Vec<u8>| {
            Ok::<_, ReadError>(Step {
                outcome: "not looked",
                requests: vec![Request {
                    subject: Subject::Service(ServiceName::default()),
                    look: Look::Now,
                    kubeconfig: None,
                    context: None,
                }],
            })
        };
        let learns = |requests: &[Request], answers: &mut BTreeMap<Subject, Answer>| {
            let subject = requests[0].subject.clone();
            let why = Answer::Failed("could not be read".to_owned());
            answers.insert(subject, why).is_none()
        };
        let list = b"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n".to_vec();
        assert_eq!(
            run_to_fixpoint(list, asks, learns),
            Ok("not looked"),
            "nothing new"
        );
        let ended = run_to_fixpoint(b"kind: Pod\n".to_vec(), asks, learns);
        assert!(matches!(ended, Err(ReadError::NotAResourceList { .. })));
    }
}
