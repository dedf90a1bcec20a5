//! fetchmail, which hands each message to a program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::mpop::with_crlf;
use super::{Tls, assert_fetched, given, left_out, succeeds};
use crate::harness::Service;
use crate::harness::mail::{Message, samples};
use crate::harness::site::{Door, HOST, KENJI};

/// Everything that fetchmail would do to a message on its way is off. It knows USER and APOP, no SASL that we have.
fn fetchmail(service: &Service, door: Door, tls: Tls, protocol: &str, more: &str) -> Command {
    let address = service.address(door);
    let ssl = match tls {
        Tls::Never => "sslproto ''".to_owned(),
        Tls::Starttls => "sslproto 'tls1.2+'".to_owned(),
        Tls::Implicit => "ssl".to_owned(),
    };
    let trust = match tls {
        Tls::Never => String::new(),
        // It compares names, and knows no address in a certificate.
        _ => {
            format!("sslcertck sslcertfile '{}' sslcommonname {HOST}", service.site.path("ca.pem").display())
        }
    };
    let settings = format!(
        "set invisible\nset no bouncemail\n\
         poll {} protocol {protocol} port {} auth password bad-header accept\n\
         user '{}' password '{}' {ssl} {trust} no rewrite no dropstatus {more}\n\
         mda \"sh -c '{}'\"\n",
        address.ip(),
        address.port(),
        KENJI.login,
        KENJI.password,
        store_command(service),
    );
    let file = service.site.write("fetchmailrc", settings);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new("fetchmail");
    command.arg("--silent").arg("--fetchmailrc").arg(file);
    command.arg("--pidfile").arg(service.site.path("fetchmail.pid"));
    command.env("FETCHMAILHOME", service.site.path(""));
    command.arg("--idfile").arg(service.site.path("fetchmail.ids"));
    command
}

/// For the shell: stores a message, which is its input, under the number of those that came before it.
pub(super) fn store_command(service: &Service) -> String {
    let dir = service.site.path("fetched");
    let dir = dir.display();
    format!("cat > {dir}/$(ls {dir} | wc -l)")
}

/// Runs a program and returns what it stored by [`store_command`], in the order of the server.
pub(super) fn stored(service: &Service, program: &mut Command) -> Vec<Vec<u8>> {
    let dir = service.site.path("fetched");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir(&dir).unwrap();
    succeeds(program, Stdio::null());
    let count = fs::read_dir(&dir).unwrap().count();
    (0..count).map(|number| with_crlf(&fs::read(dir.join(number.to_string())).unwrap())).collect()
}

#[test]
fn r_03_r_11_fetchmail_fetches_by_user_and_apop_over_every_kind_of_connection() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let given: Vec<Message> = given(&service, &samples());
    for (door, tls, protocol) in [
        (Door::Pop3, Tls::Never, "pop3"),
        (Door::Pop3, Tls::Never, "apop"),
        (Door::Pop3, Tls::Starttls, "pop3"),
        (Door::Pop3, Tls::Starttls, "apop"),
        (Door::Pop3s, Tls::Implicit, "pop3"),
    ] {
        let how = format!("fetchmail, {door:?}, {tls:?}, {protocol}");
        let fetched = stored(&service, &mut fetchmail(&service, door, tls, protocol, "keep fetchall"));
        assert_fetched(&how, &given, &fetched);
    }
    // By its deletions, the maildrop is empty.
    let mut last = fetchmail(&service, Door::Pop3s, Tls::Implicit, "pop3", "no keep fetchall");
    assert_eq!(stored(&service, &mut last).len(), given.len());
    assert_eq!(service.mailbox(&KENJI).count(), 0);
}
