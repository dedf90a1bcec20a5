//! `yubin guide`: the page with the settings that customers need, from the configuration that the daemons run on, so that the page never
//! says anything else than the servers do.

mod facts;
mod words;

use accounts::{DomainInfo, DomainKind};
use askama::Template;
use clap::Args;
use daemon_kit::config::{Config, Protocol};
use serde::Serialize;

use crate::config::Settings;
use crate::failure::Failure;
use crate::language::Language;
use crate::output::{Output, table};
use facts::{Note, Row, rows};

/// In which form.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The language of the page
    #[arg(long, value_enum, default_value_t)]
    lang: Language,
    /// HTML instead of text
    #[arg(long, conflicts_with = "json")]
    html: bool,
    /// A domain that is on the page besides the default one; repeat it for more
    #[arg(long, value_name = "DOMAIN")]
    domain: Vec<String>,
}

const EXAMPLES: &str = "\
A row for each server name and port, with what is to be known of it; a star
marks what is recommended. Of the domains of the account database, the default
one is on the page, with what is equivalent to it and with the barred ones;
customers' own are not, unless --domain names them. --brand makes the page of
another brand.

Examples:
  yubin guide --lang ja
  yubin guide --lang ja --html > /var/www/mail.html
  yubin guide --domain mail.example.jp --domain club.example.jp";

/// The page. Every text is in its language.
#[derive(Debug, Serialize, Template)]
#[template(path = "guide.html")]
struct Page {
    lang: &'static str,
    title: String,
    #[serde(skip)]
    labels: Labels,
    account: Vec<Setting>,
    servers: Vec<Server>,
    footnotes: Vec<Footnote>,
    sections: Vec<Section>,
}

