//! Mail that is sent on.

use accounts::{Accounts, Forwarding, Resolution, Service, Stops, Which};

use crate::support::{databases, new, refusal};

async fn forwards(accounts: &Accounts) -> Option<Forwarding> {
    match accounts.resolve("taro", "mx.edit.ne.jp").await.unwrap() {
        Resolution::Mailbox(mailbox) if mailbox.forwards => accounts.forwards(mailbox.account).await.unwrap(),
        _ => None,
    }
}

#[tokio::test]
async fn d_16_mail_is_sent_on_where_the_account_says_and_while_it_may() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        assert_eq!(forwards(accounts).await, None);
        accounts.forward_add("ab4t-ash", "Taro@Example.ORG").await.unwrap();
        let shown = accounts.forward_add("ab4t-ash", "taro@example.net").await.unwrap();
        assert_eq!(forwards(accounts).await, None, "the service is off where nobody turned it on");
        let on = |on| [(Service::Forward, on)];
        accounts.services_set(Which::Login("ab4t-ash"), &on(true)).await.unwrap();
        assert_eq!(forwards(accounts).await, Some(shown.clone()));
        assert!(shown.keeps_copy && shown.addresses.len() == 2, "{shown:?}");
        assert!(!accounts.forward_keep("ab4t-ash", false).await.unwrap().keeps_copy);
        assert!(!forwards(accounts).await.unwrap().keeps_copy);
        // Somebody else's hands: nothing leaves, and the mail stays in the mailbox.
        accounts.account_suspend("ab4t-ash", Stops::default(), "").await.unwrap();
        assert_eq!(forwards(accounts).await, None);
        accounts.account_resume("ab4t-ash").await.unwrap();
        accounts.services_set(Which::All, &on(false)).await.unwrap();
        assert_eq!(forwards(accounts).await, None);
        accounts.services_set(Which::All, &on(true)).await.unwrap();
        accounts.forward_remove("ab4t-ash", "taro@example.net").await.unwrap();
        assert_eq!(forwards(accounts).await.unwrap().addresses, ["Taro@example.org"]);
        let left = accounts.forward_remove("ab4t-ash", "taro@EXAMPLE.org").await.unwrap();
        assert!(left.addresses.is_empty() && forwards(accounts).await.is_none());
        let audit = accounts.audit(Some("ab4t-ash"), 1).await.unwrap();
        assert_eq!(audit[0].action, "account forward");
    }
}

#[tokio::test]
async fn d_16_what_would_go_round_or_nowhere_is_refused_when_it_is_set() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        for (address, said) in [
            ("taro@mx.edit.ne.jp", "itself"),
            ("ab4t-ash@mx.edit.ne.jp", "itself"),
            ("nobody@mx.edit.ne.jp", "nobody here"),
            ("taro", "@"),
        ] {
            let text = refusal(accounts.forward_add("ab4t-ash", address).await);
            assert!(text.contains(said), "{address}: {text}");
        }
        refusal(accounts.forward_add("nobody", "a@example.org").await);
        refusal(accounts.forward_remove("ab4t-ash", "a@example.org").await);
        for nth in 0..accounts::limits::FORWARDS {
            accounts.forward_add("ab4t-ash", &format!("a{nth}@example.org")).await.unwrap();
        }
        accounts.forward_add("ab4t-ash", "a0@example.org").await.unwrap();
        assert!(refusal(accounts.forward_add("ab4t-ash", "b@example.org").await).contains("the most"));
        // To somebody else here it may.
        accounts.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
        accounts.forward_add("m1234ab567c", "taro@mx.edit.ne.jp").await.unwrap();
        accounts.account_remove("m1234ab567c").await.unwrap();
    }
}
