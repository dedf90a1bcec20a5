//! The dots and line ends of messages.

use mail_wire::{Chunk, Stuffer, Unstuffer};

use crate::pieces;

/// Un-stuffing does not depend on the cut, and undoes stuffing.
pub fn unstuffing(data: &[u8]) {
    let Some((&cut, body)) = data.split_first() else { return };
    assert_eq!(unstuffed([body].into_iter()), unstuffed(pieces(cut, body)));

    let (mut stuffer, mut wire, mut rest) = (Stuffer::new(), Vec::new(), body);
    while let Some(piece) = stuffer.next(rest) {
        wire.extend_from_slice(piece.octets);
        rest = &rest[piece.consumed..];
    }
    wire.extend_from_slice(stuffer.finish());
    let (message, _, rest) = unstuffed([wire.as_slice()].into_iter());
    let rest = rest.expect("what was stuffed ends");
    assert!(rest.is_empty(), "it ends only at its end");
    let bare_cr = body.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n') || body.ends_with(b"\r");
    if !bare_cr {
        let lines = String::from_utf8_lossy(body).replace("\r\n", "\n").replace('\n', "\r\n");
        let wanted = if lines.is_empty() || lines.ends_with("\r\n") { lines } else { lines + "\r\n" };
        assert_eq!(String::from_utf8_lossy(&message), wanted);
    }
}

/// The message, whether something bare was in it, and what came behind its end.
fn unstuffed<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> (Vec<u8>, bool, Option<Vec<u8>>) {
    let (mut unstuffer, mut message, mut behind) = (Unstuffer::new(), Vec::new(), None::<Vec<u8>>);
    for mut piece in pieces {
        while behind.is_none() {
            let (taken, chunk) = unstuffer.next(piece);
            piece = &piece[taken..];
            match chunk {
                Chunk::Data(octets) => message.extend_from_slice(octets),
                Chunk::End => behind = Some(Vec::new()),
                Chunk::NeedInput => {
                    assert!(piece.is_empty());
                    break;
                }
            }
        }
        if let Some(behind) = &mut behind {
            behind.extend_from_slice(piece);
        }
    }
    (message, unstuffer.bare().is_some(), behind)
}
