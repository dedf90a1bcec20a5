//! Every limit of this crate, with where it comes from.

use std::time::Duration;

/// Octets of a login. It is also the local part of the issued address, which RFC 5321 §4.5.3.1.1 ends at 64.
pub const LOGIN: usize = 64;

/// Octets of a local part (RFC 5321 §4.5.3.1.1).
pub const LOCAL_PART: usize = 64;

/// Octets of a domain name in text: 255 on the wire (RFC 1035 §2.3.4) less the first length octet and the root.
pub const DOMAIN: usize = 253;

/// Octets of one label of a domain name (RFC 1035 §2.3.4).
pub const LABEL: usize = 63;

/// Octets of a text that stands in a reply behind code and status: a reply line ends at 512 (RFC 5321 §4.5.3.1.5), one of POP3 too
/// (RFC 1939 §3).
pub const REPLY_TEXT: usize = 400;

/// Seconds that a released address is given to nobody else, unless its domain says otherwise: 90 days, so that who wrote to the old
/// owner once a quarter has seen it refused.
pub const QUARANTINE: i64 = 90 * 24 * 60 * 60;

/// How many logins a shape must be able to make.
pub const PATTERN_LOGINS: u64 = 100_000;

/// How often the changes in the database are looked for, so that a session ends within a second or two of what ends it.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// How long a change that ended sessions is remembered, for logins that were being judged meanwhile: longer than one takes.
pub const FOLLOW_REMEMBERS: Duration = Duration::from_secs(10 * 60);

/// Octets of a password. A `PASS` line of POP3 ends at 255 octets (RFC 2449 §4) with verb, blank and CRLF;
/// a longer password could be set but never used.
pub const PASSWORD: usize = 248;

/// Characters of a generated password: 5 bits each, 70 bits in all.
pub const GENERATED_PASSWORD: usize = 14;

/// Argon2id: memory in KiB, passes and lanes. One of OWASP's choices of equal strength; the one with 12 MiB, so that a login does not
/// cost a daemon more memory than everything else it does.
pub const ARGON2_MEMORY_KIB: u32 = 12 * 1024;
/// See [`ARGON2_MEMORY_KIB`].
pub const ARGON2_PASSES: u32 = 3;
/// See [`ARGON2_MEMORY_KIB`].
pub const ARGON2_LANES: u32 = 1;

/// What another program's hash may cost at each login, beside one of ours: a second of a core or so, and what is usual stays under it.
/// SHA-crypt: rounds. Python's passlib takes 656 000 by default, crypt(3) 5 000, its format goes up to 999 999 999.
pub const SHA_CRYPT_ROUNDS: u32 = 1_000_000;

/// The same of bcrypt: its cost, of which each more doubles the time. 10 and 12 are usual, its format goes up to 31.
pub const BCRYPT_COST: u32 = 14;

/// The same of Argon2: memory in KiB, of which each hashing thread takes that much at once. libsodium's "moderate" is 256 MiB.
pub const FOREIGN_ARGON2_MEMORY_KIB: u32 = 256 * 1024;

/// The same: KiB that are written in all its passes. libsodium's "moderate" has three.
pub const FOREIGN_ARGON2_WRITTEN_KIB: u32 = 3 * FOREIGN_ARGON2_MEMORY_KIB;

/// How long a login waits until its password is hashed, with those before it: mail programs wait a minute for an answer.
pub const HASH_PATIENCE: Duration = Duration::from_secs(30);

/// Accounts that are imported in one change, for whose end all other changes wait: some tenths of a second.
pub const IMPORT_BATCH: usize = 500;

/// Values in one statement of an import. For each of them SQLite's driver asks for its parameter's name, for which SQLite goes through
/// all of them: with ten times as many that takes more than half of the time.
pub const VALUES_AT_ONCE: usize = 350;

/// Passwords of an import that are given to the pool at once: enough for all of its threads.
pub const HASHED_AT_ONCE: usize = 64;

/// Connections that ask questions, a process.
pub const READERS: u32 = 4;

/// After so long without a question a connection is tried before its next: the server may have been stopped, or a firewall in between
/// may have forgotten it. One that is in use shows by itself that it works.
pub const READER_RESTS: Duration = Duration::from_secs(1);

/// How long a question waits for a connection before the database counts as unreachable.
pub const READ_PATIENCE: Duration = Duration::from_secs(5);

/// Within which time a connection is made, so that one that is younger than another file in the database's place is one to it.
pub(crate) const CONNECTED_IN: Duration = READ_PATIENCE.saturating_mul(2);

/// How long a question waits for its answer, and the writing of a ticket: a server that hangs is one that cannot be reached, and a mail
/// program waits longer than this for its reply.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// How long a list waits for its next row: some are sorted first.
pub const ROW_PATIENCE: Duration = Duration::from_secs(30);

/// How long a change waits for its turn: other changes of this process, then those of other processes.
pub const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long a login that succeeded is remembered after it was last seen, at least; at most twice as long. Longer than the usual
/// interval of a mail program that polls, so that it finds itself remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(15 * 60);

