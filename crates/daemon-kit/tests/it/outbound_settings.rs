//! `[outbound]` and `[[route]]`.

use std::time::Duration;

use daemon_kit::config::{Config, Faults, Outbound, OutboundTls, RelayHost, ReportLanguage};

fn parse(text: &str) -> Result<Outbound, Faults> {
    const REST: &str = "hostname = \"mx.example.jp\"\nstore = { maildirs = \"mail\", queue = \"queue\" }\n\
                        accounts = { database = \"sqlite:a.sqlite\" }\n\
                        [[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n";
    Config::parse(&format!("{REST}{text}"), "/etc/yubin/yubin.toml").map(|config| config.outbound)
}

#[test]
fn without_a_word_mail_leaves_as_usual() {
    assert_eq!(parse("").unwrap(), Outbound::default());
    assert!(parse("").unwrap().enabled);
    assert_eq!(parse("").unwrap().queue_lifetime, Duration::from_secs(5 * 24 * 3600));
}

#[test]
fn every_setting_is_read() {
    let outbound = parse("[outbound]\nenabled = false\nminimal_backoff = \"1m\"\nmaximal_backoff = \"2h\"\nqueue_lifetime = \"4d\"\nbounce_lifetime = \"1d\"\n").unwrap();
    assert!(!outbound.enabled);
    let hours = [outbound.queue_lifetime, outbound.bounce_lifetime].map(|time| time.as_secs() / 3600);
    let minutes = [outbound.minimal_backoff, outbound.maximal_backoff].map(|time| time.as_secs() / 60);
    assert_eq!((minutes, hours), ([1, 120], [96, 24]));
    let outbound = parse(
        "[outbound]\ndelay_warning = \"none\"\nsessions = 7\nsessions_per_destination = 6\nsessions_per_host = 5\n\
         tls = \"verify\"\ntls_ca_file = \"ca.pem\"\nsmarthost = \"smtp.example.jp:587\"\nsmarthost_login = \"us\"\n\
         smarthost_password_file = \"secret\"\nname_servers = [\"127.0.0.1:53\"]\nmx_port = 2525\n\
         report_language = \"ja\"\n\n[[route]]\ndomain = \".Example.com\"\nhost = \"[2001:db8::1]:26\"\ntls = \"none\"\n\n\
         [[route]]\ndomain = \"direct.example\"\n",
    )
    .unwrap();
    assert_eq!((outbound.delay_warning, outbound.sessions, outbound.mx_port), (None, 7, 2525));
    assert_eq!((outbound.sessions_per_destination, outbound.sessions_per_host), (6, 5));
    assert_eq!((outbound.tls, outbound.report_language), (OutboundTls::Verify, ReportLanguage::Japanese));
    assert_eq!(outbound.tls_ca_file.as_deref(), Some("/etc/yubin/ca.pem".as_ref()));
    assert_eq!(outbound.name_servers, ["127.0.0.1:53".parse().unwrap()]);
    let login = Some((String::from("us"), "/etc/yubin/secret".into()));
    assert_eq!(outbound.smarthost, Some(RelayHost { host: "smtp.example.jp".into(), port: 587, login }));
    let [below, direct] = &outbound.routes[..] else { panic!("{:?}", outbound.routes) };
    assert_eq!((below.domain.as_str(), below.tls), (".example.com", Some(OutboundTls::None)));
    assert_eq!(below.host, Some(RelayHost { host: "2001:db8::1".into(), port: 26, login: None }));
    assert_eq!((direct.domain.as_str(), &direct.host, direct.tls), ("direct.example", &None, None));
}

#[test]
fn what_cannot_be_meant_is_told_with_its_line() {
    for (text, said) in [
        ("[outbound]\nminimal_backof = \"1m\"\n", "minimal_backoff"),
        ("[outbound]\nqueue_lifetime = \"0d\"\n", "no time at all"),
        ("[outbound]\ntls = \"must\"\n", "\"must\" is not known here"),
        ("[outbound]\nsmarthost = \"smtp.example.jp:0\"\n", "no host with a port"),
        ("[outbound]\nsmarthost = \"smtp\"\nsmarthost_login = \"us\"\n", "a login without a password"),
        (
            "[outbound]\ntls = \"may\"\nsmarthost = \"smtp\"\nsmarthost_login = \"us\"\nsmarthost_password_file = \"secret\"\n",
            "a password for a host that need not prove its name",
        ),
        (
            "[[route]]\ndomain = \"example.jp\"\nhost = \"smtp\"\nlogin = \"us\"\npassword_file = \"secret\"\ntls = \"encrypt\"\n",
            "a password for a host that need not prove its name",
        ),
        ("[outbound]\nmx_port = 70000\n", "no port"),
        ("[[route]]\nhost = \"smtp.example.jp\"\n", "has no `domain`"),
        ("[[route]]\ndomain = \"a b\"\n", "no domain"),
    ] {
        let faults = parse(text).unwrap_err().to_string();
        assert!(faults.contains(said) && faults.contains("yubin.toml:"), "{text}\n{faults}");
    }
}
