//! What customers are told in the operator's words, and what the desk finds out about them.

use serde_json::Value;

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;

const REPLIES: &str = r#"
[replies]
auth_missing = { url = "https://example.jp/mail-check" }
auth_failed = { en = "Login failed", ja = "ログインできません。設定をご確認ください", url = "https://example.jp/login" }
mechanism_not_offered = { en = "PLAIN and LOGIN are offered here" }
unknown_user = { en = "Nobody has this address", ja = "このアドレスはありません" }
account_suspended = { en = "Your account is suspended", ja = "アカウントを停止しました", url = "https://example.jp/suspended" }
"#;

fn service() -> Service {
    let site = Site::with_users();
    site.configure(&Site::configuration_with(REPLIES));
    Service::serve(site)
}

#[test]
fn s_10_who_sends_without_the_login_that_is_demanded_is_sent_to_a_page_and_logged() {
    let service = service();
    for (greeting, verb) in [("EHLO client.example.org", "EHLO"), ("HELO client.example.org", "HELO")] {
        let mut smtp = service.smtp(Door::Submission);
        smtp.ask(greeting, "250");
        let reply = smtp.ask(&format!("MAIL FROM:<{}>", AYUMI.address), "530 5.7.0");
        assert_eq!(reply.lines, ["5.7.0 Authentication required, see https://example.jp/mail-check"]);
        smtp.quit();
        service.smtpd.wait_for("who did not log in", |event| {
            let this = event["event"] == "auth_missing" && event["greeting"] == verb;
            (this && event["encrypted"] == false && event["span"]["peer"].is_string()).then_some(())
        });
    }
}

#[test]
fn k_07_texts_are_the_operators_in_the_language_of_who_asked_and_codes_stay() {
    let service = service();
    // Who says SMTPUTF8 gets Japanese above English, for nobody knows which of them it reads.
    for (parameter, lines) in [
        ("", &["5.1.1 Nobody has this address"][..]),
        (" SMTPUTF8", &["5.1.1 このアドレスはありません", "5.1.1 Nobody has this address"]),
    ] {
        let mut smtp = service.smtp(Door::Mx);
        smtp.hello();
        smtp.ask(&format!("MAIL FROM:<friend@example.org>{parameter}"), "250");
        assert_eq!(smtp.ask("RCPT TO:<nobody@mx.example.jp>", "550 5.1.1").lines, lines);
        // It was said of that message alone.
        smtp.ask("RSET", "250");
        smtp.ask("MAIL FROM:<friend@example.org>", "250");
        let ascii = ["5.1.1 Nobody has this address"];
        assert_eq!(smtp.ask("RCPT TO:<nobody@mx.example.jp>", "550 5.1.1").lines, ascii);
        smtp.quit();
    }
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    let wrong = Smtp::plain_with(AYUMI.login, "wrong");
    let reply = smtp.ask(&format!("AUTH PLAIN {wrong}"), "535 5.7.8");
    assert_eq!(reply.lines, ["5.7.8 Login failed, see https://example.jp/login"]);
    smtp.ask("AUTH CRAM-MD5", "504 5.5.4 PLAIN and LOGIN are offered here");

    service.site.yubin(&["account", "suspend", KENJI.login, "--reading"]);
    for (language, failed, suspended) in [
        (
            "en",
            "-ERR [AUTH] Login failed, see https://example.jp/login",
            "-ERR [SYS/PERM] Your account is suspended, see https://example.jp/suspended",
        ),
        (
            "ja",
            "-ERR [AUTH] ログインできません。設定をご確認ください https://example.jp/login",
            "-ERR [SYS/PERM] アカウントを停止しました https://example.jp/suspended",
        ),
    ] {
        let mut pop3 = service.pop3(Door::Pop3s);
        pop3.ask(&format!("LANG {language}"), "+OK");
        pop3.ask(&format!("USER {}", AYUMI.login), "+OK");
        assert_eq!(pop3.ask("PASS wrong", "-ERR").trim_end(), failed);
        pop3.ask(&format!("USER {}", KENJI.login), "+OK");
        assert_eq!(pop3.ask(&format!("PASS {}", KENJI.password), "-ERR").trim_end(), suspended);
        pop3.quit();
    }
    // The desk is told what the customer was told.
    let explained = ["explain", "--from", "192.0.2.1", "--port", "0", "--to", "nobody@mx.example.jp"];
    assert!(service.site.yubin(&explained).contains("550 5.1.1 Nobody has this address"));
}

