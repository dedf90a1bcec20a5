//! What tests need around them: a directory with certificates.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A temporary directory with certificates in it; removed at the end of the test.
pub(crate) struct World {
    dir: TempDir,
}

impl World {
    /// With `cert.pem` and `key.pem` for `mx.example.jp`.
    pub(crate) fn new() -> Self {
        let world = Self { dir: TempDir::new().unwrap() };
        world.certificate("cert.pem", "key.pem", &["mx.example.jp"]);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Makes a self-signed certificate and returns it in DER form.
    pub(crate) fn certificate(&self, chain: &str, key: &str, names: &[&str]) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        self.write(chain, &made.cert.pem());
        self.write(key, &made.signing_key.serialize_pem());
        made.cert.der().to_vec()
    }

    /// Makes one whose time is over.
    pub(crate) fn expired_certificate(&self, chain: &str, key: &str) {
        let mut parameters = rcgen::CertificateParams::new(vec![String::from("mx.example.jp")]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2006, 12, 25);
        parameters.not_after = rcgen::date_time_ymd(2007, 12, 25);
        let pair = rcgen::KeyPair::generate().unwrap();
        self.write(chain, &parameters.self_signed(&pair).unwrap().pem());
        self.write(key, &pair.serialize_pem());
    }

    /// Makes one that an authority has signed, alone and with the authority's behind it.
    pub(crate) fn chain(&self, leaf: &str, full: &str, key: &str, name: &str) {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "the test's authority");
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority =
            rcgen::CertifiedIssuer::self_signed(parameters, rcgen::KeyPair::generate().unwrap()).unwrap();
        let pair = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let own = own.signed_by(&pair, &authority).unwrap().pem();
        self.write(leaf, &own);
        self.write(full, &(own + &authority.pem()));
        self.write(key, &pair.serialize_pem());
    }
}
