//! The way of a client that fetches mail.

use accounts::Service;
use daemon_kit::config::Listener;

use super::{Client, Login, Walk};

pub(super) fn walk(client: &Client<'_>, listener: &Listener, walk: &mut Walk) {
    let Some(login) = &client.login else {
        walk.pass("login", "USER and PASS, or AUTH: name a login by --account to see whether it may");
        walk.end("a login", true, "login", None);
        return;
    };
    let refused = |walk: &mut Walk, rule| {
        walk.end("the login", false, rule, "-ERR [AUTH]".to_owned());
    };
    let account = match login {
        Login::Known(account) => account,
        Login::Unknown(hint) => {
            walk.fail("login", hint);
            walk.change("the client: the login as first issued, and nothing else, as user name");
            return refused(walk, "login");
        }
    };
    let login = &account.account.login;
    if let Some(bar) = account.bar(Service::Pop) {
        walk.fail("account", bar.hint().to_string());
        walk.change(super::smtp::registered(login, &bar));
        return refused(walk, bar.word());
    }
    walk.pass("account", format!("{login} may read by POP3"));
    if listener.apop {
        match account.bar(Service::Apop) {
            None if account.account.apop => walk.pass("apop", "APOP, or USER and PASS"),
            None => walk.pass("apop", "USER and PASS; for APOP there is no secret (account passwd --apop)"),
            Some(_) => walk.pass("apop", "USER and PASS; APOP is not registered"),
        }
    }
    walk.end("the login", true, "account", None);
    if client.tickets().is_some() && account.bar(Service::PopBeforeSmtp).is_none() {
        walk.pass("ticket", "the login opens a POP-before-SMTP ticket for its address");
    }
}
