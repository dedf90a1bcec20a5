//! Known answers, a table a production, and the inverse.

use alloc::string::String;
use alloc::vec::Vec;

use auth_sasl::Stamp;
use proptest::prelude::*;

use super::*;

/// The production reads all of `line`, as `wanted` says.
fn table<T: PartialEq + core::fmt::Debug>(
    production: impl Fn(&'static [u8]) -> Parsed<'static, T>,
    rows: impl IntoIterator<Item = (&'static str, Result<T, Problem>)>,
) {
    for (line, wanted) in rows {
        let got = match all_consuming(&production).parse(line.as_bytes()) {
            Ok((_, value)) => Ok(value),
            Err(nom::Err::Error(Reason(problem)) | nom::Err::Failure(Reason(problem))) => Err(problem),
            Err(nom::Err::Incomplete(_)) => panic!("{line}: incomplete"),
        };
        assert_eq!(got, wanted, "{line:?}");
    }
}

const BAD: Problem = Problem::Arguments;

fn message(number: u32) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

#[test]
fn verbs() {
    for verb in Verb::ALL {
        let keyword = verb.keyword();
        let mixed: String = keyword
            .chars()
            .enumerate()
            .map(|(at, c)| if at % 2 == 0 { c } else { c.to_ascii_lowercase() })
            .collect();
        for word in [keyword.into(), keyword.to_ascii_lowercase(), mixed] {
            assert_eq!(Verb::parse(word.as_bytes()), Some(verb), "{word}");
        }
    }
    for none in [
        "", "A", "RE", "RETRY", "XTND", "LAST", "HELO", "EHLO", "\0TOP", "TOP\0", "TOPx", "TOPX", " TOP",
        "TOP ", "ſTAT", "NOO0", "`OOP",
    ] {
        assert_eq!(Verb::parse(none.as_bytes()), None, "{none:?}");
    }
}

#[test]
fn message_numbers() {
    table(
        message_number,
        [
            ("1", Ok(message(1))),
            ("001", Ok(message(1))),
            ("4294967295", Ok(message(u32::MAX))),
            ("4294967296", Err(Problem::TooLarge)),
            ("99999999999999999999999", Err(Problem::TooLarge)),
            ("0", Err(Problem::Zero)),
            ("000", Err(Problem::Zero)),
            ("-1", Err(Problem::NotANumber)),
            ("+1", Err(Problem::NotANumber)),
            ("1a", Err(Problem::NotANumber)),
            ("x", Err(Problem::NotANumber)),
            ("１", Err(BAD)),
            ("", Err(BAD)),
            (" ", Err(BAD)),
        ],
    );
}

#[test]
fn line_counts() {
    table(
        line_count,
        [
            ("0", Ok(0)),
            ("10", Ok(10)),
            ("99999999999999999999999", Ok(u32::MAX)),
            ("-1", Err(Problem::NotANumber)),
            ("", Err(BAD)),
        ],
    );
}

#[test]
fn names() {
    table(
        name,
        [
            ("hanako", Ok("hanako")),
            ("hanako@example.jp", Ok("hanako@example.jp")),
            ("花子", Ok("花子")),
            ("a b", Err(BAD)),
            ("a\tb", Err(BAD)),
            ("a\u{85}", Err(BAD)),
            ("a\u{7F}", Err(BAD)),
            ("", Err(BAD)),
        ],
    );
}

#[test]
fn passwords() {
    table(
        password,
        [
            ("sakura", Ok(Hidden(b"sakura"))),
            (" two  blanks ", Ok(Hidden(b" two  blanks "))),
            ("\t\u{1}", Ok(Hidden(b"\t\x01"))),
            ("nul\0", Err(BAD)),
            ("", Err(BAD)),
        ],
    );
    assert_eq!(Command::parse(b"PASS \xE9\xFF"), Ok(Command::Pass(Hidden(b"\xE9\xFF"))), "any character set");
}

#[test]
fn digests() {
    // RFC 1939 §7's own example.
    let digest_of = |text: &str| ApopDigest::parse(text.as_bytes()).unwrap();
    table(
        digest,
        [
            ("c4c9334bac560ecc979e58001b3e22fb", Ok(digest_of("c4c9334bac560ecc979e58001b3e22fb"))),
            ("C4C9334BAC560ECC979E58001B3E22FB", Ok(digest_of("c4c9334bac560ecc979e58001b3e22fb"))),
            ("c4c9334bac560ecc979e58001b3e22f", Err(BAD)),
            ("c4c9334bac560ecc979e58001b3e22fbb", Err(BAD)),
            ("c4c9334bac560ecc979e58001b3e22fg", Err(BAD)),
            ("", Err(BAD)),
        ],
    );
}

#[test]
fn mechanisms_and_initial_responses() {
    table(
        sasl_mech,
        [
            ("PLAIN", Ok("PLAIN")),
            ("scram-sha-256", Ok("scram-sha-256")),
            ("KERBEROS_V4", Ok("KERBEROS_V4")),
            ("ABCDEFGHIJKLMNOPQRSTU", Err(BAD)),
            ("PLAIN!", Err(BAD)),
            ("", Err(BAD)),
        ],
    );
    table(
        initial_response,
        [("AGE=", Ok(Hidden(b"AGE="))), ("=", Ok(Hidden(b"="))), ("", Err(BAD)), ("a b", Err(BAD))],
    );
}

#[test]
fn commands() {
    let auth = |mechanism, initial: Option<&'static [u8]>| {
        Ok(Command::Auth(Some(Sasl { mechanism, initial: initial.map(Hidden) })))
    };
    let wrong = |verb, problem| Err(Fault::Malformed(verb, problem));
    let rows = [
        ("APOP a c4c9334bac560ecc979e58001b3e22fb", Ok(apop_command())),
        ("APOP a", wrong(Verb::Apop, BAD)),
        ("APOP a 12", wrong(Verb::Apop, BAD)),
        ("AUTH", Ok(Command::Auth(None))),
        ("AUTH ", Ok(Command::Auth(None))),
        ("AUTH plain", auth("plain", None)),
        ("AUTH PLAIN =", auth("PLAIN", Some(b"="))),
        ("AUTH PLAIN AGEAYg==", auth("PLAIN", Some(b"AGEAYg=="))),
        ("AUTH PLAIN a b", wrong(Verb::Auth, BAD)),
        ("AUTH (", wrong(Verb::Auth, BAD)),
        ("capa", Ok(Command::Capa)),
        ("CAPA x", wrong(Verb::Capa, BAD)),
        ("DELE 2", Ok(Command::Dele(message(2)))),
        ("DELE", wrong(Verb::Dele, BAD)),
        ("DELE two", wrong(Verb::Dele, Problem::NotANumber)),
        ("LANG", Ok(Command::Lang(None))),
        ("LANG *", Ok(Command::Lang(Some("*")))),
        ("LANG ja-JP", Ok(Command::Lang(Some("ja-JP")))),
        ("LANG **", wrong(Verb::Lang, BAD)),
        ("LANG 日本語", wrong(Verb::Lang, BAD)),
        ("LANG a b", wrong(Verb::Lang, BAD)),
        ("LIST", Ok(Command::List(None))),
        ("LIST \t", Ok(Command::List(None))),
        ("LIST 1", Ok(Command::List(Some(message(1))))),
        ("LIST 0", wrong(Verb::List, Problem::Zero)),
        ("LIST 1 2", wrong(Verb::List, BAD)),
        ("LIST  1", wrong(Verb::List, BAD)),
        ("NOOP", Ok(Command::Noop)),
        ("PASS a b ", Ok(Command::Pass(Hidden(b"a b ")))),
        ("PASS  ", Ok(Command::Pass(Hidden(b" ")))),
        ("PASS ", wrong(Verb::Pass, BAD)),
        ("PASS", wrong(Verb::Pass, BAD)),
        ("quit ", Ok(Command::Quit)),
        ("Retr 3", Ok(Command::Retr(message(3)))),
        ("RETR 4294967296", wrong(Verb::Retr, Problem::TooLarge)),
        ("RSET", Ok(Command::Rset)),
        ("STAT", Ok(Command::Stat)),
        ("STLS", Ok(Command::Stls)),
        ("TOP 1 0", Ok(Command::Top { message: message(1), lines: 0 })),
        ("TOP 1", wrong(Verb::Top, BAD)),
        ("TOP 1 x", wrong(Verb::Top, Problem::NotANumber)),
        ("TOP 0 1", wrong(Verb::Top, Problem::Zero)),
        ("UIDL", Ok(Command::Uidl(None))),
        ("UIDL 7 ", Ok(Command::Uidl(Some(message(7))))),
        ("USER hanako", Ok(Command::User("hanako"))),
        ("USER", wrong(Verb::User, BAD)),
        ("USER a b", wrong(Verb::User, BAD)),
        ("utf8", Ok(Command::Utf8)),
        ("UTF8 USER", wrong(Verb::Utf8, BAD)),
        ("", Err(Fault::UnknownVerb)),
        (" STAT", Err(Fault::UnknownVerb)),
        ("STATX", Err(Fault::UnknownVerb)),
        ("XTND XMIT", Err(Fault::UnknownVerb)),
        ("GET / HTTP/1.1", Err(Fault::UnknownVerb)),
    ];
    for (line, wanted) in rows {
        assert_eq!(Command::parse(line.as_bytes()), wanted, "{line:?}");
    }
}

fn apop_command() -> Command<'static> {
    Command::Apop { name: "a", digest: ApopDigest::parse(b"c4c9334bac560ecc979e58001b3e22fb").unwrap() }
}

