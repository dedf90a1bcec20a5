//! The sentences of the page, in both languages. A customer reads them who knows a mail program and no protocol.

use std::collections::BTreeSet;

use accounts::{DomainInfo, DomainKind};
use daemon_kit::config::{Config, Protocol};

use super::facts::{Note, Row};
use crate::language::Language::{self, En, Ja};

/// A note, as a sentence.
pub(super) fn note(note: &Note, language: Language) -> String {
    let secured = |protocol: &Protocol| match protocol {
        Protocol::Pop3 => ("POP3S (POP over SSL/TLS)", "STLS"),
        Protocol::Smtp => ("SMTPS (SMTP over SSL/TLS)", "STARTTLS"),
    };
    match (note, language) {
        (Note::ImplicitTls(protocol), En) => {
            let (name, command) = secured(protocol);
            format!(
                "{name} only: the connection is encrypted from its beginning. {command} is not supported."
            )
        }
        (Note::ImplicitTls(protocol), Ja) => {
            let (name, command) = secured(protocol);
            format!("{name}専用です。通信路が暗号化されます。{command}コマンドには対応していません。")
        }
        (Note::OptionalTls(protocol), En) => {
            format!("Encryption by {} or none.", secured(protocol).1)
        }
        (Note::OptionalTls(protocol), Ja) => {
            format!("暗号化機能（{}）と平文のどちらも使えます。", secured(protocol).1)
        }
        (Note::RequiredTls(protocol), En) => format!("Encryption by {} is required.", secured(protocol).1),
        (Note::RequiredTls(protocol), Ja) => format!("暗号化機能（{}）が必須です。", secured(protocol).1),
        (Note::TlsForLogin(protocol), En) => {
            format!("Encryption by {}, required before SMTP AUTH.", secured(protocol).1)
        }
        (Note::TlsForLogin(protocol), Ja) => {
            format!("暗号化機能（{}）が使えます。SMTP認証には暗号化機能が必須です。", secured(protocol).1)
        }
        (Note::NoTls(protocol), En) => {
            format!("No encryption. {} is not supported.", secured(protocol).1)
        }
        (Note::NoTls(protocol), Ja) => {
            format!("暗号化機能、{}コマンドには対応していません。", secured(protocol).1)
        }
        (Note::AuthRequired, En) => "SMTP AUTH is always required, from our own network too.".to_owned(),
        (Note::AuthRequired, Ja) => "SMTP認証が必須です（弊社ネットワークからも必要です）。".to_owned(),
        (Note::AuthPossible, En) => "SMTP AUTH can be used.".to_owned(),
        (Note::AuthPossible, Ja) => "SMTP認証が使えます。".to_owned(),
        (Note::Mechanisms(names), En) => format!("Its mechanisms are {names}; no others are supported."),
        (Note::Mechanisms(names), Ja) => format!("認証方式は{names}です。ほかの方式には対応していません。"),
        (Note::ClearTextPassword, En) => {
            "Without encryption, the password crosses the network as it is.".to_owned()
        }
        (Note::ClearTextPassword, Ja) => {
            "暗号化機能を利用しない場合、パスワードは平文で流れます。".to_owned()
        }
        (Note::Apop, En) => "APOP can be used: the password itself does not cross the network.".to_owned(),
        (Note::Apop, Ja) => "APOP認証方式が使えます。パスワードを暗号化し接続します。".to_owned(),
        (Note::SendsFromInside, En) => "From our own network, mail is sent without SMTP AUTH.".to_owned(),
        (Note::SendsFromInside, Ja) => "弊社ネットワークからは、SMTP認証なしで送信できます。".to_owned(),
        (Note::SendsFromElsewhere { by_login, after_pop }, En) => match (by_login, after_pop) {
            (true, true) => "From other networks, SMTP AUTH or POP before SMTP is required to send.",
            (true, false) => "From other networks, SMTP AUTH is required to send.",
            (false, true) => "From other networks, POP before SMTP is required to send.",
            (false, false) => "From other networks, no mail can be sent to other domains.",
        }
        .to_owned(),
        (Note::SendsFromElsewhere { by_login, after_pop }, Ja) => match (by_login, after_pop) {
            (true, true) => "弊社以外のネットワークからの送信には、SMTP認証かPOP before SMTPが必須です。",
            (true, false) => "弊社以外のネットワークからの送信には、SMTP認証が必須です。",
            (false, true) => "弊社以外のネットワークからの送信には、POP before SMTPが必須です。",
            (false, false) => "弊社以外のネットワークからは、ほかのドメインあてに送信できません。",
        }
        .to_owned(),
        (Note::Submission, En) => {
            "For networks that block port 25 (Outbound Port 25 Blocking), too.".to_owned()
        }
        (Note::Submission, Ja) => {
            "25番ポートを制限しているネットワーク（Outbound Port 25 Blocking）からも使えます。".to_owned()
        }
        (Note::Barred(networks), En) => format!("Not available from: {networks}."),
        (Note::Barred(networks), Ja) => format!("次の回線からはご利用できません: {networks}"),
        (Note::CheckedForContract, En) => {
            "For customers with the virus check: what they send is checked for viruses.".to_owned()
        }
        (Note::CheckedForContract, Ja) => {
            "ウイルスチェックを契約している場合のサーバーです。送信するメールを検査します。".to_owned()
        }
        (Note::OnlyForContract, En) => {
            "Only for customers with the virus check: what they send is checked for viruses.".to_owned()
        }
        (Note::OnlyForContract, Ja) => {
            "ウイルスチェックを契約している場合に限りご利用できます。送信するメールを検査します。".to_owned()
        }
        (Note::CheckedForAll, En) => "Every message is checked for viruses.".to_owned(),
        (Note::CheckedForAll, Ja) => "すべてのメールのウイルスを検査します。".to_owned(),
    }
}

