//! Runners that cannot have terminals, whatever their configuration says.
//!
//! Source: GitLab's documentation, "Interactive web terminals" and, of the runner, "Executors".

use super::config_file::ConfigFile;
use crate::runner::Runner;
use krm::results::{FunctionResult, field_path};

/// The first major version that has a session server.
const FIRST_VERSION: u32 = 11;
/// The executors that do not support terminals.
const WITHOUT_TERMINALS: [&str; 7] = [
    "custom",
    "docker-ssh",
    "docker-ssh+machine",
    "docker-windows",
    "parallels",
    "ssh",
    "virtualbox",
];

/// Warns of a runner that cannot have terminals.
pub(super) fn warnings(runner: &Runner, config: &ConfigFile) -> Vec<FunctionResult> {
    let mut warnings = Vec::new();
    let image = runner.container().and_then(|container| {
        let image = container.value.get("image")?.as_str()?;
        Some((image, version(image)?))
    });
    if let Some((image, version)) = image
        && version < FIRST_VERSION
    {
        let field = runner.container_pointer("/image");
        warnings.push(
            FunctionResult::warning(format!(
                "image {image} is older than 11.0, which is too old for terminals: take a newer one"
            ))
            .about(&runner.workload.resource.identity)
            .at(field_path(&field)),
        );
    }
    let executors = config.executors();
    let has_none = |executor: &String| WITHOUT_TERMINALS.contains(&executor.as_str());
    if !executors.is_empty() && executors.iter().all(has_none) {
        warnings.push(
            FunctionResult::warning(format!(
                "executor {} has no terminals, so its jobs get no Debug button: terminals need the \
                 executor kubernetes, docker or shell",
                executors.join(", ")
            ))
            .about(&runner.config.object.identity)
            .at(runner.config.field()),
        );
    }
    warnings
}

/// The major version in an image's tag: 10 in `alpine-v10.8.7`. A tag without a `v` counts only for
/// GitLab's own images; others may number their images differently.
fn version(image: &str) -> Option<u32> {
    let image = image.split('@').next()?;
    let (repository, tag) = image.rsplit_once(':')?;
    let is_gitlabs = ["gitlab/gitlab-runner", "gitlab-org/gitlab-runner"]
        .iter()
        .any(|known| repository.ends_with(known));
    tag.split('-').find_map(|part| {
        let number = match part.strip_prefix('v') {
            Some(number) => number,
            None if is_gitlabs && part.matches('.').count() == 2 => part,
            None => return None,
        };
        number.split('.').next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn the_version_is_that_of_the_runner() {
        for (image, expected) in [
            ("gitlab/gitlab-runner:v10.8.7", Some(10)),
            ("gitlab/gitlab-runner:alpine-v9.5.0", Some(9)),
            ("gitlab/gitlab-runner:alpine3.19-v17.0.0", Some(17)),
            ("gitlab/gitlab-runner:10.1.0", Some(10)),
            ("registry.example.com:5000/ci/gitlab-runner:1.0.0", None),
            ("registry.example.com:5000/gitlab-runner", None),
            ("gitlab/gitlab-runner:ubuntu-22.04", None),
            ("gitlab/gitlab-runner:latest", None),
            ("gitlab/gitlab-runner:v10.0.0@sha256:00", Some(10)),
        ] {
            assert_eq!(version(image), expected, "{image}");
        }
    }
}