/// How many logins are remembered: 16 octets each and the table around them, so 8 MiB of those who poll.
pub const REMEMBERED_LOGINS: usize = 200_000;

/// How many logins, and how many addresses, are answered without a question while the database does not change: some 400 octets each,
/// so 8 MiB for either.
pub const KEPT_ANSWERS: usize = 20_000;

/// How long an address stays known to an account that logged in from it.
pub const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// After how long it is noted again that an account still logs in from an address it is known at: a client that polls writes no more
/// often than this.
pub const KNOWN_NOTED_EVERY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// At how many addresses an account is known; of more, the ones that were noted first are forgotten.
pub const KNOWN_PLACES: i64 = 16;

/// How long wrong claims are gathered before they are written in one transaction: ten a second at most, whatever comes.
pub const GUESSES_GATHERED_FOR: Duration = Duration::from_millis(100);

/// How long the answer to a wrong claim waits for its being written. It waits for a pause anyway.
pub const GUESS_WRITTEN_IN: Duration = Duration::from_secs(1);

/// How often rows that are over are looked for, by a process that writes.
pub const CLEAN_EVERY: Duration = Duration::from_secs(60);

/// How many of them go in one transaction, and how many transactions there are each time.
pub const CLEAN_AT_ONCE: i64 = 1_000;
/// See [`CLEAN_AT_ONCE`].
pub const CLEAN_TIMES: usize = 10;

/// How many pairs of account and address a process knows by itself; of others it asks the database before it pays for a hash.
pub const KNOWN_ADDRESSES: usize = 200_000;

/// Ways to come in that are kept of an account for the desk, and as many ways that failed.
pub const LOGINS_KEPT: i64 = 20;

/// How often logins that were noted are written: the desk reads them while the customer is on the telephone.
pub const LOGINS_WRITTEN_EVERY: Duration = Duration::from_secs(2);

/// How often those are written, all at once, who log in in the same way again: who polls costs no write a poll.
pub const LOGINS_RENEWED: Duration = Duration::from_secs(15 * 60);

/// Logins that are noted at once, some hundred octets each. What is more is not kept: under such a load the log has to do.
pub const LOGINS_NOTED: usize = 20_000;

/// Logins that are written in one change, for whose end other changes wait.
pub const LOGINS_BATCH: usize = 100;

/// How many addresses, networks and accounts are counted at once; of more, those with the fewest failures are forgotten.
pub const COUNTED_GUESSERS: usize = 100_000;

/// Wrong claims of one address: so many at once (a household with several programs that have an old password), and one more each
/// time that long has passed: 1 440 a day, where a list of the usual passwords has millions.
pub const GUESSES_OF_ADDRESS: (u32, Duration) = (30, Duration::from_secs(60));

/// Wrong claims of one network, an IPv4 /24 or an IPv6 /64: a handful of addresses' worth.
pub const GUESSES_OF_PREFIX: (u32, Duration) = (120, Duration::from_secs(15));

/// Wrong claims for one account from addresses that it does not know.
pub const GUESSES_OF_ACCOUNT: (u32, Duration) = (20, Duration::from_secs(60));

/// Wrong claims for one account from an address that it knows: a program with the old password, polling once a minute, does not
/// shut out the one with the new.
pub const GUESSES_OF_KNOWN: (u32, Duration) = (30, Duration::from_secs(30));

/// How long a claim waits for others to be judged, where these have reserved what is left of a budget.
pub const CLAIM_WAITS: Duration = Duration::from_secs(20);

/// How often a password is compared with the one that is remembered while the budget of a known address is used up: 86 400 a day, where
/// a list of the usual passwords has millions.
pub const COMPARED_EVERY: Duration = Duration::from_secs(1);

/// How long such a claim waits for its turn: longer than all sessions that one address may have by default can keep it waiting.
pub const COMPARISON_WAITS: Duration = Duration::from_secs(60);

/// Rows of what was sent on days that are over which go in one statement: a writer waits no longer for it than for a message.
pub const SWEPT_AT_ONCE: i64 = 500;

/// Up to how many hours ahead a row of what was sent counts as one of this hour: it is of a machine whose clock is ahead of ours. Of more,
/// its clock was wrong, and is not to lock an account until that hour has come.
pub const HOURS_AHEAD: i64 = 24;

/// The same of its day.
pub const DAYS_AHEAD: i64 = 1;

/// Days after which what comes back to a sender's address of mail that was sent on is refused: longer than anybody tries to deliver.
pub const SRS_DAYS: i64 = 21;

/// Characters of the hash in such an address. Four are usual; of six there are 2³⁰ that differ in more than their case, and a local part
/// ends at 64 octets (RFC 5321 §4.5.3.1.1).
pub const SRS_HASH: usize = 6;

/// Octets of the mark by which mail that an account sent on is known when it comes back.
pub const LOOP_MARK: usize = 12;

/// Addresses to which an account sends its mail on.
pub const FORWARDS: usize = 10;

/// How often the server of a database is asked which time it is.
pub(crate) const CLOCK_ASKED_EVERY: Duration = Duration::from_secs(60);

/// By how much the clocks of machines that share a database may differ: a ticket that one gave holds at once on the others.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(60);
