use daemon_kit::tls::ClientCertificate;
use proptest::prelude::*;

use super::*;

fn now() -> Zoned {
    "2006-12-25T03:43:58+09:00[Asia/Tokyo]".parse().unwrap()
}

const TLS: TlsInfo = TlsInfo {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    bits: 256,
    sni: None,
    verify: ClientCertificate::None,
};

fn settings(received: Received) -> config::Trace {
    config::Trace { received, ..config::Trace::default() }
}

/// A customer's message over submissions.
fn submitted<'t>(settings: &'t config::Trace, now: &'t Zoned) -> Trace<'t> {
    Trace {
        settings,
        reverse_path: "taro@example.jp",
        client_name: "[192.168.1.10]",
        client_address: [192, 0, 2, 1].into(),
        node: "shizuka.example.jp",
        protocol: Protocol { extended: true, encrypted: true, authenticated: true, utf8: false },
        tls: Some(&TLS),
        queue_id: "1K0TGXRPR6CP2M2Z",
        recipient: Some("hanako@example.jp"),
        now,
    }
}

/// A stranger's message in clear text.
fn received<'t>(settings: &'t config::Trace, now: &'t Zoned) -> Trace<'t> {
    Trace {
        client_name: "mail.example.net",
        protocol: Protocol { extended: true, encrypted: false, authenticated: false, utf8: false },
        tls: None,
        ..submitted(settings, now)
    }
}

