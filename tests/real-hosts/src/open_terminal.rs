//! A terminal that stays open while a test does something else.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use crate::session_server::Terminal;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open terminal. It closes on drop.
#[derive(Debug)]
pub struct OpenTerminal(WebSocket<StreamOwned<ClientConnection, TcpStream>>);

impl OpenTerminal {
    /// Opens it through the server at an address, as GitLab does.
    ///
    /// # Panics
    ///
    /// If it does not open.
    pub fn open(terminal: &Terminal, address: &str) -> Self {
        let mut request = terminal
            .endpoint
            .as_str()
            .into_client_request()
            .expect("the endpoint is a URL");
        let host = request.uri().host().expect("it has a host").to_owned();
        let authorization = HeaderValue::from_str(&terminal.authorization);
        let headers = request.headers_mut();
        headers.insert("Authorization", authorization.expect("a token is ASCII"));
        let subprotocol = HeaderValue::from_static("terminal.gitlab.com");
        headers.insert("Sec-WebSocket-Protocol", subprotocol);

        let tcp = TcpStream::connect(address).expect("something listens there");
        tcp.set_read_timeout(Some(PATIENCE))
            .expect("a socket has a timeout");
        let name = ServerName::try_from(host).expect("the host is a name");
        let tls = ClientConnection::new(Arc::new(config(&terminal.certificate)), name)
            .expect("the configuration has a provider");
        let (socket, _) = tungstenite::client(request, StreamOwned::new(tls, tcp))
            .unwrap_or_else(|error| panic!("{} does not open: {error}", terminal.endpoint));
        Self(socket)
    }

    /// Types into it, and waits for the echo.
    ///
    /// # Panics
    ///
    /// If another text arrives, or none.
    pub fn type_into(&mut self, text: &str) {
        let typed = Message::binary(text.as_bytes().to_vec());
        self.0.send(typed).expect("the terminal is open");
        let shown = self.0.read().expect("the terminal is open");
        assert_eq!(&*shown.into_data(), text.as_bytes());
    }
}

/// Trusts one certificate, in PEM.
fn config(certificate: &str) -> ClientConfig {
    let trusted = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("it is PEM");
    let provider = Arc::new(ring::default_provider());
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OnlyThis { trusted, provider }))
        .with_no_client_auth()
}

/// Accepts this certificate and no other. The runner's is its own authority, which rustls refuses in a
/// server.
#[derive(Debug)]
struct OnlyThis {
    trusted: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OnlyThis {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity != self.trusted {
            return Err(Error::General(
                "the certificate of another runner".to_owned(),
            ));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
