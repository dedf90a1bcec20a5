//! A mail service of its own for each test: directory, certificate, accounts, the two daemons, and ways to talk to them.

pub(crate) mod certificate;
pub(crate) mod daemon;
pub(crate) mod mail;
pub(crate) mod pop3;
pub(crate) mod programs;
pub(crate) mod site;
pub(crate) mod smtp;
pub(crate) mod wire;

use std::net::SocketAddr;

use daemon::Daemon;
use pop3::Pop3;
use programs::Program;
use site::{AYUMI, Door, Site, User};
use smtp::Smtp;

/// Both daemons over one site.
pub(crate) struct Service {
    pub(crate) smtpd: Daemon,
    pub(crate) pop3d: Daemon,
    // Last, so that the daemons are gone before their files are.
    pub(crate) site: Site,
}

impl Service {
    /// A site with its two users, served.
    pub(crate) fn start() -> Self {
        Self::serve(Site::with_users())
    }

    pub(crate) fn serve(site: Site) -> Self {
        let smtpd = site.start(Program::Smtpd);
        let pop3d = site.start(Program::Pop3d);
        Self { smtpd, pop3d, site }
    }

    /// Served, with a message of AYUMI's that waits in the queue, for nobody takes mail for other hosts.
    pub(crate) fn with_mail_that_waits(to: &[&str], message: &[u8]) -> Self {
        let site = Site::with_users();
        // Nobody listens there.
        let outbound = "[outbound]\nsmarthost = \"127.0.0.78:1\"";
        site.configure(&Site::configuration().replace("[outbound]\nenabled = false", outbound));
        let service = Self::serve(site);
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.address, to, message);
        smtp.quit();
        service.smtpd.wait_for_events("outbound_deferred", 1);
        service
    }

    /// `kill -9` of both.
    pub(crate) fn kill(self) -> Site {
        self.smtpd.kill();
        self.pop3d.kill();
        self.site
    }

    /// `kill -9` of smtpd, and a new one over what is left.
    pub(crate) fn crash_smtpd(self) -> Self {
        self.smtpd.kill();
        Self { smtpd: self.site.start(Program::Smtpd), ..self }
    }

    /// The same of pop3d.
    pub(crate) fn crash_pop3d(self) -> Self {
        self.pop3d.kill();
        Self { pop3d: self.site.start(Program::Pop3d), ..self }
    }

    /// A new pop3d after the old one has ended by itself, as asked.
    pub(crate) fn restart_pop3d(self) -> Self {
        self.pop3d.terminate();
        let (status, log) = self.pop3d.ended();
        assert!(status.success(), "{status}\n{log}");
        Self { pop3d: self.site.start(Program::Pop3d), ..self }
    }

    pub(crate) fn address(&self, door: Door) -> SocketAddr {
        if door.is_pop3() { self.pop3d.address(door) } else { self.smtpd.address(door) }
    }

    /// A greeted SMTP session; behind TLS where the door asks for it.
    pub(crate) fn smtp(&self, door: Door) -> Smtp {
        Smtp::greeted(self.site.connect(door, self.address(door)))
    }

    /// A greeted POP3 session; behind TLS where the door asks for it.
    pub(crate) fn pop3(&self, door: Door) -> Pop3 {
        Pop3::greeted(self.site.connect(door, self.address(door)))
    }

    /// A POP3 session in which `user` has logged in.
    pub(crate) fn mailbox(&self, user: &User) -> Pop3 {
        let mut pop3 = self.pop3(Door::Pop3s);
        pop3.login(user);
        pop3
    }

    /// All messages of `user`, in order.
    pub(crate) fn fetch(&self, user: &User) -> Vec<Vec<u8>> {
        let mut pop3 = self.mailbox(user);
        let count = pop3.count();
        let messages = (1..=count).map(|number| pop3.retrieve(number)).collect();
        pop3.quit();
        messages
    }

    /// Sends by the door for mail from outside, and comes back when the server has accepted it.
    pub(crate) fn receive(&self, from: &str, to: &[&str], message: &[u8]) {
        let mut smtp = self.smtp(Door::Mx);
        smtp.hello();
        smtp.send_mail(from, to, message);
        smtp.quit();
    }
}