/// What is recommended.
pub(super) fn recommendation(rows: &[Row], apop: bool, language: Language) -> Vec<String> {
    let starred = |protocol| rows.iter().any(|row| row.recommended && row.protocol == protocol);
    let sentence = match (starred(Protocol::Pop3), starred(Protocol::Smtp)) {
        (true, true) => Some(language.of(
            "We recommend the rows with a star: SMTP AUTH, POP over SSL/TLS and SMTP over SSL/TLS.",
            "★印の設定、「SMTP認証」＋「POP over SSL/TLS、SMTP over SSL/TLS」のご利用を推奨します。",
        )),
        (false, false) => None,
        _ => Some(language.of("We recommend the row with a star.", "★印の設定のご利用を推奨します。")),
    };
    let mut sentences = Vec::from_iter(sentence.map(str::to_owned));
    if apop {
        let sentence = language.of(
            "A mail program that knows no SSL/TLS can receive by APOP (or POP) and send with SMTP AUTH.",
            "SSL/TLSに未対応のメールソフトでは、「APOP認証方式」（またはPOP）で受信し、「SMTP認証」で送信できます。",
        );
        sentences.push(sentence.to_owned());
    }
    sentences
}

/// What holds in which network.
pub(super) fn networks(config: &Config, rows: &[Row], language: Language) -> Vec<String> {
    let mut sentences = Vec::new();
    if rows.iter().any(|row| row.notes.contains(&Note::SendsFromInside)) {
        let sentence = language.of(
            "From our own network, the usual settings send and receive without SMTP AUTH.",
            "弊社のインターネット接続経由の場合は、SMTP認証なしの通常の設定でも送受信できます。",
        );
        sentences.push(sentence.to_owned());
    }
    let after_pop = |note: &Note| matches!(note, Note::SendsFromElsewhere { after_pop: true, .. });
    let by_login =
        |note: &Note| matches!(note, Note::AuthRequired | Note::SendsFromElsewhere { by_login: true, .. });
    let ticket = rows.iter().any(|row| row.notes.iter().any(after_pop));
    let login = rows.iter().any(|row| row.notes.iter().any(by_login));
    let (english, japanese) = match (login, ticket) {
        (true, true) => (
            "From any other network, mail is received as usual, and sending needs a login or POP before SMTP.",
            "弊社以外のネットワーク経由でも受信できます。送信にはSMTP認証かPOP before SMTPが必要です。",
        ),
        (true, false) => (
            "From any other network, mail is received as usual, and sending needs a login.",
            "弊社以外のネットワーク経由でも受信できます。送信には認証が必要です。",
        ),
        (false, true) => (
            "From any other network, mail is received as usual, and sending needs POP before SMTP.",
            "弊社以外のネットワーク経由でも受信できます。送信にはPOP before SMTPが必要です。",
        ),
        (false, false) => (
            "From any other network, mail is received as usual.",
            "弊社以外のネットワーク経由でも受信できます。",
        ),
    };
    sentences.push(language.of(english, japanese).to_owned());
    let submission = rows.iter().filter(|row| row.notes.contains(&Note::Submission));
    let ports: BTreeSet<u16> = submission.map(|row| row.port).collect();
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    if !ports.is_empty() {
        sentences.push(match language {
            En => format!("Where port 25 is blocked, send by port {}.", ports.join(" or ")),
            Ja => format!(
                "25番ポートが制限されている場合は、{}番ポートで送信してください。",
                ports.join("番か")
            ),
        });
    }
    if let Some(tickets) = config.pop_before_smtp.filter(|tickets| ticket || !tickets.is_on()) {
        let minutes = tickets.lifetime.as_secs() / 60;
        sentences.push(match (tickets.is_on(), tickets.until, language) {
            (true, None, En) => format!("POP before SMTP: send within {minutes} minutes after receiving, by port 25."),
            (true, None, Ja) => format!("POP before SMTP: 受信してから{minutes}分以内に、25番ポートで送信できます。"),
            (true, Some(until), En) => {
                format!("POP before SMTP, until {until}: send within {minutes} minutes after receiving, by port 25. Use SMTP AUTH from then on.")
            }
            (true, Some(until), Ja) => {
                format!("POP before SMTP（{until}まで）: 受信してから{minutes}分以内に、25番ポートで送信できます。今後はSMTP認証をお使いください。")
            }
            (false, _, En) => "POP before SMTP has ended. Use SMTP AUTH.".to_owned(),
            (false, _, Ja) => "POP before SMTPは対応を終了しました。今後はSMTP認証をお使いください。".to_owned(),
        });
    }
    sentences
}

