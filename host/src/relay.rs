//! `runner-terminal relay`: connects the relay to the runners' cluster, and runs it.

use std::io;
use std::process::ExitCode;

use krm::text::printable;
use kube::Error;
use kube::client::UpgradeConnectionError;
use runner_terminal_relay::{Cluster, Dial, ListenError, Routes, RoutesError, Settings};
use tokio::runtime::Builder;

use crate::arguments::cluster as arguments;
use crate::cluster::{self, ClusterError};
use crate::signals::Signals;

/// Why the relay did not start.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) enum RelayError {
    /// The folder of routes has a mistake, or two routes contradict each other.
    Routes(#[from] RoutesError),
    /// The system has no threads or signals for this program.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// There is neither a kubeconfig nor a pod's service account.
    #[error(
        "there is no cluster: this is not a pod, and there is no kubeconfig; set --kubeconfig or \
         KUBECONFIG"
    )]
    NoCluster,
    /// A context is set, and there is no kubeconfig.
    #[error(
        "--context is set, and there is no kubeconfig to have it: set --kubeconfig or KUBECONFIG"
    )]
    NoKubeconfig,
    /// The configuration of the cluster cannot be used.
    Cluster(ClusterError),
    /// An address cannot be listened at.
    Listen(#[from] ListenError),
}

impl From<ClusterError> for RelayError {
    fn from(error: ClusterError) -> Self {
        match error {
            ClusterError::NoCluster => Self::NoCluster,
            ClusterError::NoKubeconfig => Self::NoKubeconfig,
            other => Self::Cluster(other),
        }
    }
}

/// Relays connections until a signal ends it.
///
/// # Errors
///
/// A mistake in the routes, no cluster, or an address that cannot be listened at.
pub(crate) fn run(arguments: &arguments::Relay) -> Result<ExitCode, RelayError> {
    let settings = Settings {
        routes: Routes::load(arguments.routes.clone(), arguments.folder.clone())?,
        dial: match arguments.dial {
            arguments::Dial::Api => Dial::Api,
            arguments::Dial::Pod => Dial::Pod,
        },
        listen: arguments.listen,
        observe: arguments.observe,
        max_connections: arguments.max_connections,
        connect_timeout: arguments.connect_timeout,
        idle_timeout: arguments.idle_timeout,
        drain_timeout: arguments.drain_timeout,
        printable: |text| printable(text).into_owned(),
    };
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(RelayError::Start)?;
    let ended = runtime.block_on(async {
        let kubeconfig = arguments.cluster.kubeconfig.as_deref();
        let cluster = connect(kubeconfig, arguments.cluster.context.as_deref()).await?;
        let mut signals = Signals::new().map_err(RelayError::Start)?;
        let stop = async || signals.next().await;
        runner_terminal_relay::run(settings, cluster, stop).await?;
        Ok(ExitCode::SUCCESS)
    });
    // At most a DNS query of the system is still running.
    runtime.shutdown_background();
    ended
}

/// Finds the cluster. Sends no request yet.
async fn connect(kubeconfig: Option<&str>, context: Option<&str>) -> Result<Cluster, RelayError> {
    let (config, origin) = cluster::configuration(kubeconfig, context).await?;
    let host = config.cluster_url.host().unwrap_or("(no host)");
    let port = config.cluster_url.port_u16().unwrap_or(443);
    let name = format!("{host}:{port} ({origin})");
    let client =
        runner_terminal_relay::client(config).map_err(|error| cluster::of_client(&error))?;
    Ok(Cluster {
        client,
        name,
        explain,
    })
}

/// Says what an error of a request means, without anything secret.
fn explain(error: &Error) -> String {
    match error {
        Error::Api(status) => {
            let said = without_credentials(&status.message);
            format!("the API server says {}: {said}", status.code)
        }
        Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => {
            format!("the API server says {status} in place of a port-forward")
        }
        Error::UpgradeConnection(_) => {
            "the API server, or a proxy before it, lets no WebSocket through".to_owned()
        }
        other => match cluster::of_client(other) {
            // The plugin's output may hold anything, so it is not shown.
            ClusterError::Plugin(_) => {
                "the kubeconfig's credential plugin gave no credential".to_owned()
            }
            other => other.to_string(),
        },
    }
}

/// A text without the credentials of an HTTP header: a server may echo the one it was sent.
fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut is_credential = false;
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if is_credential && !bare.is_empty() {
            shown.push_str("<masked>");
            shown.push_str(word.get(bare.len()..).unwrap_or_default());
        } else {
            shown.push_str(word);
        }
        let scheme = bare.trim_start_matches(|sign: char| !sign.is_ascii_alphabetic());
        is_credential = ["bearer", "basic"]
            .iter()
            .any(|name| scheme.eq_ignore_ascii_case(name));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked() {
        assert_eq!(
            without_credentials("\"Bearer a.b-c\" sent; basic\td, and no more"),
            "\"Bearer <masked> sent; basic\t<masked> and no more"
        );
    }
}
