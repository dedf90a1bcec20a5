//! Every target over its seeds, whole, cut short, and with an octet changed here and there.

use fuzz::{TARGETS, seeds};

#[test]
fn every_target_holds_over_its_seeds() {
    for (name, target) in TARGETS {
        for mut seed in seeds::for_target(name) {
            target(&seed);
            let step = (seed.len() / 40).max(1);
            for at in (0..seed.len()).step_by(step) {
                target(&seed[..at]);
                for octet in [b'\r', b'\n', b'.', 0, 0xff, b'9'] {
                    let before = std::mem::replace(&mut seed[at], octet);
                    target(&seed);
                    seed[at] = before;
                }
            }
        }
    }
}
