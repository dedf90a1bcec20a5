//! Whose messages are looked through, in the words of the policy.

use std::sync::Arc;

use accounts::{Account, AccountId, Service};
use daemon_kit::config::VirusChecked;
use daemon_kit::log::event;
use relay_policy::{Check as Verdict, Checked, Sender};
use smtp_proto::Reply;

use super::{MEMORY, Scan, Scanner};
use crate::{Smtpd, replies};

/// What a listener says, as the policy's table asks it.
pub fn rule(checked: VirusChecked) -> Checked {
    match checked {
        VirusChecked::Off => Checked::Off,
        VirusChecked::Received => Checked::Received,
        VirusChecked::Contract => Checked::Contract,
        VirusChecked::ContractOnly => Checked::ContractOnly,
        VirusChecked::Always => Checked::Always,
    }
}

/// Whether a message is looked through, as the policy has it.
#[derive(Debug)]
pub(crate) enum Check {
    Yes(Arc<Scanner>),
    /// By this rule; none where there is no virus check.
    No(Option<&'static str>),
}

impl Check {
    /// `recipient`: one of its recipients here has the contract.
    pub(crate) fn of(
        scanner: Option<&Arc<Scanner>>,
        checked: VirusChecked,
        sender: Sender,
        recipient: bool,
    ) -> Self {
        let Some(scanner) = scanner else { return Self::No(None) };
        match relay_policy::virus_check(rule(checked), sender, recipient) {
            Verdict::Yes(_) => Self::Yes(scanner.clone()),
            // Who is refused was at MAIL.
            Verdict::No(why) | Verdict::Refuse(why) => Self::No(Some(why.name())),
        }
    }

    /// Octets that it costs while the message comes in.
    pub(crate) fn memory(&self) -> u64 {
        match self {
            Self::Yes(_) => MEMORY,
            Self::No(_) => 0,
        }
    }

    /// Of a message that begins with these octets: its scan, or why there is none.
    pub(crate) fn begin(self, trace: &[u8]) -> (Option<Scan>, Option<&'static str>) {
        match self {
            Self::Yes(scanner) => (Some(Scan::new(&scanner, trace)), None),
            Self::No(why) => (None, why),
        }
    }
}

impl Smtpd {
    /// Who sends, as far as it matters here; or the reply for an account that may not send here.
    pub(crate) async fn checked_sender(
        &self,
        checked: VirusChecked,
        account: Option<&Account>,
    ) -> Result<Sender, Reply> {
        let Some(account) = account else { return Ok(Sender::Stranger) };
        let matters = matches!(checked, VirusChecked::Contract | VirusChecked::ContractOnly);
        let sender = match matters && self.has_contract(account.id).await? {
            true => Sender::WithContract,
            false => Sender::WithoutContract,
        };
        match relay_policy::virus_check(rule(checked), sender, false) {
            Verdict::Refuse(why) => {
                let (login, reason) = (&account.login, why.name());
                tracing::info!(event = event::VIRUS_CHECK_NEEDED, login, reason);
                Err(replies::VIRUS_CHECK_NEEDED)
            }
            Verdict::Yes(_) | Verdict::No(_) => Ok(sender),
        }
    }

    /// Whether a recipient's contract has its mail looked through, where that matters.
    pub(crate) async fn checked_recipient(
        &self,
        checked: VirusChecked,
        account: AccountId,
    ) -> Result<bool, Reply> {
        match checked {
            VirusChecked::Off | VirusChecked::Always => Ok(false),
            VirusChecked::Received | VirusChecked::Contract | VirusChecked::ContractOnly => {
                self.has_contract(account).await
            }
        }
    }

    async fn has_contract(&self, account: AccountId) -> Result<bool, Reply> {
        self.accounts.has_service(account, Service::VirusCheck).await.map_err(replies::accounts_unavailable)
    }
}
