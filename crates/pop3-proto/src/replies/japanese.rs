//! The replies in Japanese.

use super::{Line, Reply};
use crate::maildrop::Totals;

/// Appends what a reply says, without CRLF.
pub(super) fn write<'l, 'o>(reply: Reply<'_>, line: &'l mut Line<'o>) -> &'l mut Line<'o> {
    match reply {
        Reply::Greeting { hostname, stamp: None } => line.say("+OK ").say(hostname).say(" POP3 server ready"),
        Reply::Greeting { hostname, stamp: Some(stamp) } => {
            line.say("+OK ").say(hostname).say(" POP3 server ready ").say(stamp)
        }
        Reply::NameTaken => line.say("+OK 次にパスワードを送ってください"),
        Reply::LoggedIn(totals) => totals_of(line.say("+OK "), totals),
        Reply::Stat(Totals { messages, octets }) => {
            line.say("+OK ").number(messages.into()).say(" ").number(octets)
        }
        Reply::Listing(totals) => totals_of(line.say("+OK "), totals),
        Reply::ListingOf(message, octets) => {
            line.say("+OK ").number(message.get().into()).say(" ").number(octets)
        }
        Reply::UniqueIds => line.say("+OK 識別子の一覧です"),
        Reply::UniqueIdOf(message, id) => line.say("+OK ").number(message.get().into()).say(" ").say(id),
        Reply::Octets(octets) => line.say("+OK ").number(octets).say(" オクテット"),
        Reply::TopFollows => line.say("+OK メールの先頭部分です"),
        Reply::Marked(message) => line.say("+OK ").number(message.get().into()).say("番のメールを削除します"),
        Reply::Unmarked(totals) => totals_of(line.say("+OK "), totals),
        Reply::Noop => line.say("+OK"),
        Reply::Capabilities => line.say("+OK 機能の一覧です"),
        Reply::Mechanisms => line.say("+OK 認証方式の一覧です"),
        Reply::BeginTls => line.say("+OK TLSを開始してください"),
        Reply::Utf8On => line.say("+OK UTF-8を使います"),
        Reply::Languages => line.say("+OK 言語の一覧です"),
        Reply::LanguageIs(tag) => line.say("+OK ").say(tag).say(" 日本語でお答えします"),
        Reply::Goodbye => line.say("+OK さようなら"),

        Reply::Unknown => line.say("-ERR そのコマンドはありません"),
        Reply::Usage(verb) => line.say("-ERR 引数が違います。書式: ").say(verb.usage()),
        Reply::TooLong => line.say("-ERR 行が長すぎます"),
        Reply::BareLf => line.say("-ERR 行末がCRLFではありません"),
        Reply::NotANumber => line.say("-ERR 数字ではありません"),
        Reply::Zero => line.say("-ERR メールの番号は1から始まります"),
        Reply::NoSuchMessage { messages } => {
            line.say("-ERR その番号のメールはありません。全部で").number(messages.into()).say("通です")
        }
        Reply::Deleted(message) => {
            line.say("-ERR ").number(message.get().into()).say("番のメールは削除済みです")
        }

        Reply::LogInFirst => line.say("-ERR 先にログインしてください"),
        Reply::LoggedInAlready => line.say("-ERR すでにログインしています"),
        Reply::UserFirst => line.say("-ERR 先にUSERを送ってください"),
        Reply::TlsAlready => line.say("-ERR TLSはすでに有効です"),
        Reply::NoStls => line.say("-ERR ここではSTLSを使えません"),
        Reply::NoSuchLanguage => line.say("-ERR その言語は使えません"),
        Reply::NoApop => line.say("-ERR ここではAPOPを使えません"),
        Reply::TlsFirst => line.say("-ERR パスワードを送るにはTLSが必要です"),
        Reply::UnknownMechanism => line.say("-ERR その認証方式は使えません"),
        Reply::MalformedResponse => line.say("-ERR 応答の形式が違います"),
        Reply::Cancelled => line.say("-ERR 認証を中止しました"),

        Reply::WrongCredentials => line.say("-ERR [AUTH] ログインできません"),
        Reply::InUse => line.say("-ERR [IN-USE] メールボックスは別の接続で使用中です"),
        Reply::LoginDelay => {
            line.say("-ERR [LOGIN-DELAY] 前回のログインから間もないため、しばらくお待ちください")
        }
        Reply::NeedsUtf8 => line.say("-ERR [UTF8] ヘッダーがUTF-8のメールです。先にUTF8を送ってください"),
        Reply::Temporary => line.say("-ERR [SYS/TEMP] しばらくしてからもう一度お試しください"),
        Reply::Permanent => line.say("-ERR [SYS/PERM] サービスの窓口にお問い合わせください"),
        Reply::Vanished => line.say("-ERR そのメールはメールボックスからなくなりました"),
        Reply::NotRemoved => line.say("-ERR 削除できないメールがありました"),

        Reply::TooManyErrors => line.say("-ERR 誤りが多すぎるため切断します"),
        Reply::TooManyCommands => line.say("-ERR ログイン前のコマンドが多すぎるため切断します"),
        Reply::TooManyAuthFailures => line.say("-ERR [AUTH] ログインの失敗が多すぎるため切断します"),
        Reply::BehindStls => line.say("-ERR STLSの後に余分なデータがあるため切断します"),
    }
}

fn totals_of<'l, 'o>(line: &'l mut Line<'o>, Totals { messages, octets }: Totals) -> &'l mut Line<'o> {
    line.say("メール").number(messages.into()).say("通（").number(octets).say("オクテット）")
}
