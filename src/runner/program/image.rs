//! What the name of an image reveals about its program.

use super::names::{OLD_RUNNER, RUNNER};

/// Other programs whose images are called `gitlab-runner-…`.
const OTHER_PROGRAMS: [&str; 8] = [
    "autoscaler",
    "cleanup",
    "docker-cleanup",
    "exporter",
    "helper",
    "operator",
    "pod-cleanup",
    "scaler",
];

/// Words in the names of images of GitLab Runner itself: distributions and platforms.
const FLAVOURS: [&str; 24] = [
    "alpine",
    "amd64",
    "arm",
    "arm64",
    "bookworm",
    "centos",
    "debian",
    "fips",
    "linux",
    "nanoserver",
    "ocp",
    "ppc64le",
    "rhel",
    "rhel8",
    "rhel9",
    "rocky",
    "s390x",
    "servercore",
    "slim",
    "ubi",
    "ubi8",
    "ubi9",
    "ubuntu",
    "windows",
];

/// The program of an image, judged by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// GitLab Runner: `gitlab/gitlab-runner:alpine`, `gitlab-runner-ocp`.
    Runner,
    /// A name that contains `gitlab-runner` but is inconclusive: `my-gitlab-runner`.
    Similar,
    /// Another program whose image name starts the same: `gitlab-runner-helper`.
    OtherProgram,
    /// A name that does not contain `gitlab-runner`.
    Unrelated,
}

impl Image {
    pub(super) fn of(image: &str) -> Self {
        let name = repository(image);
        let (before, after) = match (name.split_once(RUNNER), name.split_once(OLD_RUNNER)) {
            (Some(parts), _) | (None, Some(parts)) => parts,
            (None, None) => return Self::Unrelated,
        };
        if !after.is_empty() && !after.starts_with(['-', '_', '.']) {
            return Self::Similar;
        }
        let words = after.trim_start_matches(['-', '_', '.']);
        if OTHER_PROGRAMS
            .iter()
            .any(|other| words == *other || words.starts_with(&format!("{other}-")))
        {
            return Self::OtherProgram;
        }
        if !before.is_empty() {
            return Self::Similar;
        }
        let is_flavour = |word: &str| {
            let word = word.trim_start_matches('v');
            FLAVOURS.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit())
        };
        if words.is_empty() || words.split(['-', '_']).all(is_flavour) {
            Self::Runner
        } else {
            Self::Similar
        }
    }
}

/// The last part of an image's repository: `gitlab-runner` of
/// `registry.example.com:5000/gitlab-org/gitlab-runner:alpine@sha256:…`.
pub(in crate::runner) fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    let last = image.rsplit_once('/').map_or(image, |(_, last)| last);
    last.split_once(':').map_or(last, |(name, _)| name)
}
