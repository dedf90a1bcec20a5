//! `[virus_check]`, and what a listener says of it.

use std::time::Duration;

use daemon_kit::config::{Clamd, Config, OnFail, OnVirus, OverSize, VirusCheck, VirusChecked};
use daemon_kit::limits;

use crate::config::{check_faults_in, with};
use crate::world::World;

const AUTH: &str = "auth = \"required\"\ntls = \"implicit\"\n";

fn listener(settings: &str) -> String {
    format!("protocol = \"smtp\"\naddress = \"127.0.0.1:0\"\n{settings}")
}

fn parsed(settings: &str, section: &str) -> Config {
    let world = World::new();
    Config::parse(&with(&format!("{}{section}", listener(settings))), world.path("yubin.toml")).unwrap()
}

#[test]
fn without_a_section_nobody_looks() {
    let config = parsed("", "");
    assert_eq!((config.virus_check, config.listeners[0].smtp.virus_check), (None, VirusChecked::Off));
}

#[test]
fn v_04_v_06_the_careful_choice_and_every_setting() {
    let config = parsed("", "[virus_check]\nclamd = \"127.0.0.1:3310\"\n");
    let careful = VirusCheck {
        clamd: Clamd::Tcp("127.0.0.1:3310".into()),
        timeout: limits::VIRUS_CHECK,
        connections: limits::VIRUS_CHECK_CONNECTIONS,
        max_size: Some(limits::VIRUS_CHECK_SIZE),
        over_size: OverSize::Accept,
        on_virus: OnVirus::Reject,
        on_fail: OnFail::Tempfail,
        owner_notice: None,
    };
    assert!(!careful.may_hold());
    assert_eq!(config.virus_check, Some(careful));
    assert_eq!(config.listeners[0].smtp.virus_check, VirusChecked::Received);

    let config = parsed(
        &format!("{AUTH}virus_check = \"contract-only\"\n"),
        "[virus_check]\nclamd = \"unix:clamd.ctl\"\ntimeout = \"20s\"\nconnections = 7\nmax_size = \"none\"\n\
         over_size = \"reject\"\non_virus = \"hold\"\non_fail = \"accept\"\nowner_notice = \"1d\"\n",
    );
    let virus_check = config.virus_check.unwrap();
    assert!(
        matches!(&virus_check.clamd, Clamd::Unix(path) if path.ends_with("clamd.ctl") && path.is_absolute())
    );
    let VirusCheck { timeout, connections, max_size, owner_notice, .. } = virus_check;
    assert_eq!((timeout, connections, max_size), (Duration::from_secs(20), 7, None));
    assert_eq!(owner_notice, Some(Duration::from_secs(24 * 3600)));
    let words = (virus_check.over_size, virus_check.on_virus, virus_check.on_fail);
    assert_eq!(words, (OverSize::Reject, OnVirus::Hold, OnFail::Accept));
    assert!(virus_check.may_hold());
    assert_eq!(config.listeners[0].smtp.virus_check, VirusChecked::ContractOnly);
}

#[test]
fn what_cannot_be() {
    let words = "\"unix:/run/clamav/clamd.ctl\" or \"127.0.0.1:3310\"";
    let nobody =
        "nobody could release what is held: the queue takes orders only where mail leaves for other hosts";
    let remedy = "write: enabled = true in [outbound], or another word here";
    let place = |text: &str| format!("11:9: \"{text}\" is no place of a clamd; write: {words}");
    let cases: Vec<(String, Vec<String>)> = vec![
        (
            listener(&format!("{AUTH}virus_check = \"always\"\n")),
            vec!["12:15: nobody looks mail through: there is no section [virus_check]; write: [virus_check] with \
                 clamd = \"unix:/run/clamav/clamd.ctl\""
                .into()],
        ),
        (
            listener("virus_check = \"contract\"\n[virus_check]\nclamd = \"localhost:3310\"\n"),
            vec!["10:15: it looks at who has logged in, and `auth` is \"off\"; write: \"received\" or \"always\", or \
                 auth beside it"
                .into()],
        ),
        (
            "protocol = \"pop3\"\naddress = \"127.0.0.1:0\"\nclear_text_auth = true\nvirus_check = \"off\"\n".into(),
            vec![
                "11:15: `virus_check` belongs to SMTP, this listener is pop3; write: nothing (remove the line)".into(),
            ],
        ),
        (listener("[virus_check]\nclamd = \"unix:\"\n"), vec![place("unix:")]),
        (listener("[virus_check]\nclamd = \"/run/clamav/clamd.ctl\"\n"), vec![place("/run/clamav/clamd.ctl")]),
        (listener("[virus_check]\nclamd = \"127.0.0.1:0\"\n"), vec![place("127.0.0.1:0")]),
        (
            listener(
                "[virus_check]\nclamd = \"localhost:3310\"\non_fail = \"hold\"\non_virus = \"hold\"\nover_size = \"hold\"\n\
                 [outbound]\nenabled = false\n",
            ),
            vec![
                format!("12:11: {nobody}; {remedy}"),
                format!("13:12: {nobody}; {remedy}"),
                format!("14:13: {nobody}; {remedy}"),
            ],
        ),
    ];
    let world = World::new();
    for (text, expected) in &cases {
        let expected: Vec<String> = expected.iter().map(|line| format!("yubin.toml:{line}")).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check_faults_in(&world, &with(text), &expected);
    }
    let missing = with(&listener("[virus_check]\non_fail = \"never\"\n"));
    let told = Config::parse(&missing, world.path("yubin.toml")).unwrap_err().to_string();
    for part in ["[virus_check] has no `clamd`", "\"never\" is not known here"] {
        assert!(told.contains(part), "{told}");
    }
}
