//! Which API server to ask, and as whom.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use kube::client::ClientBuilder;
use kube::config::{
    Config, ExecInteractiveMode, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError,
};

use super::api::Api;
use super::problem::{Problem, Server};
use super::token;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence of a server that is to answer. A watch is never silent for longer: the
/// server is asked to end it before.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the configuration and makes the client.
///
/// # Errors
///
/// See [`Problem`].
pub(super) async fn open(kubeconfig: Option<&str>, context: Option<&str>) -> Result<Api, Problem> {
    let (mut config, origin) = match find_kubeconfig(kubeconfig)? {
        Some((kubeconfig, origin)) => {
            let origin = match context.or(kubeconfig.current_context.as_deref()) {
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
    config.read_timeout = Some(READ_TIMEOUT);
    // Problems that may pass are waited out by this program, within its own limits of time.
    config.default_retry = false;
    stay_silent(&mut config);
    let server = Server::new(&config.cluster_url, origin);
    let expired = token::expired(&config.auth_info);
    let namespace = config.default_namespace.clone();
    let client = ClientBuilder::try_from(config)
        .map_err(|error| Problem::of_client(&error))?
        .build();
    Ok(Api::new(client, namespace, server, expired))
}

/// The user's kubeconfig and what to call it, or `None` where only a service account can be meant.
fn find_kubeconfig(path: Option<&str>) -> Result<Option<(Kubeconfig, String)>, Problem> {
    if let Some(path) = path {
        let path = in_home(path);
        let name = path.display().to_string();
        let config = Kubeconfig::read_from(&path);
        return match config {
            Ok(config) => Ok(Some((config, name))),
            Err(error) => Err(unreadable(&error, &name)),
        };
    }
    let (name, config) = match env::var("KUBECONFIG") {
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

async fn of_kubeconfig(
    kubeconfig: Kubeconfig,
    context: Option<&str>,
    origin: &str,
) -> Result<Config, Problem> {
    let has_proxy = kubeconfig
        .clusters
        .iter()
        .filter_map(|named| named.cluster.as_ref())
        .any(|cluster| {
            cluster
                .proxy_url
                .as_ref()
                .is_some_and(|url| !url.is_empty())
        });
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unreadable(&error, origin))?;
    if !has_proxy {
        config.proxy_url = proxy_of_environment(&config.cluster_url)?;
    }
    Ok(config)
}

fn of_service_account(context: Option<&str>) -> Result<Config, Problem> {
    if context.is_some() {
        return Err(Problem::NoKubeconfig);
    }
    match Config::incluster() {
        Ok(config) => Ok(config),
        Err(InClusterError::ReadEnvironmentVariable(_)) => Err(Problem::NoCluster),
        Err(error) => Err(Problem::ServiceAccount(error.to_string())),
    }
}

/// The proxy that HTTPS_PROXY names, unless NO_PROXY excepts the server.
fn proxy_of_environment(server: &http::Uri) -> Result<Option<http::Uri>, Problem> {
    if Matcher::from_env().intercept(server).is_none() {
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
    // The value may hold a password, so it is not shown.
    let url = url.parse().map_err(|_| {
        Problem::Other(format!(
            "{name} is not the URL of a proxy: write http://host:port"
        ))
    })?;
    Ok(Some(url))
}

/// A plugin may ask the user only where there is a terminal: kustomize's standard input is a list.
fn stay_silent(config: &mut Config) {
    if let Some(exec) = &mut config.auth_info.exec
        && !io::stdin().is_terminal()
        && exec.interactive_mode != Some(ExecInteractiveMode::Always)
    {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
}

/// Says why a kubeconfig cannot be used. The text of a parser's error may quote the file, which
/// holds secrets: it is not passed on.
fn unreadable(error: &KubeconfigError, origin: &str) -> Problem {
    let what = match error {
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        KubeconfigError::Parse(_) => "it is not the YAML of a kubeconfig".to_owned(),
        KubeconfigError::CurrentContextNotSet => {
            "it has no current-context: set spec.context, or `kubectl config use-context NAME`"
                .to_owned()
        }
        KubeconfigError::LoadContext(name) => format!(
            "it has no context {name:?}: see `kubectl config get-contexts`, and set spec.context"
        ),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}"),
        other => other.to_string(),
    };
    Problem::Kubeconfig {
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
