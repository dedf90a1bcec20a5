//! Logging in, by SMTP and by POP3, with one name and one password.

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, KENJI, User};
use crate::harness::smtp::{Smtp, base64};
use crate::maildrop::apop;

#[test]
fn s_01_plain_with_and_without_an_initial_response() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "235 2.7.0");
    smtp.quit();

    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    let challenge = smtp.ask("AUTH PLAIN", "334");
    assert_eq!(challenge.lines, [""]);
    smtp.ask(&Smtp::plain(&AYUMI), "235 2.7.0");
    smtp.quit();
}

#[test]
fn s_02_login_with_and_without_an_initial_user_name() {
    let service = Service::start();
    let (login, password) = (base64(AYUMI.login), base64(AYUMI.password));
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.ask("AUTH LOGIN", "334 VXNlcm5hbWU6");
    smtp.ask(&login, "334 UGFzc3dvcmQ6");
    smtp.ask(&password, "235 2.7.0");
    smtp.quit();

    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.ask(&format!("auth login {login}"), "334 UGFzc3dvcmQ6");
    smtp.ask(&password, "235 2.7.0");
    smtp.quit();
}

#[test]
fn s_03_a_mechanism_that_is_not_offered_is_refused() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Mx);
    assert_eq!(smtp.hello().mechanisms(), ["LOGIN", "PLAIN"]);
    smtp.ask("AUTH CRAM-MD5", "504 5.5.4");
    smtp.authenticate(&AYUMI);
    smtp.quit();
}

#[test]
fn an_exchange_is_cancelled_by_a_star_and_can_begin_again() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.ask("AUTH LOGIN", "334");
    smtp.ask("*", "501");
    smtp.authenticate(&AYUMI);
    smtp.quit();
}

#[test]
fn s_07_s_08_smtp_and_pop3_take_the_same_name_and_password() {
    let service = Service::start();
    for user in [AYUMI, KENJI] {
        assert_logs_in(&service, &user);
    }
    // A new password is at once the new one for both, and the old one for neither.
    let renewed = User { password: "aki no sora 9", ..AYUMI };
    service.site.change_password(&renewed);
    assert_logs_in(&service, &renewed);
    assert_refused(&service, &AYUMI);
    assert_logs_in(&service, &KENJI);
}

fn assert_logs_in(service: &Service, user: &User) {
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(user);
    smtp.quit();
    service.mailbox(user).quit();
}

fn assert_refused(service: &Service, user: &User) {
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(user)), "535 5.7.8");
    let mut pop3 = service.pop3(Door::Pop3s);
    pop3.ask(&format!("USER {}", user.login), "+OK");
    pop3.ask(&format!("PASS {}", user.password), "-ERR [AUTH]");
}

#[test]
fn a_wrong_password_and_an_unknown_user_get_the_same_reply() {
    let service = Service::start();
    let refusal = |login: &str, password: &str| {
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain_with(login, password)), "535 5.7.8")
    };
    assert_eq!(refusal(AYUMI.login, "wrong"), refusal("zz9zzz99z", "wrong"));

    let refusal = |login: &str, password: &str| {
        let mut pop3 = service.pop3(Door::Pop3s);
        pop3.ask(&format!("USER {login}"), "+OK");
        pop3.ask(&format!("PASS {password}"), "-ERR")
    };
    assert_eq!(refusal(AYUMI.login, "wrong"), refusal("zz9zzz99z", "wrong"));
}

