//! What crosses the wire is what is kept.

use affiant::base::hash::Hash;
use affiant::document::exchange::HEAD_BYTES_MAX;
use affiant::outside::web::failure::FetchError;
use affiant::outside::web::options::FetchOptions;

use crate::server::{Server, page, redirect, say};
use crate::web::{options, visit_url};

#[test]
fn keeps_both_heads_as_they_crossed_the_wire() {
    let head = "HTTP/1.1 200 Fine by me\r\nserver: Odd\r\nX-MiXed:  1 \r\nSet-Cookie: a=1\r\nx-mixed:2\r\nSet-Cookie: b=2\r\nX-Latin: caf\u{e9}\r\nContent-Length: 5\r\n\r\n";
    let bytes: Vec<u8> = head.chars().map(|c| u8::try_from(c).unwrap()).chain(*b"hello").collect();
    let server = Server::saying(bytes);
    let options = FetchOptions {
        accept_language: Some("de, en;q=0.5".to_owned()),
        headers: vec![("X-Api-Key".to_owned(), "s3cret".to_owned()), ("X-Open".to_owned(), "seen".to_owned())],
        ..options()
    };
    let visit = visit_url(&server.url("page.example", "/a?b=c#d"), &options).unwrap();
    assert!(visit.ending.is_empty());
    let [(exchange, body)] = &visit.exchanges[..] else { panic!("one exchange") };
    assert_eq!(exchange.response.head, head);
    assert_eq!((exchange.response.status, &body[..]), (200, &b"hello"[..]));
    assert_eq!((exchange.body.sha256, exchange.body.size_bytes), (Hash::of(b"hello"), 5));
    assert_eq!(exchange.connection.remote, server.socket());
    assert_eq!(exchange.connection.dns_answers, [server.socket().ip()]);
    assert_eq!(exchange.connection.tls, None);

    let sent = server.heads().remove(0);
    assert!(sent.contains("\r\nX-Api-Key: s3cret\r\n"));
    assert_eq!(exchange.request.head, sent.replace("s3cret", "[redacted]"));
    assert_eq!(exchange.request.redacted, ["x-api-key"]);
    let host = format!("GET /a?b=c HTTP/1.1\r\nHost: page.example:{}\r\nConnection: close\r\n", server.socket().port());
    assert!(sent.starts_with(&host), "{sent}");
    for field in
        ["Accept: text/html,", "Accept-Encoding: gzip, br\r\n", "Accept-Language: de, en;q=0.5\r\n", "User-Agent: "]
    {
        assert!(sent.contains(&format!("\r\n{field}")), "{field} in {sent}");
    }
}

#[test]
fn removes_chunking_and_nothing_else() {
    let packed = [0x1f, 0x8b, 8, 0, 0xff];
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nTrailer: X-T\r\n\r\n2;ext=\"a;b\"\r\n".to_vec();
    bytes.extend_from_slice(&packed[..2]);
    bytes.extend_from_slice(b"\r\n3\r\n");
    bytes.extend_from_slice(&packed[2..]);
    bytes.extend_from_slice(b"\r\n0\r\nX-T: later\r\n\r\n");
    let visit = visit_url(&Server::saying(bytes).url("page.example", "/"), &options()).unwrap();
    assert_eq!(visit.exchanges[0].1, packed);
    assert!(visit.ending.is_empty());
    assert!(!visit.exchanges[0].0.response.head.contains("later"));
}

