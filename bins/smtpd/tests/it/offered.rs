//! What a listener offers, setting by setting.

use crate::house::House;

const AUTH: &str = "auth = \"optional\"\nclear_text_auth = true\n";

/// The lines of EHLO's answer behind the first, without their codes.
fn offered(listener: &str) -> Vec<String> {
    let house = House::with(listener);
    let mut client = house.connect();
    let lines = client.ask_for_all("EHLO pc.example");
    drop(client);
    house.close();
    lines.into_iter().skip(1).map(|line| line[4..].to_owned()).collect()
}

#[test]
fn what_is_offered_unless_told_otherwise_and_nothing_that_nobody_keeps() {
    assert_eq!(
        offered(""),
        [
            "PIPELINING",
            "SIZE 104857600",
            "8BITMIME",
            "CHUNKING",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "LIMITS MAILMAX=1000 RCPTMAX=1000",
            "HELP"
        ]
    );
}

#[test]
fn each_extension_can_be_disabled_and_is_then_not_taken_either() {
    let all = "disable = [\"PIPELINING\", \"SIZE\", \"8BITMIME\", \"CHUNKING\", \"SMTPUTF8\", \"ENHANCEDSTATUSCODES\", \
               \"LIMITS\", \"HELP\", \"DSN\", \"BINARYMIME\"]";
    assert_eq!(offered(all), Vec::<String>::new());

    let house = House::with(all);
    let mut client = house.connect();
    client.ask("EHLO pc.example");
    for parameter in ["SIZE=100", "BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=a"] {
        let reply = client.ask(&format!("MAIL FROM:<taro@example.net> {parameter}"));
        assert!(reply.starts_with("555 5.5.4 "), "{parameter}: {reply}");
    }
    assert!(client.ask("BDAT 0 LAST").starts_with("502 5.5.1 "));
    assert!(client.ask("MAIL FROM:<taro@example.net>").starts_with("250 "));
    let reply = client.ask("RCPT TO:<hanako@example.jp> NOTIFY=SUCCESS");
    assert!(reply.starts_with("555 5.5.4 "), "{reply}");
    drop(client);
    house.close();

    let offered = offered("disable = [\"CHUNKING\"]");
    assert!(!offered.iter().any(|line| line == "CHUNKING") && offered.len() == 7, "{offered:?}");
}

/// Not offered: no report of success is written here, and a body without lines cannot be given back.
#[test]
fn parameters_that_promise_what_nobody_keeps_are_refused() {
    let house = House::open();
    let mut client = house.connect();
    client.ask("EHLO pc.example");
    for parameter in ["RET=FULL", "ENVID=QQ314159", "REQUIRETLS", "HOLDFOR=60"] {
        let reply = client.ask(&format!("MAIL FROM:<taro@example.net> {parameter}"));
        assert!(reply.starts_with("555 5.5.4 "), "{parameter}: {reply}");
    }
    assert!(client.ask("MAIL FROM:<taro@example.net> BODY=BINARYMIME").starts_with("501 5.5.4 "));
    drop(client);
    house.close();
}

#[test]
fn s_03_mechanisms_are_the_listeners() {
    let house = House::with(&format!("{AUTH}mechanisms = [\"LOGIN\"]\n"));
    let mut client = house.connect();
    let lines = client.ask_for_all("EHLO pc.example");
    assert!(lines.contains(&"250-AUTH LOGIN".to_owned()), "{lines:?}");
    assert!(client.ask("AUTH PLAIN AGhhbmFrbwBzYWt1cmEgc2FrdQ==").starts_with("504 5.5.4 "));
    assert!(client.ask("AUTH CRAM-MD5").starts_with("504 5.5.4 "));
    drop(client);
    house.close();
}

#[test]
fn s_17_old_clients_find_their_line_write_in_lower_case_and_give_up_with_a_star() {
    let house = House::with(&format!("{AUTH}legacy_auth_line = true\n"));
    let mut client = house.connect();
    let lines = client.ask_for_all("EHLO pc.example");
    for line in ["250-AUTH PLAIN LOGIN", "250-AUTH=PLAIN LOGIN"] {
        assert!(lines.contains(&line.to_owned()), "{lines:?}");
    }
    assert_eq!(client.ask("auth login"), "334 VXNlcm5hbWU6");
    assert!(client.ask("*").starts_with("501 5.7.0 "));
    assert_eq!(client.ask("auth login"), "334 VXNlcm5hbWU6");
    assert_eq!(client.ask("aGFuYWtv"), "334 UGFzc3dvcmQ6");
    assert!(client.ask("c2FrdXJhIHNha3U=").starts_with("235 2.7.0 "));
    drop(client);
    house.close();

    assert!(!offered(AUTH).iter().any(|line| line.starts_with("AUTH=")));
}

