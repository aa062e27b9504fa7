//! The command line.

#[cfg(feature = "cluster")]
pub(crate) mod cluster;

use std::env;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chart_values::KeyPath;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use krm::text::lines;
use runner_terminal::address::{Address, AddressError, Host};
use runner_terminal::function_config::ApiVersion;
use thiserror::Error;

use crate::{duration, terminal};

/// Gives a GitLab Runner on Kubernetes its interactive web terminal.
///
/// Without a command it is a KRM function: it reads a ResourceList from standard input and writes
/// it to standard output with a session server for each runner. RUNNER_TERMINAL_MAX_MIB and
/// RUNNER_TERMINAL_MAX_SECONDS set how much memory and time it may use (2048 and 60).
#[derive(Debug, Parser)]
#[command(name = "runner-terminal", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask how GitLab reaches the cluster, and write the function config that fits
    ///
    /// Asks on a terminal; where flags give all answers, it asks nothing. Writes session-server.yaml
    /// and says what to do next. Overwrites nothing without --force.
    Init(Box<Init>),
    /// Find the first thing that keeps a runner's terminals from working
    ///
    /// Looks at each step of the path in order: the manifests, the function, the cluster, DNS, the
    /// network, and the session server. Changes nothing. Exits with 1 unless all is well.
    Doctor(Doctor),
    /// Show what the function would change in manifests
    ///
    /// Prints a diff of each file, a table of the resources that change, and the function's messages.
    /// Changes nothing. Exits with 1 when the function reports an error.
    Explain(Explain),
    /// Add terminals to the runners in manifests: YAML in, YAML out
    ///
    /// Prints the changed manifests, or writes the files back. Everything else stays the same, byte for
    /// byte. Exits with 1 on an error, and then changes nothing.
    ApplyTo(ApplyTo),
    /// Write what the function would change as files for hosts that run no functions
    ///
    /// Writes a kustomize Component, or patches of a Flux HelmRelease, that people review and commit.
    /// Files of its own are brought up to date, and no others are touched. Exits with 1 on an error, and
    /// then writes nothing.
    Export(Export),
    /// Check that a session server answers at an address, by connecting as GitLab does
    ///
    /// Connects to the address as GitLab's Workhorse does, without a token, and says in one line what
    /// is wrong. Exits with 1 unless a session server answers.
    Check(Check),
    /// Check finished manifests: each runner's address, Service, names and processes
    ///
    /// For CI, after everything that sets a namespace, a prefix or a number of replicas. Prints a
    /// line for each finding and for each runner that is right. Changes nothing. Exits with 1 when
    /// something is wrong.
    Verify(Verify),
    /// Make function configs from the values of the Helm chart gitlab-runner
    ///
    /// Prints a SessionServer, and an AdvertiseAddress where the address is found in the cluster,
    /// with comments where something differs. Exits with 1 when a field has to be filled in first,
    /// and when no values of the chart are found.
    ImportValues(ImportValues),
    #[cfg(feature = "cluster")]
    #[command(flatten)]
    Cluster(cluster::Command),
    /// Build an Argo CD application, as Argo CD's plugin server asks for it
    #[command(name = "argocd", subcommand)]
    ArgoCd(ArgoCd),
    /// Write function configs in another version of the API
    ///
    /// Prints the files with the function configs in them converted, or writes the files back. What
    /// does not differ between the versions stays byte for byte, and so do all other documents.
    Convert(Convert),
    /// Print the JSON Schema of a function config
    Schema {
        /// The kind of function config [default: SessionServer]
        kind: Option<String>,

        /// The version of the API [default: v1alpha1]
        #[arg(long, value_name = "VERSION", value_parser = api_version)]
        api_version: Option<ApiVersion>,
    },
    /// Print completions for a shell
    ///
    /// For bash: runner-terminal completions bash > /etc/bash_completion.d/runner-terminal
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write man pages: one for this program and one for each command
    Man {
        /// The folder, such as /usr/local/share/man/man1
        folder: PathBuf,
    },
    /// Print the version
    Version,
}

/// What Argo CD asks its plugin for, in the folder of an application.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ArgoCd {
    /// Print the application's name when it is one of this plugin's
    Discover,
    /// Print the application's manifests, with a session server for each runner
    Generate,
    /// Print the parameters of this sort of application, as JSON
    Parameters,
}

/// The arguments of `init`.
#[derive(Args, Debug, Default)]
pub(crate) struct Init {
    /// The folder to write into: that of the outermost kustomization, the package or the application
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub(crate) folder: PathBuf,