#[test]
fn reads_the_heads_that_servers_really_send() {
    let cases = [
        ("folded", "HTTP/1.1 200 OK\r\nX-A: one\r\n  two\r\nContent-Length: 1\r\n\r\n", "x"),
        ("bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 1\n\n", "x"),
        ("no reason", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", "x"),
        ("old version", "HTTP/1.0 200 OK\r\n\r\n", "x"),
        ("a line that is no field", "HTTP/1.1 200 OK\r\nwhat is this\r\nContent-Length: 1\r\n\r\n", "x"),
        ("not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n", "x"),
        ("error", "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n", "x"),
        ("no content", "HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("redirect to nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 1\r\n\r\n", "x"),
        ("unmodified", "HTTP/1.1 304 Not Modified\r\nLocation: /other\r\n\r\n", ""),
    ];
    for (name, head, body) in cases {
        for interim in ["", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"] {
            let server = Server::saying(format!("{interim}{head}{body}"));
            let visit = visit_url(&server.url("page.example", "/"), &options())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(visit.exchanges[0].0.response.head, head, "{name}");
            assert_eq!(visit.exchanges[0].1, body.as_bytes(), "{name}");
            assert!(visit.ending.is_empty(), "{name}: {:?}", visit.ending);
            assert_eq!(server.connection_count(), 1, "{name}: an answer is not asked for twice");
        }
    }
}

#[test]
fn fails_on_heads_that_are_none() {
    let many = "X-A: b\r\n".repeat(1_001);
    let long = "a".repeat(HEAD_BYTES_MAX);
    let malformed = [
        "garbage\r\n\r\n".to_owned(),
        "<html>".to_owned(),
        "HTTP/2.0 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 2x0 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
    ];
    for bytes in malformed {
        let error = visit_url(&Server::saying(bytes.clone()).url("page.example", "/"), &options()).unwrap_err();
        assert!(matches!(error, FetchError::MalformedHead { .. }), "{bytes:.60}: {error:?}");
        assert!(!error.is_refusal());
    }
    let too_large = [
        format!("HTTP/1.1 200 OK\r\nX-A: {long}\r\n\r\n"),
        format!("HTTP/1.1 200 {long}"),
        "HTTP/1.1 100 Continue\r\n\r\n".repeat(5_000),
    ];
    for bytes in too_large {
        let error = visit_url(&Server::saying(bytes.clone()).url("page.example", "/"), &options()).unwrap_err();
        assert!(matches!(error, FetchError::HeadTooLarge { .. }), "{bytes:.60}: {error:?}");
    }
    for bytes in ["", "HTTP/1.1 200 OK\r\nX-A: b"] {
        let error = visit_url(&Server::saying(bytes).url("page.example", "/"), &options()).unwrap_err();
        assert!(matches!(error, FetchError::Lost { .. }), "{bytes}: {error:?}");
    }
}

#[test]
fn follows_redirects_hop_by_hop() {
    let server = Server::start(|asked, wire| match asked.path.as_str() {
        "/1" => say(wire, "HTTP/1.1 301 Moved\r\nLocation: 2?x\r\nContent-Length: 4\r\n\r\nover"),
        "/2?x" => say(wire, "HTTP/1.1 307 Moved\r\nLocation: /3#part\r\nContent-Length: 0\r\n\r\n"),
        _ => say(wire, page("here")),
    });
    let visit = visit_url(&server.url("page.example", "/1"), &options()).unwrap();
    let found: Vec<_> =
        visit.exchanges.iter().map(|(e, body)| (e.url.clone(), e.response.status, body.clone())).collect();
    let expected = [("/1", 301, "over"), ("/2?x", 307, ""), ("/3", 200, "here")]
        .map(|(path, status, body)| (server.url("page.example", path), status, body.as_bytes().to_vec()));
    assert_eq!(found, expected);
    assert_eq!(server.connection_count(), 3);
}

#[test]
fn a_redirect_to_another_origin_carries_no_secrets() {
    let other = Server::saying(page("other"));
    let location = other.url("page.example", "/");
    let server = Server::start(move |asked, wire| match asked.path.as_str() {
        "/away" => say(wire, redirect(&location)),
        _ => say(wire, redirect("/away")),
    });
    let headers = vec![("Authorization".to_owned(), "Basic abc".to_owned()), ("X-Open".to_owned(), "seen".to_owned())];
    let visit = visit_url(&server.url("page.example", "/"), &FetchOptions { headers, ..options() }).unwrap();
    let redacted: Vec<_> = visit.exchanges.iter().map(|(exchange, _)| exchange.request.redacted.len()).collect();
    assert_eq!(redacted, [1, 1, 0]);
    assert!(server.heads().iter().all(|head| head.contains("Authorization: Basic abc")));
    assert!(!other.heads()[0].contains("Authorization"));
    assert!(other.heads()[0].contains("X-Open: seen"));
}

#[test]
fn begins_again_only_when_nothing_was_answered() {
    let broken = Server::saying("");
    let error = visit_url(&broken.url("page.example", "/"), &FetchOptions { retry_count_max: 2, ..options() });
    assert!(matches!(error, Err(FetchError::Lost { .. })));
    assert_eq!(broken.connection_count(), 3);
    let busy = Server::saying("HTTP/1.1 500 Sorry\r\nContent-Length: 9\r\n\r\ncut");
    let visit = visit_url(&busy.url("page.example", "/"), &FetchOptions { retry_count_max: 2, ..options() }).unwrap();
    assert_eq!((busy.connection_count(), visit.ending.len()), (1, 1));
}
