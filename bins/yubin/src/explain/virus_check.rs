//! Whether what a client sends is looked through for viruses.

use accounts::{Resolution, Service};
use daemon_kit::config::{Listener, VirusChecked};
use relay_policy::{Check, Identity, Sender};

use super::{Client, Login, Walk, spoken};

/// False: the client may not send here.
pub(super) fn walk(client: &Client<'_>, listener: &Listener, identity: Identity, walk: &mut Walk) -> bool {
    let Some(settings) = &client.config.virus_check else { return true };
    let login = match &client.login {
        Some(Login::Known(account)) if identity == Identity::Authenticated => Some(account),
        _ => None,
    };
    let has = |account: &accounts::AccountDetails| {
        account.services.iter().any(|info| info.service == Service::VirusCheck && info.enabled)
    };
    let sender = match login {
        Some(account) if has(account) => Sender::WithContract,
        Some(_) => Sender::WithoutContract,
        None if matches!(client.to, Some((_, Resolution::NotOurs))) => Sender::Unnamed,
        None => Sender::Stranger,
    };
    let checked = listener.smtp.virus_check;
    match relay_policy::virus_check(smtpd::virus_check_rule(checked), sender, client.to_has_contract) {
        Check::Yes(why) => {
            let (clamd, rule) = (&settings.clamd, why.name());
            walk.pass("virus_check", format!("{checked}: looked through by clamd at {clamd} ({rule})"));
        }
        Check::No(why) => {
            let others = match (&client.to, checked) {
                (Some(_), _) | (_, VirusChecked::Off | VirusChecked::Always) => "",
                (None, _) => "; mail to a mailbox with the service virus_check is",
            };
            walk.pass("virus_check", format!("{checked}: not looked through ({}){others}", why.name()));
        }
        Check::Refuse(why) => {
            walk.fail("virus_check", format!("{checked}: the account does not have the service virus_check"));
            let reply = client.worded(listener, smtpd::VIRUS_CHECK_NEEDED);
            walk.end("anything", false, why.name(), spoken(&reply));
            walk.change("the client: the host for accounts without the virus check");
            if let Some(account) = login {
                walk.change(format!(
                    "the operator: yubin account set {} virus_check=on",
                    account.account.login
                ));
            }
            return false;
        }
    }
    true
}
