//! The arguments of the commands that talk to a cluster.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use runner_terminal::address::{Address, AddressError, Host};
use runner_terminal_relay::Route;
use thiserror::Error;

use super::{ClusterOptions, Source, service_name};
use crate::duration;

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show each runner's address, as the cluster has it now
    ///
    /// Finds the runners in manifests, reads the Service in front of each from the cluster, and
    /// prints their addresses: what AdvertiseAddress would write. Changes nothing. Exits with 1
    /// unless every runner has an address.
    Resolve(Resolve),
    /// Configure the session server when a runner's pod starts, from an init container
    ///
    /// Writes [session_server] into a config.toml, with the address that is known beforehand, the
    /// pod's or host's IP, or the one that the live Service gets. Waits for the latter. Says on
    /// standard error what it does. Exits with 1 when the file cannot be written, and, with
    /// --when-pending=Fail, when there is no address in time.
    Configure(Box<Configure>),
    /// Route GitLab's connections to the pods of runners, through one address for all of them
    ///
    /// Accepts connections where GitLab can reach it, and routes each by its host name (SNI) to a pod:
    /// to the pod's own address, or through the Kubernetes API. Runs until SIGTERM or SIGINT.
    Relay(Relay),
}

/// The arguments of `resolve`.
#[derive(Args, Debug)]
pub(crate) struct Resolve {
    #[command(flatten)]
    pub(crate) source: Source,

    /// The AdvertiseAddress to use [default: one without settings]
    #[arg(short = 'c', long, value_name = "FILE",
        conflicts_with_all = ["wait", "kubeconfig", "context"])]
    pub(crate) function_config: Option<PathBuf>,

    /// Wait for addresses that are pending, for 5m or so long
    #[arg(long, value_name = "TIMEOUT", num_args = 0..=1, require_equals = true,
        default_missing_value = "5m", value_parser = duration::parse)]
    pub(crate) wait: Option<Duration>,

    /// How to print what was found
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,

    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
}

/// How to print.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    Json,
    Yaml,
}

/// How the relay connects to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dial {
    /// Through the API server, as kubectl port-forward does
    Api,
    /// To the pod's IP address, from inside its cluster
    Pod,
}

/// The arguments of `relay`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("routing").required(true).multiple(true)
    .args(["routes", "folder"]))]
pub(crate) struct Relay {
    /// A host that GitLab asks for, and the pods and the port that it stands for
    ///
    /// HOST is *.example.com, where the pod's name stands in place of *; or a name, or * for every
    /// other name and for none, as with an IP address: these two lead to the newest ready pod.
    /// SELECTOR is a label selector, such as app=runner. Give it as often as needed.
    #[arg(long = "route", value_name = "HOST=NAMESPACE/SELECTOR:PORT",
        value_parser = clap::value_parser!(Route))]
    pub(crate) routes: Vec<Route>,

    /// A folder of files with a route a line, which are read again when they change
    ///
    /// What follows # is a comment. Files whose names begin with a dot are left out, so the folder
    /// may be a mounted ConfigMap.
    #[arg(long = "routes", value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,

    /// How to connect to a pod
    #[arg(long, value_enum, default_value_t = Dial::Api)]
    pub(crate) dial: Dial,

    /// Where to accept connections
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:9000")]
    pub(crate) listen: SocketAddr,

    /// Where to serve /metrics, /healthz and /readyz
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:9100")]
    pub(crate) observe: SocketAddr,

    /// How many connections may be open; those above are closed at once
    #[arg(long, value_name = "NUMBER", default_value_t = 512)]
    pub(crate) max_connections: usize,

    /// How long a client may take to ask for a host, and the relay to connect to its pod
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse)]
    pub(crate) connect_timeout: Duration,

    /// How long a connection may be without a byte
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration::parse)]
    pub(crate) idle_timeout: Duration,

    /// How long to wait at the end for open connections: hours, such as 2h, for long terminals
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    pub(crate) drain_timeout: Duration,

    #[command(flatten)]
    pub(crate) cluster: ClusterOptions,
}

/// The arguments of `configure`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").required(true)
    .args(["advertise_address", "advertise_ip", "service"]))]
pub(crate) struct Configure {
    /// The config.toml to edit; it is created if it is missing
    #[arg(long, value_name = "PATH")]
    pub(crate) config: PathBuf,

    /// Copy a folder or a file first, such as a mounted ConfigMap; PATH is then a file in TO
    ///
    /// Links are followed, and names that begin with .. are left out. Each start copies anew.
    #[arg(long, value_name = "FROM=TO")]
    pub(crate) copy: Option<CopyPaths>,

    /// The address, where it is known beforehand
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    pub(crate) advertise_address: Option<Address>,

    /// The IP of the pod or its host; of several, the first of --ip-family
    #[arg(long, value_name = "IP,IP", requires = "advertise_port", value_parser = clap::value_parser!(Ips))]
    pub(crate) advertise_ip: Option<Ips>,

    /// The port at the IP
    #[arg(long, value_name = "PORT", conflicts_with_all = ["advertise_address", "service"], value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) advertise_port: Option<u16>,

    /// The Service in the pod's namespace whose address is waited for
    #[arg(long, value_name = "NAME", value_parser = service_name)]
    pub(crate) service: Option<String>,

    /// The number of the Service's port [default: the one named session-server, or the only one]
    #[arg(long, value_name = "PORT", conflicts_with_all = ["advertise_address", "advertise_ip"], value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) service_port: Option<u16>,

