//! What may be wrong, or better, and what to do, in the customer's language.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use accounts::{AccountDetails, Bar, LoginAttempt, Service};
use daemon_kit::config::{Auth, Config, INSIDE, Listener, Protocol};

use crate::language::Language;

/// Something that the desk can tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finding {
    /// The account may not use a service.
    Barred(BarWord, Service),
    /// An alias or an address was used as login.
    Alias {
        claimed: String,
        from: String,
    },
    /// `server:user`.
    PseudoUserName {
        claimed: String,
        from: String,
    },
    NoApopSecret {
        from: String,
    },
    TwoIdentities {
        from: String,
    },
    /// The password is wrong, this often.
    WrongPassword {
        from: String,
        place: String,
        times: i64,
    },
    /// So often that logins from there wait.
    TooManyFailures {
        from: String,
    },
    /// So many at the same time that some waited for too long.
    TooManyAtOnce {
        from: String,
    },
    /// It fetches mail from outside by this address, and nobody sends from there.
    NeverSends {
        from: String,
        ports: String,
    },
    /// The password crosses the network in clear text.
    ClearText {
        from: String,
        place: String,
    },
    /// A version of TLS before the current one.
    OldTls {
        from: String,
        version: String,
    },
    /// Nobody came with this login.
    NobodyCame {
        places: String,
    },
}

/// How an account is barred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BarWord {
    Closing,
    ServiceOff,
    Staged,
    Suspended,
}

impl BarWord {
    fn of(bar: &Bar) -> Self {
        match bar {
            Bar::Closing => Self::Closing,
            Bar::ServiceOff(_) => Self::ServiceOff,
            Bar::Staged => Self::Staged,
            Bar::Suspended(_) => Self::Suspended,
        }
    }
}

/// All that can be found out, what keeps the customer out first.
pub(super) fn all(config: &Config, details: &AccountDetails, attempts: &[LoginAttempt]) -> Vec<Finding> {
    let mut found = BTreeSet::new();
    for service in [Service::SmtpAuth, Service::Pop] {
        if let Some(bar) = details.bar(service) {
            found.insert(Finding::Barred(BarWord::of(&bar), service));
        }
    }
    for attempt in attempts {
        found.extend(of_attempt(attempt));
    }
    // Only where those of its brand log in.
    let brand = details.account.brand();
    let doors: Vec<_> = config.listeners.iter().filter(|it| it.brand.as_deref() == brand).collect();
    found.extend(readers_who_never_send(config, &doors, attempts));
    if attempts.is_empty() {
        let places = places(doors.iter().filter(|it| it.auth != Auth::Off));
        found.insert(Finding::NobodyCame { places });
    }
    found.into_iter().collect()
}

fn of_attempt(attempt: &LoginAttempt) -> Option<Finding> {
    let from = attempt.from.clone();
    let claimed = || attempt.claimed.clone().unwrap_or_default();
    if attempt.succeeded() {
        return match &attempt.tls {
            None if attempt.mechanism != "apop" => {
                Some(Finding::ClearText { from, place: attempt.place.clone() })
            }
            Some(version) if version != "TLSv1.3" => Some(Finding::OldTls { from, version: version.clone() }),
            _ => None,
        };
    }
    match (attempt.hint.as_deref(), attempt.outcome.as_str()) {
        (Some("address" | "alias"), _) => Some(Finding::Alias { claimed: claimed(), from }),
        (Some("pseudo-user-name"), _) => Some(Finding::PseudoUserName { claimed: claimed(), from }),
        (Some("no-apop-secret"), _) => Some(Finding::NoApopSecret { from }),
        (Some("two-identities"), _) => Some(Finding::TwoIdentities { from }),
        (_, "wrong-secret") => {
            Some(Finding::WrongPassword { from, place: attempt.place.clone(), times: attempt.times })
        }
        (_, "too-many-at-once") => Some(Finding::TooManyAtOnce { from }),
        (_, budget) if budget.ends_with("-budget") => Some(Finding::TooManyFailures { from }),
        // What bars the account now is told already; what barred it then is over.
        _ => None,
    }
}

