//! How much may be sent.

use accounts::{
    Accounts, Allowance, Counted, NewPlan, Order, Sender, Sending, SendingLimit, SendingStanding,
};

use crate::support::{databases, refusal};

/// 2026-11-22T07:00:00Z, and one hour.
const SEVEN: i64 = 1_795_330_800;
const HOUR: i64 = 3600;

fn ayumi() -> Sender {
    Sender::Account("ab4t-ash".into())
}

fn sent(hour: (u64, u64), day: (u64, u64)) -> Sending<u64> {
    Sending {
        messages_per_hour: hour.0,
        recipients_per_hour: hour.1,
        messages_per_day: day.0,
        recipients_per_day: day.1,
    }
}

async fn so_far(accounts: &Accounts, who: &Sender, at: i64) -> Sending<u64> {
    accounts.sending(who, at).await.unwrap().sent
}

#[tokio::test]
async fn o_05_what_is_sent_is_counted_by_hour_and_day_until_a_limit() {
    for database in databases().await {
        let database = database.furnished().await;
        let (accounts, who) = (&database.accounts, &ayumi());
        let most = Sending { messages_per_hour: Some(2), recipients_per_day: Some(9), ..Sending::default() };
        let count = async |recipients, at| accounts.count(who, recipients, &most, at).await.unwrap();

        assert_eq!(so_far(accounts, who, SEVEN).await, Sending::default());
        assert_eq!(count(3, SEVEN).await, Counted::Yes(sent((1, 3), (1, 3))));
        assert_eq!(count(1, SEVEN + 1).await, Counted::Yes(sent((2, 4), (2, 4))));
        // Over the hour's messages; nothing is counted then.
        assert_eq!(count(1, SEVEN + HOUR - 1).await, Counted::Over(SendingLimit::MessagesPerHour));
        assert_eq!(so_far(accounts, who, SEVEN).await, sent((2, 4), (2, 4)));
        // The next hour begins with nothing, the day goes on.
        assert_eq!(so_far(accounts, who, SEVEN + HOUR).await, sent((0, 0), (2, 4)));
        assert_eq!(count(6, SEVEN + HOUR).await, Counted::Over(SendingLimit::RecipientsPerDay));
        assert_eq!(count(5, SEVEN + HOUR).await, Counted::Yes(sent((1, 5), (3, 9))));
        assert_eq!(count(1, SEVEN + 2 * HOUR).await, Counted::Over(SendingLimit::RecipientsPerDay));
        // One message alone may be too much, for who never sent anything, too.
        let another = Sender::Address("192.0.2.7".parse().unwrap());
        let alone = accounts.count(&another, 10, &most, SEVEN).await.unwrap();
        assert_eq!(alone, Counted::Over(SendingLimit::RecipientsPerDay));
        // At midnight of UTC all is as new.
        assert_eq!(count(9, SEVEN + 17 * HOUR).await, Counted::Yes(sent((1, 9), (1, 9))));

        // What was not accepted in the end is taken back; not from another hour.
        accounts.uncount(who, 9, SEVEN + 17 * HOUR).await;
        assert_eq!(so_far(accounts, who, SEVEN + 17 * HOUR).await, Sending::default());
        assert_eq!(count(2, SEVEN + 17 * HOUR).await, Counted::Yes(sent((1, 2), (1, 2))));
        accounts.uncount(who, 9, SEVEN + 16 * HOUR).await;
        assert_eq!(so_far(accounts, who, SEVEN + 17 * HOUR).await, sent((1, 2), (1, 2)));
        // Nor more than was counted.
        accounts.uncount(who, 9, SEVEN + 17 * HOUR).await;
        accounts.uncount(who, 9, SEVEN + 17 * HOUR).await;
        assert_eq!(count(2, SEVEN + 17 * HOUR).await, Counted::Yes(sent((1, 2), (1, 2))));
    }
}

