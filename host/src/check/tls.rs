//! Performs a TLS handshake, and keeps the server's certificate, whoever issued it.

use std::io;
use std::sync::{Arc, OnceLock};

use runner_terminal::address::Host;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, DnsName, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use super::connection::Socket;
use super::problem::Problem;

/// A connection after its handshake.
pub(super) type Stream = StreamOwned<ClientConnection, Socket>;

/// The result of a handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    /// The server's own certificate, if the handshake came that far.
    ///
    /// Only a handshake that succeeded proves that the server has its key.
    pub(super) leaf: Option<CertificateDer<'static>>,
    /// The stream, or why there is none.
    pub(super) result: Result<Stream, HandshakeError>,
}

/// Why a handshake failed.
#[derive(Debug, PartialEq)]
pub(super) enum HandshakeError {
    /// The peer's first bytes are not TLS.
    NotTls,
    /// Another problem.
    Problem(Problem),
}

impl From<Problem> for HandshakeError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Performs a handshake for a host, and accepts any certificate.
pub(super) fn handshake(socket: Socket, host: &Host) -> Handshake {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier {
        provider: Arc::clone(&provider),
        leaf: OnceLock::new(),
    });
    let result = shake_hands(socket, host, provider, Arc::clone(&verifier));
    Handshake {
        leaf: verifier.leaf.get().cloned(),
        result,
    }
}

fn shake_hands(
    mut socket: Socket,
    host: &Host,
    provider: Arc<CryptoProvider>,
    verifier: Arc<Verifier>,
) -> Result<Stream, HandshakeError> {
    let other = |error: Error| Problem::Tls(error.to_string());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let mut tls = ClientConnection::new(Arc::new(config), server_name(host)?).map_err(other)?;
    while tls.is_handshaking() {
        while tls.wants_write() {
            tls.write_tls(&mut socket).map_err(|error| broken(&error))?;
        }
        if tls.read_tls(&mut socket).map_err(|error| broken(&error))? == 0 {
            return Err(Problem::Closed.into());
        }
        if let Err(error) = tls.process_new_packets() {
            // Sends the TLS alert, if the peer still reads.
            let _ = tls.write_tls(&mut socket);
            return Err(match error {
                // Until it has chosen a version, the server has not shown that it speaks TLS.
                Error::InvalidMessage(_) if tls.protocol_version().is_none() => {
                    HandshakeError::NotTls
                }
                error => other(error).into(),
            });
        }
    }
    Ok(StreamOwned::new(tls, socket))
}

/// The SNI. As in Go's client, it has no trailing dot.
fn server_name(host: &Host) -> Result<ServerName<'static>, Problem> {
    match host {
        Host::Ip(ip) => Ok(ServerName::from(*ip)),
        Host::Name(name) => DnsName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned())
            .map(ServerName::DnsName)
            .map_err(|error| Problem::Tls(error.to_string())),
    }
}

/// What it means that a connection broke during its handshake.
fn broken(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::TimedOut => Problem::HandshakeTimedOut,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Problem::Closed,
        _ => Problem::Tls(error.to_string()),
    }
}

/// Accepts any certificate and keeps it, but requires that the server has its key.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    leaf: OnceLock<CertificateDer<'static>>,
}

impl Verifier {
    fn algorithms(&self) -> &WebPkiSupportedAlgorithms {
        &self.provider.signature_verification_algorithms
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // It is set once per connection.
        let _ = self.leaf.set(end_entity.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, self.algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, self.algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runner_terminal::address::Address;

    #[test]
    fn every_host_of_an_address_is_a_valid_sni() {
        let longest = format!("{}.example", "a.".repeat(122) + "b");
        for (text, name) in [
            ("a.example.com", "a.example.com"),
            ("a.example.com.", "a.example.com"),
            ("A_b.example", "a_b.example"),
            ("localhost", "localhost"),
            ("9.a9", "9.a9"),
            (&longest, &longest),
            ("192.0.2.7", "192.0.2.7"),
            ("[2001:db8::7]", "2001:db8::7"),
        ] {
            let host = Address::parse(text).unwrap().host;
            assert_eq!(server_name(&host).unwrap().to_str(), name);
        }
    }
}
