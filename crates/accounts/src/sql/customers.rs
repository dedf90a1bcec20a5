//! What customers do and have: tickets, logins and guesses, how much they may send and have sent, where their mail is sent on.

/// `$1` account id.
pub(crate) const DROP_TICKETS_OF: &str = "DELETE FROM ticket WHERE account_id = $1";

/// `$1` address, `$2` account id → when it expires.
pub(crate) const TICKET: &str = "SELECT expires_at FROM ticket WHERE address = $1 AND account_id = $2";

/// `$1` account id: whoever writes a ticket for it waits, see `lock_account` of the backend.
pub(crate) const HOLD_TICKETS: &str = "UPDATE account SET state = state WHERE id = $1";

/// `$1` address, `$2` account id, `$3` time, `$4` the last change when its login was judged: nothing where a later one ended sending.
pub(crate) const SET_TICKET: &str = "INSERT INTO ticket (address, account_id, expires_at) \
     SELECT $1, account.id, $3 FROM account WHERE account.id = $2 AND NOT EXISTS ( \
     SELECT 1 FROM audit WHERE audit.account_id = $2 AND audit.id > $4 AND audit.ends IN (1, 3)) \
     ON CONFLICT (address, account_id) DO UPDATE SET expires_at = excluded.expires_at";

/// `$1` address, `$2` time, `$3` the latest expiry that is believed → login of each account whose ticket holds there, the latest first.
///
/// Not of who may not send: a suspension without sending is 2, 4 or 6, see the migration.
pub(crate) const TICKET_HOLDERS: &str = "SELECT account.login FROM ticket \
     JOIN account ON account.id = ticket.account_id \
     LEFT JOIN service ON service.account_id = account.id AND service.name = 'pop_before_smtp' \
     LEFT JOIN plan_service ON plan_service.plan_id = account.plan_id AND plan_service.name = 'pop_before_smtp' \
     WHERE ticket.address = $1 AND ticket.expires_at > $2 AND ticket.expires_at <= $3 \
     AND (account.state = 'active' OR (account.state = 'suspended' AND account.stops IN (2, 4, 6))) \
     AND COALESCE(service.enabled, plan_service.enabled, 1) = 1 ORDER BY ticket.expires_at DESC, account.login";

/// `$1` login, then the columns of the table up to `times`: nothing where nobody has that login.
pub(crate) const NOTE_LOGIN: &str = "INSERT INTO login_attempt (account_id, service, place, address, tls, mechanism, \
     outcome, hint, claimed, first_at, last_at, times) \
     SELECT account.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM account WHERE account.login = $1 \
     ON CONFLICT (account_id, service, place, address, tls, mechanism, outcome, hint, claimed) DO UPDATE \
     SET last_at = excluded.last_at, times = login_attempt.times + excluded.times";

/// `$1` login, `$2` how many of those that succeeded stay: those that were last seen before them go.
pub(crate) const FORGET_LOGINS: &str = "DELETE FROM login_attempt \
     WHERE account_id = (SELECT id FROM account WHERE login = $1) AND outcome = 'ok' AND last_at < ( \
     SELECT MIN(kept.last_at) FROM (SELECT last_at FROM login_attempt \
     WHERE account_id = (SELECT id FROM account WHERE login = $1) AND outcome = 'ok' \
     ORDER BY last_at DESC LIMIT $2) kept)";

/// The same of those that failed.
pub(crate) const FORGET_FAILED_LOGINS: &str = "DELETE FROM login_attempt \
     WHERE account_id = (SELECT id FROM account WHERE login = $1) AND outcome <> 'ok' AND last_at < ( \
     SELECT MIN(kept.last_at) FROM (SELECT last_at FROM login_attempt \
     WHERE account_id = (SELECT id FROM account WHERE login = $1) AND outcome <> 'ok' \
     ORDER BY last_at DESC LIMIT $2) kept)";

/// `$1` login → all but the account of each row, the last first.
pub(crate) const LOGIN_ATTEMPTS: &str = "SELECT login_attempt.service, login_attempt.place, login_attempt.address, \
     login_attempt.tls, login_attempt.mechanism, login_attempt.outcome, login_attempt.hint, login_attempt.claimed, \
     login_attempt.first_at, login_attempt.last_at, login_attempt.times FROM login_attempt \
     JOIN account ON account.id = login_attempt.account_id WHERE account.login = $1 \
     ORDER BY login_attempt.last_at DESC, login_attempt.outcome, login_attempt.place";

/// `$1` account id, `$2` service → whether it keeps a copy, its state, whether it has the service (NULL where nobody set it), and an
/// address to which it sends its mail on; a row for each of these.
pub(crate) const FORWARDS: &str = "SELECT account.keeps_copy, account.state, account.stops, account.state_text, account.state_since, \
     account.state_until, COALESCE(service.enabled, plan_service.enabled), forward.address FROM forward \
     JOIN account ON account.id = forward.account_id \
     LEFT JOIN service ON service.account_id = account.id AND service.name = $2 \
     LEFT JOIN plan_service ON plan_service.plan_id = account.plan_id AND plan_service.name = $2 \
     WHERE forward.account_id = $1 ORDER BY forward.added_at, forward.address";

