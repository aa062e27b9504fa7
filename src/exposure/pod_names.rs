//! What the pods of a workload are called, as far as the manifests say it.

use yaml_splice::pointer::At as _;

use serde_json::Value;

use crate::runner::{self, Workload};

/// The most characters of a pod's name that a controller makes up at random.
///
/// Source: `SimpleNameGenerator` in Kubernetes' apiserver, which cuts names to that.
const LONGEST_GENERATED: usize = 63;
/// What a Deployment puts behind its name: `-`, a hash, `-` and five random characters.
const BEHIND_A_DEPLOYMENT: usize = "-0123456789-abcde".len();
/// What a DaemonSet or a ReplicaSet puts there.
const BEHIND_A_SET: usize = "-abcde".len();

/// The names of a workload's pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PodNames {
    /// A Pod's own.
    One(String),
    /// A StatefulSet's: its own, and a number from the first one on.
    Numbered {
        /// `runner` of `runner-0`
        stem: String,
        /// The first number.
        first: u64,
        /// How many pods the manifest asks for.
        count: u64,
    },
    /// Made up by a controller, and different each time.
    Generated {
        /// They begin with it.
        stem: String,
        /// The most characters that one may have.
        longest: usize,
    },
}

impl PodNames {
    /// The names of this workload's pods.
    pub(crate) fn of(workload: &Workload) -> Self {
        let resource = &workload.resource;
        let stem = resource.identity.name.clone();
        let generated = |stem: String, behind: usize| Self::Generated {
            longest: LONGEST_GENERATED.min(stem.len() + behind),
            stem,
        };
        match resource.identity.kind.as_str() {
            "Pod" => Self::One(stem),
            "StatefulSet" => {
                let first = resource.value.at("/spec/ordinals/start");
                Self::Numbered {
                    stem,
                    first: first.and_then(Value::as_u64).unwrap_or(0),
                    count: u64::try_from(runner::replicas(workload))
                        .unwrap_or(0)
                        .max(1),
                }
            }
            "DaemonSet" | "ReplicaSet" | "ReplicationController" => generated(stem, BEHIND_A_SET),
            _ => generated(stem, BEHIND_A_DEPLOYMENT),
        }
    }

    /// The longest name, where names are known.
    pub(crate) fn longest(&self) -> Option<String> {
        match self {
            Self::One(name) => Some(name.clone()),
            Self::Numbered { stem, first, count } => {
                Some(format!("{stem}-{}", first.saturating_add(count - 1)))
            }
            Self::Generated { .. } => None,
        }
    }

    /// The most characters that a name has.
    pub(crate) fn longest_length(&self) -> usize {
        match self {
            Self::Generated { longest, .. } => *longest,
            Self::One(_) | Self::Numbered { .. } => self.longest().map_or(0, |name| name.len()),
        }
    }

    /// True where a name has several labels.
    pub(crate) fn has_dots(&self) -> bool {
        match self {
            Self::One(stem) | Self::Numbered { stem, .. } | Self::Generated { stem, .. } => {
                stem.contains('.')
            }
        }
    }

    /// A name that both workloads would give to a pod, where that is certain.
    pub(crate) fn shared_with(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::One(one), Self::One(other)) => (one == other).then(|| one.clone()),
            (Self::One(one), numbered @ Self::Numbered { .. })
            | (numbered @ Self::Numbered { .. }, Self::One(one)) => {
                numbered.has_number_of(one).then(|| one.clone())
            }
            (Self::Numbered { stem, first, .. }, Self::Numbered { first: from, .. }) => {
                let name = format!("{stem}-{}", first.max(from));
                (self.has_number_of(&name) && other.has_number_of(&name)).then_some(name)
            }
            (Self::Generated { .. }, _) | (_, Self::Generated { .. }) => None,
        }
    }

    /// True for the name of a numbered pod.
    fn has_number_of(&self, name: &str) -> bool {
        let Self::Numbered { stem, first, count } = self else {
            return false;
        };
        let number = name
            .strip_prefix(stem.as_str())
            .and_then(|rest| rest.strip_prefix('-'));
        let number = number.and_then(|number| {
            number
                .parse::<u64>()
                .ok()
                .filter(|n| n.to_string() == number)
        });
        number.is_some_and(|number| number >= *first && number - first < *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krm::resource::Resource;
    use serde_json::json;

    fn names(kind: &str, name: &str, spec: Value) -> PodNames {
        let value = json!({
            "apiVersion": if kind == "Pod" { "v1" } else { "apps/v1" },
            "kind": kind, "metadata": {"name": name}, "spec": spec,
        });
        PodNames::of(&Workload::new(Resource::new(0, value)).unwrap())
    }

    #[test]
    fn the_longest_name_of_each_kind() {
        for (kind, name, spec, longest) in [
            ("Pod", "runner", json!({"containers": []}), 6),
            ("StatefulSet", "runner", json!({}), 8),
            ("StatefulSet", "runner", json!({"replicas": 11}), 9),
            (
                "StatefulSet",
                "runner",
                json!({"ordinals": {"start": 100}}),
                10,
            ),
            ("Deployment", "runner", json!({}), 23),
            ("DaemonSet", "runner", json!({}), 12),
            ("Deployment", &"a".repeat(60), json!({}), 63),
        ] {
            assert_eq!(
                names(kind, name, spec).longest_length(),
                longest,
                "{kind} {name}"
            );
        }
    }

    #[test]
    fn two_workloads_of_one_name() {
        let shared = |one: &PodNames, other: &PodNames| {
            assert_eq!(one.shared_with(other), other.shared_with(one));
            one.shared_with(other)
        };
        let set = names("StatefulSet", "runner", json!({"replicas": 3}));
        let later = names("StatefulSet", "runner", json!({"ordinals": {"start": 2}}));
        let behind = names("StatefulSet", "runner", json!({"ordinals": {"start": 3}}));
        let pod = names("Pod", "runner-2", json!({"containers": []}));
        let other = names("Pod", "runner-02", json!({"containers": []}));
        assert_eq!(shared(&set, &set).as_deref(), Some("runner-0"));
        assert_eq!(shared(&set, &later).as_deref(), Some("runner-2"));
        assert_eq!(shared(&set, &behind), None);
        assert_eq!(shared(&set, &pod).as_deref(), Some("runner-2"));
        assert_eq!(shared(&set, &other), None);
        assert_eq!(shared(&pod, &pod).as_deref(), Some("runner-2"));
        let deployment = names("Deployment", "runner", json!({}));
        assert_eq!(shared(&deployment, &deployment), None);
        assert_eq!(shared(&deployment, &set), None);
    }
}
