use auth_sasl::line::{self, NotBase64, Response};
use proptest::prelude::*;

#[test]
fn an_equals_sign_is_an_empty_response_and_a_star_cancels() {
    assert_eq!(line::decode_initial(b"=").unwrap().as_slice(), b"");
    assert_eq!(line::decode_initial(b""), Err(NotBase64));
    assert_eq!(line::decode_response(b"*"), Ok(Response::Cancel));
    assert_eq!(line::decode_response(b""), Ok(Response::Data(Vec::new().into())));
}

#[test]
fn only_whole_base64_is_taken() {
    for bad in [&b"AGE"[..], b"A", b"AGE=x", b"AG E", b"AGE\r", b"**", b"=A==", b"AGF="] {
        assert_eq!(line::decode_response(bad), Err(NotBase64), "{}", bad.escape_ascii());
    }
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(payload: Vec<u8>, before: Vec<u8>) {
        let mut out = before.clone();
        line::encode(&payload, &mut out);
        prop_assert_eq!(&out[..before.len()], &before[..]);
        prop_assert_eq!(line::decode_response(&out[before.len()..]), Ok(Response::Data(payload.into())));
    }
}