/// How much there may be, and how long it stays.
pub(super) fn limits(config: &Config, language: Language) -> Vec<String> {
    let mut sizes: Vec<_> =
        config.listeners(Protocol::Smtp).map(|it| it.limits.message_size.map(u64::from)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let size_of = |octets: u64| match octets >> 20 {
        0 => format!("{} KiB", octets >> 10),
        mib => format!("{mib} MiB"),
    };
    let mut sentences = Vec::new();
    if let [size] = sizes[..] {
        sentences.push(match (size, language) {
            (None, En) => "There is no limit to the size of a message.".to_owned(),
            (None, Ja) => "1通あたりの大きさの制限はありません。".to_owned(),
            (Some(size), En) => format!("A message has at most {}.", size_of(size)),
            (Some(size), Ja) => format!("1通あたりの大きさは{}までです。", size_of(size)),
        });
    }
    sentences.push(match (config.quota.octets, language) {
        (None, En) => "There is no limit to the size of a mailbox; please have your program remove what you have read.".to_owned(),
        (None, Ja) => "メールボックスの大きさの制限はありません。読み終えたメールはサーバから削除する設定にご協力ください。".to_owned(),
        (Some(octets), En) => format!("A mailbox holds {}.", size_of(octets)),
        (Some(octets), Ja) => format!("メールボックスの大きさは{}までです。", size_of(octets)),
    });
    for (days, english, japanese) in [
        (config.pop3.expire_read, "after it was read", "読み終えてから"),
        (config.pop3.expire_all, "after it came", "届いてから"),
    ] {
        sentences.extend(days.map(|days| match language {
            En => format!("Mail is removed {days} days {english}."),
            Ja => format!("メールは{japanese}{days}日で削除されます。"),
        }));
    }
    sentences
}

/// A domain that is known, as it concerns a customer's address.
pub(super) fn domain(domain: &DomainInfo, language: Language) -> String {
    let DomainInfo { name, kind, .. } = domain;
    match (kind, language) {
        (DomainKind::Ours, En) => format!("(user name or alias)@{name}"),
        (DomainKind::Ours, Ja) => format!("（ユーザー名またはエイリアス）@{name}"),
        (DomainKind::Equivalent(to), En) => format!("@{name} can be used for @{to}"),
        (DomainKind::Equivalent(to), Ja) => format!("@{to} の代わりに @{name} でも使えます"),
        (DomainKind::Barred(_), En) => format!("@{name} cannot be used as a mail address"),
        (DomainKind::Barred(_), Ja) => format!("@{name} はメールアドレスとして利用できません"),
    }
}
