//! What of a running daemon is read again at SIGHUP: certificates, which are told of while something is wrong with them, network
//! classes, and what the service itself [takes over](Service::reload).

use std::sync::Arc;

use tokio::signal::unix::Signal;
use tokio::time::sleep;

use crate::config::{Certificate, Config, Protocol};
use crate::limits;
use crate::log::event;
use crate::networks::LiveNetworks;
use crate::serve::Service;
use crate::tls::Acceptor;

/// What is in use.
pub(crate) struct Certificates {
    config: Config,
    protocol: Protocol,
    tls: Option<Acceptor>,
    networks: LiveNetworks,
}

impl Certificates {
    pub(crate) fn new(
        config: Config,
        protocol: Protocol,
        tls: Option<Acceptor>,
        networks: LiveNetworks,
    ) -> Self {
        Self { config, protocol, tls, networks }
    }

    /// Says what is wrong with them, or soon will be.
    pub(crate) fn tell(&self) {
        if let Err(faults) = self.config.judge_certificates(Some(self.protocol)) {
            for line in faults.to_string().lines() {
                tracing::error!(event = event::CERTIFICATE_UNFIT, fault = line);
            }
        }
        for Certificate { chain, identity, .. } in self.config.expiring() {
            let days = identity.days_left();
            tracing::warn!(event = event::CERTIFICATE_EXPIRES, file = %chain.display(), days);
        }
    }

    /// SIGHUP: they are read again; sessions go on. Each day: what is wrong with them is told.
    pub(crate) async fn look_after(mut self, mut hangup: Signal, service: Arc<impl Service>) {
        loop {
            tokio::select! {
                signal = hangup.recv() => match signal {
                    Some(()) => {
                        tracing::info!(event = event::SIGNAL, signal = "SIGHUP");
                        self.read_again(|config| service.reload(config));
                    }
                    None => return,
                },
                () = sleep(limits::CERTIFICATE_LOOK) => self.tell(),
            }
        }
    }

    /// A file with faults changes nothing. A certificate that is not valid now does not take the place of one that is, and does not
    /// keep the others of the file from taking theirs.
    fn read_again(&mut self, reload: impl FnOnce(&Config)) {
        let mut config = match Config::load(&self.config.file) {
            Ok(config) => config,
            Err(faults) => {
                for line in faults.to_string().lines() {
                    tracing::error!(event = event::RELOAD_REFUSED, fault = line);
                }
                return;
            }
        };
        if config.certificates.is_empty() != self.tls.is_none() {
            let fault = "certificates came for the first time, or went altogether: restart for that";
            tracing::error!(event = event::RELOAD_REFUSED, fault);
            return;
        }
        for certificate in &mut config.certificates {
            let same = |old: &&Certificate| old.chain == certificate.chain && old.identity.is_valid();
            let kept =
                self.config.certificates.iter().find(same).filter(|_| !certificate.identity.is_valid());
            if let Some(kept) = kept {
                let reason = certificate
                    .identity
                    .unfit()
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; ");
                tracing::error!(event = event::CERTIFICATE_KEPT, file = %kept.chain.display(), reason);
                *certificate = kept.clone();
            }
        }
        if let Some(tls) = &self.tls {
            tls.replace(config.certificates.iter().map(|certificate| certificate.identity.clone()).collect());
        }
        reload(&config);
        self.networks.replace(config.networks);
        // Everything else of the file waits for a restart.
        self.config.certificates = config.certificates;
        tracing::info!(event = event::RELOADED);
        let settings = self.config.written.waiting(&config.written);
        if !settings.is_empty() {
            tracing::warn!(event = event::RESTART_NEEDED, settings = settings.join(", "));
        }
        self.tell();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    use super::*;

    const FILE: &str = r#"
        hostname = "mx.example.jp"
        store = { maildirs = "mail", queue = "queue" }
        accounts = { database = "sqlite:accounts.sqlite" }
        [[certificate]]
        chain = "cert.pem"
        key = "key.pem"
        [[certificate]]
        chain = "pop.pem"
        key = "pop.key"
        [[listener]]
        protocol = "smtp"
        address = "127.0.0.1:0"
        tls = "starttls"
    "#;

    fn make(dir: &Path, (chain, key): (&str, &str), name: &str, until: i32) {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2006, 12, 25);
        parameters.not_after = date_time_ymd(until, 12, 25);
        let pair = KeyPair::generate().unwrap();
        std::fs::write(dir.join(chain), parameters.self_signed(&pair).unwrap().pem()).unwrap();
        std::fs::write(dir.join(key), pair.serialize_pem()).unwrap();
    }

    const MX: (&str, &str) = ("cert.pem", "key.pem");
    const POP: (&str, &str) = ("pop.pem", "pop.key");

    fn in_use(dir: &TempDir) -> Certificates {
        std::fs::write(dir.path().join("yubin.toml"), FILE).unwrap();
        let config = Config::load(dir.path().join("yubin.toml")).unwrap();
        let identities = config.certificates.iter().map(|certificate| certificate.identity.clone()).collect();
        let tls = Acceptor::new(identities).unwrap();
        Certificates::new(config, Protocol::Smtp, Some(tls), LiveNetworks::default())
    }

    fn ends(certificates: &Certificates) -> Vec<bool> {
        certificates.config.certificates.iter().map(|certificate| certificate.identity.is_valid()).collect()
    }

    #[test]
    fn p_22_an_expired_certificate_takes_no_valid_ones_place_and_holds_up_no_other() {
        let dir = TempDir::new().unwrap();
        make(dir.path(), MX, "mx.example.jp", 2100);
        make(dir.path(), POP, "pop.example.jp", 2007);
        let mut certificates = in_use(&dir);
        assert_eq!(ends(&certificates), [true, false], "a daemon starts with an expired one");
        make(dir.path(), MX, "mx.example.jp", 2007);
        make(dir.path(), POP, "pop.example.jp", 2100);
        certificates.read_again(|_| ());
        assert_eq!(ends(&certificates), [true, true]);
    }

    #[test]
    fn k_07_a_file_with_faults_is_not_handed_on_and_the_next_one_is() {
        let dir = TempDir::new().unwrap();
        for names in [MX, POP] {
            make(dir.path(), names, "mx.example.jp", 2100);
        }
        let mut certificates = in_use(&dir);
        let texts =
            |texts: &str| std::fs::write(dir.path().join("yubin.toml"), format!("{FILE}{texts}")).unwrap();
        texts("[replies]\nunknown_user = { en = \"このアドレスは\" }\n");
        certificates.read_again(|_| panic!("this is not ASCII"));
        texts("[replies]\nunknown_user = { en = \"Nobody\" }\n");
        let mut seen = 0;
        certificates.read_again(|config| seen = config.replies.iter().count());
        assert_eq!(seen, 1);
    }

    #[test]
    fn p_22_a_key_that_is_not_there_yet_changes_nothing() {
        let dir = TempDir::new().unwrap();
        make(dir.path(), MX, "mx.example.jp", 2100);
        make(dir.path(), POP, "pop.example.jp", 2100);
        let mut certificates = in_use(&dir);
        let before = certificates.config.certificates[0].identity.not_after();
        make(dir.path(), ("cert.pem", "elsewhere.key"), "mx.example.jp", 2101);
        certificates.read_again(|_| ());
        assert_eq!(certificates.config.certificates[0].identity.not_after(), before);
        make(dir.path(), MX, "mx.example.jp", 2101);
        certificates.read_again(|_| ());
        assert!(certificates.config.certificates[0].identity.not_after() > before);
    }
}
