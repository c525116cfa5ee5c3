//! TLS: the facts of the session, and certificates that do not validate.

use affiant::base::hash::Hash;
use affiant::outside::web::failure::FetchError;
use affiant::outside::web::options::{Downgrade, FetchOptions, InvalidTls};
use affiant::outside::web::roots::Roots;

use crate::server::{Authority, Identity, Server, page, redirect, say};
use crate::web::{options, visit_url};

/// Options that trust an authority of the tests.
pub(super) fn trusting(authority: &Authority) -> FetchOptions {
    FetchOptions { roots: Roots::with_file("root.pem", authority.pem().as_bytes()).unwrap(), ..options() }
}

fn secure_page(identity: Identity) -> Server {
    Server::start_tls(identity, |_, wire| say(wire, page("secure")))
}

#[test]
fn keeps_the_facts_of_the_session() {
    let authority = Authority::new("ours");
    let identity = authority.identify("page.example", 2040);
    let chain: Vec<Vec<u8>> = identity.chain.iter().map(|certificate| certificate.to_vec()).collect();
    let server = secure_page(identity);
    let visit = visit_url(&server.url("page.example", "/"), &trusting(&authority)).unwrap();
    let (exchange, body) = &visit.exchanges[0];
    let tls = exchange.connection.tls.as_ref().unwrap();
    assert_eq!(
        (body.as_slice(), tls.version.as_str(), tls.alpn.as_deref()),
        (&b"secure"[..], "TLSv1.3", Some("http/1.1"))
    );
    assert_eq!((tls.cipher.as_str(), tls.validation.as_str()), ("TLS_AES_256_GCM_SHA384", "valid"));
    assert_eq!(tls.roots, format!("webpki-roots 1.0.10 and root.pem sha256:{}", Hash::of(authority.pem().as_bytes())));
    assert_eq!(tls.chain, chain.iter().map(|certificate| Hash::of(certificate)).collect::<Vec<_>>());
    assert_eq!(visit.certificates, chain);
}

#[test]
fn refuses_or_records_what_does_not_validate() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("a stranger's"));
    let cases = [
        ("self-signed", Identity::self_signed("page.example"), "UnknownIssuer"),
        ("stranger's", stranger.identify("page.example", 2040), "UnknownIssuer"),
        ("expired", authority.identify("page.example", 2020), "expired"),
        ("another's", authority.identify("other.example", 2040), "not valid for name"),
    ];
    for (name, identity, reason) in cases {
        let server = secure_page(identity);
        let url = server.url("page.example", "/");
        let error = visit_url(&url, &trusting(&authority)).unwrap_err();
        assert!(matches!(&error, FetchError::Tls { reason: found, .. } if found.contains(reason)), "{name}: {error}");
        assert!(!error.is_refusal() && server.heads().is_empty(), "{name}: nothing was asked");

        let options = FetchOptions { invalid_tls: InvalidTls::Record, ..trusting(&authority) };
        let visit = visit_url(&url, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let tls = visit.exchanges[0].0.connection.tls.clone().unwrap();
        assert!(tls.validation.contains(reason), "{name}: {}", tls.validation);
        assert_eq!((tls.chain.len(), visit.exchanges[0].1.as_slice()), (visit.certificates.len(), &b"secure"[..]));
    }
}

#[test]
fn whoever_answers_holds_the_key_even_when_the_certificate_is_invalid() {
    let authority = Authority::new("ours");
    let options = FetchOptions { invalid_tls: InvalidTls::Record, ..trusting(&authority) };
    for identity in [authority.identify("page.example", 2040), authority.identify("page.example", 2020).old()] {
        let server = secure_page(identity.stolen());
        let error = visit_url(&server.url("page.example", "/"), &options).unwrap_err();
        assert!(matches!(&error, FetchError::Tls { reason, .. } if reason.contains("BadSignature")), "{error}");
    }
}

#[test]
fn speaks_the_older_protocol_and_to_numbers() {
    let authority = Authority::new("ours");
    for (host, name) in
        [("page.example", "page.example"), ("page.example.", "page.example"), ("127.0.0.1", "127.0.0.1")]
    {
        let server = secure_page(authority.identify(name, 2040).old());
        let visit = visit_url(&server.url(host, "/"), &trusting(&authority)).unwrap_or_else(|e| panic!("{host}: {e}"));
        let tls = visit.exchanges[0].0.connection.tls.clone().unwrap();
        assert_eq!((tls.version.as_str(), tls.validation.as_str()), ("TLSv1.2", "valid"));
        assert_eq!(tls.cipher, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    }
}

#[test]
fn does_not_speak_tls_to_who_does_not() {
    let plain = Server::saying(page("plain"));
    let url = plain.url("page.example", "/").replace("http:", "https:");
    let options = FetchOptions { connect_seconds_max: 2, invalid_tls: InvalidTls::Record, ..options() };
    let error = visit_url(&url, &options).unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. } | FetchError::Timeout { .. }), "{error:?}");
}

#[test]
fn leaves_tls_only_when_allowed() {
    let authority = Authority::new("ours");
    let plain = Server::saying(page("plain"));
    let location = plain.url("page.example", "/");
    let server =
        Server::start_tls(authority.identify("page.example", 2040), move |_, wire| say(wire, redirect(&location)));
    let url = server.url("page.example", "/");
    let error = visit_url(&url, &trusting(&authority)).unwrap_err();
    assert!(error.is_refusal() && matches!(error, FetchError::Downgrade { .. }));
    assert_eq!(plain.connection_count(), 0);
    let options = FetchOptions { downgrade: Downgrade::Allow, ..trusting(&authority) };
    assert_eq!(visit_url(&url, &options).unwrap().exchanges[1].1, b"plain");
}
