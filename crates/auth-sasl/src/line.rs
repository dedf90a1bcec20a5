//! The base64 forms in which SMTP (RFC 4954 §4) and POP3 (RFC 5034 §4) carry SASL payloads on a line.

use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Not base64 as RFC 4648 §4 has it, padding included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not base64")]
pub struct NotBase64;

/// A client's line in an exchange.
#[derive(Debug, PartialEq, Eq)]
pub enum Response {
    /// `*`: the client gives the exchange up.
    Cancel,
    /// The decoded response; an empty line is an empty response.
    Data(Zeroizing<Vec<u8>>),
}

/// Decodes the initial response of an AUTH command. `=` is the empty response, which is not the same as none.
pub fn decode_initial(argument: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotBase64> {
    match argument {
        b"=" => Ok(Zeroizing::default()),
        b"" => Err(NotBase64),
        _ => decode(argument),
    }
}

/// Decodes a line that answers a challenge.
pub fn decode_response(line: &[u8]) -> Result<Response, NotBase64> {
    match line {
        b"*" => Ok(Response::Cancel),
        _ => decode(line).map(Response::Data),
    }
}

/// Appends the base64 form of `payload`.
pub fn encode(payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let wanted = payload.len().div_ceil(3) * 4;
    out.resize(start + wanted, 0);
    // The room is exact, so that encoding cannot fail; were it to, the line would be empty, not wrong.
    let written = out.get_mut(start..).map_or(0, |room| STANDARD.encode_slice(payload, room).unwrap_or(0));
    out.truncate(start + written);
}

/// Decodes into a buffer that never moves, so that no copy of a secret is left behind.
fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotBase64> {
    let mut octets = Zeroizing::new(alloc::vec![0; base64::decoded_len_estimate(text.len())]);
    let length = STANDARD.decode_slice(text, &mut octets).map_err(|_| NotBase64)?;
    octets.truncate(length);
    Ok(octets)
}
