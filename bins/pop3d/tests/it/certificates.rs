//! What the program does with certificates that clients would refuse.

use std::fs;
use std::process::Command;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use crate::program::Place;

/// For `name`, signed by itself, until the Christmas of that year.
fn make(dir: &TempDir, name: &str, until: i32) {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.not_before = date_time_ymd(2006, 12, 25);
    parameters.not_after = date_time_ymd(until, 12, 25);
    let pair = KeyPair::generate().unwrap();
    fs::write(dir.path().join("cert.pem"), parameters.self_signed(&pair).unwrap().pem()).unwrap();
    fs::write(dir.path().join("key.pem"), pair.serialize_pem()).unwrap();
}

fn encrypted() -> Place {
    let place = Place::new();
    let file = place.dir.path().join("yubin.toml");
    let text = fs::read_to_string(&file).unwrap().replace(
        "[[listener]]",
        "[[certificate]]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n[[listener]]\ntls = \"starttls\"",
    );
    fs::write(file, text).unwrap();
    place
}

#[test]
fn p_21_check_refuses_what_clients_would_refuse_and_the_daemon_serves_it_loudly() {
    let place = encrypted();
    for (name, until, fault) in [
        ("localhost", 2007, "not now; write: a certificate that is valid today"),
        ("mx.example.jp", 2100, "no certificate is for localhost, the name of this listener; write: "),
    ] {
        make(&place.dir, name, until);
        let check = place.check();
        let told = String::from_utf8(check.stderr).unwrap();
        assert_eq!(check.status.code(), Some(78), "{told}");
        assert!(told.contains("yubin.toml:") && told.contains(fault), "{told}");
        let daemon = place.start();
        let _session = daemon.session();
        daemon.signal("-TERM");
        let (well, log) = daemon.ended();
        assert!(well);
        assert!(log.contains(" certificate_unfit ") && log.contains(fault), "{log}");
    }
    make(&place.dir, "localhost", 2100);
    let check = place.check();
    let told = String::from_utf8(check.stdout).unwrap();
    assert!(check.status.success());
    assert!(told.contains("warning: the certificate") && told.contains("is signed by itself"), "{told}");
}

#[test]
fn p_22_at_sighup_a_bad_certificate_changes_nothing_and_a_good_one_is_shown() {
    let place = encrypted();
    make(&place.dir, "localhost", 2100);
    let mut daemon = place.start();
    let mut session = daemon.session();
    let first = shown(&daemon.address.to_string());
    fs::write(place.dir.path().join("key.pem"), "half a key").unwrap();
    daemon.signal("-HUP");
    daemon.log_until(" reload_refused ");
    assert_eq!(shown(&daemon.address.to_string()), first);
    make(&place.dir, "localhost", 2101);
    daemon.signal("-HUP");
    daemon.log_until(" reloaded");
    let second = shown(&daemon.address.to_string());
    let file = fs::read_to_string(place.dir.path().join("cert.pem")).unwrap();
    assert_eq!(second, file.lines().map(str::trim).collect::<String>());
    assert_ne!(second, first);
    make(&place.dir, "localhost", 2007);
    daemon.signal("-HUP");
    daemon.log_until(" certificate_kept ");
    daemon.log_until(" reloaded");
    assert_eq!(shown(&daemon.address.to_string()), second);
    assert!(session.ask("STAT").starts_with("+OK"), "the session knows nothing of all this");
}

/// The certificate that a client sees, in PEM form without its line ends.
fn shown(address: &str) -> String {
    let program = "import poplib, ssl, sys\n\
        host, port = sys.argv[1].split(':')\n\
        context = ssl._create_unverified_context()\n\
        pop = poplib.POP3(host, int(port), timeout=30)\n\
        pop.stls(context)\n\
        sys.stdout.write(ssl.DER_cert_to_PEM_cert(pop.sock.getpeercert(True)))\n";
    let output = Command::new("python3").args(["-c", program, address]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::trim).collect()
}