    /// The host at which the Service's node port is reached; of several, the first of --ip-family
    #[arg(long, value_name = "HOST,HOST", conflicts_with_all = ["advertise_address", "advertise_ip"], value_parser = clap::value_parser!(Hosts))]
    pub(crate) node_address: Option<Hosts>,

    /// Replace an advertise_address of your own [default: keep it, and look for no other]
    #[arg(long)]
    pub(crate) replace_address: bool,

    /// The port that the Service leads to: listen_address gets it
    #[arg(long, value_name = "PORT", default_value_t = 8093, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) listen_port: u16,

    /// The session_timeout to set [default: what the file has, or 1800]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) session_timeout: Option<u32>,

    /// The kinds of the Service's address that fit, the best first
    #[arg(
        long,
        value_name = "KINDS",
        value_enum,
        value_delimiter = ',',
        default_value = "Hostname,IP"
    )]
    pub(crate) prefer: Vec<Kind>,

    /// Take IP addresses of this family only
    #[arg(long, value_name = "FAMILY", value_enum)]
    pub(crate) ip_family: Option<Family>,

    /// The mode of a config.toml that is created
    #[arg(long, value_name = "OCTAL", default_value = "0600", value_parser = file_mode)]
    pub(crate) file_mode: u32,

    /// How long to wait for the address
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration::parse)]
    pub(crate) timeout: Duration,

    /// What to do if there is no address in time
    #[arg(long, value_name = "ACTION", value_enum, default_value_t = WhenPending::Disable)]
    pub(crate) when_pending: WhenPending,

    /// How to print what happens
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// What to copy, and where.
#[derive(Clone, Debug)]
pub(crate) struct CopyPaths {
    pub(crate) from: PathBuf,
    pub(crate) to: PathBuf,
}

impl FromStr for CopyPaths {
    type Err = NotFromTo;

    fn from_str(text: &str) -> Result<Self, NotFromTo> {
        match text.split_once('=') {
            Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok(Self {
                from: from.into(),
                to: to.into(),
            }),
            _ => Err(NotFromTo),
        }
    }
}

/// Text is not `FROM=TO`.
#[derive(Debug, Error)]
#[error("write two paths with = between them: FROM=TO")]
pub(crate) struct NotFromTo;

/// IP addresses with commas between them.
#[derive(Clone, Debug)]
pub(crate) struct Ips(pub(crate) Vec<IpAddr>);

impl FromStr for Ips {
    type Err = AddressListError;

    fn from_str(text: &str) -> Result<Self, AddressListError> {
        let ips = Hosts::from_str(text)?.0.into_iter().map(|host| match host {
            Host::Ip(ip) => Ok(ip),
            Host::Name(name) => Err(AddressListError::NoIp(name)),
        });
        ips.collect::<Result<_, _>>().map(Self)
    }
}

/// DNS names and IP addresses with commas between them.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(pub(crate) Vec<Host>);

impl FromStr for Hosts {
    type Err = AddressListError;

    fn from_str(text: &str) -> Result<Self, AddressListError> {
        if text.trim().is_empty() {
            return Err(AddressListError::Empty);
        }
        let hosts = text.split(',').map(|text| {
            let Address { host, port } = Address::parse(text)?;
            match port {
                Some(port) => Err(AddressListError::HasPort(port)),
                None => Ok(host),
            }
        });
        hosts.collect::<Result<_, _>>().map(Self)
    }
}

/// Why text is no list of addresses.
#[derive(Debug, Error)]
pub(crate) enum AddressListError {
    /// The environment variable is empty, for instance.
    #[error("it is empty: does the pod have an IP address, and is the environment variable set?")]
    Empty,
    /// Not an address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// `192.0.2.7:80`
    #[error("write the address without its port {0}")]
    HasPort(u16),
    /// A name in place of an IP address.
    #[error("{0:?} is not an IP address")]
    NoIp(String),
}

/// Why text is not `HOST:PORT`.
#[derive(Debug, Error)]
enum HostAndPortError {
    /// Not an address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The port is missing.
    #[error("it has no port: write HOST:PORT")]
    NoPort,
}

fn host_and_port(text: &str) -> Result<Address, HostAndPortError> {
    let address = Address::parse(text)?;
    match address.port {
        Some(_) => Ok(address),
        None => Err(HostAndPortError::NoPort),
    }
}

/// Text is no mode of a file.
#[derive(Debug, Error)]
#[error("write the permissions in octal, such as 0600 or 0640")]
struct NotAMode;

fn file_mode(text: &str) -> Result<u32, NotAMode> {
    let mode = u32::from_str_radix(text.trim_start_matches("0o"), 8).map_err(|_| NotAMode)?;
    if mode > 0o777 {
        return Err(NotAMode);
    }
    Ok(mode)
}

/// A kind of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A DNS name
    #[value(name = "Hostname")]
    Hostname,
    /// An IP address
    #[value(name = "IP")]
    Ip,
}

/// A family of IP addresses.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Family {
    #[value(name = "IPv4")]
    IPv4,
    #[value(name = "IPv6")]
    IPv6,
}

/// What `configure` does without an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhenPending {
    /// Leave the file without a session server, and exit with 0
    #[value(name = "Disable")]
    Disable,
    /// Exit with 1
    #[value(name = "Fail")]
    Fail,
}

/// How `configure` prints what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// A JSON object in each line
    Json,
}