    /// Where GitLab is, relative to the cluster
    #[arg(long, value_name = "PLACE", value_enum)]
    pub(crate) gitlab: Option<GitLab>,

    /// How many runner processes may run
    #[arg(long, value_name = "NUMBER", value_enum)]
    pub(crate) replicas: Option<Replicas>,

    /// What GitLab reaches at the cluster
    #[arg(long, value_name = "ENTRY", value_enum)]
    pub(crate) network: Option<Network>,

    /// With many processes and --network nodes: how many of them a node runs
    #[arg(long, value_name = "NUMBER", value_enum)]
    pub(crate) pods_per_node: Option<PodsPerNode>,

    /// Who runs the function
    #[arg(long = "for", value_name = "HOST", value_enum)]
    pub(crate) host_of_function: Option<FunctionHost>,

    /// The DNS name by which GitLab reaches the runner; with Relay, the domain of the pods' names
    #[arg(long, value_name = "NAME", value_parser = dns_name)]
    pub(crate) host: Option<String>,

    /// The address, if it is known: of the load balancer, or of the nodes with the node port
    #[arg(long, value_name = "HOST[:PORT]", value_parser = Address::parse)]
    pub(crate) address: Option<Address>,

    /// The image of runner-terminal, for the init container that finds the address
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub(crate) image: Option<String>,

    /// With --network load-balancer: whose load balancer it is [default: other]
    #[arg(long, value_name = "CLOUD", value_enum)]
    pub(crate) cloud: Option<Cloud>,

    /// With --network ingress: the ingress controller
    #[arg(long, value_name = "CONTROLLER", value_enum)]
    pub(crate) controller: Option<Controller>,

    /// With --network gateway: the Gateway, which has a listener that passes TLS through
    #[arg(long, value_name = "[NAMESPACE/]NAME", value_parser = clap::value_parser!(GatewayName))]
    pub(crate) gateway: Option<GatewayName>,

    /// With Relay: the namespace of the relay, which has to exist
    #[arg(long, value_name = "NAMESPACE", value_parser = service_name)]
    pub(crate) relay_namespace: Option<String>,

    /// With Relay at the nodes: the relay's port on every node
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) node_port: Option<u16>,

    /// Also add the file to the kustomization or the Kptfile in FOLDER; nothing else in it changes
    #[arg(long)]
    pub(crate) write: bool,

    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Where GitLab is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GitLab {
    /// In the same cluster as the runner
    SameCluster,
    /// In the same private network, such as a VPC
    Vpc,
    /// Outside, such as gitlab.com
    Outside,
}

/// How many runner processes may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Replicas {
    /// One
    One,
    /// More: replicas, an autoscaler, a DaemonSet, many runners
    Many,
}

/// What GitLab reaches at the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Network {
    /// A load balancer, which the cluster can make
    LoadBalancer,
    /// The nodes' addresses
    Nodes,
    /// An ingress controller
    Ingress,
    /// A Gateway of the Gateway API
    Gateway,
    /// The API server alone
    ApiServer,
    /// The pods' own IP addresses
    Pods,
}

/// How many of the runner's pods a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PodsPerNode {
    /// One at most
    One,
    /// More than one
    Many,
}

/// Who runs the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FunctionHost {
    /// kustomize, as a transformer
    Kustomize,
    /// The plugin of Argo CD
    #[value(name = "argocd")]
    ArgoCd,
    /// kpt, as a mutator
    Kpt,
    /// Helm, as a post-renderer
    Helm,
    /// None, as with Flux and kubectl apply -k: export writes files
    #[value(alias = "flux")]
    None,
}

/// Whose load balancer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cloud {
    /// The AWS Load Balancer Controller
    Aws,
    /// Google Kubernetes Engine
    Gke,
    /// Azure Kubernetes Service
    Aks,
    /// MetalLB
    Metallb,
    /// Another one
    Other,
}

/// An ingress controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Controller {
    /// ingress-nginx, started with --enable-ssl-passthrough
    Nginx,
    /// HAProxy Technologies' controller
    Haproxy,
    /// The community's haproxy-ingress
    HaproxyIngress,
    /// Traefik
    Traefik,
    /// Contour
    Contour,
    /// The router of OpenShift
    Openshift,
}

/// A Gateway by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GatewayName {
    /// Its namespace; the runner's if there is none.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

impl FromStr for GatewayName {
    type Err = NotAGateway;

    fn from_str(text: &str) -> Result<Self, NotAGateway> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        let is_name = |name: &str| !name.is_empty() && name.split('.').all(is_label);
        match namespace.is_none_or(is_label) && is_name(name) {
            true => Ok(Self {
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            }),
            false => Err(NotAGateway),
        }
    }
}