fn text(trace: &Trace<'_>) -> String {
    let mut out = Vec::new();
    trace.write_received(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn h_01_a_login_is_told_in_sendmails_style_and_only_where_there_was_one() {
    let settings = settings(Received::Sendmail);
    let now = now();
    let mut trace = submitted(&settings, &now);
    assert_eq!(
        text(&trace),
        "Received: from [192.168.1.10] ([192.0.2.1]) (authenticated bits=0)\r\n \
         by shizuka.example.jp (Yubin) with ESMTP id 1K0TGXRPR6CP2M2Z\r\n \
         (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\r\n \
         for <hanako@example.jp>; Mon, 25 Dec 2006 03:43:58 +0900 (JST)\r\n \
         (envelope-from taro@example.jp)\r\n"
    );
    trace.protocol.authenticated = false;
    assert!(!text(&trace).contains("authenticated"));
}

#[test]
fn h_02_tls_is_told_as_it_was_and_not_in_clear_text() {
    let now = now();
    let weaker =
        TlsInfo { version: "TLSv1.2", cipher: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", bits: 128, ..TLS };
    let sendmail = settings(Received::Sendmail);
    let mut trace = submitted(&sendmail, &now);
    trace.tls = Some(&weaker);
    let unfolded = text(&trace).replace("\r\n", "");
    let comment = "(version=TLSv1.2 cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 bits=128 verify=NO)";
    assert!(unfolded.contains(comment), "{unfolded}");
    for style in [Received::Rfc, Received::Sendmail] {
        let clear = text(&received(&settings(style), &now));
        assert!(!clear.contains("version=") && !clear.contains(" tls "), "{clear}");
    }
}

#[test]
fn h_03_the_machine_and_its_software() {
    let now = now();
    for style in [Received::Rfc, Received::Sendmail] {
        for (software, shown) in [
            (None, "by shizuka.example.jp with "),
            (Some("8.13.6/8.13.6"), "by shizuka.example.jp (8.13.6/8.13.6) with "),
            (Some("our own make"), "by shizuka.example.jp (our own make) with "),
        ] {
            let settings = config::Trace { software: software.map(str::to_owned), ..settings(style) };
            let unfolded = text(&received(&settings, &now)).replace("\r\n", "");
            assert!(unfolded.contains(shown), "{unfolded}");
        }
    }
}

#[test]
fn h_05_only_a_lonely_recipient_is_named() {
    let now = now();
    for style in [Received::Rfc, Received::Sendmail] {
        let settings = settings(style);
        let trace = submitted(&settings, &now);
        assert!(text(&trace).replace("\r\n", "").contains(" for <hanako@example.jp>"));
        let several = text(&Trace { recipient: None, ..trace });
        assert!(!several.contains(" for") && !several.contains("hanako"), "{several}");
    }
}

#[test]
fn h_07_the_sender_stands_behind_the_date_in_sendmails_style() {
    let settings = settings(Received::Sendmail);
    let now = now();
    for (reverse_path, shown) in [
        ("taro@example.jp", "(JST) (envelope-from taro@example.jp)"),
        ("", "(JST) (envelope-from <>)"),
        ("\"a)b(\\\\\"@example.jp", "(JST) (envelope-from \"a\\)b\\(\\\\\\\\\"@example.jp)"),
    ] {
        let unfolded = text(&Trace { reverse_path, ..received(&settings, &now) }).replace("\r\n", "");
        assert!(unfolded.ends_with(shown), "{unfolded}");
    }
    assert!(!text(&received(&self::settings(Received::Rfc), &now)).contains("envelope-from"));
}

#[test]
fn h_09_the_clauses_of_the_rfcs() {
    let settings = settings(Received::Rfc);
    let now = now();
    assert_eq!(
        text(&submitted(&settings, &now)),
        "Received: from [192.168.1.10] ([192.0.2.1]) by shizuka.example.jp (Yubin)\r\n \
         with ESMTPSA id 1K0TGXRPR6CP2M2Z for <hanako@example.jp>\r\n \
         tls TLS_AES_256_GCM_SHA384 (version=TLSv1.3 bits=256 verify=NO);\r\n \
         Mon, 25 Dec 2006 03:43:58 +0900 (JST)\r\n"
    );
    let keyword = |utf8, extended, encrypted, authenticated| {
        Protocol { extended, encrypted, authenticated, utf8 }.keyword()
    };
    let words = [
        (keyword(false, false, false, false), "SMTP"),
        (keyword(false, true, false, false), "ESMTP"),
        (keyword(false, true, false, true), "ESMTPA"),
        (keyword(false, true, true, false), "ESMTPS"),
        (keyword(false, true, true, true), "ESMTPSA"),
        (keyword(true, true, false, false), "UTF8SMTP"),
        (keyword(true, true, false, true), "UTF8SMTPA"),
        (keyword(true, true, true, false), "UTF8SMTPS"),
        (keyword(true, true, true, true), "UTF8SMTPSA"),
    ];
    for (got, wanted) in words {
        assert_eq!(got, wanted);
    }
}

#[test]
fn h_10_a_hidden_client_is_hidden_when_it_has_logged_in() {
    let now = now();
    for style in [Received::Rfc, Received::Sendmail] {
        let settings = config::Trace { client: ClientShown::Hidden, ..settings(style) };
        let hidden = text(&submitted(&settings, &now));
        assert!(!hidden.contains("from [") && !hidden.contains("192."), "{hidden}");
        assert!(text(&received(&settings, &now)).contains("from mail.example.net ([192.0.2.1])"));
    }
}

proptest! {
    /// Whatever a client calls itself and whatever address it sends from: one field, in lines that end where they should, each
    /// within 78 octets unless a single word is longer.
    #[test]
    fn no_word_of_a_clients_becomes_a_header(
        client_name in "\\PC{0,60}|[()<>;:,\\\\\"a\r\n \t\\[\\]]{0,20}",
        local_part in "[a-z]{1,60}|\"[()\\\\a ]{0,20}\"",
        sendmail in any::<bool>(),
        authenticated in any::<bool>(),
        tls in any::<bool>(),
    ) {
        let settings = settings(if sendmail { Received::Sendmail } else { Received::Rfc });
        let now = now();
        let reverse_path = format!("{local_part}@example.net");
        let mut trace = submitted(&settings, &now);
        trace.client_name = &client_name;
        trace.reverse_path = &reverse_path;
        trace.protocol.authenticated = authenticated;
        trace.tls = tls.then_some(&TLS);
        let text = text(&trace);
        let lines: Vec<_> = text.strip_suffix("\r\n").unwrap().split("\r\n").collect();
        prop_assert!(lines[0].starts_with("Received: from "));
        prop_assert!(lines[1..].iter().all(|line| line.starts_with(' ') && line.len() > 1));
        prop_assert!(lines.iter().all(|line| !line.contains(['\r', '\n', '\0', '\t'])));
        for line in lines {
            let words = line.strip_prefix("Received: from ").unwrap_or(line.trim_start());
            prop_assert!(line.len() <= 78 || !words.contains(' ') || line.contains('"'), "{}", line);
        }
        let open = comments(&text.replace("\r\n", ""));
        prop_assert_eq!(open, 0, "{}", text);
    }
}

/// How deep the text ends in comments (RFC 5322 §3.2.2); no comment of ours holds another.
fn comments(text: &str) -> usize {
    let (mut depth, mut quoted) = (0, false);
    for c in text.chars() {
        match c {
            _ if quoted => quoted = false,
            '\\' if depth > 0 => quoted = true,
            '(' => {
                assert_eq!(depth, 0, "a comment in a comment: {text}");
                depth = 1;
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    depth
}