/// What the desk says to who asks for an address that nobody has, and to whom a daemon refuses a login.
fn said(service: &Service) -> [String; 3] {
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    let mechanism = smtp.ask("AUTH CRAM-MD5", "504 5.5.4").lines.concat();
    smtp.quit();
    let mut smtp = service.smtp(Door::Mx);
    smtp.hello();
    smtp.ask("MAIL FROM:<friend@example.org>", "250");
    let nobody = smtp.ask("RCPT TO:<nobody@mx.example.jp>", "550 5.1.1").lines.concat();
    smtp.quit();
    let mut pop3 = service.pop3(Door::Pop3s);
    pop3.ask(&format!("USER {}", KENJI.login), "+OK");
    let suspended = pop3.ask(&format!("PASS {}", KENJI.password), "-ERR").trim_end().to_owned();
    pop3.quit();
    [mechanism, nobody, suspended]
}

#[test]
fn k_07_texts_are_read_again_at_sighup_and_a_file_with_a_fault_keeps_those_from_before() {
    let service = service();
    service.site.yubin(&["account", "suspend", KENJI.login, "--reading"]);
    let before = said(&service);
    // A session that is open, in its transaction, stays, and hears the new words.
    let mut open = service.smtp(Door::Mx);
    open.hello();
    open.ask("MAIL FROM:<friend@example.org>", "250");
    let reload = |replies: &str, event: &str, count: usize| {
        service.site.configure(&Site::configuration_with(replies));
        for daemon in [&service.smtpd, &service.pop3d] {
            daemon.hang_up();
            daemon.wait_for_events(event, count);
        }
    };
    let faulty = format!("{}no_such_event = {{ en = \"x\" }}\n", REPLIES.replace("Nobody has", "No one has"));
    reload(&faulty, "reload_refused", 1);
    assert_eq!(said(&service), before);
    let told = |event: &Value| {
        let fault = event["fault"].as_str().unwrap_or_default();
        (event["event"] == "reload_refused" && fault.contains("no_such_event")).then(|| fault.to_owned())
    };
    let fault = service.pop3d.wait_for("the fault", told);
    assert!(fault.contains("yubin.toml:"), "{fault}");

    let [mechanism, nobody, suspended] = ["PLAIN, nothing else", "No one is there", "Call 0120-000-000"];
    let replies = format!(
        "\n[replies]\nmechanism_not_offered = {{ en = \"{mechanism}\" }}\nunknown_user = {{ en = \"{nobody}\" }}\n"
    );
    // The older place of such a text, too.
    let configuration = Site::configuration_with(&replies);
    let database = configuration.lines().find(|line| line.starts_with("database = ")).unwrap();
    let text = format!("{database}\nsuspended_text = \"{suspended}\"");
    service.site.configure(&configuration.replacen(database, &text, 1));
    for daemon in [&service.smtpd, &service.pop3d] {
        daemon.hang_up();
        daemon.wait_for_events("reloaded", 1);
    }
    let after = said(&service);
    for (line, words) in after.iter().zip([mechanism, nobody, suspended]) {
        assert!(line.contains(words), "{after:?}");
    }
    assert_eq!(open.ask("RCPT TO:<nobody@mx.example.jp>", "550 5.1.1").lines.concat(), after[1]);
    open.quit();
    // What is not said any more is said as usual.
    reload("", "reloaded", 2);
    assert!(said(&service)[1].contains("No such user here"));
}

#[test]
fn s_09_a_mechanism_that_is_not_offered_is_a_hint_in_the_log() {
    let service = Service::start();
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.ask("AUTH CRAM-MD5", "504 5.5.4");
    smtp.quit();
    let mut pop3 = service.pop3(Door::Pop3s);
    pop3.ask("AUTH NTLM", "-ERR");
    pop3.quit();
    for (daemon, mechanism) in [(&service.smtpd, "CRAM-MD5"), (&service.pop3d, "NTLM")] {
        daemon.wait_for(mechanism, |event| {
            let this = event["event"] == "auth_failed" && event["hint"] == "mechanism not offered";
            (this && event["mechanism"] == mechanism && event["encrypted"] == true).then_some(())
        });
    }
}

/// Asks until the daemons have written it.
fn diagnosed(service: &Service, login: &str, outcomes: usize) -> Value {
    loop {
        let shown = service.site.yubin(&["--json", "diagnose", login]);
        let diagnosis: Value = serde_json::from_str(&shown).unwrap();
        if diagnosis["attempts"].as_array().unwrap().len() >= outcomes {
            return diagnosis;
        }
        std::thread::yield_now();
    }
}