/// The support desk reads in the log what the customer is not told.
#[test]
fn s_09_a_failed_login_has_a_hint_in_the_log_and_none_in_its_reply() {
    let service = Service::start();
    let alias = AYUMI.alias.split('@').next().unwrap();
    let pseudo = format!("pop.example.jp:{}", AYUMI.login);
    let mut replies = Vec::new();
    for (login, shown, hint) in [
        (pseudo.as_str(), pseudo.as_str(), "pseudo user name (POPFile style)"),
        (alias, alias, "alias used as login, the login is ab4t-ash"),
        (AYUMI.alias, AYUMI.alias, "address used as login, the login is ab4t-ash"),
        // It has the shape of a login, and may be somebody's password.
        ("zz9zzz99z", "<not a login, 9 characters>", ""),
    ] {
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        let plain = Smtp::plain_with(login, AYUMI.password);
        replies.push(smtp.ask(&format!("AUTH PLAIN {plain}"), "535 5.7.8").lines);
        let mut pop3 = service.pop3(Door::Pop3s);
        pop3.ask(&format!("USER {login}"), "+OK");
        assert_eq!(
            pop3.ask(&format!("PASS {}", AYUMI.password), "-ERR").trim_end(),
            "-ERR [AUTH] login failed"
        );
        for daemon in [&service.smtpd, &service.pop3d] {
            daemon.wait_for(&format!("a hint for {login}"), |event| {
                let this = event["event"] == "auth_failed" && event["login"] == shown;
                (this && event["hint"].as_str().unwrap_or_default() == hint).then_some(())
            });
        }
    }
    replies.dedup();
    assert_eq!(replies.len(), 1, "{replies:?}");

    // With the right password the owner is told, and the desk reads it too.
    for (command, hint) in [
        (vec!["account", "set", AYUMI.login, "smtp_auth=off"], "service smtp_auth not registered"),
        (vec!["account", "suspend", AYUMI.login], "account suspended"),
    ] {
        service.site.yubin(&command);
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain(&AYUMI)), "535 5.7.8");
        service
            .smtpd
            .wait_for(hint, |event| (event["event"] == "auth_failed" && event["hint"] == hint).then_some(()));
    }
    assert!(!service.smtpd.log().contains(AYUMI.password));
}

/// Who still does it can be found, and told.
#[test]
fn a_login_in_clear_text_is_logged_as_such_with_its_account() {
    let service = Service::start();
    for (encrypted, user) in [(false, &AYUMI), (true, &KENJI)] {
        let mut smtp = service.smtp(Door::Submission);
        smtp.hello();
        if encrypted {
            smtp = smtp.start_tls(&service.site);
            smtp.hello();
        }
        smtp.authenticate(user);
        smtp.quit();
        service.smtpd.wait_for("the login", |event| {
            let this = event["event"] == "auth_ok" && event["login"] == user.login;
            (this && event["encrypted"] == encrypted).then_some(())
        });
    }
    assert!(!service.smtpd.log().contains(AYUMI.password));
}

/// Whom to write to before a setting changes.
#[test]
fn s_05_the_report_names_who_still_uses_clear_text_and_apop() {
    let service = Service::start();
    // Ayumi: in clear text by SMTP and by POP3; Kenji: by APOP, and within TLS.
    let mut smtp = service.smtp(Door::Submission);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.quit();
    let mut pop3 = service.pop3(Door::Pop3);
    pop3.login(&AYUMI);
    pop3.quit();
    let mut pop3 = service.pop3(Door::Pop3);
    let line = apop(&pop3.greeting, &KENJI);
    pop3.ask(&line, "+OK");
    pop3.quit();
    service.mailbox(&KENJI).quit();
    service.smtpd.wait_for_events("auth_ok", 1);
    service.pop3d.wait_for_events("auth_ok", 3);
    let logs = [("smtpd.log", service.smtpd.log()), ("pop3d.log", service.pop3d.log())]
        .map(|(name, log)| service.site.write(name, log).display().to_string());
    let report = |what: &str| -> Vec<(String, u64)> {
        let shown = service.site.yubin(&["--json", "report", what, &logs[0], &logs[1]]);
        let list: Vec<serde_json::Value> = serde_json::from_str(&shown).unwrap();
        let user = |user: &serde_json::Value| {
            assert!(user["last"].as_str().unwrap().starts_with("20"), "{user}");
            (user["login"].as_str().unwrap().to_owned(), user["times"].as_u64().unwrap())
        };
        list.iter().map(user).collect()
    };
    assert_eq!(report("clear-text"), [(AYUMI.login.to_owned(), 2)]);
    let figures = service.site.path("clear-text.prom");
    service.site.yubin(&["report", "clear-text", "--metrics", figures.to_str().unwrap(), &logs[0], &logs[1]]);
    let [login, figures] = [AYUMI.login.to_owned(), std::fs::read_to_string(figures).unwrap()];
    let users = "yubin_report_users{what=\"clear-text\"} 1\n";
    let times = format!("yubin_report_times{{what=\"clear-text\",login=\"{login}\"}} 2\n");
    assert!(figures.contains(users) && figures.contains(&times), "{figures}");
    assert_eq!(report("apop"), [(KENJI.login.to_owned(), 1)]);
    assert_eq!(report("pbs"), []);
    // A log of another format says nothing, and that is said.
    let text = service.site.write("text.log", "2026-01-01T00:00:00Z INFO auth_ok login=ab4t-ash\n");
    let output = service.site.run(Program::Yubin, &["report", "apop", text.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("format = \"json\""), "{output:?}");
}