/// Text is not the name of a Gateway.
#[derive(Debug, Error)]
#[error("write the Gateway's name, or its namespace and its name: NAMESPACE/NAME")]
pub(crate) struct NotAGateway;

/// Text is no DNS name.
#[derive(Debug, Error)]
pub(crate) enum NotADnsName {
    /// Not a host.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// An IP address, or a port.
    #[error("write a DNS name alone, such as terminals.example.com")]
    Other,
}

/// Reads a DNS name; `{pod}.` and `*.` before it, which stand for a pod's name, are left out.
pub(crate) fn dns_name(text: &str) -> Result<String, NotADnsName> {
    let text = text.trim();
    let text = text.strip_prefix("{pod}.").unwrap_or(text);
    let text = text.strip_prefix("*.").unwrap_or(text);
    match Address::parse(text)? {
        Address {
            host: Host::Name(name),
            port: None,
        } => Ok(name),
        _ => Err(NotADnsName::Other),
    }
}

/// Text is no reference to an image.
#[derive(Debug, Error)]
#[error(
    "write the image as the cluster pulls it, such as registry.example.com/runner-terminal:0.2.0"
)]
pub(crate) struct NotAnImage;

/// Reads a reference to an image.
pub(crate) fn image(text: &str) -> Result<String, NotAnImage> {
    let text = text.trim();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err(NotAnImage),
    }
}

/// Text is no name of a Service or a namespace.
#[derive(Debug, Error)]
#[error("such a name has lowercase letters, digits and '-'")]
pub(crate) struct NotAServiceName;

pub(crate) fn service_name(text: &str) -> Result<String, NotAServiceName> {
    match is_label(text) {
        true => Ok(text.to_owned()),
        false => Err(NotAServiceName),
    }
}

/// True for a label of a DNS name.
fn is_label(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 63 && text.chars().all(fits)
}

/// The arguments of `doctor`.
#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Manifests: files, folders, patterns such as 'apps/**/*.yaml', or - for standard input
    /// [default: the kustomization in the working directory]
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,

    /// A kustomization to build, by the kustomize or kubectl on PATH; its functions are run
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "files")]
    pub(crate) kustomize: Option<PathBuf>,

    /// The function configs to use, in the order of the files [default: those among the manifests]
    #[arg(short = 'c', long = "function-config", value_name = "FILE")]
    pub(crate) function_configs: Vec<PathBuf>,

    /// Stop before the cluster
    #[arg(long)]
    pub(crate) offline: bool,

    /// How long to try each address
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
}

/// Which cluster to ask.
#[derive(Args, Debug)]
pub(crate) struct ClusterOptions {
    /// The kubeconfig [default: KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<String>,

    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// The arguments of `explain`.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// Manifests: files, folders, patterns, or - for standard input [default: -]
    ///
    /// A file holds YAML documents, JSON, or one ResourceList. In a folder, all files that end in
    /// .yaml, .yml or .json are read, except kustomizations.
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,

    /// A kustomization to build, by the kustomize or kubectl on PATH; its functions are run
    ///
    /// If it runs this function itself, what is shown is what the function changes there.
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "files")]
    pub(crate) kustomize: Option<PathBuf>,

    /// The function configs to use, in the order of the files [default: those among the manifests, or a
    /// SessionServer without settings]
    #[arg(short = 'c', long = "function-config", value_name = "FILE")]
    pub(crate) function_configs: Vec<PathBuf>,

    /// Print the path that a terminal takes to each runner, as a page of HTML
    ///
    /// It is one file, which loads and runs nothing. What is pending or broken is marked and
    /// explained. The results go to standard error.
    #[arg(long, group = "picture")]
    pub(crate) html: bool,

    /// Print that path as a drawing
    #[arg(long, group = "picture")]
    pub(crate) svg: bool,

    /// Print that path as a Mermaid flowchart, for docs and merge requests
    #[arg(long, group = "picture")]
    pub(crate) mermaid: bool,
}

/// What `explain` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    /// A page.
    Html,
    /// A drawing.
    Svg,
    /// A flowchart.
    Mermaid,
}

impl Explain {
    /// The picture to print; `None` for a diff and a table.
    pub(crate) fn picture(&self) -> Option<Picture> {
        match (self.html, self.svg, self.mermaid) {
            (true, _, _) => Some(Picture::Html),
            (_, true, _) => Some(Picture::Svg),
            (_, _, true) => Some(Picture::Mermaid),
            _ => None,
        }
    }
}

