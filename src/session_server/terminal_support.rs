//! Runners that have no terminals whatever their configuration says.
//!
//! Sources: GitLab Runner's changelog (the session server came with version 11), and
//! `FeaturesInfo.Session` of its executors: `docker`, `kubernetes` and `shell`, and those that are
//! built on them, have sessions.

use super::config_file::ConfigFile;
use crate::results::FunctionResult;
use crate::runner::Runner;

/// The first major version with a session server.
const FIRST_VERSION: u32 = 11;
/// Executors without sessions.
const WITHOUT_SESSIONS: [&str; 7] = [
    "custom",
    "docker-ssh",
    "docker-ssh+machine",
    "docker-windows",
    "parallels",
    "ssh",
    "virtualbox",
];

/// Says why jobs of this runner can have no terminals.
pub(super) fn warnings(runner: &Runner, config: &ConfigFile) -> Vec<FunctionResult> {
    let image = runner
        .container()
        .and_then(|container| container.value.get("image")?.as_str());
    let version = image.and_then(major_version);
    let old = version
        .filter(|version| *version < FIRST_VERSION)
        .map(|version| {
            FunctionResult::warning(format!(
                "runs GitLab Runner {version} by its image's tag, and the session server came with \
             version {FIRST_VERSION}: its jobs have no terminals until it is upgraded"
            ))
            .about(&runner.workload.resource.identity)
            .at(crate::runner::field(&runner.container_pointer("/image")))
        });
    let executors = config.executors();
    let without: Vec<&str> = executors
        .iter()
        .map(String::as_str)
        .filter(|executor| WITHOUT_SESSIONS.contains(executor))
        .collect();
    let executor = without.first().map(|executor| {
        let others = match without.len() == executors.len() {
            true => "",
            false => "; jobs of its other [[runners]] have",
        };
        FunctionResult::warning(format!(
            "the executor {executor} has no terminals, so the Debug button of its jobs does nothing\
             {others}"
        ))
        .about(&runner.config.object.identity)
        .at(runner.config.field())
    });
    old.into_iter().chain(executor).collect()
}

/// The major version that the tag of an image of GitLab Runner says: 10 of
/// `gitlab/gitlab-runner:alpine-v10.8.7`.
fn major_version(image: &str) -> Option<u32> {
    let image = image.split('@').next()?;
    let (name, tag) = image.rsplit('/').next()?.split_once(':')?;
    let is_runner = name.starts_with("gitlab-runner") || name == "gitlab-ci-multi-runner";
    let mut parts = tag.split('-').filter_map(|part| {
        let numbers = part.strip_prefix('v').unwrap_or(part);
        let (major, rest) = numbers.split_once('.')?;
        let is_version = rest.chars().all(|c| c.is_ascii_digit() || c == '.');
        is_version.then(|| major.parse().ok())?
    });
    parts.next().filter(|_| is_runner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_say_versions() {
        for (image, expected) in [
            ("gitlab/gitlab-runner:v10.8.7", Some(10)),
            ("gitlab/gitlab-runner:alpine-v9.5.1", Some(9)),
            (
                "r.example.com:5000/x/gitlab-runner:11.0.0@sha256:0",
                Some(11),
            ),
            ("gitlab/gitlab-runner:ubuntu-v18.9.0", Some(18)),
            ("gitlab/gitlab-runner:alpine3.21-v18.9.0", Some(18)),
            ("gitlab/gitlab-runner:latest", None),
            ("gitlab/gitlab-runner", None),
            ("gitlab/gitlab-runner@sha256:0", None),
            ("example.com:5000/gitlab-runner", None),
            ("example.com/my-runner:1.0", None),
        ] {
            assert_eq!(major_version(image), expected, "{image}");
        }
    }
}
