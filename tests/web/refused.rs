//! Places that a visit does not go to: no packet reaches a listening socket, whatever the spelling.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use affiant::base::address::{Address, Reserved};
use affiant::outside::web::failure::FetchError;
use affiant::outside::web::options::{FetchOptions, PrivateAddresses, Resolver};

use crate::server::{Server, page, redirect, say};
use crate::web::{options, visit_url};

/// A public number without anything behind it: in the prefix that the 6bone gave back in 2006.
const PUBLIC: IpAddr = IpAddr::V6(Ipv6Addr::new(0x3ffe, 0xffff, 0, 0, 0, 0, 0, 1));

/// Hosts that are this machine, another private place, or nowhere: each refused without a look-up.
const HOSTS: [&str; 70] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "0177.0.0.0x1",
    "00000177.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[100::1]",
    "[5f00::1]",
    "10.0.0.1",
    "0xa.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "3232235777",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "100.100.100.200",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "localhost",
    "LOCALHOST.",
    "ｌocalhost",
    "a.localhost",
    "printer.local",
    "metadata.google.internal",
    "intranet",
];

fn strict(answers: Vec<IpAddr>) -> (FetchOptions, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let resolver = Resolver::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(answers.clone())
    });
    (FetchOptions { private: PrivateAddresses::Refuse, resolver, ..options() }, asked)
}

fn assert_refused(url: &str, options: &FetchOptions) {
    let error = visit_url(url, options).unwrap_err();
    assert!(matches!(error, FetchError::Refused { .. }), "{url}: {error:?}");
    assert!(error.is_refusal());
}

#[test]
fn refuses_every_spelling_of_a_reserved_place() {
    let server = Server::saying(page("never"));
    let (options, asked) = strict(vec![server.socket().ip()]);
    for host in HOSTS {
        assert_refused(&server.url(host, "/"), &options);
    }
    assert_eq!(server.connection_count(), 0);
    assert_eq!(asked.load(Ordering::SeqCst), 0, "none of these is worth a look-up");
}

#[test]
fn refuses_names_that_lead_to_reserved_places() {
    let server = Server::saying(page("never"));
    for private in ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1", "0.0.0.0"] {
        let private: IpAddr = private.parse().unwrap();
        for answers in [vec![private], vec![PUBLIC, private], vec![private, PUBLIC]] {
            let (options, asked) = strict(answers.clone());
            assert_refused(&server.url("page.example", "/"), &options);
            assert_eq!(asked.load(Ordering::SeqCst), 1);
        }
    }
    assert_eq!(server.connection_count(), 0);
}

#[test]
fn the_systems_own_resolver_is_not_asked_for_localhost() {
    let server = Server::saying(page("never"));
    let options = FetchOptions { retry_count_max: 0, ..FetchOptions::default() };
    for host in ["localhost", "localhost.", "LocalHost", "ip6-localhost", "localhost.localdomain"] {
        assert_refused(&server.url(host, "/"), &options);
    }
    assert_eq!(server.connection_count(), 0);
}

/// The resolver says something public first and the server's own address ever after; only the first
/// answer may count, so the connection goes to the public number, where nothing
/// is, and never to the server.
#[test]
fn a_second_answer_of_the_resolver_leads_nowhere() {
    let server = Server::saying(page("never"));
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, loopback) = (asked.clone(), server.socket().ip());
    let resolver = Resolver::new(move |_| {
        let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(vec![if is_first { PUBLIC } else { loopback }])
    });
    let strict = PrivateAddresses::Refuse;
    let options = FetchOptions { private: strict, resolver, connect_seconds_max: 1, ..options() };
    let error = visit_url(&server.url("page.example", "/"), &options).unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error:?}");
    assert_eq!((asked.load(Ordering::SeqCst), server.connection_count()), (1, 0));

    // A retry looks the name up again, and judges that answer as strictly.
    asked.store(0, Ordering::SeqCst);
    let error = visit_url(&server.url("page.example", "/"), &FetchOptions { retry_count_max: 3, ..options });
    assert!(matches!(error, Err(FetchError::Refused { .. })));
    assert_eq!((asked.load(Ordering::SeqCst), server.connection_count()), (2, 0));
}

#[test]
fn refuses_redirects_into_reserved_places() {
    let target = Server::saying(page("never"));
    // The intranet is open, so that the first hop can be a server of ours; metadata and the rest stay
    // shut. Linux would take 0.0.0.0 to the listening target.
    let (unspecified, short) = (target.url("0.0.0.0", "/"), target.url("0", "/"));
    let (compatible, translated) = (target.url("[::127.0.0.1]", "/"), target.url("[::ffff:0:127.0.0.1]", "/"));
    let locations = [
        &unspecified,
        &short,
        &compatible,
        &translated,
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "//[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://metadata.google.internal/",
        "http://[2002:7f00:1::]/",
        "http://255.255.255.255/",
    ];
    for location in locations {
        let server = Server::saying(redirect(location));
        let error = visit_url(&server.url("page.example", "/"), &options()).unwrap_err();
        assert!(matches!(error, FetchError::Refused { .. }), "{location}: {error:?}");
    }
    for location in ["ftp://page.example/", "file:///etc/passwd", "http://user:pass@page.example/", "javascript:1"] {
        let server = Server::saying(redirect(location));
        let error = visit_url(&server.url("page.example", "/"), &options()).unwrap_err();
        assert!(error.is_refusal() && matches!(error, FetchError::Redirect { .. }), "{location}: {error:?}");
        assert!(!error.to_string().contains("pass@"));
    }
    let server = Server::saying(redirect("http://[broken/"));
    let error = visit_url(&server.url("page.example", "/"), &options()).unwrap_err();
    assert!(!error.is_refusal(), "{error}");
    assert_eq!(target.connection_count(), 0);
}

#[test]
fn stops_going_round_and_going_on() {
    let around = Server::start(|asked, wire| say(wire, redirect(if asked.path == "/a" { "/b" } else { "/a" })));
    let error = visit_url(&around.url("page.example", "/a"), &options()).unwrap_err();
    assert!(error.is_refusal() && matches!(error, FetchError::RedirectLoop { .. }), "{error:?}");
    assert_eq!(around.connection_count(), 2);

    let on = || {
        Server::start(|asked, wire| match asked.path.len() {
            11 => say(wire, page("end")),
            _ => say(wire, redirect(&format!("{}x", asked.path))),
        })
    };
    let ten = on();
    assert_eq!(visit_url(&ten.url("page.example", "/"), &options()).unwrap().exchanges.len(), 11);
    let nine = on();
    let error = visit_url(&nine.url("page.example", "/"), &FetchOptions { redirect_count_max: 9, ..options() });
    assert!(matches!(error, Err(FetchError::RedirectCount { max: 9, .. })));
    assert_eq!(nine.connection_count(), 10);
}

#[test]
fn intranets_open_only_on_request_and_metadata_never() {
    let server = Server::saying(page("inside"));
    for host in ["127.0.0.1", "localhost", "2130706433", "page.example", "[::ffff:127.0.0.1]"] {
        assert_eq!(visit_url(&server.url(host, "/"), &options()).unwrap().exchanges[0].1, b"inside", "{host}");
    }
    let error = visit_url("http://169.254.169.254/", &options()).unwrap_err();
    assert!(matches!(error, FetchError::Refused { reserved: Reserved::Metadata, .. }), "{error:?}");
    assert!(Address::parse("http://user@page.example/").is_err());
}