/// The headings.
#[derive(Debug)]
struct Labels {
    account: &'static str,
    servers: &'static str,
    /// Of the table: use, server, port, note.
    heads: [&'static str; 4],
}

#[derive(Debug, Serialize)]
struct Setting {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Server {
    service: &'static str,
    host: String,
    port: u16,
    recommended: bool,
    /// Counted from 1.
    footnote: usize,
    /// Of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    host_footnote: Option<usize>,
    #[serde(skip)]
    label: &'static str,
}

/// What is to be known of rows.
#[derive(Debug, Serialize)]
struct Footnote {
    number: usize,
    /// Stable words.
    facts: Vec<&'static str>,
    text: String,
}

#[derive(Debug, Serialize)]
struct Section {
    title: &'static str,
    sentences: Vec<String>,
}

/// Makes the page and prints it.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments, output: Output) -> Result<(), Failure> {
    let mut domains = settings.accounts().await?.domain_list().await?;
    let brand = settings.brand.as_ref().map(|brand| brand.to_ascii_lowercase());
    domains.retain(|domain| domain.brand == brand);
    let domains = published(domains, &arguments.domain)?;
    let page = Page::of(&settings.config, brand.as_deref(), &domains, arguments.lang);
    match arguments.html {
        true => {
            let html = page.render().map_err(|error| Failure::Refused(format!("cannot print: {error}")))?;
            output.print(&page, |_| html)
        }
        false => output.print(&page, as_text),
    }
}

/// What everybody may read: whose domains the others are is their business.
fn published(domains: Vec<DomainInfo>, named: &[String]) -> Result<Vec<DomainInfo>, Failure> {
    let named: Vec<_> = named.iter().map(|name| name.to_ascii_lowercase()).collect();
    if let Some(unknown) = named.iter().find(|name| !domains.iter().any(|domain| domain.name == **name)) {
        let what = format!("there is no domain {unknown} here; see: yubin domain list");
        return Err(Failure::Refused(what));
    }
    let shown = |domain: &DomainInfo| domain.default || named.contains(&domain.name);
    let ours: Vec<_> = domains.iter().filter(|it| shown(it)).map(|it| it.name.clone()).collect();
    let concerns = |domain: &DomainInfo| match &domain.kind {
        DomainKind::Ours => shown(domain),
        DomainKind::Equivalent(to) => shown(domain) || ours.contains(to),
        DomainKind::Barred(_) => true,
    };
    Ok(domains.into_iter().filter(concerns).collect())
}

impl Page {
    fn of(config: &Config, brand: Option<&str>, domains: &[DomainInfo], language: Language) -> Self {
        let rows = rows(config, brand);
        let whose = brand.unwrap_or(&config.hostname);
        // Rows of which the same is to be known share a number.
        let mut kinds: Vec<&[Note]> = Vec::new();
        let mut servers = Vec::new();
        for Row { protocol, host, port, notes, recommended, .. } in &rows {
            let known = kinds.iter().position(|kind| *kind == notes.as_slice());
            let footnote = known.unwrap_or_else(|| {
                kinds.push(notes);
                kinds.len() - 1
            });
            servers.push(Server {
                service: protocol.as_str(),
                host: host.clone(),
                port: *port,
                recommended: *recommended,
                footnote: footnote + 1,
                host_footnote: None,
                label: match protocol {
                    Protocol::Pop3 => language.of("Receiving (POP3)", "受信メールサーバー (POP3)"),
                    Protocol::Smtp => language.of("Sending (SMTP)", "送信メールサーバー (SMTP)"),
                },
            });
        }
        // Behind those of the ports, as what they say is of another kind.
        for (Row { of_host, .. }, server) in rows.iter().zip(&mut servers) {
            server.host_footnote = of_host.as_ref().map(|note| {
                let note = std::slice::from_ref(note);
                let known = kinds.iter().position(|kind| *kind == note);
                known.unwrap_or_else(|| {
                    kinds.push(note);
                    kinds.len() - 1
                }) + 1
            });
        }
        let footnote = |(at, notes): (usize, &&[Note])| {
            let sentences: Vec<_> = notes.iter().map(|note| words::note(note, language)).collect();
            let facts = notes.iter().map(Note::word).collect();
            Footnote { number: at + 1, facts, text: sentences.join(language.of(" ", "")) }
        };
        let apop = rows.iter().any(|row| row.notes.contains(&Note::Apop));
        Self {
            lang: language.tag(),
            title: match language {
                Language::En => format!("Mail settings: {whose}"),
                Language::Ja => format!("メール利用設定: {whose}"),
            },
            labels: Labels {
                account: language.of("Account", "基本設定"),
                servers: language.of("Servers", "サーバー"),
                heads: match language {
                    Language::En => ["Use", "Server", "Port", "Note"],
                    Language::Ja => ["用途", "サーバー", "ポート番号", "注"],
                },
            },
            account: account(domains, language),
            footnotes: kinds.iter().enumerate().map(footnote).collect(),
            servers,
            sections: [
                Section {
                    title: language.of("Recommended", "推奨する利用方法"),
                    sentences: words::recommendation(&rows, apop, language),
                },
                Section {
                    title: language.of("Networks", "利用ネットワーク"),
                    sentences: words::networks(config, &rows, language),
                },
                Section {
                    title: language.of("Limits", "制限"), sentences: words::limits(config, language)
                },
            ]
            .into_iter()
            .filter(|section: &Section| !section.sentences.is_empty())
            .collect(),
        }
    }
}

fn account(domains: &[DomainInfo], language: Language) -> Vec<Setting> {
    let same = language.of("the same for receiving and sending", "受信・送信とも同じです");
    let user = language.of(
        "as first issued, in small letters, also where you have an alias; not the mail address",
        "初期発行のユーザー名（半角小文字）。エイリアスを設定されている場合も、メールアドレスではなく初期発行のユーザー名を設定します",
    );
    let addresses: Vec<_> = domains.iter().map(|domain| words::domain(domain, language)).collect();
    let mut settings = vec![
        Setting { name: language.of("User name", "ユーザー名"), value: user.to_owned() },
        Setting { name: language.of("Password", "パスワード"), value: same.to_owned() },
    ];
    if !addresses.is_empty() {
        let value = addresses.join("\n");
        settings.push(Setting { name: language.of("Mail address", "メールアドレス"), value });
    }
    settings
}

fn as_text(page: &Page) -> String {
    let mut text = format!("{}\n\n{}\n", page.title, page.labels.account);
    for Setting { name, value } in &page.account {
        text += &format!("  {name}: {}\n", value.replace('\n', "\n    "));
    }
    let row = |server: &Server| {
        let star = if server.recommended { "★" } else { "" };
        [
            server.label.to_owned(),
            server.host_footnote.map_or_else(|| server.host.clone(), |at| format!("{} *{at}", server.host)),
            format!("{} {star}", server.port),
            format!("*{}", server.footnote),
        ]
    };
    let rows: Vec<_> = page.servers.iter().map(row).collect();
    text += &format!("\n{}\n{}", page.labels.servers, table(page.labels.heads, &rows));
    for Footnote { number, text: said, .. } in &page.footnotes {
        text += &format!("*{number} {said}\n");
    }
    for Section { title, sentences } in &page.sections {
        text += &format!("\n{title}\n");
        for sentence in sentences {
            text += &format!("- {sentence}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let text = "<b>&\"";
        let labels = Labels { account: "a", servers: "s", heads: ["u", "s", "p", "n"] };
        let page = Page {
            lang: "en",
            title: text.to_owned(),
            labels,
            account: vec![Setting { name: "name", value: format!("one\n{text}") }],
            servers: vec![Server {
                service: "smtp",
                host: text.to_owned(),
                port: 465,
                recommended: true,
                footnote: 1,
                host_footnote: Some(1),
                label: "label",
            }],
            footnotes: vec![Footnote { number: 1, facts: Vec::new(), text: text.to_owned() }],
            sections: vec![Section { title: "title", sentences: vec![text.to_owned()] }],
        };
        let html = page.render().unwrap();
        assert!(!html.contains(text) && !html.contains("<b>"), "{html}");
        assert_eq!(html.matches("&#60;b&#62;&#38;&#34;").count(), 6, "{html}");
        assert!(html.contains("<td>one<br>"), "{html}");
    }
}
