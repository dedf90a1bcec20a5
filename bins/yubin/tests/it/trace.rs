//! What the service writes before a message, and that it changes nothing behind that.

use regex::Regex;
use rustls::CipherSuite;

use crate::harness::Service;
use crate::harness::mail::{behind_trace, samples};
use crate::harness::site::{AYUMI, Door, KENJI, Site};
use crate::harness::smtp::Smtp;
use crate::harness::wire::Wire;

/// As the guide of EditNet shows it.
const EDITNET: &str = r#"node = "shizuka.example.jp"

[trace]
received = "sendmail"
software = "8.13.6/8.13.6"
"#;

const DATE: &str = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8}";

fn service_with(general: &str) -> Service {
    let site = Site::with_users();
    site.configure(&Site::configuration_with(general));
    Service::serve(site)
}

/// Ayumi's session at a door, logged in, encrypted where it can be.
fn logged_in(service: &Service, door: Door) -> Smtp {
    let mut smtp = service.smtp(door);
    smtp.hello();
    if !door.is_implicit_tls() {
        smtp = smtp.start_tls(&service.site);
        smtp.hello();
    }
    smtp.authenticate(&AYUMI);
    smtp
}

/// Ayumi's newest message: its `Received`, unfolded.
fn newest(service: &Service) -> String {
    behind_trace(service.fetch(&AYUMI).last().unwrap()).received
}

#[test]
fn h_01_a_login_is_told_of_who_has_logged_in_and_of_nobody_else() {
    let service = service_with(EDITNET);
    for door in Door::SMTP {
        logged_in(&service, door).send_mail(AYUMI.address, &[AYUMI.address], &samples()[0].octets);
        let received = newest(&service);
        assert!(received.contains(" (authenticated bits=0) by "), "{received}");
    }
    service.receive("friend@example.org", &[AYUMI.address], &samples()[0].octets);
    let received = newest(&service);
    assert!(received.starts_with("from client.example.org ([127.0.0.1]) by "), "{received}");
    assert!(!received.contains("authenticated"), "{received}");
}