/// The arguments of `apply-to`.
#[derive(Args, Debug)]
pub(crate) struct ApplyTo {
    /// Manifests: files, folders, patterns such as 'apps/**/*.yaml', or - for standard input
    /// [default: -]
    ///
    /// A file holds YAML documents or JSON. In a folder, all files that end in .yaml, .yml or .json
    /// are read, except kustomizations.
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,

    /// The function configs to use, in the order of the files [default: those among the manifests, or a
    /// SessionServer without settings]
    #[arg(short = 'c', long = "function-config", value_name = "FILE")]
    pub(crate) function_configs: Vec<PathBuf>,

    /// Write the files back instead of printing them
    ///
    /// Each is replaced as a whole. A new resource goes into the file of its runner.
    #[arg(short, long, conflicts_with_all = ["diff", "check"])]
    pub(crate) in_place: bool,

    /// Print what would change, as a diff, and change nothing
    #[arg(short, long)]
    pub(crate) diff: bool,

    /// Print nothing, change nothing, and exit with 2 when something would change
    #[arg(long)]
    pub(crate) check: bool,

    /// Also print each warning as a comment above the document that it is about
    ///
    /// For programs that do not show what this one writes to standard error, such as Helm 4.
    #[arg(long, conflicts_with_all = ["in_place", "diff", "check"])]
    pub(crate) comments: bool,
}

/// Where `apply-to` writes manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// All of them to standard output, as one stream.
    Stdout,
    /// A diff to standard output.
    Diff,
    /// Back to their files.
    InPlace,
    /// Nowhere.
    Nowhere,
}

impl ApplyTo {
    pub(crate) fn destination(&self) -> Destination {
        match (self.in_place, self.diff, self.check) {
            (true, ..) => Destination::InPlace,
            (_, true, _) => Destination::Diff,
            (_, _, true) => Destination::Nowhere,
            _ => Destination::Stdout,
        }
    }
}

/// The arguments of `export`.
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Manifests: files, folders, patterns, or - for standard input [default: -]
    ///
    /// For a HelmRelease, what the chart renders. In a folder, all files that end in .yaml, .yml or
    /// .json are read, except kustomizations.
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,

    /// A kustomization to build, by the kustomize or kubectl on PATH; its functions are run
    ///
    /// It is built again with what is exported, and nothing is written if that differs from what the
    /// function gives.
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "files")]
    pub(crate) kustomize: Option<PathBuf>,

    /// The function configs to use, in the order of the files [default: those among the manifests, or a
    /// SessionServer without settings]
    #[arg(short = 'c', long = "function-config", value_name = "FILE")]
    pub(crate) function_configs: Vec<PathBuf>,

    /// The folder to write; it is created if it is missing
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,

    /// Who applies the files
    #[arg(long = "for", value_name = "HOST", value_enum, default_value_t = ExportFor::Kustomize)]
    pub(crate) host: ExportFor,

    /// The file with the HelmRelease or the Application to write into; nothing else in it changes
    ///
    /// Without it, the lines that belong there are printed.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) in_place: Option<PathBuf>,

    /// Write nothing, say what is out of date, and exit with 2 if something is
    #[arg(long)]
    pub(crate) check: bool,

    /// Write the data of Secrets, with the tokens in it
    #[arg(long)]
    pub(crate) include_secrets: bool,
}

/// Who applies what `export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFor {
    /// kustomize or kubectl: a Component
    Kustomize,
    /// Flux: the post-renderer of a HelmRelease, and new resources beside it
    FluxHelmrelease,
    /// Argo CD without a plugin: a Component for its own kustomize
    #[value(name = "argocd")]
    ArgoCd,
}

/// Where manifests come from.
#[derive(Args, Debug, Default)]
pub(crate) struct Source {
    /// Manifests: files, folders, patterns, or - for standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// A kustomization to build, by the kustomize or kubectl on PATH; its functions are run
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "files")]
    pub(crate) kustomize: Option<PathBuf>,
}

/// The arguments of `verify`.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Manifests: files, folders, patterns such as 'apps/**/*.yaml', or - for standard input
    /// [default: -]
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,

    /// A kustomization to build, by the kustomize or kubectl on PATH; its functions are run
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "files")]
    pub(crate) kustomize: Option<PathBuf>,

    /// The VerifyTerminals to use [default: those among the manifests, or one without settings]
    #[arg(short = 'c', long, value_name = "FILE")]
    pub(crate) function_config: Option<PathBuf>,

    /// A runner without a session server, or without an address, is an error and not a warning
    ///
    /// The same as requireAddress: true in each VerifyTerminals.
    #[arg(long)]
    pub(crate) require_address: bool,
}

