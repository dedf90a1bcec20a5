//! The customers' page, held against what the two providers' own pages say.

use serde_json::Value;

use crate::examples::shipped;
use crate::harness::programs::Program;
use crate::harness::site::Site;

/// The profile with the guide's own names; nothing listens.
fn site(profile: &str) -> Site {
    let site = Site::with_users();
    let here = site.path("").display().to_string();
    let here = here.trim_end_matches('/');
    site.configure(&shipped(profile).replace("/var/lib/yubin", here).replace("/etc/yubin", here));
    site
}

/// Service, server, port, star and the facts of the footnote.
fn rows(page: &Value) -> Vec<String> {
    let facts = |number: &Value| -> String {
        let list = page["footnotes"].as_array().unwrap();
        let footnote = list.iter().find(|footnote| footnote["number"] == *number).unwrap();
        let facts = footnote["facts"].as_array().unwrap().iter().map(|fact| fact.as_str().unwrap());
        facts.collect::<Vec<_>>().join(" ")
    };
    let row = |server: &Value| {
        let [service, host] = ["service", "host"].map(|key| server[key].as_str().unwrap());
        let star = if server["recommended"] == true { "*" } else { "" };
        let (port, footnote) = (&server["port"], &server["footnote"]);
        let of_host = match &server["host_footnote"] {
            Value::Null => String::new(),
            number => format!(" [{number}] {}", facts(number)),
        };
        format!("{service} {host} {port}{star} [{footnote}] {}{of_host}", facts(footnote))
    };
    page["servers"].as_array().unwrap().iter().map(row).collect()
}

fn page(site: &Site, language: &str) -> Value {
    serde_json::from_str(&site.yubin(&["--json", "guide", "--lang", language])).unwrap()
}

