//! getmail. Into a Maildir it does not deliver as root; so it hands each message to a program.

use std::process::Command;

use super::fetchmail::{store_command, stored};
use super::{Tls, assert_fetched, given, left_out};
use crate::harness::Service;
use crate::harness::mail::samples;
use crate::harness::site::{Door, KENJI};

/// Everything that getmail would write into a message is off. It knows USER and APOP, and no STLS.
fn getmail(service: &Service, door: Door, tls: Tls, apop: bool, keep: bool) -> Command {
    let address = service.address(door);
    let (kind, trust) = match tls {
        Tls::Implicit => {
            ("SimplePOP3SSLRetriever", format!("ca_certs = {}\n", service.site.path("ca.pem").display()))
        }
        _ => ("SimplePOP3Retriever", String::new()),
    };
    let settings = format!(
        "[retriever]\ntype = {kind}\nserver = {}\nport = {}\nusername = {}\npassword = {}\nuse_apop = {apop}\n{trust}\
         [destination]\ntype = MDA_external\npath = /bin/sh\narguments = ('-c', '''{}''')\n\
         unixfrom = false\nallow_root_commands = true\n\
         [options]\nverbose = 0\nread_all = true\ndelete = {}\ndelivered_to = false\nreceived = false\n",
        address.ip(),
        address.port(),
        KENJI.login,
        KENJI.password,
        store_command(service),
        !keep,
    );
    let mut command = Command::new("getmail");
    command.arg("--getmaildir").arg(service.site.path("")).arg("--rcfile");
    command.arg(service.site.write("getmailrc", settings));
    command
}

#[test]
fn r_03_r_11_getmail_fetches_by_user_and_apop_in_clear_and_under_tls() {
    if left_out() {
        return;
    }
    let service = Service::start();
    let given = given(&service, &samples());
    for (door, tls, apop) in
        [(Door::Pop3, Tls::Never, false), (Door::Pop3, Tls::Never, true), (Door::Pop3s, Tls::Implicit, false)]
    {
        let fetched = stored(&service, &mut getmail(&service, door, tls, apop, true));
        assert_fetched(&format!("getmail, {door:?}, {tls:?}, {apop}"), &given, &fetched);
    }
    let fetched = stored(&service, &mut getmail(&service, Door::Pop3s, Tls::Implicit, false, false));
    assert_fetched("getmail, deleting", &given, &fetched);
    assert_eq!(service.mailbox(&KENJI).count(), 0);
}