#[test]
fn k_04_the_desk_sees_the_last_logins_and_what_may_be_wrong_in_two_languages() {
    let service = Service::start();
    let nobody = service.site.yubin(&["diagnose", AYUMI.login]);
    assert!(nobody.contains("nobody came with this login") && nobody.contains("mx.example.jp:0"), "{nobody}");

    let alias = AYUMI.alias.split('@').next().unwrap();
    let pseudo = format!("mx.example.jp:{}", AYUMI.login);
    for (login, password) in [(AYUMI.login, "wrong"), (alias, AYUMI.password), (&pseudo, AYUMI.password)] {
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        smtp.ask(&format!("AUTH PLAIN {}", Smtp::plain_with(login, password)), "535 5.7.8");
    }
    let mut pop3 = service.pop3(Door::Pop3);
    pop3.login(&AYUMI);
    pop3.quit();

    let diagnosis = diagnosed(&service, AYUMI.alias, 4);
    assert_eq!(diagnosis["login"], AYUMI.login);
    let findings: Vec<_> =
        diagnosis["findings"].as_array().unwrap().iter().map(|it| it["finding"].as_str().unwrap()).collect();
    assert_eq!(findings, ["alias-as-login", "pseudo-user-name", "wrong-password", "clear-text"]);
    let fetched = diagnosis["attempts"].as_array().unwrap().iter().find(|it| it["outcome"] == "ok").unwrap();
    assert_eq!((&fetched["service"], &fetched["tls"]), (&"pop".into(), &Value::Null));
    assert_eq!((&fetched["place"], &fetched["from"]), (&"mx.example.jp:0".into(), &"127.0.0.1".into()));

    service.site.yubin(&["account", "set", AYUMI.login, "smtp_auth=off"]);
    let english = service.site.yubin(&["diagnose", AYUMI.login]);
    assert!(english.contains("the user name is ab4t-ash, as first issued"), "{english}");
    assert!(english.contains(" account set ab4t-ash smtp_auth=on"), "{english}");
    let japanese = service.site.yubin(&["diagnose", AYUMI.login, "--lang", "ja"]);
    assert!(japanese.contains("ユーザー名は初期発行の ab4t-ash です"), "{japanese}");
    assert!(japanese.contains("サービス smtp_auth が登録されていません"), "{japanese}");
    for secret in [AYUMI.password, "wrong\""] {
        assert!(!english.contains(secret) && !japanese.contains(secret));
    }

    // What was not written yet is, at the end of a daemon; and who has no such account is told.
    service.mailbox(&KENJI).quit();
    let service = service.restart_pop3d();
    assert_eq!(diagnosed(&service, KENJI.login, 1)["attempts"][0]["tls"], "TLSv1.3");
    let output = service.site.run(Program::Yubin, &["diagnose", "zz9zzz99z"], "");
    assert_eq!(output.status.code(), Some(1));
}

/// P-27: whom to write to before TLS 1.2 ends, and who is shut out already.
#[test]
fn p_27_the_report_names_who_speaks_old_tls() {
    let service = Service::start();
    let suite = rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    let wire = Wire::clear(service.address(Door::Submissions));
    let mut smtp = Smtp::greeted(service.site.secure_with(wire, &rustls::version::TLS12, suite));
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.quit();
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&KENJI);
    smtp.quit();
    // SSLv2's form of a ClientHello, as the oldest clients begin.
    let mut wire = Wire::clear(service.address(Door::Pop3s));
    wire.bytes(b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10");
    let _ = wire.rest();
    service.smtpd.wait_for_events("auth_ok", 2);
    service.pop3d.wait_for_events("tls_failed", 1);
    let logs = [("smtpd.log", service.smtpd.log()), ("pop3d.log", service.pop3d.log())]
        .map(|(name, log)| service.site.write(name, log).display().to_string());
    let shown = service.site.yubin(&["--json", "report", "tls-old", &logs[0], &logs[1]]);
    let mut list: Vec<Value> = serde_json::from_str(&shown).unwrap();
    for row in &mut list {
        assert!(row.as_object_mut().unwrap().remove("last").unwrap().as_str().unwrap().starts_with("20"));
    }
    assert_eq!(list.len(), 2, "{shown}");
    let refused = serde_json::json!({ "address": "127.0.0.1", "version": "unknown", "times": 1 });
    let served = serde_json::json!({ "login": AYUMI.login, "version": "TLSv1.2", "times": 1 });
    assert_eq!(list, [refused, served]);
    let text = service.site.yubin(&["report", "tls-old", &logs[0], &logs[1]]);
    assert!(text.starts_with("LOGIN OR ADDRESS"), "{text}");
}
