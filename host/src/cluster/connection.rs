//! Finds the API server and the credential.

use std::env;
use std::io::{self, IsTerminal};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use kube::client::ClientBuilder;
use kube::config::{
    Config, ExecInteractiveMode, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError,
};

use super::api::Api;
use super::cause;
use super::error::ClusterError;
use super::explain::Server;
use super::token;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The read timeout. A watch is shorter: the server is asked to end it earlier.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const NO_CURRENT_CONTEXT: &str =
    "it has no current-context: set spec.context, or `kubectl config use-context NAME`";

/// Reads the configuration and makes the client.
///
/// # Errors
///
/// There is no cluster, or its configuration cannot be used.
pub(super) async fn open(
    kubeconfig: Option<&str>,
    context: Option<&str>,
) -> Result<Api, ClusterError> {
    let (mut config, origin) = configuration(kubeconfig, context).await?;
    config.read_timeout = Some(READ_TIMEOUT);
    let server = Server::new(&config.cluster_url, origin);
    let expired = token::expired(&config.auth_info);
    let namespace = config.default_namespace.clone();
    let client = ClientBuilder::try_from(config)
        .map_err(|error| cause::of_client(&error))?
        .build();
    Ok(Api::new(client, namespace, server, expired))
}

/// The configuration of a client, and where it was read. It has no read timeout.
///
/// # Errors
///
/// There is no cluster, or its configuration cannot be used.
pub(crate) async fn configuration(
    kubeconfig: Option<&str>,
    context: Option<&str>,
) -> Result<(Config, String), ClusterError> {
    let (mut config, origin) = match find_kubeconfig(kubeconfig)? {
        Some((kubeconfig, origin)) => {
            let current = kubeconfig.current_context.as_deref();
            let origin = match context.or(current.filter(|name| !name.is_empty())) {
                Some(context) => format!("context {context} of {origin}"),
                None => origin,
            };
            (of_kubeconfig(kubeconfig, context, &origin).await?, origin)
        }
        None => (
            of_service_account(context)?,
            "the pod's service account".to_owned(),
        ),
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // This program retries transient errors itself, within its own limits of time.
    config.default_retry = false;
    prevent_prompts(&mut config);
    token::trim(&mut config.auth_info)?;
    Ok((config, origin))
}

/// The user's kubeconfig and its name in messages; `None` if there is none, so that a service account
/// is used.
fn find_kubeconfig(path: Option<&str>) -> Result<Option<(Kubeconfig, String)>, ClusterError> {
    if let Some(path) = path {
        if is_text(path) {
            return Err(ClusterError::KubeconfigText {
                setting: "spec.kubeconfig",
            });
        }
        let path = in_home(path);
        let name = path.display().to_string();
        let config = Kubeconfig::read_from(&path);
        return match config {
            Ok(config) => Ok(Some((config, name))),
            Err(error) => Err(unreadable(&error, &name)),
        };
    }
    let (name, config) = match env::var("KUBECONFIG") {
        Ok(paths) if is_text(&paths) => {
            return Err(ClusterError::KubeconfigText {
                setting: "KUBECONFIG",
            });
        }
        Ok(paths) if !paths.is_empty() => (format!("KUBECONFIG={paths}"), Kubeconfig::from_env()),
        _ => {
            let default = in_home("~/.kube/config");
            if !default.exists() {
                return Ok(None);
            }
            let config = Kubeconfig::read_from(&default).map(Some);
            (default.display().to_string(), config)
        }
    };
    match config {
        Ok(config) => Ok(config.map(|config| (config, name))),
        Err(error) => Err(unreadable(&error, &name)),
    }
}

/// True for the text of a kubeconfig instead of its path.
fn is_text(path: &str) -> bool {
    path.contains('\n')
}

async fn of_kubeconfig(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
    origin: &str,
) -> Result<Config, ClusterError> {
    let own_proxy = proxy_of_cluster(&kubeconfig, context).map(str::to_owned);
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| match error {
            KubeconfigError::ParseProxyUrl(_) if own_proxy.is_none() => ClusterError::ProxyUrl {
                variable: "HTTPS_PROXY",
            },
            error => unreadable(&error, origin),
        })?;
    // kube compares NO_PROXY with the proxy's address, even if the kubeconfig names the proxy.
    config.proxy_url = match own_proxy {
        Some(url) => Some(
            url.parse()
                .map_err(|error| unreadable(&KubeconfigError::ParseProxyUrl(error), origin))?,
        ),
        None => proxy_of_environment(&config.cluster_url)?,
    };
    Ok(config)
}

