//! SIGTERM while another host has a message in its hands.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, Site};

/// A smarthost that thinks about each message as long as it is told to.
struct Slow {
    address: SocketAddr,
    /// It has a message whole, and has said nothing of it.
    thinks: Receiver<()>,
    go: Sender<()>,
}

impl Slow {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ((has, thinks), (go, told)) = (channel(), channel());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut write, mut in_data) = (stream.unwrap(), false);
                let read = BufReader::new(write.try_clone().unwrap());
                let mut say = |text: &str| write.write_all(format!("{text}\r\n").as_bytes());
                say("220 smart").unwrap();
                for line in read.lines().map_while(Result::ok) {
                    let said = match (in_data, line.as_str()) {
                        (true, ".") => {
                            in_data = false;
                            has.send(()).unwrap();
                            if told.recv().is_err() {
                                return;
                            }
                            say("250 2.0.0 mine")
                        }
                        (true, _) => Ok(()),
                        (false, "DATA") => {
                            in_data = true;
                            say("354 go")
                        }
                        (false, "QUIT") => say("221 bye"),
                        (false, _) => say("250 smart"),
                    };
                    if said.is_err() {
                        break;
                    }
                }
            }
        });
        Self { address, thinks, go }
    }
}

#[test]
fn a_daemon_that_is_told_to_stop_hears_the_answer_out_and_sends_nothing_twice() {
    let slow = Slow::start();
    let site = Site::with_users();
    let outbound = format!("[outbound]\nsmarthost = \"{}\"\nsessions_per_destination = 1", slow.address);
    site.configure(&Site::configuration().replace("[outbound]\nenabled = false", &outbound));
    let service = Service::serve(site);
    let submit = |to: &str| {
        let mut smtp = service.smtp(Door::Submissions);
        smtp.hello();
        smtp.authenticate(&AYUMI);
        smtp.send_mail(AYUMI.address, &[to], b"Subject: hello\r\n\r\nHello.\r\n");
        smtp.quit();
    };
    submit("a@elsewhere.example");
    slow.thinks.recv().unwrap();
    submit("b@elsewhere.example");
    service.smtpd.terminate();
    // From here on, and not before, it takes nothing more from its queue.
    service.smtpd.wait_for_events("outbound_stopping", 1);
    slow.go.send(()).unwrap();
    let Service { smtpd, pop3d: _pop3d, site } = service;
    let (status, log) = smtpd.ended();
    assert!(status.success(), "{status}\n{log}");
    let waits = site.yubin(&["--json", "queue", "list"]);
    assert!(waits.contains("b@elsewhere.example") && !waits.contains("a@elsewhere.example"), "{waits}");

    let smtpd = site.start(Program::Smtpd);
    slow.thinks.recv().unwrap();
    slow.go.send(()).unwrap();
    let delivered = smtpd.wait_for("the second", |event| {
        (event["event"] == "outbound_delivered").then(|| event["recipient"].clone())
    });
    assert_eq!(delivered, "b@elsewhere.example");
    assert!(slow.thinks.try_recv().is_err(), "the first was not sent again");
}
