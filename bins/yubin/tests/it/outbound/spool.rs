//! The queue directory in trouble.

use std::fs;
use std::os::unix::fs::FileExt;

use crate::harness::Service;
use crate::harness::programs::Program;
use crate::harness::site::{AYUMI, Door, KENJI, Site};

/// Nobody answers there: what is to leave waits.
const WAITS: &str = "[outbound]\nsmarthost = \"127.0.0.78:9\"";

fn service() -> Service {
    let site = Site::with_users();
    site.configure(&Site::configuration().replace("[outbound]\nenabled = false", WAITS));
    Service::serve(site)
}

fn submit(service: &Service, to: &[&str]) {
    let mut smtp = service.smtp(Door::Submissions);
    smtp.hello();
    smtp.authenticate(&AYUMI);
    smtp.send_mail(AYUMI.address, to, b"Subject: hello\r\n\r\nHello.\r\n");
    smtp.quit();
}

#[test]
fn l_10_a_corrupt_message_is_set_aside_and_told_and_the_daemon_serves_all_others() {
    let mut service = service();
    for to in ["a@elsewhere.example", "b@elsewhere.example", "c@elsewhere.example"] {
        submit(&service, &[to]);
    }
    let Service { smtpd, pop3d, site } = service;
    smtpd.kill();
    let mut whole: Vec<_> = site.queue_files();
    whole.retain(|file| file.extension().is_some_and(|kind| kind == "one"));
    whole.sort();
    assert_eq!(whole.len(), 3, "{whole:?}");
    // One has lost its end, another an octet in its middle: that of the address.
    let octets = fs::read(&whole[0]).unwrap();
    fs::write(&whole[0], &octets[..octets.len() - 20]).unwrap();
    let octets = fs::read(&whole[1]).unwrap();
    let end = octets.windows(7).rposition(|text| text == b"\nremote").unwrap();
    fs::OpenOptions::new()
        .write(true)
        .open(&whole[1])
        .unwrap()
        .write_all_at(b"\xff", end as u64 + 8)
        .unwrap();
    let smtpd = site.start(Program::Smtpd);
    // What had been tried before has a second file, which is set aside and told too.
    for file in &whole[..2] {
        let name = file.file_name().unwrap().to_str().unwrap();
        smtpd.wait_for(&format!("{name} set aside"), |event| {
            let place = event["place"].as_str().is_some_and(|place| place.ends_with("queue/corrupt"));
            let told = place && event["advice"].is_string();
            (event["event"] == "queue_corrupt" && event["file"] == name && told).then_some(())
        });
        assert!(site.path("queue/corrupt").join(name).exists(), "{name}");
    }
    service = Service { smtpd, pop3d, site };
    let list = service.site.yubin(&["--json", "queue", "list"]);
    assert!(list.contains("c@elsewhere.example") && !list.contains("a@elsewhere.example"), "{list}");
    let aside = fs::read_dir(service.site.path("queue/corrupt")).unwrap().count();
    let status: serde_json::Value =
        serde_json::from_str(&service.site.yubin(&["--json", "queue", "status"])).unwrap();
    assert_eq!((&status["corrupt"], aside >= 2), (&aside.into(), true), "{status}");
    assert!(service.site.yubin(&["queue", "status"]).contains("queue/corrupt"));
    submit(&service, &[KENJI.address, "d@elsewhere.example"]);
    assert_eq!(service.fetch(&KENJI).len(), 1);
}

#[test]
fn l_10_a_second_daemon_on_the_same_queue_refuses_to_start_and_says_why() {
    let service = service();
    let output = service.site.run(Program::Smtpd, &[], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    let queue = service.site.path("queue");
    assert!(said.contains("belongs to another process") && said.contains(queue.to_str().unwrap()), "{said}");
    assert!(said.contains("stop that one first"), "{said}");
    submit(&service, &[KENJI.address]);
    assert_eq!(service.fetch(&KENJI).len(), 1);
}
