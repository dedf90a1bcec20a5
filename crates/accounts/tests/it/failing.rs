//! A database that cannot take a change, and one whose changes are forgotten half way: the next one is made.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use accounts::Accounts;
use sqlx::Connection as _;

use crate::opening::execute;
use crate::support::{Database, account, databases, new};

const LIFETIME: Duration = Duration::from_secs(600);

/// As a full disk does: SQLite takes back the whole change by itself.
const FULL_SQLITE: &str = "CREATE TRIGGER full BEFORE INSERT ON ticket \
     BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END";
const FULL_POSTGRES: &str = "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN \
     RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$ LANGUAGE plpgsql; \
     CREATE TRIGGER full_disk BEFORE INSERT ON ticket FOR EACH ROW EXECUTE FUNCTION full_disk()";

async fn disk_is_full(database: &Database, full: bool) {
    let statement = match (database.config.url.starts_with("sqlite:"), full) {
        (true, true) => FULL_SQLITE,
        (true, false) => "DROP TRIGGER full",
        (false, true) => FULL_POSTGRES,
        (false, false) => "DROP FUNCTION full_disk CASCADE",
    };
    execute(&database.config, statement).await;
}

#[tokio::test]
async fn a_disk_that_was_full_for_a_moment_costs_the_changes_of_that_moment_only() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let ayumi = &account(accounts, "ab4t-ash", "sakura").await;
        let from: IpAddr = "192.0.2.7".parse().unwrap();
        disk_is_full(&database, true).await;
        for _ in 0..3 {
            let text = accounts.ticket_open(ayumi, from, LIFETIME).await.unwrap_err().to_string();
            assert!(text.contains("full") || text.contains("No space"), "{text}");
        }
        disk_is_full(&database, false).await;
        accounts.ticket_open(ayumi, from, LIFETIME).await.unwrap();
        accounts.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        assert_eq!(elsewhere.ticket_holders(from, LIFETIME).await.unwrap(), ["ab4t-ash"]);
        account(&elsewhere, "m1234ab567c", "yuki").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_forgotten_at_any_moment_of_it_holds_nothing_and_nobody_up() {
    for database in databases().await {
        let database = database.furnished().await;
        let accounts = &database.accounts;
        let ayumi = &account(accounts, "ab4t-ash", "sakura").await;
        for waits in 1..=40 {
            let from = IpAddr::from([192, 0, 2, waits]);
            forget_after(waits, accounts.ticket_open(ayumi, from, LIFETIME)).await;
            if !database.config.url.starts_with("sqlite:") {
                nothing_stays_open(&database, waits).await;
            }
        }
        let from: IpAddr = "192.0.2.99".parse().unwrap();
        accounts.ticket_open(ayumi, from, LIFETIME).await.unwrap();
        let elsewhere = Accounts::open(&database.config).await.unwrap();
        assert_eq!(elsewhere.ticket_holders(from, LIFETIME).await.unwrap(), ["ab4t-ash"]);
        elsewhere.account_add(new("m1234ab567c", &[], "yuki")).await.unwrap();
    }
}

/// Drops a future when it waits for the so-many-th time, unless it is done before.
async fn forget_after<T>(waits: u8, work: impl Future<Output = T>) {
    let mut work = pin!(work);
    let mut waited = 0;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending => {
            waited += 1;
            if waited == waits { Poll::Ready(()) } else { Poll::Pending }
        }
    })
    .await;
}

/// Waits until no connection of PostgreSQL's has a change open; less long than the server itself would leave one open.
async fn nothing_stays_open(database: &Database, waits: u8) {
    let open = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state LIKE 'idle in transaction%'";
    let mut connection = sqlx::AnyConnection::connect(&database.config.url).await.unwrap();
    let mut looks = 0;
    while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut connection).await.unwrap() > 0 {
        looks += 1;
        assert!(
            looks < 10_000,
            "a change that was forgotten when it waited for the {waits}th time is still open"
        );
        tokio::task::yield_now().await;
    }
    connection.close().await.unwrap();
}
