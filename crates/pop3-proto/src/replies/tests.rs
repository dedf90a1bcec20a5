//! Both languages say the same to a client's program.

use alloc::string::String;
use alloc::vec::Vec;

use super::*;

fn all() -> Vec<Reply<'static>> {
    let (totals, Some(message)) = (Totals { messages: 2, octets: 320 }, MessageNumber::new(1)) else {
        panic!()
    };
    use Reply::*;
    alloc::vec![
        Greeting { hostname: "mx", stamp: None },
        Greeting { hostname: "mx", stamp: Some("<1@mx>") },
        NameTaken,
        LoggedIn(totals),
        Stat(totals),
        Listing(totals),
        ListingOf(message, 120),
        UniqueIds,
        UniqueIdOf(message, "a"),
        Octets(120),
        TopFollows,
        Marked(message),
        Unmarked(totals),
        Noop,
        Capabilities,
        Mechanisms,
        BeginTls,
        Utf8On,
        Languages,
        Goodbye,
        Unknown,
        Usage(Verb::Top),
        TooLong,
        BareLf,
        NotANumber,
        Zero,
        NoSuchMessage { messages: 2 },
        Deleted(message),
        LogInFirst,
        LoggedInAlready,
        UserFirst,
        TlsAlready,
        NoStls,
        NoApop,
        NoSuchLanguage,
        TlsFirst,
        UnknownMechanism,
        MalformedResponse,
        Cancelled,
        WrongCredentials,
        InUse,
        LoginDelay,
        NeedsUtf8,
        Temporary,
        Permanent,
        Vanished,
        NotRemoved,
        TooManyErrors,
        TooManyCommands,
        TooManyAuthFailures,
        BehindStls,
    ]
}

fn said(reply: Reply<'_>, language: Language) -> String {
    let mut out = Vec::new();
    reply.write(language, &mut out);
    String::from_utf8(out).unwrap()
}

/// Status and response code, and for the replies that programs read, all of it.
fn for_programs(reply: Reply<'_>, language: Language) -> String {
    let line = said(reply, language);
    let (text, words) = (line.strip_suffix("\r\n").unwrap(), line.split(' ').take(2).collect::<Vec<_>>());
    assert!(!text.contains(['\r', '\n']) && line.len() <= 512, "RFC 2449 §4: {line}");
    match reply {
        Reply::Greeting { .. } | Reply::Stat(_) | Reply::ListingOf(..) | Reply::UniqueIdOf(..) => line,
        _ if words.get(1).is_some_and(|word| word.starts_with('[')) => words.join(" "),
        _ => words.first().copied().unwrap_or_default().trim().into(),
    }
}

#[test]
fn both_languages_say_the_same_to_a_program() {
    for reply in all() {
        let [english, japanese] = Language::ALL.map(|language| for_programs(reply, language));
        assert_eq!(english, japanese, "{reply:?}");
        assert!(said(reply, Language::English).is_ascii(), "{reply:?}");
    }
}

#[test]
fn a_language_is_answered_with_its_tag() {
    for language in Language::ALL {
        let wanted = std::format!("+OK {} ", language.tag());
        assert!(said(Reply::LanguageIs(language.tag()), language).starts_with(&wanted));
    }
}
