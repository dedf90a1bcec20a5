//! What the tests need from Debian's packages, installed once and only where it is missing.

use std::fs;
use std::path::Path;

use crate::shell::{self, Outcome};

/// A program that a test uses, how to see that it works, and the packages that bring it.
pub(crate) struct Need {
    what: &'static str,
    check: (&'static str, &'static [&'static str]),
    packages: &'static [&'static str],
}

/// The mail programs of other people, and strace to watch our system calls.
pub(crate) const CLIENTS: &[Need] = &[
    Need { what: "curl", check: ("curl", &["--version"]), packages: &["curl"] },
    Need { what: "swaks", check: ("swaks", &["--version"]), packages: &["swaks"] },
    // swaks without this module works, but for TLS.
    Need {
        what: "TLS for swaks",
        check: ("perl", &["-MNet::SSLeay", "-e", "1"]),
        packages: &["libnet-ssleay-perl"],
    },
    Need { what: "msmtp", check: ("msmtp", &["--version"]), packages: &["msmtp"] },
    Need { what: "fetchmail", check: ("fetchmail", &["--version"]), packages: &["fetchmail"] },
    Need { what: "getmail6", check: ("getmail", &["--version"]), packages: &["getmail6"] },
    Need { what: "mpop", check: ("mpop", &["--version"]), packages: &["mpop"] },
    Need {
        what: "Python with its e-mail test data",
        check: ("python3", &["-c", "import smtplib, poplib, ssl, test.test_email"]),
        // Named after Python's version, of which each release of Debian has one: apt-get reads this as an expression.
        packages: &["python3", r"^libpython3\.[0-9]+-testsuite$"],
    },
    // Hosts and name servers for mail that leaves; they run as instances of their own, never as the system's services.
    POSTFIX,
    Need { what: "NSD", check: ("nsd", &["-v"]), packages: &["nsd"] },
    // For networks that tests make for themselves.
    Need { what: "ip", check: ("ip", &["-Version"]), packages: &["iproute2"] },
    Need { what: "strace", check: ("strace", &["--version"]), packages: &["strace"] },
];

/// What libFuzzer is built with.
pub(crate) const FUZZER: &[Need] =
    &[Need { what: "a C++ compiler", check: ("c++", &["--version"]), packages: &["g++"] }];

/// The server is in no directory of PATH; its package makes the user that it runs as.
pub(crate) const POSTGRES: &[Need] = &[Need {
    what: "PostgreSQL",
    check: ("sh", &["-c", "ls /usr/lib/postgresql/*/bin/initdb && id postgres"]),
    packages: &["postgresql"],
}];

/// The server beside which ours is measured. It runs as an instance of its own, never as the system's service.
const DOVECOT: &[Need] =
    &[Need { what: "Dovecot", check: ("dovecot", &["--version"]), packages: &["dovecot-pop3d"] }];

/// Only its programs are used, each time in a directory of the test's or bench's own.
const POSTFIX: Need = Need {
    what: "Postfix",
    check: ("sh", &["-c", "test -x /usr/lib/postfix/sbin/master && id postfix"]),
    packages: &["postfix"],
};

/// What clamd is linked with. The package that has clamd itself would bring its updater too, which begins to download signatures as
/// soon as it is installed: see [`provide_clamd`].
const LIBCLAMAV: &[Need] = &[Need {
    what: "libclamav",
    check: ("sh", &["-c", "ls /usr/lib/*/libclamav.so.*"]),
    // Named after its ABI, of which each release of Debian has one.
    packages: &["^libclamav[0-9]+(t64)?$"],
}];

impl Need {
    fn is_met(&self) -> bool {
        let (program, arguments) = self.check;
        shell::succeeds(program, arguments)
    }
}

/// Installs what is missing, and fails with the names of what still is missing then.
///
/// `part`: what `--without` calls the tests that need them.
pub(crate) fn provide(needs: &[Need], part: &str) -> Outcome {
    provide_for(needs, &format!("leave their tests out by `cargo xtask test --without {part}`"))
}

/// As [`provide`]; `otherwise` says what else one can do.
pub(crate) fn provide_for(needs: &[Need], otherwise: &str) -> Outcome {
    let missing = unmet(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
    let advice = format!("install them by `apt-get install '{}'`, or {otherwise}", packages.join("' '"));
    let install = || -> Outcome {
        apt_get(&["update"])?;
        if missing.iter().any(|need| need.what == POSTFIX.what) {
            // It stays without a configuration: it must not begin to serve this machine.
            let answer =
                "echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections";
            shell::run(shell::command("sh")?.args(["-c", answer]))?;
        }
        // What a package merely recommends is no part of what the tests use.
        apt_get(&[&["install", "--yes", "--no-install-recommends"], packages.as_slice()].concat())
    };
    let failure = install().err();

    let missing: Vec<_> = unmet(needs).iter().map(|need| need.what).collect();
    match (missing.is_empty(), failure) {
        (true, _) => Ok(()),
        (false, Some(reason)) => Err(format!("missing: {}; {reason}; {advice}", missing.join(", "))),
        (false, None) => Err(format!("installed, but still missing: {}; {advice}", missing.join(", "))),
    }
}

/// Debian's clamd as a program: unpacked where cargo builds, not installed, so that no service is set up and nothing is downloaded
/// behind it. One that is installed already is taken as it is.
pub(crate) fn provide_clamd(part: &str) -> Outcome {
    let directory = shell::target_dir()?.join("clamd");
    let unpacked = directory.join("usr/sbin/clamd");
    let works =
        |program: &Path| program.to_str().is_some_and(|program| shell::succeeds(program, &["--help"]));
    if works(Path::new("/usr/sbin/clamd")) || works(&unpacked) {
        return Ok(());
    }
    provide(LIBCLAMAV, part)?;
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    // The package lies where the command runs.
    let unpack = "apt-get -q download clamav-daemon && dpkg-deb --extract clamav-daemon_*.deb . && rm clamav-daemon_*.deb";
    let run = || shell::run(shell::command("sh")?.args(["-c", unpack]).current_dir(&directory));
    // The lists may be of yesterday, and name a package that is no more.
    run().or_else(|_| apt_get(&["update"]).and_then(|()| run()))?;
    if works(&unpacked) { Ok(()) } else { Err(format!("{} does not run", unpacked.display())) }
}

pub(crate) fn provide_dovecot() -> Outcome {
    provide_for(DOVECOT, LEAVE_OUT)
}

pub(crate) fn provide_postgres() -> Outcome {
    provide_for(POSTGRES, "leave it out with --only sqlite")
}

pub(crate) fn provide_postfix() -> Outcome {
    provide_for(&[POSTFIX], LEAVE_OUT)
}

const LEAVE_OUT: &str = "leave this bench out";

fn unmet(needs: &[Need]) -> Vec<&Need> {
    needs.iter().filter(|need| !need.is_met()).collect()
}

fn apt_get(arguments: &[&str]) -> Outcome {
    shell::run(shell::command("apt-get")?.args(["-q", "-o", "Dpkg::Use-Pty=0"]).args(arguments).env(
        // A package that asks its questions would wait for ever in a run without a terminal.
        "DEBIAN_FRONTEND",
        "noninteractive",
    ))
}
