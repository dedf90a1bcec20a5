use auth_sasl::{Claim, ClientExchange, Exchange, Mechanism, Secret, Step, Unencodable};
use proptest::prelude::*;

fn claim(authorization: &str, login: &str, password: &[u8]) -> Step {
    Step::Done(Claim::Password {
        authorization: authorization.into(),
        login: login.into(),
        password: Secret::new(password),
    })
}

fn challenged(step: Step) -> Exchange {
    match step {
        Step::Challenge(exchange) => exchange,
        other => panic!("a challenge was due, not {other:?}"),
    }
}

#[test]
fn a_name_has_at_most_255_octets() {
    for (octets, taken) in [(255, true), (256, false)] {
        let name = b"x".repeat(octets);
        let message = [b"\0", name.as_slice(), b"\0sakura"].concat();
        assert_eq!(
            matches!(Exchange::start(Mechanism::Plain, Some(&message)), Step::Done(_)),
            taken,
            "{octets}"
        );
        assert_eq!(
            matches!(Exchange::start(Mechanism::Login, Some(&name)), Step::Challenge(_)),
            taken,
            "{octets}"
        );
    }
}

#[test]
fn plain_messages() {
    let table: &[(&[u8], Step)] = &[
        (b"\0hanako\0sakura", claim("", "hanako", b"sakura")),
        (b"taro\0hanako\0sakura", claim("taro", "hanako", b"sakura")),
        (b"\0\xe8\x8a\xb1\0\xe6\xa1\x9c", claim("", "\u{82b1}", "\u{685c}".as_bytes())),
        // A password in Shift_JIS: octets, compared as they are.
        (b"\0hanako\0\x8d\xf7", claim("", "hanako", b"\x8d\xf7")),
        (b"", Step::Malformed),
        (b"hanako", Step::Malformed),
        (b"hanako\0sakura", Step::Malformed),
        (b"\0\0sakura", Step::Malformed),
        (b"\0hanako\0", Step::Malformed),
        (b"\0hanako\0sakura\0", Step::Malformed),
        (b"\0hana\rko\0sakura", Step::Malformed),
        (b"\0\xff\0sakura", Step::Malformed),
    ];
    for (message, step) in table {
        assert_eq!(&Exchange::start(Mechanism::Plain, Some(message)), step, "{}", message.escape_ascii());
        let exchange = challenged(Exchange::start(Mechanism::Plain, None));
        assert_eq!(exchange.challenge(), b"");
        assert_eq!(&exchange.respond(message), step, "{}", message.escape_ascii());
    }
}

#[test]
fn login_with_and_without_an_initial_name() {
    let first = challenged(Exchange::start(Mechanism::Login, None));
    assert_eq!(first.challenge(), b"Username:");
    for second in [first.respond(b"hanako"), Exchange::start(Mechanism::Login, Some(b"hanako"))] {
        let second = challenged(second);
        assert_eq!(second.challenge(), b"Password:");
        assert_eq!(second.respond(b"sakura"), claim("", "hanako", b"sakura"));
    }
}

#[test]
fn an_empty_initial_response_is_a_response() {
    assert_eq!(Exchange::start(Mechanism::Plain, Some(b"")), Step::Malformed);
    assert_eq!(Exchange::start(Mechanism::Login, Some(b"")), Step::Malformed);
    assert!(matches!(Exchange::start(Mechanism::Login, None), Step::Challenge(_)));
}

#[test]
fn mechanisms_by_name() {
    assert_eq!(Mechanism::parse(b"plain"), Some(Mechanism::Plain));
    assert_eq!(Mechanism::parse(b"Login"), Some(Mechanism::Login));
    assert_eq!(Mechanism::parse(b"CRAM-MD5"), None);
    assert_eq!(Mechanism::parse(b""), None);
    for mechanism in Mechanism::ALL {
        assert_eq!(Mechanism::parse(mechanism.name().as_bytes()), Some(mechanism));
    }
}

#[test]
fn nothing_secret_is_printed() {
    let step = Exchange::start(Mechanism::Plain, Some(b"\0hanako\0sakura"));
    let client = ClientExchange::new(Mechanism::Plain, "hanako", &Secret::new(*b"sakura"));
    assert!(!format!("{step:?} {client:?}").contains("sakura"));
}

#[test]
fn a_client_refuses_what_the_mechanism_cannot_carry() {
    for (login, password) in [("", "x"), ("x", ""), ("a\0b", "x"), ("x", "a\0b")] {
        let made = ClientExchange::new(Mechanism::Plain, login, &Secret::new(password));
        assert_eq!(made.err(), Some(Unencodable));
    }
}

proptest! {
    /// Our client's responses end in the claim that our server reads.
    #[test]
    fn both_ends_agree(login in "[^\\x00-\\x1f\\x7f-\\u{9f}]{1,20}", password in "[^\\x00]{1,20}", initial: bool) {
        for mechanism in Mechanism::ALL {
            let mut client = ClientExchange::new(mechanism, &login, &Secret::new(password.as_bytes())).unwrap();
            let first = initial.then(|| client.respond().unwrap());
            let mut step = Exchange::start(mechanism, first.as_deref().map(Vec::as_slice));
            while let Step::Challenge(exchange) = step {
                step = exchange.respond(&client.respond().unwrap());
            }
            prop_assert_eq!(step, claim("", &login, password.as_bytes()));
            prop_assert_eq!(client.respond(), None);
        }
    }
}