/// The `proxy-url` of a context's cluster.
fn proxy_of_cluster<'a>(kubeconfig: &'a Kubeconfig, context: Option<&str>) -> Option<&'a str> {
    let name = context.or(kubeconfig.current_context.as_deref())?;
    let mut contexts = kubeconfig.contexts.iter();
    let context = contexts
        .find(|named| named.name == name)?
        .context
        .as_ref()?;
    let mut clusters = kubeconfig.clusters.iter();
    let cluster = clusters.find(|named| named.name == context.cluster)?;
    let url = cluster.cluster.as_ref()?.proxy_url.as_deref();
    url.filter(|url| !url.is_empty())
}

fn of_service_account(context: Option<&str>) -> Result<Config, ClusterError> {
    if context.is_some() {
        return Err(ClusterError::NoKubeconfig);
    }
    match Config::incluster() {
        Ok(config) => Ok(config),
        Err(InClusterError::ReadEnvironmentVariable(_)) => Err(ClusterError::NoCluster),
        Err(error) => Err(ClusterError::ServiceAccount(error.to_string())),
    }
}

/// The proxy of HTTPS_PROXY, unless NO_PROXY excludes the server. A server on this machine is always
/// excluded, as it is for kubectl.
fn proxy_of_environment(server: &http::Uri) -> Result<Option<http::Uri>, ClusterError> {
    if is_this_machine(server) || excludes_all() || Matcher::from_env().intercept(server).is_none()
    {
        return Ok(None);
    }
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = names.iter().find_map(|name| {
        let value = env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((*name, value))
    });
    let Some((name, value)) = set else {
        return Ok(None);
    };
    let url = if value.contains("://") {
        value
    } else {
        format!("http://{value}")
    };
    let url = url.parse();
    Ok(Some(
        url.map_err(|_| ClusterError::ProxyUrl { variable: name })?,
    ))
}

/// `NO_PROXY=*`, which the matcher does not apply to IP addresses.
fn excludes_all() -> bool {
    let excluded = env::var("NO_PROXY").or_else(|_| env::var("no_proxy"));
    excluded.is_ok_and(|list| list.split(',').any(|entry| entry.trim() == "*"))
}

fn is_this_machine(server: &http::Uri) -> bool {
    let host = server.host().unwrap_or_default();
    let ip: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Lets a plugin prompt the user only at a terminal: kustomize's standard input is a list.
fn prevent_prompts(config: &mut Config) {
    if let Some(exec) = &mut config.auth_info.exec
        && !io::stdin().is_terminal()
        && exec.interactive_mode != Some(ExecInteractiveMode::Always)
    {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
}

/// Why a kubeconfig cannot be used. A parser's message may quote the file, which holds secrets, so it
/// is not passed on.
fn unreadable(error: &KubeconfigError, origin: &str) -> ClusterError {
    let what = match error {
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        KubeconfigError::Parse(_) => "it is not the YAML of a kubeconfig".to_owned(),
        KubeconfigError::ParseNoProxy(_) => {
            return ClusterError::NoProxyList;
        }
        KubeconfigError::CurrentContextNotSet => NO_CURRENT_CONTEXT.to_owned(),
        KubeconfigError::LoadContext(name) if name.is_empty() => NO_CURRENT_CONTEXT.to_owned(),
        KubeconfigError::LoadContext(name) => format!(
            "it has no context {name:?}: see `kubectl config get-contexts`, and set spec.context"
        ),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}"),
        other => other.to_string(),
    };
    ClusterError::Kubeconfig {
        origin: origin.to_owned(),
        what,
    }
}

/// `~/x` in the user's home.
fn in_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(path).to_owned(),
    }
}
