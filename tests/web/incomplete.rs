//! Bodies that do not come to their end: the visit comes home and says why.

use std::time::Duration;

use affiant::outside::web::failure::FetchError;
use affiant::outside::web::options::FetchOptions;
use affiant::outside::web::visit::Visit;

use crate::server::{Authority, Close, Server, say};
use crate::web::{options, visit_url};

fn cut(visit: &Visit<Vec<u8>>) -> (&[u8], &str) {
    let [reason] = &visit.ending[..] else { panic!("one reason, not {:?}", visit.ending) };
    let (exchange, body) = visit.exchanges.last().unwrap();
    assert_eq!(exchange.body.size_bytes, u64::try_from(body.len()).unwrap());
    assert_eq!(exchange.body.sha256, affiant::base::hash::Hash::of(body));
    (body, reason)
}

#[test]
fn a_body_shorter_than_announced() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour");
    let visit = visit_url(&server.url("page.example", "/"), &options()).unwrap();
    let (body, reason) = cut(&visit);
    assert_eq!(body, b"four");
    assert!(reason.contains("end of file before message length reached"), "{reason}");
}

#[test]
fn bad_and_broken_chunks() {
    for chunks in ["4\r\nfour", "4\r\nfour\r\n", "4\r\nfour\r\nzz\r\n", "4\r\nfour\r\n0\r\n", "4\r\nfourX\r\n0\r\n\r\n"]
    {
        let server = Server::saying(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"));
        let visit = visit_url(&server.url("page.example", "/"), &options()).unwrap();
        assert_eq!(cut(&visit).0, b"four", "{chunks:?}");
    }
}

/// Responses that the next two tests cut and damage.
const WHOLE: [&str; 2] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nServer: a\r\n\r\nnine bits",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nnine\r\n5\r\n bits\r\n0\r\nX-T: c\r\n\r\n",
];

#[test]
fn every_truncation_is_noticed() {
    for whole in WHOLE {
        let head_size = whole.find("\r\n\r\n").unwrap() + 4;
        for size in 0..=whole.len() {
            let server = Server::saying(&whole[..size]);
            match visit_url(&server.url("page.example", "/"), &options()) {
                Err(_) => assert!(size < head_size, "{size} of {whole:?}"),
                Ok(visit) if size < whole.len() => assert!(size >= head_size && !visit.ending.is_empty(), "{size}"),
                Ok(visit) => assert_eq!((&visit.exchanges[0].1[..], visit.ending.len()), (&b"nine bits"[..], 0)),
            }
        }
    }
}

#[test]
fn no_damaged_byte_makes_a_visit_panic_or_hang() {
    let options = FetchOptions { idle_seconds_max: 5, total_seconds_max: 5, ..options() };
    for whole in WHOLE {
        for (at, bit) in (0..whole.len()).flat_map(|at| [0, 3, 5, 7].map(|bit| (at, bit))) {
            let mut bytes = whole.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let server = Server::saying(bytes);
            if let Ok(visit) = visit_url(&server.url("page.example", "/"), &options) {
                assert!(visit.exchanges[0].1.len() <= whole.len());
            }
        }
    }
}

#[test]
fn a_reset_in_the_middle() {
    for framing in ["Content-Length: 10\r\n", "Transfer-Encoding: chunked\r\n", ""] {
        let server = Server::start(move |_, wire| {
            let chunk = if framing.starts_with('T') { "8\r\n" } else { "" };
            say(wire, format!("HTTP/1.1 200 OK\r\n{framing}\r\n{chunk}four"));
            Close::Reset
        });
        let visit = visit_url(&server.url("page.example", "/"), &options()).unwrap();
        let (body, reason) = cut(&visit);
        assert_eq!(body, b"four", "{framing}");
        assert!(reason.contains("reset"), "{framing}: {reason}");
    }
}

#[test]
fn an_end_that_tls_did_not_announce() {
    let authority = Authority::new("ours");
    for (close, reasons) in [(Close::Politely, 0), (Close::Abruptly, 1)] {
        let server = Server::start_tls(authority.identify("page.example", 2040), move |_, wire| {
            say(wire, "HTTP/1.1 200 OK\r\n\r\nfour");
            close
        });
        let visit = visit_url(&server.url("page.example", "/"), &super::secure::trusting(&authority)).unwrap();
        assert_eq!(
            (visit.exchanges[0].1.as_slice(), visit.ending.len()),
            (&b"four"[..], reasons),
            "{:?}",
            visit.ending
        );
    }
}

#[test]
fn a_body_without_end_stops_at_the_limit() {
    let server = Server::start(|_, wire| {
        say(wire, "HTTP/1.1 200 OK\r\n\r\n");
        while wire.write_all(&[b'a'; 4096]).is_ok() {}
        Close::Politely
    });
    let options = FetchOptions { body_bytes_max: 10_001, ..options() };
    let visit = visit_url(&server.url("page.example", "/"), &options).unwrap();
    let (body, reason) = cut(&visit);
    assert_eq!((body.len(), reason), (10_001, "the size limit of 10001 bytes was reached"));

    let exact = Server::saying(format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(10_001)));
    assert!(visit_url(&exact.url("page.example", "/"), &options).unwrap().ending.is_empty());
}

#[test]
fn a_server_that_falls_silent_or_dribbles() {
    let silent = || {
        Server::start(|_, wire| {
            say(wire, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour");
            std::thread::park_timeout(Duration::from_secs(30));
            Close::Politely
        })
    };
    let options = FetchOptions { idle_seconds_max: 1, ..options() };
    let visit = visit_url(&silent().url("page.example", "/"), &options).unwrap();
    assert_eq!(cut(&visit), (&b"four"[..], "nothing more arrived within 1 s"));

    let dribble = Server::start(|_, wire| {
        say(wire, "HTTP/1.1 200 OK\r\n\r\n");
        while wire.write_all(b"a").is_ok() {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Close::Politely
    });
    let options = FetchOptions { idle_seconds_max: 5, total_seconds_max: 1, ..options };
    let visit = visit_url(&dribble.url("page.example", "/"), &options).unwrap();
    assert!(cut(&visit).0.len() > 2);

    let mute = Server::start(|_, _| {
        std::thread::park_timeout(Duration::from_secs(30));
        Close::Politely
    });
    let error = visit_url(&mute.url("page.example", "/"), &options).unwrap_err();
    assert!(matches!(error, FetchError::Timeout { awaited: "response head", seconds: 1, .. }), "{error:?}");
}