#[test]
fn a_password_is_never_shown() {
    for line in ["PASS sakura", "AUTH PLAIN sakura"] {
        let shown = std::format!("{:?}", Command::parse(line.as_bytes()));
        assert!(!shown.contains("sakura") && !shown.contains("115"), "{shown}");
    }
}

fn any_number() -> impl Strategy<Value = MessageNumber> {
    (1..=u32::MAX).prop_map(message)
}

/// The owned parts of any command, and how they make one.
#[derive(Clone, Debug)]
struct Parts {
    verb: Verb,
    name: String,
    octets: Vec<u8>,
    mechanism: Option<String>,
    initial: Option<String>,
    number: MessageNumber,
    with_number: bool,
    lines: u32,
    language: Option<String>,
}

prop_compose! {
    fn any_parts()(
        verb in proptest::sample::select(&Verb::ALL[..]),
        name in "[!-~あ-ん]{1,40}",
        octets in proptest::collection::vec(1u8.., 1..60),
        mechanism in proptest::option::of("[A-Za-z0-9_-]{1,20}"),
        initial in proptest::option::of("[A-Za-z0-9+/]{1,40}={0,2}"),
        number in any_number(),
        with_number in any::<bool>(),
        lines in any::<u32>(),
        language in proptest::option::of("\\*|[A-Za-z0-9-]{1,20}"),
    ) -> Parts {
        Parts { verb, name, octets, mechanism, initial, number, with_number, lines, language }
    }
}

