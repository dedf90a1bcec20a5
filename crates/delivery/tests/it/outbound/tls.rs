//! TLS towards other hosts, at every policy.

use std::path::PathBuf;
use std::sync::Arc;

use auth_sasl::Secret;
use delivery::outbound::{Login, OutboundConfig, Relay, TlsPolicy};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use super::host::{Host, Manners, Say};
use super::world::{World, config};

pub(super) struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { directory, issuer: Issuer::new(params, key) }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub(super) fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn world(
    policy: TlsPolicy,
    manners: Manners,
    tls: Option<TlsAcceptor>,
    ca: PathBuf,
) -> (Arc<Host>, World) {
    let host = Host::start("127.0.0.1", 0, manners, tls).await;
    let config = OutboundConfig { port: host.address.port(), tls: policy, ca_file: Some(ca), ..config() };
    let world = World::new(config);
    world.dns.mx("example.com", &[(10, "mx.example.com")]);
    world.dns.host("mx.example.com", &["127.0.0.1"]);
    world.run();
    (host, world)
}

#[tokio::test]
async fn o_02_each_policy_with_each_host() {
    let authority = Authority::new();
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Kind {
        NotOffered,
        Offered,
        OtherName,
        Refused,
        Broken,
        Injected,
    }
    use Kind::*;
    for policy in [TlsPolicy::None, TlsPolicy::May, TlsPolicy::Encrypt, TlsPolicy::Verify] {
        for kind in [NotOffered, Offered, OtherName, Refused, Broken, Injected] {
            let manners = match kind {
                NotOffered => Manners::offering(&["PIPELINING"]),
                Refused => {
                    let refused = Say::This("454 4.7.0 TLS not available");
                    Manners::offering(&["STARTTLS"]).saying("STARTTLS", refused)
                }
                Broken => Manners::offering(&["STARTTLS"]).saying("STARTTLS", Say::This("220 \u{1}")),
                // RFC 3207 §4.2: somebody on the way put answers behind it, for what will be asked within TLS.
                Injected => {
                    let said =
                        Say::This("220 go\r\n250-injected\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n250 mine");
                    Manners::offering(&["STARTTLS"]).saying("STARTTLS", said)
                }
                Offered | OtherName => Manners::offering(&["PIPELINING", "STARTTLS"]),
            };
            let name = if kind == OtherName { "other.example.com" } else { "mx.example.com" };
            // One that has no certificate that fits its key, so to say: it hangs up on the handshake.
            let tls = match kind {
                Broken => TlsAcceptor::from(Arc::new(broken())),
                _ => authority.acceptor(name),
            };
            let (host, world) = world(policy, manners, Some(tls), authority.file()).await;
            let id = world.send(&["a@example.com"]).await;
            let expected = match (policy, kind) {
                (TlsPolicy::None, _) | (TlsPolicy::May, NotOffered | Refused | Broken | Injected) => {
                    Some(false)
                }
                (TlsPolicy::May | TlsPolicy::Encrypt, Offered | OtherName) | (TlsPolicy::Verify, Offered) => {
                    Some(true)
                }
                _ => None,
            };
            match expected {
                Some(encrypted) => {
                    world.settled(id).await;
                    assert_eq!(host.received()[0].encrypted, encrypted, "{policy:?} {kind:?}");
                }
                None => {
                    let progress = world.until(id, |progress| progress.recipients[0].attempts > 0).await;
                    let last = &progress.recipients[0].last;
                    assert!(last.contains("4.7.4") || last.contains("4.7.5"), "{policy:?} {kind:?}: {last}");
                    assert!(host.received().is_empty(), "{policy:?} {kind:?}");
                }
            }
        }
    }
}

/// Offers nothing that a client of ours knows.
fn broken() -> ServerConfig {
    let provider = rustls::crypto::CryptoProvider {
        cipher_suites: vec![rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
        ..rustls::crypto::aws_lc_rs::default_provider()
    };
    let resolver = Arc::new(NoCertificate);
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(resolver)
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::server::ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }
}

#[tokio::test]
async fn o_02_the_history_says_what_protected_a_delivery() {
    let authority = Authority::new();
    let manners =
        Manners::offering(&["STARTTLS"]).saying("RCPT late@example.com", Say::This("450 4.2.0 later"));
    let tls = Some(authority.acceptor("mx.example.com"));
    let (_host, world) = world(TlsPolicy::Verify, manners, tls, authority.file()).await;
    let id = world.send(&["a@example.com", "late@example.com"]).await;
    let progress = world.until(id, |progress| progress.history.len() >= 2).await;
    for attempt in &progress.history {
        assert_eq!(attempt.tls, "TLSv1.3 verified");
        assert!(attempt.host.starts_with("mx.example.com [127.0.0.1]:"), "{attempt:?}");
    }
}

#[tokio::test]
async fn o_02_a_password_goes_to_nobody_who_cannot_prove_his_name() {
    let authority = Authority::new();
    for policy in [TlsPolicy::None, TlsPolicy::May, TlsPolicy::Encrypt, TlsPolicy::Verify] {
        for (name, status) in [("other.example.com", "4.7.5"), ("mx.example.com", "our login was refused")] {
            let refused = Say::This("535 5.7.8 no");
            let manners = Manners::offering(&["STARTTLS", "AUTH PLAIN"]).saying("AUTH", refused);
            let host = Host::start("127.0.0.1", 0, manners, Some(authority.acceptor(name))).await;
            let login = Some(Login { name: "us".into(), password: Secret::new(b"secret") });
            let smarthost = Relay {
                host: "mx.example.com".into(),
                port: host.address.port(),
                implicit_tls: false,
                login,
            };
            let world = World::new(OutboundConfig {
                tls: policy,
                ca_file: Some(authority.file()),
                smarthost: Some(smarthost),
                ..config()
            });
            world.dns.host("mx.example.com", &["127.0.0.1"]);
            world.run();
            let id = world.send(&["a@example.com"]).await;
            let progress = world.until(id, |progress| progress.recipients[0].attempts > 0).await;
            let last = &progress.recipients[0].last;
            assert!(last.contains(status), "{policy:?} {name}: {last}");
        }
    }
}