/// The arguments of `import-values`.
#[derive(Args, Debug)]
pub(crate) struct ImportValues {
    /// The chart's values: a YAML file, or - for standard input
    ///
    /// Also a file with a resource that holds them: a HelmRelease of Flux, an Application or
    /// ApplicationSet of Argo CD, a HelmChart of k3s, or a kustomization with helmCharts.
    #[arg(value_name = "VALUES")]
    pub(crate) values: PathBuf,

    /// Where the chart's values are, as platform.ci.values [default: the one place that looks like them]
    ///
    /// A key with a dot is quoted or has a backslash before the dot: '"ci.example.com".values'. The
    /// item of a list is its index from 0, as sources.1.helm.values. A dot alone is the top.
    #[arg(long, value_name = "PATH", value_parser = clap::value_parser!(KeyPath))]
    pub(crate) at: Option<KeyPath>,

    /// The resource that holds the values, as HelmRelease/runner or HelmRelease/ci/runner
    #[arg(long, value_name = "KIND/NAME")]
    pub(crate) resource: Option<String>,

    /// When the session server gets its address [default: Build]
    ///
    /// With PodStart, an init container finds it when a pod starts, as the chart's scripts do, and no
    /// AdvertiseAddress is needed.
    #[arg(long, value_name = "WHEN", requires_if("PodStart", "image"))]
    pub(crate) configure: Option<ConfigureAt>,

    /// With --configure PodStart: the image of runner-terminal that the init container runs
    #[arg(long, value_name = "IMAGE", requires = "configure")]
    pub(crate) image: Option<String>,
}

/// When the session server gets its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum ConfigureAt {
    /// When the manifests are built
    Build,
    /// When a pod starts
    PodStart,
}

/// The arguments of `convert`.
#[derive(Args, Debug)]
pub(crate) struct Convert {
    /// Files, folders, patterns such as 'apps/**/*.yaml', or - for standard input [default: -]
    ///
    /// In a folder, all files that end in .yaml, .yml or .json are read, except kustomizations: name
    /// those that have function configs inline.
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,

    /// The version to write [default: v1beta1, the newest]
    #[arg(long, value_name = "VERSION", value_parser = api_version)]
    pub(crate) to: Option<ApiVersion>,

    /// Write the files back instead of printing them
    #[arg(short, long)]
    pub(crate) in_place: bool,
}

/// Text is not a version of the API.
#[derive(Debug, Error)]
#[error("the versions are {}", ApiVersion::SERVED.map(ApiVersion::name).join(" and "))]
struct UnknownVersion;

/// Reads a version of the API, such as v1beta1 or runner-terminal.dev/v1beta1.
fn api_version(text: &str) -> Result<ApiVersion, UnknownVersion> {
    ApiVersion::parse(text).ok_or(UnknownVersion)
}

/// The arguments of `check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The address: host:port, with an IPv6 host in brackets
    #[arg(value_name = "HOST:PORT", required_unless_present_any = ["files", "kustomize"],
        conflicts_with_all = ["files", "kustomize"])]
    pub(crate) address: Option<String>,

    #[command(flatten)]
    pub(crate) source: Source,

    /// How long to try each address
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    pub(crate) timeout: Duration,
}

/// The command line, for completions and man pages.
pub(crate) fn definition() -> clap::Command {
    Arguments::command()
}

/// What the arguments ask for.
pub(crate) enum Request {
    /// Run a command.
    Run(Command),
    /// Print this help or version.
    Print(String),
}

/// The name of the program as a plugin of kubectl, which runs it as `kubectl runner-terminal`.
const KUBECTL_PLUGIN: &str = "kubectl-runner_terminal";

/// True if kubectl has started this program as its plugin.
pub(crate) fn is_kubectl_plugin() -> bool {
    let name = env::args_os().next().map(PathBuf::from);
    let stem = name.as_deref().and_then(Path::file_stem);
    stem.is_some_and(|stem| stem == KUBECTL_PLUGIN)
}

/// Reads the arguments. If they cannot be read, says what is wrong with them and exits.
pub(crate) fn read() -> Request {
    let definition = match is_kubectl_plugin() {
        true => definition().bin_name("kubectl runner-terminal"),
        false => definition(),
    };
    let parsed = definition
        .try_get_matches()
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    match parsed {
        Ok(arguments) => Request::Run(arguments.command),
        Err(error) if error.use_stderr() => {
            terminal::report(&lines(&error.render().to_string()));
            std::process::exit(error.exit_code())
        }
        Err(help) => Request::Print(help.render().ansi().to_string()),
    }
}
