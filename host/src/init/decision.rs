//! The decision of docs/exposures.md: the answers lead to a type of exposure.

use super::questions::{AnswerError, Question, Questions};
use crate::arguments::{self, GitLab, Network, PodsPerNode, Replicas};

/// A type of exposure that the decision leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExposureType {
    LoadBalancer,
    NodePort,
    ClusterIp,
    Ingress,
    Gateway,
    ApiServer,
    Relay,
    PodIp,
    HostPort,
}

impl ExposureType {
    /// The value of `spec.exposure.type`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LoadBalancer => "LoadBalancer",
            Self::NodePort => "NodePort",
            Self::ClusterIp => "ClusterIP",
            Self::Ingress => "Ingress",
            Self::Gateway => "Gateway",
            Self::ApiServer => "ApiServer",
            Self::Relay => "Relay",
            Self::PodIp => "PodIP",
            Self::HostPort => "HostPort",
        }
    }
}

/// Where GitLab and the runners are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) replicas: Replicas,
    pub(super) reach: Reach,
}

/// What GitLab reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everything in the cluster, because it runs there.
    SameCluster,
    /// The nodes, and how many of the runner's pods each runs.
    Nodes(PodsPerNode),
    /// A load balancer, in its own private network or in all networks.
    LoadBalancer {
        is_private: bool,
    },
    Ingress,
    Gateway,
    ApiServer,
    Pods,
}

impl Situation {
    /// Asks for it.
    ///
    /// # Errors
    ///
    /// An answer is missing.
    pub(super) fn ask(
        questions: &mut Questions<'_>,
        given: &arguments::Init,
    ) -> Result<Self, AnswerError> {
        let gitlab = questions.choose(
            given.gitlab,
            &Question::new("--gitlab", "Where is GitLab, relative to the cluster?"),
        )?;
        let replicas = questions.choose(
            given.replicas,
            &Question::new("--replicas", "How many runner processes may run?"),
        )?;
        if gitlab == GitLab::SameCluster {
            let reach = Reach::SameCluster;
            return Ok(Self { replicas, reach });
        }
        let network = questions.choose(
            given.network,
            &Question::new("--network", "What does GitLab reach at the cluster?"),
        )?;
        let reach = match network {
            Network::LoadBalancer => Reach::LoadBalancer {
                is_private: gitlab == GitLab::Vpc,
            },
            Network::Nodes if replicas == Replicas::Many => Reach::Nodes(questions.choose(
                given.pods_per_node,
                &Question::new(
                    "--pods-per-node",
                    "How many of the runner's pods does a node run?",
                ),
            )?),
            Network::Nodes => Reach::Nodes(PodsPerNode::One),
            Network::Ingress => Reach::Ingress,
            Network::Gateway => Reach::Gateway,
            Network::ApiServer => Reach::ApiServer,
            Network::Pods => Reach::Pods,
        };
        Ok(Self { replicas, reach })
    }