/// Who fetches mail from outside and has never come to send may sit behind a network that blocks port 25.
fn readers_who_never_send(
    config: &Config,
    doors: &[&Arc<Listener>],
    attempts: &[LoginAttempt],
) -> Option<Finding> {
    let senders: BTreeSet<&str> =
        attempts.iter().filter(|it| it.service == Service::SmtpAuth).map(|it| it.from.as_str()).collect();
    let outside = |from: &str| {
        from.parse()
            .is_ok_and(|address: IpAddr| !address.is_loopback() && !config.networks.contains(INSIDE, address))
    };
    let reads = |it: &&LoginAttempt| it.service == Service::Pop && it.succeeded();
    let reader =
        attempts.iter().filter(reads).find(|it| outside(&it.from) && !senders.contains(it.from.as_str()))?;
    Some(Finding::NeverSends { from: reader.from.clone(), ports: submission(doors) })
}

/// Where a customer sends by, whatever network it is in.
fn submission(doors: &[&Arc<Listener>]) -> String {
    let is_submission = |it: &&&Arc<Listener>| it.protocol == Protocol::Smtp && it.auth == Auth::Required;
    places(doors.iter().filter(is_submission))
}

/// Each once, in the order of the file: IPv4 and IPv6 may be two listeners.
fn places<'l>(doors: impl Iterator<Item = &'l &'l Arc<Listener>>) -> String {
    let mut places = Vec::new();
    for place in doors.map(|it| it.place()) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.join(" ")
}

/// What the customer enters: the brand before it is the operator's word.
fn user(login: &str) -> &str {
    login.rsplit(':').next().unwrap_or(login)
}