#[test]
fn vrfy_tells_what_the_listener_says() {
    let known = "VRFY <hanako@example.jp>";
    for (settings, before, after, unknown) in [
        (AUTH.to_owned(), "252 2.1.5 ", "252 2.1.5 ", "252 2.1.5 "),
        (format!("{AUTH}vrfy = \"off\"\n"), "502 5.5.1 ", "502 5.5.1 ", "502 5.5.1 "),
        (
            format!("{AUTH}vrfy = \"authenticated\"\n"),
            "252 2.1.5 ",
            "250 2.1.5 <hanako@example.jp>",
            "550 5.1.1 ",
        ),
    ] {
        let house = House::with(&settings);
        let mut client = house.connect();
        client.ask("EHLO pc.example");
        let reply = client.ask(known);
        assert!(reply.starts_with(before), "{settings}{reply}");
        client.log_in();
        let reply = client.ask(known);
        assert!(reply.starts_with(after), "{settings}{reply}");
        for nobody in ["VRFY nobody@example.jp", "VRFY a b c"] {
            let reply = client.ask(nobody);
            assert!(reply.starts_with(unknown), "{settings}{nobody}: {reply}");
        }
        if settings.ends_with("\"authenticated\"\n") {
            assert!(client.ask("VRFY taro@example.net").starts_with("252 2.1.5 "), "not ours to tell");
        }
        drop(client);
        house.close();
    }
}

#[test]
fn bare_line_endings_are_refused_or_become_whole_ones() {
    let message = b"Subject: x\n\nold\rdevice\n.\nend\r\n.\r\n";
    for (settings, reply, kept) in [
        ("bare_line_endings = \"refuse\"\n", "550 5.6.11 ", None),
        ("", "550 5.6.11 ", None),
        (
            "bare_line_endings = \"normalise\"\n",
            "250 2.0.0 ",
            Some(&b"Subject: x\r\n\r\nold device\r\n.\r\nend\r\n"[..]),
        ),
    ] {
        let house = House::with(settings);
        let mut client = house.connect();
        client.ask("EHLO pc.example");
        client.envelope();
        assert!(client.ask("DATA").starts_with("354 "));
        client.say(message);
        let said = client.line();
        assert!(said.starts_with(reply), "{settings}{said}");
        assert!(client.ask("NOOP").starts_with("250 "), "in step");
        let messages = house.messages();
        assert_eq!(messages.len(), usize::from(kept.is_some()));
        if let Some(kept) = kept {
            assert!(messages[0].ends_with(kept), "{}", messages[0].escape_ascii());
        }
        drop(client);
        house.close();
    }
}

#[test]
fn postmaster_needs_no_domain_and_a_source_route_means_nothing() {
    let house = House::with("hostname = \"example.jp\"\n");
    house.add("taro", &["postmaster@example.jp"]);
    let mut client = house.connect();
    client.ask("EHLO pc.example");
    assert!(client.ask("MAIL FROM:<@a.example,@b.example:x@example.net>").starts_with("250 "));
    for recipient in ["postmaster", "PostMaster", "@a.example,@b.example:hanako@example.jp"] {
        let reply = client.ask(&format!("RCPT TO:<{recipient}>"));
        assert!(reply.starts_with("250 2.1.5 "), "{recipient}: {reply}");
    }
    assert!(client.ask("DATA").starts_with("354 "));
    assert!(client.ask("Subject: x\r\n\r\nhi\r\n.").starts_with("250 "));
    let messages = house.messages();
    assert_eq!(messages.len(), 2, "one each");
    assert!(messages[0].starts_with(b"Return-Path: <x@example.net>\r\n"));
    drop(client);
    house.close();
}

#[test]
fn an_international_domain_of_ours_is_ours_however_it_is_written() {
    let house = House::open();
    house.add_domain("xn--r8jz45g.jp");
    house.add("taro", &["taro@xn--r8jz45g.jp"]);
    let mut client = house.connect();
    client.ask("EHLO pc.example");
    assert!(client.ask("MAIL FROM:<a@example.net>").starts_with("250 "));
    assert!(client.ask("RCPT TO:<taro@xn--r8jz45g.jp>").starts_with("250 "));
    assert!(client.ask("RCPT TO:<taro@\u{4f8b}\u{3048}.jp>").starts_with("553 5.6.7 "), "without SMTPUTF8");
    client.ask("RSET");
    assert!(client.ask("MAIL FROM:<a@example.net> SMTPUTF8").starts_with("250 "));
    for ours in ["taro@\u{4f8b}\u{3048}.jp", "taro@XN--R8JZ45G.jp"] {
        let reply = client.ask(&format!("RCPT TO:<{ours}>"));
        assert!(reply.starts_with("250 "), "{ours}: {reply}");
    }
    let reply = client.ask("RCPT TO:<taro@\u{4f8b}\u{3048}\u{ff0e}jp>");
    assert!(reply.starts_with('5'), "{reply}");
    drop(client);
    house.close();
}