    /// The type of exposure. Source: the flowchart of docs/exposures.md, which a test walks.
    pub(super) fn exposure(self) -> ExposureType {
        match (self.replicas, self.reach) {
            (Replicas::Many, Reach::SameCluster) | (_, Reach::Pods) => ExposureType::PodIp,
            (Replicas::Many, Reach::Nodes(PodsPerNode::One)) => ExposureType::HostPort,
            (Replicas::Many, _) => ExposureType::Relay,
            (Replicas::One, Reach::SameCluster) => ExposureType::ClusterIp,
            (Replicas::One, Reach::LoadBalancer { .. }) => ExposureType::LoadBalancer,
            (Replicas::One, Reach::Nodes(_)) => ExposureType::NodePort,
            (Replicas::One, Reach::Ingress) => ExposureType::Ingress,
            (Replicas::One, Reach::Gateway) => ExposureType::Gateway,
            (Replicas::One, Reach::ApiServer) => ExposureType::ApiServer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/exposures.md");

    /// All situations.
    fn situations() -> Vec<Situation> {
        let reaches = [
            Reach::SameCluster,
            Reach::Nodes(PodsPerNode::One),
            Reach::Nodes(PodsPerNode::Many),
            Reach::LoadBalancer { is_private: false },
            Reach::LoadBalancer { is_private: true },
            Reach::Ingress,
            Reach::Gateway,
            Reach::ApiServer,
            Reach::Pods,
        ];
        let both = [Replicas::One, Replicas::Many];
        let pairs = both
            .into_iter()
            .flat_map(|replicas| reaches.map(|reach| (replicas, reach)));
        pairs
            .map(|(replicas, reach)| Situation { replicas, reach })
            .collect()
    }

    #[test]
    fn each_situation_leads_to_a_type() {
        use ExposureType as T;
        use Replicas::{Many, One};
        for (replicas, reach, expected) in [
            (One, Reach::SameCluster, T::ClusterIp),
            (One, Reach::Nodes(PodsPerNode::One), T::NodePort),
            (One, Reach::Nodes(PodsPerNode::Many), T::NodePort),
            (
                One,
                Reach::LoadBalancer { is_private: false },
                T::LoadBalancer,
            ),
            (
                One,
                Reach::LoadBalancer { is_private: true },
                T::LoadBalancer,
            ),
            (One, Reach::Ingress, T::Ingress),
            (One, Reach::Gateway, T::Gateway),
            (One, Reach::ApiServer, T::ApiServer),
            (One, Reach::Pods, T::PodIp),
            (Many, Reach::SameCluster, T::PodIp),
            (Many, Reach::Nodes(PodsPerNode::One), T::HostPort),
            (Many, Reach::Nodes(PodsPerNode::Many), T::Relay),
            (Many, Reach::LoadBalancer { is_private: false }, T::Relay),
            (Many, Reach::LoadBalancer { is_private: true }, T::Relay),
            (Many, Reach::Ingress, T::Relay),
            (Many, Reach::Gateway, T::Relay),
            (Many, Reach::ApiServer, T::Relay),
            (Many, Reach::Pods, T::PodIp),
        ] {
            let situation = Situation { replicas, reach };
            assert_eq!(situation.exposure(), expected, "{situation:?}");
        }
    }

    /// Walks the page's flowchart.
    #[test]
    fn the_page_says_the_same() {
        let (_, chart) = PAGE.split_once("```mermaid\n").unwrap();
        let (chart, _) = chart.split_once("```").unwrap();
        let edges: Vec<(&str, &str, &str)> = chart
            .lines()
            .filter_map(|line| {
                let (from, rest) = line.trim().split_once(" -- ")?;
                let (label, to) = rest.split_once(" --> ")?;
                Some((from, label, to))
            })
            .collect();
        for situation in situations() {
            let mut at = "Q1";
            for _ in 0..5 {
                let label = answer(at, situation);
                let edge = edges
                    .iter()
                    .find(|(from, text, _)| *from == at && *text == label);
                at = edge.unwrap_or_else(|| panic!("{at}: {label}: {edges:?}")).2;
                if !at.starts_with('Q') {
                    break;
                }
            }
            assert_eq!(situation.exposure().name(), at, "{situation:?}");
        }
    }

    /// A situation's answer to a question on the page.
    fn answer(question: &str, Situation { replicas, reach }: Situation) -> &'static str {
        let is = match question {
            "Q1" => replicas == Replicas::Many,
            "Q2" => matches!(reach, Reach::SameCluster | Reach::Pods),
            "Q3" => reach == Reach::Nodes(PodsPerNode::One),
            "Q4" => reach == Reach::SameCluster,
            _ => {
                return match reach {
                    // Question 4 comes before.
                    Reach::SameCluster => "no such answer",
                    Reach::Nodes(_) => "the nodes",
                    Reach::LoadBalancer { .. } => "a load balancer",
                    Reach::Ingress => "an ingress controller",
                    Reach::Gateway => "a Gateway",
                    Reach::ApiServer => "only the API server",
                    Reach::Pods => "the pods",
                };
            }
        };
        if is { "yes" } else { "no" }
    }
}
