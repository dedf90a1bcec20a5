//! The names of all events. They are stable: filters and alarms are built on them, so a name is never given a second meaning.

macro_rules! catalogue {
    ($($name:ident = $word:literal: $meaning:literal)+) => {
        $(#[doc = $meaning] pub const $name: &str = $word;)+

        /// Every name with its meaning.
        pub const ALL: &[(&str, &str)] = &[$(($word, $meaning)),+];
    };
}

catalogue! {
    // the daemon
    STARTED = "started": "The daemon runs; `version`."
    LISTENER_READY = "listener_ready": "An address takes connections; `address`, `protocol`, `tls`."
    ACCEPT_FAILED = "accept_failed": "The system gave no connection (no file descriptor, no memory); taken up again after a pause."
    CONNECTION_REFUSED = "connection_refused": "Somebody was not let in: too many connections, no memory, a barred network, or no balancer of this listener (`not_listed`); `reason`, and `peer`, the last of the `count` since the last such line: the first is told at once, those that follow each second."
    DESCRIPTORS_FEW = "descriptors_few": "The system allows fewer open files than the sessions may need; `descriptors`, `wanted`."
    SIGNAL = "signal": "The process was told to end or to read its configuration again; `signal`."
    RELOADED = "reloaded": "The certificates, networks and texts for clients of the file are in use; everything else waits for a restart."
    RELOAD_REFUSED = "reload_refused": "The file has faults, nothing changed; `fault`."
    CERTIFICATE_EXPIRES = "certificate_expires": "A certificate ends soon; `file`, `days`."
    CERTIFICATE_UNFIT = "certificate_unfit": "Clients that check will refuse a certificate that is in use: expired, without its chain, or not for a listener's name; `fault`."
    CERTIFICATE_KEPT = "certificate_kept": "The file's certificate is not valid now, and the one from before stays in use; `file`, `reason`."
    RESTART_NEEDED = "restart_needed": "Settings of the file are others than those in use, and wait for a restart; `settings`, as `limits.connections, listener`."
    DRAIN_STARTED = "drain_started": "No new sessions; `sessions` are still open."
    DRAIN_CUT = "drain_cut": "The time of the drain is over; `sessions` are cut."
    DRAIN_FINISHED = "drain_finished": "No session is left."
    PANIC = "panic": "A fault in the program; it cost one session. `text`, `place`."

    PROXY_REFUSED = "proxy_refused": "A balancer did not begin with a right PROXY header; `balancer`, `reason`, `detail`."

    // a session
    SESSION_OPEN = "session_open": "A connection was let in."
    SESSION_CLOSE = "session_close": "A session is over; `outcome`, `received`, `sent` (octets in clear), `ms`."
    TLS_ESTABLISHED = "tls_established": "A session is encrypted; `version`, `cipher`, `sni`."
    TLS_FAILED = "tls_failed": "A handshake failed; `reason`, `detail`, `count` of those for the same reason; what the client offered, if that came: `version` (the highest), `ciphers` (how many), `sni`, `alpn`."
    AUTH_OK = "auth_ok": "A login; `login`, `encrypted`, `tls` (its version), and `mechanism` (POP3)."
    AUTH_FAILED = "auth_failed": "A login was refused; `login` (of a name that is nobody's login only how long it is, unless it can be no password), `reason`, `encrypted`, `tls`, `mechanism` (POP3), and where there is one a `hint` at the mistake. For a `mechanism` that is not offered it has no `login`: none was said."
    AUTH_MISSING = "auth_missing": "A client wanted to send without the login that is demanded, for it has none, or something on the way hides it: `greeting` (EHLO or HELO), `encrypted`."
    AUTH_UNAVAILABLE = "auth_unavailable": "A login could not be judged: the accounts cannot be reached, too many others waited, or the stored hash cannot be used; `reason`."

    TICKET_FAILED = "ticket_failed": "A login by POP3 should have opened a POP-before-SMTP ticket, and the accounts cannot be reached; `login`, `reason`."
    TICKET_USED = "ticket_used": "A recipient elsewhere was taken by a POP-before-SMTP ticket, which SMTP AUTH should replace; `holders`, the accounts that fetched mail from this address, the latest first."

    // mail
    MESSAGE_ACCEPTED = "message_accepted": "A message is ours and durable; `queue_id`, `from`, `size`, `recipients`, `account`; where there is a virus check `virus_check`: clean, unchecked, held, or the rule by which it was not looked through."
    MESSAGE_REFUSED = "message_refused": "A message was not taken; `reason`."
    VIRUS_FOUND = "virus_found": "A message has a virus; `queue_id`, `from`, `account`, `virus`, `done`: refused or held, `count` since the start."
    VIRUS_NOTICE_SENT = "virus_notice_sent": "The owner of a mailbox was told that a message with a virus was refused or held; `queue_id`, `recipient`."
    VIRUS_NOTICE_FAILED = "virus_notice_failed": "The owner of a mailbox could not be told of a virus; `queue_id`, `recipient`, `reason`."
    VIRUS_CHECK_FAILED = "virus_check_failed": "Nobody knows whether a message has a virus, for clamd did not say; `queue_id`, `from`, `account`, `reason`, `done`: refused (for now), accepted or held, `count` since the start."
    VIRUS_CHECK_SKIPPED = "virus_check_skipped": "A message is too big for the virus check; `queue_id`, `from`, `account`, `octets` (so many came before clamd was left alone), `done`: refused, accepted or held, `count` since the start."
    VIRUS_CHECK_NEEDED = "virus_check_needed": "An account without the virus check wanted to send at a host that is only for those who have it; `login`, `reason`."
    RECIPIENT_REFUSED = "recipient_refused": "A recipient was not taken; `recipient`, `reason`."
    RECIPIENT_ACCEPTED = "recipient_accepted": "A recipient of an accepted message; `queue_id`, `recipient`, `mailbox`, or `forward_of`: who has it sent on to there."
    ACCOUNTS_FAILED = "accounts_failed": "An address could not be looked up: the accounts cannot be reached; `reason`."
    ACCOUNTS_REPLACED = "accounts_replaced": "Another file stands in place of the account database's. It is used from now on, and all sessions of accounts end; with a `reason`, it cannot be used, and everybody is told to come again later until it can."
    NO_POSTMASTER = "no_postmaster": "Mail for postmaster or abuse waits outside: nobody is appointed; `recipient`."
    SENDER_NOT_OWNED = "sender_not_owned": "A client wrote as an address that is not its account's; `login`, `sender`, `done`: accepted, rewritten or refused."
    SENDING_LIMIT_REACHED = "sending_limit_reached": "Somebody wants to send more than they may, for the first time in this hour or day; `who`: `account LOGIN` or `address IP`, `limit`, `most`, `done`: deferred or held."
    CLOCKS_APART = "clocks_apart": "This machine's clock is behind the database server's (ahead, if less than nothing), or behind another machine's as what was sent shows, by more than an hour; `hours`. What is sent is counted by the server's clock."
    MAILDROP_OPENED = "maildrop_opened": "A POP3 client sees its mail; `messages`, `octets`."
    MAILDROP_UPDATED = "maildrop_updated": "A POP3 client left; `retrieved`, `removed`."
    STORE_FAILED = "store_failed": "The disk or the queue refused its service; `reason`."
    QUEUE_RECOVERED = "queue_recovered": "What an earlier run left in the queue was seen to at start; `finished`, `pending`, `outbound` (for other hosts), `held`, `discarded`."
    QUEUE_CORRUPT = "queue_corrupt": "A file in the queue cannot be read and lies in `corrupt/` now; `file`, `why`, `place`, `advice`."
    QUEUE_TROUBLE = "queue_trouble": "The disk refused a step of the recovery; `error`."
    QUEUE_HELD = "queue_held": "A message is held back, by an operator or because its account may not send; `queue_id`, `reason`."
    QUEUE_RELEASED = "queue_released": "An operator lets a held message go on; `queue_id`."
    QUEUE_RETRIED = "queue_retried": "An operator has a message tried at once; `queue_id`."
    QUEUE_DROPPED = "queue_dropped": "An operator threw a message away, for this recipient; `queue_id`, `from`, `recipient`, `reason`."
    QUEUE_ADOPTED = "queue_adopted": "The queue of a dead machine is ours now; `directory`, `messages`."
    OUTBOUND_DELIVERED = "outbound_delivered": "Another host has a message for this recipient; `queue_id`, `recipient`, `host`, `tls` (a version, `verified`, or `clear`), `answer`, `age` (seconds)."
    OUTBOUND_DEFERRED = "outbound_deferred": "A recipient elsewhere could not be served yet; `queue_id`, `recipient`, `host`, `tls`, `status`, `answer`, `age`."
    OUTBOUND_FAILED = "outbound_failed": "A recipient elsewhere will not be served; `queue_id`, `recipient`, `host`, `tls`, `status`, `answer`, `age`."
    OUTBOUND_HOST_FAILED = "outbound_host_failed": "Another host could not be spoken to; `host`, `reason`."
    OUTBOUND_TLS_FAILED = "outbound_tls_failed": "Another host offers TLS that does not work, and is spoken to in clear text; `host`, `reason`."
    OUTBOUND_DESTINATION_DEAD = "outbound_destination_dead": "No host of a destination answers: all its messages wait; `destination`, `overdue` (those whose senders are told)."
    OUTBOUND_STOPPING = "outbound_stopping": "The daemon ends: no delivery to another host begins any more; `sessions` are still open."
    OUTBOUND_CUT = "outbound_cut": "Deliveries that did not end in time were cut at the end of the daemon; `sessions`."
    OUTBOUND_UNAVAILABLE = "outbound_unavailable": "Operators' orders cannot be taken; `reason`."
    FORWARD_FAILED = "forward_failed": "Mail could not be sent on, and is in the mailbox of who wanted that; `queue_id`, `recipient` (who), `to`, `answer`."
    FORWARD_STOPPED = "forward_stopped": "Mail is not sent on to an address of ours that leads nowhere, and stays in the mailbox; `login`, `to`."
    REPORT_SENT = "report_sent": "A sender is told what became of a message; `queue_id`, `report` (its own queue id), `to`, `occasion`: `failed`, `delayed`, `delivered` or `relayed`."
    REPORT_FAILED = "report_failed": "A report could not be written now; it will be later, but for one of a success whose mailbox had the message at once, which is lost; `queue_id`, `to`, `reason`."
    REPORT_UNDELIVERABLE = "report_undeliverable": "Nobody can be told of a failure, not even the postmaster, and the message is held; `queue_id`, `to`."
    DOUBLE_BOUNCE = "double_bounce": "A message without a sender, or for whose sender nobody is there, has failed: the postmaster is told; `queue_id`, `from`, `occasion`."
    QUEUE_STATUS = "queue_status": "How the queue stands, at start and every five minutes; `waiting` (messages for other hosts, once for each destination), `held`, `oldest` (of those that wait: seconds), `destinations` (the five with the most messages: `example.com 12, example.net 3`), `sessions` (open now), and since the start by recipients `delivered`, `deferred` (tries), `failed`."
    QUEUE_RETRY_FAILED = "queue_retry_failed": "A message that waits in the queue could not be taken up again; `queue_id`, `error`."
    DELIVERY_DEFERRED = "delivery_deferred": "An accepted message waits in the queue for a mailbox; `queue_id`, `mailbox`, `error`."
    QUOTA_UNKNOWN = "quota_unknown": "How much a mailbox holds could not be counted; the recipient was taken; `recipient`, `reason`."
    QUOTA_WARNED = "quota_warned": "The owner of a mailbox was told that it is nearly full; `mailbox`, `octets`, `messages`."
    QUOTA_WARNING_FAILED = "quota_warning_failed": "The owner of a mailbox could not be told that it is nearly full; `mailbox`, `reason`."
    STORE_LOW = "store_low": "Too little room: no mail is taken; `reason`."
    STORE_ROOM = "store_room": "There is room again."
    STORE_SPACE_UNKNOWN = "store_space_unknown": "The system does not say how much room there is; `path`, `error`."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_unique() {
        let mut names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
