//! The credentials of a control plane: a certificate for the API
//! server and for a kubelet, which they show each other, a key to sign the tokens of
//! service accounts with, and an administrator.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// The files, and the administrator's token.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) certificate_key: PathBuf,
    pub(super) service_account_key: PathBuf,
    pub(super) service_account_public_key: PathBuf,
    pub(super) tokens: PathBuf,
}

/// The administrator's token. It is only valid for a control plane on loopback that
/// lives for seconds.
pub(super) const TOKEN: &str = "administrator-of-a-test";

impl Credentials {
    /// Creates new ones in the folder.
    pub(super) fn write(folder: &Path) -> Self {
        let authority = authority();
        let key = new_key();
        let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
            .and_then(|params| params.signed_by(&key, &authority))
            .expect("a certificate for 127.0.0.1 can be made");
        let service_account = new_key();

        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).expect("a temporary file can be written");
            path
        };
        Self {
            authority: file("authority.crt", &authority.pem()),
            certificate: file("api-server.crt", &certificate.pem()),
            certificate_key: file("api-server.key", &key.serialize_pem()),
            service_account_key: file("service-account.key", &service_account.serialize_pem()),
            service_account_public_key: file(
                "service-account.pub",
                &service_account.public_key_pem(),
            ),
            tokens: file(
                "tokens.csv",
                &format!("{TOKEN},admin,admin,system:masters\n"),
            ),
        }
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, new_key()).expect("an authority can sign itself")
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}
