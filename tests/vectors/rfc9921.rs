//! The examples of RFC 9921 (its draft of June 2025, with tokens of FreeTSA): `3161-ctt` and `3161-ttc`.

use std::fs;

use affiant::base::cbor;
use affiant::timestamp::authorities::Authorities;
use affiant::timestamp::reply::Reply;
use affiant::timestamp::request::Request;
use affiant::timestamp::token::{Token, TokenError};

/// The signature of the example, as `in.diag` has it.
const SIGNATURE: &str = "8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e\
                         2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36";

#[test]
fn the_imprint_is_over_the_encoded_signature() {
    let Some(folder) = super::folder("rfc9921/example") else { return };
    let read = |name: &str| fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let diagnostic = String::from_utf8(read("ctt/in.diag")).unwrap();
    let written: String =
        diagnostic.split_once("signature / h'").unwrap().1.chars().filter(char::is_ascii_hexdigit).collect();
    assert!(written.starts_with(SIGNATURE), "{written}");
    let signature = data_encoding::HEXLOWER.decode(SIGNATURE.as_bytes()).unwrap();
    let dated = cbor::encode_bytes(&signature);
    assert_eq!(dated[..2], [0x58, 64], "the head of the byte string is dated too");

    let token = Token::parse(&read("ctt/ctt-tst.der")).unwrap();
    token.check_imprint(&dated).unwrap();
    assert!(matches!(token.check_imprint(&signature), Err(TokenError::OtherImprint { .. })));
    let reply = Reply::parse(&read("ctt/ctt-rsp.der")).unwrap();
    let request = Request::parse(&read("ctt/ctt-req.der")).unwrap();
    assert_eq!(reply.check(&request).unwrap().as_bytes(), token.as_bytes());
    assert_eq!(token.timestamp().time.to_string(), "2025-01-17T18:29:13Z");

    // FreeTSA's own certificates came along: the token is signed, and by whom it says.
    let signer = token.signer(&[]).unwrap();
    assert_eq!(signer.name(), "www.freetsa.org");
    assert!(token.verify(&Authorities::nobody()).is_err());
    let mut authorities = Authorities::nobody();
    for certificate in token.certificates() {
        authorities.add(certificate.clone()).unwrap();
    }
    assert_eq!(authorities.roots().len(), 1);
    assert_eq!(token.verify(&authorities).unwrap().chain.root().name(), "www.freetsa.org");

    // In the other mode the message is dated first, and the token is over its payload.
    let token = Token::parse(&read("ttc/ttc-tst.der")).unwrap();
    token.check_imprint(b"This is the content.").unwrap();
}