/// The guide's table with its five footnotes, and the sixth for the host of the virus check.
#[test]
fn k_05_asahis_page_has_the_names_ports_and_footnotes_of_its_guide() {
    let site = site("asahi");
    let tls = "implicit-tls auth-required mechanisms submission";
    let submission = "no-tls auth-required mechanisms clear-text-password submission";
    let usual = "no-tls auth-possible mechanisms clear-text-password sends-from-inside \
                 sends-by-login-or-after-pop barred";
    let expected = [
        "pop3 pop.asahi-net.or.jp 995* [1] implicit-tls".to_owned(),
        "pop3 pop.asahi-net.or.jp 110 [2] no-tls clear-text-password apop".to_owned(),
        format!("smtp mail.asahi-net.or.jp 465* [3] {tls}"),
        format!("smtp mail.asahi-net.or.jp 587 [4] {submission}"),
        format!("smtp mail.asahi-net.or.jp 25 [5] {usual}"),
        format!("smtp mails.asahi-net.or.jp 465* [3] {tls} [6] virus-check-for-contract"),
        format!("smtp mails.asahi-net.or.jp 587 [4] {submission} [6] virus-check-for-contract"),
        format!("smtp mails.asahi-net.or.jp 25 [5] {usual} [6] virus-check-for-contract"),
        format!("smtp mailssl.asahi-net.or.jp 465* [3] {tls}"),
    ];
    let japanese = page(&site, "ja");
    assert_eq!(rows(&japanese), expected);
    assert_eq!(rows(&page(&site, "en")), expected);

    // In the words of the guide.
    let text = site.yubin(&["guide", "--lang", "ja"]);
    for words in [
        "STLSコマンドには対応していません",
        "mails.asahi-net.or.jp *6",
        "*6 ウイルスチェックを契約している場合のサーバーです",
        "暗号化機能、STARTTLSコマンドには対応していません",
        "次の回線からはご利用できません: au-hikari",
        "「SMTP認証」＋「POP over SSL/TLS、SMTP over SSL/TLS」のご利用を推奨します",
        "「APOP認証方式」（またはPOP）で受信し、「SMTP認証」で送信できます",
        "SMTP認証なしの通常の設定でも送受信できます",
        "POP before SMTP: 受信してから10分以内に",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// The guide's explanation of each port.
#[test]
fn k_05_editnets_page_explains_each_port_as_its_guide_does() {
    for (profile, elsewhere) in
        [("editnet", "sends-by-login"), ("editnet-2006", "sends-by-login-or-after-pop")]
    {
        let site = site(profile);
        assert_eq!(
            rows(&page(&site, "ja")),
            [
                "pop3 mx.edit.ne.jp 110 [1] no-tls clear-text-password".to_owned(),
                "pop3 mx.edit.ne.jp 995* [2] implicit-tls".to_owned(),
                format!(
                    "smtp mx.edit.ne.jp 25 [3] optional-tls auth-possible mechanisms clear-text-password \
                     sends-from-inside {elsewhere}"
                ),
                "smtp mx.edit.ne.jp 465* [4] implicit-tls auth-required mechanisms submission".to_owned(),
                "smtp mx.edit.ne.jp 587 [5] optional-tls auth-required mechanisms clear-text-password submission"
                    .to_owned(),
            ],
            "{profile}"
        );
        let text = site.yubin(&["guide", "--lang", "ja"]);
        for words in [
            "初期発行のユーザー名を設定します",
            "SMTP認証が必須です",
            "認証方式はPLAIN, LOGINです。ほかの方式には対応していません",
            "パスワードは平文で流れます",
            "POP3S (POP over SSL/TLS)専用です。通信路が暗号化されます",
            "25番ポートが制限されている場合は、465番か587番ポートで送信してください",
            "1通あたりの大きさの制限はありません",
            "メールボックスの大きさの制限はありません",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.contains("POP before SMTP"), profile == "editnet-2006", "{text}");
    }
}

#[test]
fn k_05_the_page_follows_the_configuration_and_the_domains() {
    let site = site("editnet");
    site.yubin(&["domain", "equivalent", "edit.ne.jp", "mx.example.jp"]);
    site.yubin(&["domain", "bar", "atson.example"]);
    let english = site.yubin(&["guide"]);
    for words in [
        "(user name or alias)@mx.example.jp",
        "@edit.ne.jp can be used for @mx.example.jp",
        "@atson.example cannot be used as a mail address",
    ] {
        assert!(english.contains(words), "{words}: {english}");
    }
    let text = std::fs::read_to_string(site.path("yubin.toml")).unwrap();
    let changed = text
        .replace("message_size = \"none\"", "message_size = \"20MiB\"")
        .replace("mx.edit.ne.jp", "mx2.edit.ne.jp")
        + "\n[quota]\noctets = \"1GiB\"\n\n[pop3]\nexpire_read = 30\n\n[pop_before_smtp]\nuntil = 2013-12-31\n";
    site.configure(&changed);
    let english = site.yubin(&["guide"]);
    for words in [
        "mx2.edit.ne.jp",
        "A message has at most 20 MiB.",
        "A mailbox holds 1024 MiB.",
        "Mail is removed 30 days after it was read.",
        "POP before SMTP has ended. Use SMTP AUTH.",
    ] {
        assert!(english.contains(words), "{words}: {english}");
    }
}

/// A page for everybody names no customer, and nothing that is not so.
#[test]
fn k_05_the_page_names_no_customers_domain_and_each_row_once() {
    let site = site("editnet");
    site.yubin(&["domain", "add", "customer.example"]);
    site.yubin(&["domain", "equivalent", "other.example", "customer.example"]);
    let english = site.yubin(&["guide"]);
    assert!(english.contains("@mx.example.jp") && !english.contains("customer.example"), "{english}");
    assert!(!english.contains("other.example"), "{english}");
    let named = site.yubin(&["guide", "--domain", "Customer.example"]);
    for words in ["(user name or alias)@customer.example", "@other.example can be used for @customer.example"]
    {
        assert!(named.contains(words), "{words}: {named}");
    }
    let output = site.run(Program::Yubin, &["guide", "--domain", "nobodys.example"], "");
    assert_eq!(output.status.code(), Some(1));

    // One door, as two listeners.
    let text = std::fs::read_to_string(site.path("yubin.toml")).unwrap();
    let (settings, _) = text.split_once("[[listener]]").unwrap();
    let door = |address: &str| {
        format!(
            "[[listener]]\nprotocol = \"smtp\"\naddress = \"{address}\"\ntls = \"starttls\"\nauth = \"optional\"\n\
             clear_text_auth = true\nrelay = [\"authenticated\", \"pop-before-smtp\"]\n\
             limits = {{ message_size = \"1000KiB\" }}\n"
        )
    };
    let tickets = "[pop_before_smtp]\n";
    site.configure(&format!("{settings}{}{}{tickets}", door("0.0.0.0:25"), door("[::]:25")));
    let english = site.yubin(&["guide"]);
    assert_eq!(rows(&page(&site, "en")).len(), 1, "{english}");
    assert!(english.contains("A message has at most 1000 KiB."), "{english}");
    assert!(english.contains("sending needs a login or POP before SMTP"), "{english}");
    assert!(!english.contains("star") && !english.contains("Recommended"), "{english}");
}

/// Whose customers log in elsewhere have a page of their own.
#[test]
fn k_05_k_09_each_brand_has_its_page() {
    let site = site("editnet");
    let text = std::fs::read_to_string(site.path("yubin.toml")).unwrap();
    let door = "\n[[listener]]\nprotocol = \"smtp\"\naddress = \"127.0.0.9:1465\"\ntls = \"implicit\"\n\
                auth = \"required\"\nbrand = \"asahi\"\nhostname = \"mail.asahi-net.or.jp\"\n";
    site.configure(&(text + door));
    site.yubin(&["brand", "add", "asahi"]);
    site.yubin(&["--brand", "asahi", "domain", "add", "asahi-net.or.jp"]);
    let (ours, theirs) = (site.yubin(&["guide"]), site.yubin(&["--brand", "asahi", "guide"]));
    assert!(ours.contains("mx.edit.ne.jp") && !ours.contains("asahi"), "{ours}");
    assert!(theirs.contains("mail.asahi-net.or.jp") && theirs.contains("@asahi-net.or.jp"), "{theirs}");
    assert!(!theirs.contains("edit.ne.jp") && !theirs.contains("@mx.example.jp"), "{theirs}");
}

#[test]
fn k_05_the_page_as_html_says_its_language_and_is_read_on_a_telephone() {
    let site = site("asahi");
    for language in ["en", "ja"] {
        let html = site.yubin(&["guide", "--lang", language, "--html"]);
        assert!(html.starts_with("<!DOCTYPE html>\n"), "{html}");
        for wanted in [
            format!("<html lang=\"{language}\">"),
            "name=\"viewport\" content=\"width=device-width".to_owned(),
            "<td>mailssl.asahi-net.or.jp</td><td>465 ★</td><td><a href=\"#note-3\">3</a></td>".to_owned(),
        ] {
            assert!(html.contains(&wanted), "{wanted}: {html}");
        }
        assert!(!html.contains("<script"), "{html}");
        for tag in ["table", "tr", "td", "th", "ol", "li", "ul", "h2"] {
            let count = |what: String| html.matches(&what).count();
            let opened = count(format!("<{tag}>")) + count(format!("<{tag} "));
            assert_eq!(opened, count(format!("</{tag}>")), "{tag}: {html}");
        }
    }
}