impl Finding {
    /// A stable word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Barred(BarWord::Closing, _) => "closing",
            Self::Barred(BarWord::ServiceOff, _) => "service-off",
            Self::Barred(BarWord::Staged, _) => "staged",
            Self::Barred(BarWord::Suspended, _) => "suspended",
            Self::Alias { .. } => "alias-as-login",
            Self::PseudoUserName { .. } => "pseudo-user-name",
            Self::NoApopSecret { .. } => "no-apop-secret",
            Self::TwoIdentities { .. } => "two-identities",
            Self::WrongPassword { .. } => "wrong-password",
            Self::TooManyFailures { .. } => "too-many-failures",
            Self::TooManyAtOnce { .. } => "too-many-at-once",
            Self::NeverSends { .. } => "never-sends",
            Self::ClearText { .. } => "clear-text",
            Self::OldTls { .. } => "old-tls",
            Self::NobodyCame { .. } => "nobody-came",
        }
    }

    /// What the desk can say to the customer, and what it can do.
    pub(super) fn text(&self, login: &str, language: Language) -> String {
        match language {
            Language::En => self.english(login),
            Language::Ja => self.japanese(login),
        }
    }

    fn english(&self, login: &str) -> String {
        let user = user(login);
        match self {
            Self::Barred(BarWord::ServiceOff, service) => {
                let service = service.word();
                format!("the service {service} is not registered; yubin account set {login} {service}=on")
            }
            Self::Barred(how, service) => {
                let how = match how {
                    BarWord::Closing => "closing",
                    BarWord::Staged => "not in use yet",
                    _ => "suspended",
                };
                format!("the account is {how}, no {}; yubin account resume {login}", service.word())
            }
            Self::Alias { claimed, from } => {
                format!(
                    "{claimed} was used as user name from {from}; the user name is {user}, as first issued"
                )
            }
            Self::PseudoUserName { claimed, from } => format!(
                "{claimed} was used as user name from {from}, as POPFile and its kind write it; for SMTP AUTH, enter {user} by itself"
            ),
            Self::NoApopSecret { from } => format!(
                "APOP was tried from {from}, and there is no secret for it; set the password again: yubin account passwd {login} --apop"
            ),
            Self::TwoIdentities { from } => format!(
                "the program at {from} names a second identity in PLAIN; its field (\"authorization identity\") belongs empty"
            ),
            Self::WrongPassword { from, place, times } => {
                format!(
                    "the password was wrong from {from} at {place}, {times} times: an old one in a program, or somebody guesses"
                )
            }
            Self::TooManyFailures { from } => {
                format!(
                    "too many logins failed: those from {from} were put off, and are looked at again after a while"
                )
            }
            Self::NeverSends { from, ports } if ports.is_empty() => {
                format!("mail is fetched from {from}, and nobody has logged in there to send")
            }
            Self::TooManyAtOnce { from } => {
                format!(
                    "too many logins came at once: those from {from} were put off, and succeed a little later"
                )
            }
            Self::NeverSends { from, ports } => format!(
                "mail is fetched from {from}, and nobody has logged in there to send; where a network blocks port 25, use {ports}"
            ),
            Self::ClearText { from, place } => {
                format!(
                    "the password crosses the network in clear text from {from} at {place}; better with TLS"
                )
            }
            Self::OldTls { from, version } => {
                format!("{from} speaks {version}; a newer program speaks TLSv1.3")
            }
            Self::NobodyCame { places } => {
                format!(
                    "nobody came with this login: server name, port or network may be wrong; it is awaited at {places}"
                )
            }
        }
    }

    fn japanese(&self, login: &str) -> String {
        let user = user(login);
        match self {
            Self::Barred(BarWord::ServiceOff, service) => {
                let service = service.word();
                format!("サービス {service} が登録されていません。yubin account set {login} {service}=on")
            }
            Self::Barred(how, service) => {
                let how = match how {
                    BarWord::Closing => "解約手続き中",
                    BarWord::Staged => "利用開始前",
                    _ => "停止中",
                };
                format!(
                    "アカウントは{how}のため {} を使えません。yubin account resume {login}",
                    service.word()
                )
            }
            Self::Alias { claimed, from } => format!(
                "{from} からユーザー名に {claimed} が使われました。ユーザー名は初期発行の {user} です"
            ),
            Self::PseudoUserName { claimed, from } => format!(
                "{from} からユーザー名に {claimed} が使われました。POPFileなどの形式です。SMTP認証には {user} を別に登録してください"
            ),
            Self::NoApopSecret { from } => format!(
                "{from} からAPOPが使われましたが、APOP用のパスワードがありません。再設定してください: yubin account passwd {login} --apop"
            ),
            Self::TwoIdentities { from } => {
                format!(
                    "{from} のソフトはPLAINで別の利用者も名乗っています。「認可ID」の欄は空にしてください"
                )
            }
            Self::WrongPassword { from, place, times } => format!(
                "{from} から {place} へのパスワードの誤りが{times}回あります。古いパスワードの残ったソフトか、第三者の試行です"
            ),
            Self::TooManyFailures { from } => {
                format!(
                    "ログインの失敗が多すぎるため、{from} からのログインは一時的に保留されました。しばらくすると再び受け付けます"
                )
            }
            Self::NeverSends { from, ports } if ports.is_empty() => {
                format!("{from} から受信していますが、送信のログインがありません")
            }
            Self::TooManyAtOnce { from } => {
                format!(
                    "同時のログインが多すぎるため、{from} からのログインは一時的に保留されました。しばらくすると再び受け付けます"
                )
            }
            Self::NeverSends { from, ports } => format!(
                "{from} から受信していますが、送信のログインがありません。25番ポートが制限されたネットワークでは {ports} をお使いください"
            ),
            Self::ClearText { from, place } => {
                format!("{from} から {place} へパスワードが平文で流れています。TLSの利用をお勧めします")
            }
            Self::OldTls { from, version } => {
                format!("{from} は {version} を使っています。新しいソフトはTLSv1.3を使います")
            }
            Self::NobodyCame { places } => format!(
                "このユーザー名での接続はまだありません。サーバー名、ポート番号、ネットワークを確認してください。接続先: {places}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_door_demands_a_login_none_is_named() {
        let from = "192.0.2.7".to_owned();
        let never = |ports: &str| Finding::NeverSends { from: from.clone(), ports: ports.to_owned() };
        assert!(never("").text("ab4t-ash", Language::En).ends_with("to send"));
        assert!(never("").text("ab4t-ash", Language::Ja).ends_with("ありません"));
        assert!(never("mx.example.jp:587").text("ab4t-ash", Language::En).ends_with("use mx.example.jp:587"));
    }
}
