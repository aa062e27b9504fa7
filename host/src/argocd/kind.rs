//! The kinds of applications.

/// What an application's folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApplicationKind {
    /// A kustomization.
    Kustomization,
    /// A Helm chart.
    Chart,
    /// Plain manifests.
    Directory,
}

impl ApplicationKind {
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Kustomization => "a kustomization",
            Self::Chart => "a chart",
            Self::Directory => "a folder of manifests",
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomizations",
            Self::Chart => "charts",
            Self::Directory => "folders of manifests",
        }
    }
}
