//! Timestamp replies, tokens, requests and certificates: nothing a stranger sends makes the reader panic, and what
//! is a request is one spelling of it.
#![no_main]

use affiant::timestamp::authorities::Authorities;
use affiant::timestamp::certificate::Certificate;
use affiant::timestamp::reply::Reply;
use affiant::timestamp::request::Request;
use affiant::timestamp::token::Token;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = Request::parse(bytes) {
        assert_eq!(Request::parse(&request.encode()), Ok(request));
    }
    if let Ok(certificate) = Certificate::parse(bytes) {
        let _ = certificate.check_signs_timestamps();
        assert_eq!(certificate.as_bytes(), bytes);
    }
    let token = Reply::parse(bytes).ok().and_then(|reply| reply.token).or_else(|| Token::parse(bytes).ok());
    let Some(token) = token else { return };
    assert_eq!(Token::parse(token.as_bytes()).as_ref(), Ok(&token));
    let _ = token.check_imprint(bytes);
    // Whoever is trusted is in the token: the search for a chain runs as far as it can.
    let mut authorities = Authorities::nobody();
    for certificate in token.certificates() {
        let _ = authorities.add(certificate.clone());
    }
    let signer = token.signer(&[]);
    if let Ok(verified) = token.verify(&authorities) {
        assert!(signer.is_ok() && verified.no_earlier_than <= verified.no_later_than);
        assert!(!verified.chain.certificates().is_empty());
    }
});