/// `$1` account id → addresses.
pub(crate) const FORWARD_ADDRESSES: &str =
    "SELECT address FROM forward WHERE account_id = $1 ORDER BY added_at, address";

/// `$1` account id, `$2` address, `$3` time.
pub(crate) const ADD_FORWARD: &str = "INSERT INTO forward (account_id, address, added_at) VALUES ($1, $2, $3) \
     ON CONFLICT (account_id, address) DO NOTHING";

/// `$1` account id, `$2` address.
pub(crate) const REMOVE_FORWARD: &str = "DELETE FROM forward WHERE account_id = $1 AND address = $2";

/// `$1` account id.
pub(crate) const KEEPS_COPY: &str = "SELECT keeps_copy FROM account WHERE id = $1";

/// `$1` account id, `$2` 0 or 1.
pub(crate) const SET_KEEPS_COPY: &str = "UPDATE account SET keeps_copy = $2 WHERE id = $1";

/// `$1` login, `$2` who that is in `sent` → its limits, its plan's, and as [`SENT`], or NULLs.
pub(crate) const SENDING: &str = "SELECT account.sending_limits, plan.sending_limits, sent.hour, sent.day, \
     sent.hour_messages, sent.hour_recipients, sent.day_messages, sent.day_recipients FROM account \
     LEFT JOIN plan ON plan.id = account.plan_id LEFT JOIN sent ON sent.who = $2 WHERE account.login = $1";

/// `$1` plan's name → its limits.
pub(crate) const PLAN_SENDING_BY_NAME: &str = "SELECT sending_limits FROM plan WHERE name = $1";

/// To read and to write limits: `$1` account id, `$2` limits, as the migration has them.
pub(crate) const ACCOUNT_SENDING: (&str, &str) = (
    "SELECT sending_limits FROM account WHERE id = $1",
    "UPDATE account SET sending_limits = $2 WHERE id = $1",
);
/// The same of a plan.
pub(crate) const PLAN_SENDING: (&str, &str) =
    ("SELECT sending_limits FROM plan WHERE id = $1", "UPDATE plan SET sending_limits = $2 WHERE id = $1");

/// `$1` who → hour, day, messages and recipients of the hour, of the day.
pub(crate) const SENT: &str = "SELECT hour, day, hour_messages, hour_recipients, day_messages, day_recipients \
     FROM sent WHERE who = $1";

/// `$1` who, `$2` hour, `$3` day, `$4` recipients, `$5` to `$8` the most of the hour's messages and recipients and of the day's → as
/// [`SENT`]; no row where it would be more. A row of a later hour or day is of a machine whose clock is ahead, or ours is behind: it
/// counts as if it were this one, and is never set back, or each machine would wipe what the other counted. One that is more than
/// [`crate::limits::HOURS_AHEAD`] or [`crate::limits::DAYS_AHEAD`] ahead was written by a wrong clock, and begins anew.
pub(crate) const COUNT: &str = "INSERT INTO sent (who, hour, day, hour_messages, hour_recipients, day_messages, day_recipients, \
     told_hour, told_day) VALUES ($1, $2, $3, 1, $4, 1, $4, 0, 0) ON CONFLICT (who) DO UPDATE SET \
     hour = CASE WHEN sent.hour BETWEEN excluded.hour AND excluded.hour + 24 THEN sent.hour ELSE excluded.hour END, \
     day = CASE WHEN sent.day BETWEEN excluded.day AND excluded.day + 1 THEN sent.day ELSE excluded.day END, \
     hour_messages = CASE WHEN sent.hour BETWEEN excluded.hour AND excluded.hour + 24 THEN sent.hour_messages ELSE 0 END + excluded.hour_messages, \
     hour_recipients = CASE WHEN sent.hour BETWEEN excluded.hour AND excluded.hour + 24 THEN sent.hour_recipients ELSE 0 END + excluded.hour_recipients, \
     day_messages = CASE WHEN sent.day BETWEEN excluded.day AND excluded.day + 1 THEN sent.day_messages ELSE 0 END + excluded.day_messages, \
     day_recipients = CASE WHEN sent.day BETWEEN excluded.day AND excluded.day + 1 THEN sent.day_recipients ELSE 0 END + excluded.day_recipients \
     WHERE CASE WHEN sent.hour BETWEEN excluded.hour AND excluded.hour + 24 THEN sent.hour_messages ELSE 0 END + excluded.hour_messages <= $5 \
     AND CASE WHEN sent.hour BETWEEN excluded.hour AND excluded.hour + 24 THEN sent.hour_recipients ELSE 0 END + excluded.hour_recipients <= $6 \
     AND CASE WHEN sent.day BETWEEN excluded.day AND excluded.day + 1 THEN sent.day_messages ELSE 0 END + excluded.day_messages <= $7 \
     AND CASE WHEN sent.day BETWEEN excluded.day AND excluded.day + 1 THEN sent.day_recipients ELSE 0 END + excluded.day_recipients <= $8 \
     RETURNING hour, day, hour_messages, hour_recipients, day_messages, day_recipients";