#[test]
fn h_02_version_cipher_and_bits_are_those_of_the_session() {
    let service = service_with(EDITNET);
    for (version, cipher) in [
        (&rustls::version::TLS13, CipherSuite::TLS13_AES_128_GCM_SHA256),
        (&rustls::version::TLS13, CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
        (&rustls::version::TLS12, CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ] {
        let wire = Wire::clear(service.address(Door::Submissions));
        let mut smtp = Smtp::greeted(service.site.secure_with(wire, version, cipher));
        smtp.hello();
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.address, &[AYUMI.address], &samples()[0].octets);
        let (version, cipher, bits) = smtp.wire.tls();
        let received = newest(&service);
        let told = format!(" (version={version} cipher={cipher} bits={bits} verify=NO) for ");
        assert!(received.contains(&told), "{told}: {received}");
    }
    service.receive("friend@example.org", &[AYUMI.address], &samples()[0].octets);
    let received = newest(&service);
    assert!(!received.contains("version=") && !received.contains("cipher="), "{received}");
}

#[test]
fn h_03_a_machine_signs_with_its_own_name_and_greets_with_the_services() {
    let service = service_with(EDITNET);
    let mut smtp = Smtp { wire: service.site.connect(Door::Mx, service.address(Door::Mx)) };
    assert!(smtp.expect("220").lines[0].starts_with("mx.example.jp "));
    smtp.hello();
    smtp.send_mail("friend@example.org", &[AYUMI.address], &samples()[0].octets);
    let received = newest(&service);
    assert!(received.contains(" by shizuka.example.jp (8.13.6/8.13.6) with "), "{received}");

    let service = service_with("[trace]\nsoftware = \"none\"\n");
    service.receive("friend@example.org", &[AYUMI.address], &samples()[0].octets);
    let received = newest(&service);
    assert!(received.contains(" by mx.example.jp with "), "{received}");
}

#[test]
fn h_04_one_queue_id_in_the_reply_the_header_and_the_log() {
    let service = service_with(EDITNET);
    let mut smtp = logged_in(&service, Door::Submission);
    let mut ids = Vec::new();
    for recipients in [&[AYUMI.address][..], &[AYUMI.address, KENJI.address]] {
        let reply = smtp.send_mail(AYUMI.address, recipients, &samples()[0].octets);
        let id = reply.lines[0].rsplit(' ').next().unwrap().to_owned();
        assert_eq!(reply.lines, [format!("2.0.0 Queued as {id}")]);
        let received = newest(&service);
        assert!(received.contains(&format!(" with ESMTP id {id} (version=")), "{id}: {received}");
        for name in ["message_accepted", "recipient_accepted"] {
            service.smtpd.wait_for(name, |event| {
                (event["event"] == name && event["queue_id"].as_str() == Some(id.as_str())).then_some(())
            });
        }
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn h_06_the_date_is_of_this_zone_and_names_it() {
    let service = service_with(EDITNET);
    service.receive("friend@example.org", &[AYUMI.address], &samples()[0].octets);
    let received = newest(&service);
    let date = &received[received.rfind("; ").unwrap() + 2..];
    // Mon, 25 Dec 2006 03:43:58 +0900 (JST) (envelope-from …
    let words: Vec<_> = date.split(' ').collect();
    assert_eq!(words[5..7], ["+0900", "(JST)"], "{date}");
    assert!(matches(DATE, &words[..5].join(" ")), "{date}");
}

#[test]
fn h_07_the_sender_stands_behind_the_date() {
    let service = service_with(EDITNET);
    for (from, told) in [("friend@example.org", "friend@example.org"), ("", "<>")] {
        service.receive(from, &[AYUMI.address], &samples()[0].octets);
        let received = newest(&service);
        assert!(received.ends_with(&format!(" (JST) (envelope-from {told})")), "{received}");
    }
}

/// What EditNet tells a customer to do when everything is set up: to send a message to oneself, and to look at its header.
#[test]
fn h_08_the_header_of_a_message_to_oneself_is_as_the_guide_shows_it() {
    let service = service_with(EDITNET);
    let id = logged_in(&service, Door::Submissions)
        .send_mail(AYUMI.alias, &[AYUMI.alias], &samples()[0].octets)
        .lines[0]
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    let message = String::from_utf8_lossy(&service.fetch(&AYUMI)[0]).into_owned();
    let (_, field) = message.split_once("\r\nReceived: ").unwrap();
    let end = field.match_indices("\r\n").find(|(at, _)| !field[at + 2..].starts_with(' ')).unwrap().0;
    let field = &field[..end];
    assert!(format!("Received: {field}").split("\r\n").all(|line| line.len() <= 78), "{field}");
    let unfolded = field.replace("\r\n", "");
    let to = regex::escape(AYUMI.alias);
    let template = [
        r"from client\.example\.org \(\[127\.0\.0\.1\]\) \(authenticated bits=0\) ",
        r"by shizuka\.example\.jp \(8\.13\.6/8\.13\.6\) ",
        &format!("with ESMTP id {id} "),
        r"\(version=TLSv1\.[23] cipher=TLS_[A-Z0-9_]+ bits=(128|256) verify=NO\) ",
        &format!("for <{to}>; {DATE}"),
        r" \+0900 \(JST\) ",
        &format!(r"\(envelope-from {to}\)"),
    ]
    .concat();
    assert!(matches(&template, &unfolded), "{template}\n{unfolded}");
}

#[test]
fn h_09_by_the_rfcs_unless_told_otherwise() {
    let service = Service::start();
    for (door, keyword) in
        [(Door::Mx, "ESMTPSA"), (Door::Submission, "ESMTPSA"), (Door::Submissions, "ESMTPSA")]
    {
        logged_in(&service, door).send_mail(AYUMI.address, &[AYUMI.address], &samples()[0].octets);
        let received = newest(&service);
        let rest = received.split_once(&format!(" with {keyword} id ")).unwrap().1;
        assert!(rest.contains(&format!(" for <{}> tls TLS_AES_", AYUMI.address)), "{received}");
        assert!(!received.contains("authenticated") && !received.contains("envelope-from"), "{received}");
    }
    service.receive("friend@example.org", &[AYUMI.address], &samples()[0].octets);
    assert!(newest(&service).contains(" with ESMTP id "));
}

#[test]
fn h_10_where_a_customer_is_can_be_hidden_and_where_a_stranger_is_cannot() {
    let service = service_with("[trace]\nclient = \"hidden\"\n");
    logged_in(&service, Door::Submissions).send_mail(AYUMI.address, &[AYUMI.address], &samples()[0].octets);
    let received = newest(&service);
    assert!(received.starts_with("by mx.example.jp (Yubin) with ESMTPSA id "), "{received}");
    assert!(!received.contains("client.example.org") && !received.contains("127."), "{received}");
    service.receive("friend@example.org", &[AYUMI.address], &samples()[0].octets);
    let received = newest(&service);
    assert!(received.starts_with("from client.example.org ([127.0.0.1]) by mx.example.jp "), "{received}");
}

#[test]
fn h_11_delivered_to_by_setting_and_each_recipient_has_a_copy_of_its_own() {
    let message = &samples()[2].octets;
    let service = service_with("[trace]\ndelivered_to = true\n");
    service.receive("friend@example.org", &[KENJI.alias], message);
    service.receive("friend@example.org", &[AYUMI.address, KENJI.alias], message);
    let kenji = service.fetch(&KENJI);
    for (copy, address) in
        [(&kenji[0], KENJI.alias), (&kenji[1], KENJI.alias), (&service.fetch(&AYUMI)[0], AYUMI.address)]
    {
        let rest = copy.strip_prefix(format!("Delivered-To: {address}\r\n").as_bytes());
        let delivered = behind_trace(rest.unwrap_or_else(|| panic!("{}", copy.escape_ascii())));
        assert_eq!(delivered.return_path, "<friend@example.org>");
        assert_eq!(delivered.message, message, "nothing else is altered");
    }
    // The quota counts what is there, not what came in.
    for (user, octets) in [(KENJI, kenji[0].len() + kenji[1].len()), (AYUMI, service.fetch(&AYUMI)[0].len())]
    {
        let shown = service.site.yubin(&["--json", "quota", "show", user.login]);
        assert!(shown.contains(&octets.to_string()), "{octets}: {shown}");
        let recounted = service.site.yubin(&["--json", "quota", "recount", user.login]);
        assert!(recounted.contains(&octets.to_string()), "{octets}: {recounted}");
    }
}

#[test]
fn what_a_client_calls_itself_becomes_no_header_of_its_own() {
    let service = service_with(EDITNET);
    for name in [
        "x\rX-Forged: yes",
        "pc) (authenticated bits=0) by mx.example.jp (",
        "a;b <c> \"d",
        "\u{90f5}\u{4fbf}",
    ] {
        let mut smtp = service.smtp(Door::Mx);
        smtp.wire.line(&format!("EHLO {name}"));
        // A control character is refused, the rest of the world's computers have such names.
        if smtp.reply().code != 250 {
            assert!(name.contains('\r'), "{name}");
            continue;
        }
        smtp.send_mail("friend@example.org", &[AYUMI.address], &samples()[0].octets);
        let received = newest(&service);
        let rest = received.strip_prefix("from ").unwrap().split_once(' ').unwrap().1;
        assert!(rest.starts_with("([127.0.0.1]) by shizuka.example.jp "), "{received}");
    }
}

/// Whether the whole text is so.
fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("^{pattern}$")).unwrap().is_match(text)
}

#[test]
fn h_05_the_recipient_is_named_only_where_there_is_one() {
    let service = Service::start();
    let message = &samples()[0].octets;
    service.receive("friend@example.org", &[KENJI.alias], message);
    service.receive("friend@example.org", &[KENJI.alias, AYUMI.alias], message);

    let [one, two] = &service.fetch(&KENJI)[..] else { panic!("two messages for Kenji") };
    let received = behind_trace(one).received;
    assert!(received.contains(&format!("for <{}>", KENJI.alias)), "{received}");
    for copy in [two, &service.fetch(&AYUMI)[0]] {
        let received = behind_trace(copy).received;
        assert!(!received.contains("for <") && !received.contains('@'), "{received}");
    }
}

#[test]
fn h_11_return_path_at_delivery_and_missing_fields_added_on_submission_only() {
    let service = Service::start();
    let bare = "Subject: no date\r\n\r\nbody\r\n";
    // From outside: the trace, and nothing else.
    service.receive("friend@example.org", &[KENJI.address], bare.as_bytes());
    service.receive("", &[KENJI.address], bare.as_bytes());
    // By a customer: what RFC 6409 §8 lets a submission server complete.
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.send_mail(AYUMI.address, &[KENJI.address], bare.as_bytes());
    smtp.send_mail(AYUMI.address, &[KENJI.address], &samples()[0].octets);
    smtp.quit();

    let fetched = service.fetch(&KENJI);
    let [outside, bounce, submitted, complete] = &fetched[..] else { panic!("{} messages", fetched.len()) };
    let outside = behind_trace(outside);
    assert_eq!(outside.return_path, "<friend@example.org>");
    assert_eq!(outside.message, bare.as_bytes());
    let bounce = behind_trace(bounce);
    assert_eq!(bounce.return_path, "<>");
    assert_eq!(bounce.message, bare.as_bytes());

    let submitted = behind_trace(submitted);
    assert_eq!(submitted.return_path, format!("<{}>", AYUMI.address));
    let text = String::from_utf8(submitted.message.to_vec()).unwrap();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "body\r\n");
    let mut names: Vec<_> = header.split("\r\n").map(|line| line.split(':').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Date", "Message-ID", "Subject"]);

    assert_eq!(behind_trace(complete).message, samples()[0].octets, "nothing was missing, nothing is added");
}
