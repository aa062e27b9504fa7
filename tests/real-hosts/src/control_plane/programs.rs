//! The command lines of the two servers.

use std::path::Path;
use std::process::Command;

use super::credentials::Credentials;
use super::server::Server;
use crate::programs::host;

/// Starts etcd.
pub(super) fn etcd(folder: &Path, client_port: u16, peer_port: u16) -> Server {
    let client = format!("http://127.0.0.1:{client_port}");
    let peer = format!("http://127.0.0.1:{peer_port}");
    let mut etcd = Command::new(host("etcd"));
    // Its data is deleted soon, so it need not wait for the disk.
    etcd.arg("--unsafe-no-fsync")
        .arg("--data-dir")
        .arg(folder.join("etcd"));
    etcd.args([
        "--listen-client-urls",
        &client,
        "--advertise-client-urls",
        &client,
    ]);
    etcd.args([
        "--listen-peer-urls",
        &peer,
        "--initial-advertise-peer-urls",
        &peer,
    ]);
    etcd.args(["--initial-cluster", &format!("default={peer}")]);
    Server::start("etcd", etcd, folder)
}

/// Starts kube-apiserver.
pub(super) fn api_server(
    folder: &Path,
    credentials: &Credentials,
    port: u16,
    etcd_port: u16,
) -> Server {
    let mut server = Command::new(host("kube-apiserver"));
    server
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .args([
            "--bind-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
        ])
        .arg(format!("--secure-port={port}"))
        .args([
            "--service-cluster-ip-range=10.0.0.0/16,fd00:10::/108",
            "--authorization-mode=RBAC",
        ])
        .arg("--tls-cert-file")
        .arg(&credentials.certificate)
        .arg("--tls-private-key-file")
        .arg(&credentials.certificate_key)
        .arg("--kubelet-preferred-address-types=InternalIP")
        .arg("--kubelet-certificate-authority")
        .arg(&credentials.authority)
        .arg("--kubelet-client-certificate")
        .arg(&credentials.certificate)
        .arg("--kubelet-client-key")
        .arg(&credentials.certificate_key)
        .arg("--token-auth-file")
        .arg(&credentials.tokens)
        .arg(format!("--service-account-issuer=https://127.0.0.1:{port}"))
        .arg("--service-account-signing-key-file")
        .arg(&credentials.service_account_key)
        .arg("--service-account-key-file")
        .arg(&credentials.service_account_public_key);
    Server::start("kube-apiserver", server, folder)
}