impl Parts {
    fn command(&self) -> Command<'_> {
        let number = self.with_number.then_some(self.number);
        match self.verb {
            Verb::Apop => {
                let stamp = Stamp::new("<1@x>").unwrap();
                let digest = ApopDigest::compute(&stamp, &auth_sasl::Secret::new(self.octets.clone()));
                Command::Apop { name: &self.name, digest }
            }
            Verb::Auth => Command::Auth(self.mechanism.as_deref().map(|mechanism| Sasl {
                mechanism,
                initial: self.initial.as_deref().map(|text| Hidden(text.as_bytes())),
            })),
            Verb::Capa => Command::Capa,
            Verb::Dele => Command::Dele(self.number),
            Verb::Lang => Command::Lang(self.language.as_deref()),
            Verb::List => Command::List(number),
            Verb::Noop => Command::Noop,
            Verb::Pass => Command::Pass(Hidden(&self.octets)),
            Verb::Quit => Command::Quit,
            Verb::Retr => Command::Retr(self.number),
            Verb::Rset => Command::Rset,
            Verb::Stat => Command::Stat,
            Verb::Stls => Command::Stls,
            Verb::Top => Command::Top { message: self.number, lines: self.lines },
            Verb::Uidl => Command::Uidl(number),
            Verb::User => Command::User(&self.name),
            Verb::Utf8 => Command::Utf8,
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_reads_back(parts in any_parts()) {
        let command = parts.command();
        let mut line = Vec::new();
        command.encode(&mut line);
        prop_assert!(line.ends_with(b"\r\n"));
        prop_assert_eq!(Command::parse(&line[..line.len() - 2]), Ok(command));
    }

    #[test]
    fn what_reads_encodes_to_what_reads_the_same(line in "[A-Za-z]{3,5}( [ -~]{0,12}){0,3}") {
        if let Ok(command) = Command::parse(line.as_bytes()) {
            let mut again = Vec::new();
            command.encode(&mut again);
            prop_assert_eq!(Command::parse(&again[..again.len() - 2]), Ok(command));
        }
    }

    #[test]
    fn any_octets_are_a_command_or_a_fault(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Command::parse(&line);
    }
}
