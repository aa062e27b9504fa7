//! The same change with kustomize's own features: for each runner two patches, and a Service as a
//! resource.
//!
//! It does not do what kustomize has no feature for: the patches name each runner and contain its
//! whole new configuration, and the checksum in them is precomputed.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use super::lists::{self, List};

const KUSTOMIZATION: &str = include_str!("templates/kustomization.yaml");
const WORKLOAD_PATCH: &str = include_str!("templates/workload-patch.yaml");
/// The table to add at the end of a runner's `config.toml`, which is the last key of its ConfigMap.
const SESSION_SERVER: &str = include_str!("templates/session-server.toml");
const SERVICE: &str = include_str!("templates/service.yaml");

/// Writes the kustomization into a folder.
pub(crate) fn write(list: List, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let (mut patches, mut services) = (Vec::new(), Vec::new());
    for number in 0..list.runners {
        let numbered = |template: &str| template.replace("NUMBER", &number.to_string());
        let [_, config_map] = lists::runner(number);
        patches.push(numbered(WORKLOAD_PATCH));
        patches.push(lists::without_dash(&config_map) + SESSION_SERVER);
        services.push(numbered(SERVICE));
    }
    fs::write(folder.join("objects.yaml"), list.manifests())?;
    fs::write(folder.join("services.yaml"), services.join("---\n"))?;
    fs::write(folder.join("patches.yaml"), patches.join("---\n"))?;
    Ok(fs::write(folder.join("kustomization.yaml"), KUSTOMIZATION)?)
}