#[tokio::test]
async fn o_05_a_clock_that_is_a_little_ahead_gives_nobody_a_second_budget() {
    for database in databases().await {
        let database = database.furnished().await;
        let (accounts, who) = (&database.accounts, &ayumi());
        let most = Sending { messages_per_hour: Some(2), ..Sending::default() };
        let count = async |at| accounts.count(who, 1, &most, at).await.unwrap();
        // The machine that is ahead is in the next hour already; those behind it count there.
        assert_eq!(count(SEVEN + HOUR).await, Counted::Yes(sent((1, 1), (1, 1))));
        assert_eq!(count(SEVEN + HOUR - 1).await, Counted::Yes(sent((2, 2), (2, 2))));
        assert_eq!(count(SEVEN + HOUR).await, Counted::Over(SendingLimit::MessagesPerHour));
        assert_eq!(accounts.clock_apart(SEVEN), None, "nothing to speak of");
        // One that was years ahead shuts nobody out when it is right again.
        assert!(matches!(count(SEVEN + 100_000 * HOUR).await, Counted::Yes(_)));
        assert_eq!(count(SEVEN + 2 * HOUR).await, Counted::Yes(sent((1, 1), (1, 1))));
    }
}

#[tokio::test]
async fn o_05_machines_whose_clocks_are_hours_apart_wipe_nothing() {
    for database in databases().await {
        let database = database.furnished().await;
        let (accounts, who) = (&database.accounts, &ayumi());
        let most = Sending { messages_per_hour: Some(3), messages_per_day: Some(4), ..Sending::default() };
        let count = async |at| accounts.count(who, 1, &most, at).await.unwrap();
        for hours in [3, 24] {
            let (right, ahead) = (SEVEN + hours * 1000 * HOUR, SEVEN + hours * 1001 * HOUR);
            assert!(matches!(count(right).await, Counted::Yes(_)));
            assert!(matches!(count(ahead).await, Counted::Yes(_)));
            assert!(matches!(count(right).await, Counted::Yes(_)));
            assert_eq!(accounts.clock_apart(right), Some(hours));
            assert!(matches!(count(right).await, Counted::Yes(_)), "in the row of the one that is ahead");
            assert_eq!(accounts.clock_apart(right), None, "once in an hour");
            for _ in 0..5 {
                for at in [right, ahead] {
                    assert!(matches!(count(at).await, Counted::Over(_)), "{hours}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn o_05_two_machines_take_one_budget_and_a_restart_forgets_nothing() {
    for database in databases().await {
        let database = database.furnished().await;
        let here = &database.accounts;
        let there = &Accounts::open(&database.config).await.unwrap();
        let most = Sending { messages_per_day: Some(40), ..Sending::default() };
        let (who, most) = (&ayumi(), &most);
        let send = async |accounts: &Accounts| {
            let mut counted = 0;
            for _ in 0..30 {
                counted += usize::from(matches!(
                    accounts.count(who, 1, most, SEVEN).await.unwrap(),
                    Counted::Yes(_)
                ));
            }
            counted
        };
        let counted = tokio::join!(send(here), send(there), send(here), send(there));
        assert_eq!(counted.0 + counted.1 + counted.2 + counted.3, 40, "{counted:?}");
        there.close().await;
        let restarted = Accounts::open(&database.config).await.unwrap();
        assert_eq!(so_far(&restarted, who, SEVEN).await, sent((40, 40), (40, 40)));
        restarted.close().await;
    }
}

#[tokio::test]
async fn o_05_the_operator_is_told_once_for_all_machines_and_each_period() {
    for database in databases().await {
        let database = database.furnished().await;
        let (accounts, who) = (&database.accounts, &ayumi());
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        let (hour, day) = (SendingLimit::RecipientsPerHour, SendingLimit::MessagesPerDay);
        for (limit, at, first) in [
            (hour, SEVEN, true),
            (hour, SEVEN + HOUR - 1, false),
            (hour, SEVEN + HOUR, true),
            (day, SEVEN, true),
            (day, SEVEN + HOUR, false),
            (day, SEVEN + 24 * HOUR, true),
        ] {
            let told = [accounts, &elsewhere].map(|one| one.tell_of_limit(who, limit, at));
            let [one, other] = told;
            let told = (one.await.unwrap(), other.await.unwrap());
            assert_eq!(told, (first, false), "{limit:?} {at}");
        }
        elsewhere.close().await;
    }
}

#[tokio::test]
async fn o_05_rows_of_days_that_are_over_go() {
    for database in databases().await {
        let accounts = &database.accounts;
        let none = Sending::default();
        let of = |nth: u32| Sender::Address(std::net::Ipv4Addr::from(0xC000_0200 + nth).into());
        for nth in 0..20 {
            accounts.count(&of(nth), 1, &none, SEVEN).await.unwrap();
        }
        assert_eq!(so_far(accounts, &of(3), SEVEN).await, sent((1, 1), (1, 1)));
        // The first message of another hour looks for them.
        accounts.count(&of(99), 1, &none, SEVEN + 3 * 24 * HOUR).await.unwrap();
        assert_eq!(so_far(accounts, &of(3), SEVEN).await, sent((1, 1), (1, 1)), "of a clock that is ahead");
        accounts.count(&of(99), 1, &none, SEVEN + 8 * 24 * HOUR).await.unwrap();
        assert_eq!(so_far(accounts, &of(3), SEVEN).await, Sending::default());
        assert_eq!(so_far(accounts, &of(99), SEVEN + 8 * 24 * HOUR).await, sent((1, 1), (1, 1)));
    }
}

#[tokio::test]
async fn o_05_an_account_has_its_own_limits_and_else_its_plans() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let plan = NewPlan { name: "standard".into(), pattern: "@@#@-@@@".into(), ..NewPlan::default() };
        accounts.plan_add(&plan).await.unwrap();
        let order = Order { plan: "standard".into(), ..Order::default() };
        let login = accounts.issue(&order).await.unwrap().details.account.login;
        let limits = async |login: &str| {
            let SendingStanding { limits, .. } =
                accounts.sending(&Sender::Account(login.into()), SEVEN).await.unwrap();
            limits
        };
        let (hour, day) = (SendingLimit::MessagesPerHour, SendingLimit::RecipientsPerDay);
        assert_eq!(limits(&login).await, Sending::default());
        let set = [(hour, Allowance::Limit(100)), (day, Allowance::Limit(500))];
        accounts.plan_set_sending("standard", &set).await.unwrap();
        accounts.account_set_sending(&login, &[(day, Allowance::Unlimited)]).await.unwrap();
        let both = limits(&login).await;
        assert_eq!((both.of(hour), both.of(day)), (Allowance::Limit(100), Allowance::Unlimited));
        assert_eq!(limits("ab4t-ash").await, Sending::default(), "it has no plan");
        accounts.account_set_sending(&login, &[(day, Allowance::Configured)]).await.unwrap();
        assert_eq!(limits(&login).await.of(day), Allowance::Limit(500));
        assert_eq!(accounts.plan_sending("standard").await.unwrap().of(day), Allowance::Limit(500));

        refusal(accounts.account_set_sending("nobody", &set).await);
        refusal(accounts.plan_set_sending("nothing", &set).await);
        let audit = accounts.audit(Some(&login), 1).await.unwrap();
        assert!(audit[0].subject.contains("recipients_per_day=default"), "{audit:?}");
    }
}

#[tokio::test]
async fn o_05_limits_that_are_known_are_those_of_now() {
    for database in databases().await {
        let database = database.furnished().await;
        let (accounts, who) = (&database.accounts, &ayumi());
        let own = Sending::default();
        assert_eq!(accounts.known_limits("ab4t-ash").await.unwrap(), None, "nobody has asked yet");
        assert_eq!(accounts.sending(who, SEVEN).await.unwrap().limits, own);
        // A server is asked each time.
        let known = accounts.known_limits("ab4t-ash").await.unwrap();
        assert!(known.is_none_or(|known| known == own));
        let on_file = known.is_some();
        // What daemons count is no change of it.
        accounts.count(who, 1, &Sending::default(), SEVEN).await.unwrap();
        assert_eq!(accounts.known_limits("ab4t-ash").await.unwrap().is_some(), on_file);
        // By another process: this one is told nothing.
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        let change = [(SendingLimit::MessagesPerHour, Allowance::Limit(1))];
        elsewhere.account_set_sending("ab4t-ash", &change).await.unwrap();
        assert_eq!(accounts.known_limits("ab4t-ash").await.unwrap(), None);
        let limits = accounts.sending(who, SEVEN).await.unwrap().limits;
        assert_eq!(limits.messages_per_hour, Allowance::Limit(1));
        assert_eq!(accounts.known_limits("ab4t-ash").await.unwrap(), on_file.then_some(limits));
    }
}
