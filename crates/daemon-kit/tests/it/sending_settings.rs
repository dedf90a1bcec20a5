//! `[sending_limits]`.

use daemon_kit::config::{Config, Faults, OverLimit, SendingLimits, SendingRates};

fn parse(text: &str) -> Result<SendingLimits, Faults> {
    const REST: &str = "hostname = \"mx.example.jp\"\nstore = { maildirs = \"mail\", queue = \"queue\" }\n\
                        accounts = { database = \"sqlite:a.sqlite\" }\n\
                        [[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n";
    Config::parse(&format!("{REST}{text}"), "/etc/yubin/yubin.toml").map(|config| config.sending_limits)
}

#[test]
fn o_05_nothing_is_limited_without_a_word_and_an_address_as_an_account_unless_said() {
    assert_eq!(parse("").unwrap(), SendingLimits::default());
    let limits = parse(
        "[sending_limits]\nmessages_per_hour = 200\nrecipients_per_hour = \"none\"\nrecipients_per_day = 2000\n\
         over = \"hold\"\naddress = { messages_per_hour = 50, recipients_per_day = 0 }\n",
    )
    .unwrap();
    let account = SendingRates {
        messages_per_hour: Some(200),
        recipients_per_day: Some(2000),
        ..SendingRates::default()
    };
    let address = SendingRates { messages_per_hour: Some(50), ..SendingRates::default() };
    assert_eq!(limits, SendingLimits { account, address, over: OverLimit::Hold });
    assert_eq!(parse("[sending_limits]\nmessages_per_day = 9\n").unwrap().address.messages_per_day, Some(9));
}

#[test]
fn what_cannot_be_meant_is_told_with_its_line() {
    for (text, said) in [
        ("[sending_limits]\nmessages_per_huor = 1\n", "messages_per_hour"),
        ("[sending_limits]\nover = \"reject\"\n", "\"reject\" is not known here"),
        ("[sending_limits]\nmessages_per_day = -1\n", "a whole number"),
        ("[sending_limits]\naddress = { over = \"hold\" }\n", "unknown key"),
        ("[sending_limits]\naddress = 5\n", "not a section"),
    ] {
        let faults = parse(text).unwrap_err().to_string();
        assert!(faults.contains(said) && faults.contains("yubin.toml:"), "{text}\n{faults}");
    }
}
