//! Checks that a certificate is one that a runner made for a host.

use std::net::IpAddr;
use std::time::SystemTime;

use runner_terminal::address::Host;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::problem::Problem;
use super::verdict::Healthy;

/// The subject, and the issuer, of each runner's certificate, as in RFC 4514. Source:
/// `helpers/certificate` of gitlab-runner.
const RUNNER: &str = "O=GitLab Runner";

/// Checks that GitLab accepts a certificate, in DER, for this host at this time.
///
/// GitLab trusts only the certificate that the runner sends to it with each job. So it must be one
/// that a runner made, with the right host and time.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn judge(der: &[u8], host: &Host, now: SystemTime) -> Result<Healthy, Problem> {
    let certificate = Certificate::from_der(der).map_err(|_| Problem::UnreadableCertificate)?;
    let certificate = certificate.tbs_certificate();
    let hosts = hosts(certificate.get_extension::<SubjectAltName>());
    let subject = certificate.subject().to_string();
    let issuer = certificate.issuer().to_string();
    let shown = hosts.iter().map(CertificateHost::to_text).collect();
    if subject != RUNNER || issuer != RUNNER {
        return Err(Problem::NotOfRunner {
            subject,
            issuer,
            hosts: shown,
        });
    }
    if !hosts.iter().any(|name| name.is_for(host)) {
        return Err(Problem::OtherHost(shown));
    }
    let validity = certificate.validity();
    if now < validity.not_before.to_system_time() {
        return Err(Problem::NotYetValid(validity.not_before.to_string()));
    }
    let until = validity.not_after.to_string();
    if now > validity.not_after.to_system_time() {
        return Err(Problem::Expired(until));
    }
    Ok(Healthy {
        hosts: shown,
        until,
    })
}

/// The hosts of an extension; none if there is no extension, or if it cannot be read.
fn hosts<E>(extension: Result<Option<(bool, SubjectAltName)>, E>) -> Vec<CertificateHost> {
    let Ok(Some((_, SubjectAltName(names)))) = extension else {
        return Vec::new();
    };
    names.iter().filter_map(CertificateHost::read).collect()
}

/// A host that a certificate is for.
#[derive(Debug)]
enum CertificateHost {
    Dns(String),
    Ip(IpAddr),
}

impl CertificateHost {
    fn read(name: &GeneralName) -> Option<Self> {
        match name {
            GeneralName::DnsName(name) => Some(Self::Dns(name.as_str().to_owned())),
            GeneralName::IpAddress(octets) => {
                let octets = octets.as_bytes();
                <[u8; 4]>::try_from(octets)
                    .map(IpAddr::from)
                    .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
                    .map(Self::Ip)
                    .ok()
            }
            _ => None,
        }
    }

    /// Compares as Go does, which makes and checks these certificates: case and a trailing dot of the
    /// host do not matter. Runners do not use wildcards.
    fn is_for(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Dns(name), Host::Name(host)) => {
                name.eq_ignore_ascii_case(host)
                    || host
                        .strip_suffix('.')
                        .is_some_and(|host| name.eq_ignore_ascii_case(host))
            }
            (Self::Ip(ip), Host::Ip(host)) => ip.to_canonical() == host.to_canonical(),
            _ => false,
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Dns(name) => name.clone(),
            Self::Ip(ip) => ip.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};
    use runner_terminal::address::Address;

    /// A runner's certificate for hosts, in DER, as changed.
    fn certificate(hosts: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "GitLab Runner");
        params.not_before = rcgen::date_time_ymd(2024, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn judged(der: &[u8], host: &str) -> Result<Healthy, Problem> {
        let now = rcgen::date_time_ymd(2025, 1, 1).into();
        judge(der, &Address::parse(host).unwrap().host, now)
    }

    #[test]
    fn a_runner_s_certificate_is_for_the_host_that_it_advertises() {
        for (advertised, host) in [
            ("a.example.com", "A.example.COM"),
            ("a.example.com", "a.example.com."),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7", "::ffff:192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
        ] {
            let found = judged(&certificate(&[advertised], |_| {}), host);
            let expected = Healthy {
                hosts: vec![advertised.to_owned()],
                until: "2026-01-01T00:00:00Z".to_owned(),
            };
            assert_eq!(found, Ok(expected), "{advertised} {host}");
        }
        for (advertised, host) in [
            ("a.example.com", "b.example.com"),
            ("a.example.com", "example.com"),
            ("a.example.com", "192.0.2.7"),
            ("192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "a.example.com"),
        ] {
            let found = judged(&certificate(&[advertised], |_| {}), host);
            assert_eq!(found, Err(Problem::OtherHost(vec![advertised.to_owned()])));
        }
    }

    #[test]
    fn an_address_as_a_dns_name_is_no_address() {
        let der = certificate(&[], |params| {
            params.subject_alt_names = vec![SanType::DnsName("192.0.2.7".try_into().unwrap())];
        });
        assert!(matches!(
            judged(&der, "192.0.2.7"),
            Err(Problem::OtherHost(_))
        ));
    }

    #[test]
    fn a_certificate_without_hosts_is_for_none() {
        let der = certificate(&[], |_| {});
        assert_eq!(
            judged(&der, "a.example.com"),
            Err(Problem::OtherHost(vec![]))
        );
    }

    #[test]
    fn the_time_is_within_the_certificate_s() {
        let host = Address::parse("a.example.com").unwrap().host;
        let der = certificate(&["a.example.com"], |_| {});
        let from = rcgen::date_time_ymd(2024, 1, 1);
        let until = rcgen::date_time_ymd(2026, 1, 1);
        let second = std::time::Duration::from_secs(1);
        assert_eq!(
            judge(&der, &host, (from - second).into()),
            Err(Problem::NotYetValid("2024-01-01T00:00:00Z".to_owned()))
        );
        assert!(judge(&der, &host, from.into()).is_ok());
        assert!(judge(&der, &host, until.into()).is_ok());
        assert_eq!(
            judge(&der, &host, (until + second).into()),
            Err(Problem::Expired("2026-01-01T00:00:00Z".to_owned()))
        );
    }

    #[test]
    fn a_subject_with_more_than_the_organization_is_no_runner_s() {
        let der = certificate(&["a.example.com"], |params| {
            params
                .distinguished_name
                .push(DnType::CommonName, "a.example.com");
        });
        assert_eq!(
            judged(&der, "a.example.com"),
            Err(Problem::NotOfRunner {
                subject: "CN=a.example.com,O=GitLab Runner".to_owned(),
                issuer: "CN=a.example.com,O=GitLab Runner".to_owned(),
                hosts: vec!["a.example.com".to_owned()],
            })
        );
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        for der in [&b""[..], b"\x30\x80", &[0xff; 100]] {
            assert_eq!(
                judged(der, "a.example.com"),
                Err(Problem::UnreadableCertificate)
            );
        }
    }
}
