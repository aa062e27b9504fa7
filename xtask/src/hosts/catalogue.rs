//! The list of hosts.

use super::recipe::Recipe;

/// A program that the tests or the benchmark run.
pub(crate) struct Host {
    /// The name of the program, and of its file in `target/hosts/bin`.
    pub(crate) name: &'static str,
    /// How it is built.
    pub(crate) recipe: Recipe,
}

/// What measures the benchmark. No test needs it.
pub(crate) const BENCHMARK_TOOL: &str = "hyperfine";

/// Says who has read the dependencies: `cargo xtask audit`. No test needs it, and it takes minutes to build.
pub(crate) const AUDITS: &str = "cargo-vet";

/// All hosts that are built here; the quick ones are first.
pub(crate) const HOSTS: &[Host] = &[
    Host {
        name: "kustomize",
        recipe: Recipe::GoInstall {
            package: "sigs.k8s.io/kustomize/kustomize/v5",
            version: "5.8.1",
        },
    },
    Host {
        name: "helm",
        recipe: Recipe::GoInstall {
            package: "helm.sh/helm/v4/cmd/helm",
            version: "4.3.1",
        },
    },
    Host {
        name: "helm3",
        recipe: Recipe::GoBuild {
            folder: "tests/hosts/helm3",
            package: "helm.sh/helm/v3/cmd/helm",
            pinned: "helm.sh/helm/v3",
            version_flags: &[],
        },
    },
    // A registry, and what validates, pushes and pulls images.
    Host {
        name: "crane",
        recipe: Recipe::GoInstall {
            package: "github.com/google/go-containerregistry/cmd/crane",
            version: "0.22.1",
        },
    },
    Host {
        name: "actionlint",
        recipe: Recipe::GoInstall {
            package: "github.com/rhysd/actionlint/cmd/actionlint",
            version: "1.7.12",
        },
    },
    Host {
        name: "wazero-run",
        recipe: Recipe::GoBuild {
            folder: "tests/hosts/wazero",
            package: ".",
            pinned: "github.com/tetratelabs/wazero",
            version_flags: &[],
        },
    },
    Host {
        name: "extism-run",
        recipe: Recipe::GoBuild {
            folder: "tests/hosts/extism",
            package: ".",
            pinned: "github.com/extism/go-sdk",
            version_flags: &[],
        },
    },
    Host {
        name: "session-server",
        recipe: Recipe::GoBuild {
            folder: "tests/hosts/session-server",
            package: ".",
            pinned: "gitlab.com/gitlab-org/gitlab-runner",
            version_flags: &[],
        },
    },
    Host {
        name: "kubelet",
        recipe: Recipe::GoBuild {
            folder: "tests/hosts/kubelet",
            package: ".",
            pinned: "k8s.io/cri-streaming",
            version_flags: &[],
        },
    },
    Host {
        name: "kyaml-peer",
        recipe: Recipe::GoBuild {
            folder: "benches/kyaml",
            package: ".",
            pinned: "sigs.k8s.io/kustomize/kyaml",
            version_flags: &[],
        },
    },
    Host {
        name: "kpt",
        // One of its two Wasm runtimes is a C library.
        recipe: Recipe::CgoBuild {
            folder: "tests/hosts/kpt",
            package: ".",
            pinned: "github.com/kptdev/kpt",
        },
    },
    Host {
        name: "etcd",
        recipe: Recipe::GoBuild {
            folder: "tests/hosts/etcd",
            package: "go.etcd.io/etcd/server/v3",
            pinned: "go.etcd.io/etcd/server/v3",
            version_flags: &[],
        },
    },
    Host {
        name: "argocd",
        recipe: Recipe::GoBuild {
            folder: "tests/hosts/argocd",
            package: ".",
            pinned: "github.com/argoproj/argo-cd/v3",
            version_flags: &[],
        },
    },
    Host {
        name: "kube-apiserver",
        recipe: kubernetes("k8s.io/kubernetes/cmd/kube-apiserver"),
    },
    Host {
        name: "kubectl",
        recipe: kubernetes("k8s.io/kubernetes/cmd/kubectl"),
    },
    Host {
        name: "cargo-deny",
        // Unoptimized: it runs for a second, and would take minutes more to build.
        recipe: Recipe::CargoInstall {
            version: "0.20.2",
            options: &["--debug"],
        },
    },
    Host {
        name: AUDITS,
        recipe: Recipe::CargoInstall {
            version: "0.10.3",
            options: &["--debug"],
        },
    },
    Host {
        name: BENCHMARK_TOOL,
        recipe: Recipe::CargoInstall {
            version: "1.20.0",
            options: &[],
        },
    },
];

const fn kubernetes(package: &'static str) -> Recipe {
    Recipe::GoBuild {
        folder: "tests/hosts/kubernetes",
        package,
        pinned: "k8s.io/kubernetes",
        // Without this flag the programs say that they are version 0.0.0.
        version_flags: &["k8s.io/component-base/version.gitVersion"],
    }
}