/// `$1` who, `$2` hour, `$3` day, `$4` recipients: of a message that was counted in them. Less than nothing would be a budget.
pub(crate) const UNCOUNT: &str = "UPDATE sent SET \
     hour_messages = CASE WHEN hour_messages > 1 THEN hour_messages - 1 ELSE 0 END, \
     hour_recipients = CASE WHEN hour_recipients > $4 THEN hour_recipients - $4 ELSE 0 END, \
     day_messages = CASE WHEN day_messages > 1 THEN day_messages - 1 ELSE 0 END, \
     day_recipients = CASE WHEN day_recipients > $4 THEN day_recipients - $4 ELSE 0 END \
     WHERE who = $1 AND hour = $2 AND day = $3";

/// `$1` who, `$2` hour, `$3` day: changes a row if nobody was told for the hour.
pub(crate) const TELL_OF_HOUR: &str = "INSERT INTO sent (who, hour, day, hour_messages, hour_recipients, day_messages, day_recipients, \
     told_hour, told_day) VALUES ($1, $2, $3, 0, 0, 0, 0, $2, 0) ON CONFLICT (who) DO UPDATE SET told_hour = excluded.told_hour \
     WHERE sent.told_hour < excluded.told_hour";
/// The same for the day.
pub(crate) const TELL_OF_DAY: &str = "INSERT INTO sent (who, hour, day, hour_messages, hour_recipients, day_messages, day_recipients, \
     told_hour, told_day) VALUES ($1, $2, $3, 0, 0, 0, 0, 0, $3) ON CONFLICT (who) DO UPDATE SET told_day = excluded.told_day \
     WHERE sent.told_day < excluded.told_day";

/// `$1` day, `$2` how many at once: rows of days that are over, also of one that a wrong clock made. They stay for a week, lest a machine
/// whose clock is some days off takes away what all others count in.
pub(crate) const SWEEP_SENT: &str =
    "DELETE FROM sent WHERE who IN (SELECT who FROM sent WHERE day < $1 - 7 OR day > $1 + 7 LIMIT $2)";

/// What [`STANDING`] calls the row of [`IS_KNOWN`].
pub(crate) const KNOWN_HERE: &str = "here";

/// `$1` account, `$2` place, `$3` time, then four subjects → `here` and when the account was seen there since that time; and each subject
/// with its moment.
pub(crate) const STANDING: &str = "SELECT 'here', seen_at FROM known WHERE account_id = $1 AND place = $2 AND seen_at > $3 \
     UNION ALL SELECT subject, empty_at FROM guess WHERE subject IN ($4, $5, $6, $7)";

/// `$1` account's name, `$2` place, `$3` time → when it was seen there since.
pub(crate) const IS_KNOWN: &str = "SELECT known.seen_at FROM known JOIN account ON account.id = known.account_id \
     WHERE account.login = $1 AND known.place = $2 AND known.seen_at > $3";

/// `$1` subject, `$2` time, `$3` what is taken, `$4` what can be taken at once, which is never exceeded. A moment further ahead than twice
/// that was written by a clock that was wrong.
pub(crate) const TAKE_GUESSES: &str = "INSERT INTO guess (subject, empty_at) VALUES ($1, $2 + $3) \
     ON CONFLICT (subject) DO UPDATE SET empty_at = CASE \
     WHEN guess.empty_at <= $2 OR guess.empty_at > $2 + $4 + $4 THEN $2 + $3 \
     WHEN guess.empty_at + $3 > $2 + $4 THEN $2 + $4 ELSE guess.empty_at + $3 END";

/// `$1` time → subject and moment of what still counts.
pub(crate) const GUESSES: &str = "SELECT subject, empty_at FROM guess WHERE empty_at > $1 ORDER BY subject";

/// `$1` subject.
pub(crate) const DROP_GUESS: &str = "DELETE FROM guess WHERE subject = $1";

/// `$1` account, `$2` place, `$3` time.
pub(crate) const NOTE_KNOWN: &str = "INSERT INTO known (account_id, place, seen_at) \
     SELECT account.id, $2, $3 FROM account WHERE account.id = $1 \
     ON CONFLICT (account_id, place) DO UPDATE SET seen_at = excluded.seen_at";

/// `$1` account, `$2` how many places it may have: those that were noted first go.
pub(crate) const BOUND_KNOWN: &str = "DELETE FROM known WHERE account_id = $1 AND seen_at < (SELECT MIN(newest.seen_at) FROM \
     (SELECT seen_at FROM known WHERE account_id = $1 ORDER BY seen_at DESC LIMIT $2) newest)";
