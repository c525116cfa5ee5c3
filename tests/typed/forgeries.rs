//! Each tool's commands refuse what a forger does to what they read.

use super::TOOLS;
use super::desk::Desk;

use crate::forgery::{Files, zip_raw};
use crate::interop::{flipped, respelled};

/// What a forger does, which tool must refuse it, and what it says.
struct Forgery {
    tool: &'static str,
    what: &'static str,
    change: fn(&mut Files),
    word: &'static str,
}

const FORGERIES: [Forgery; 21] = [
    Forgery {
        tool: "sha256sum -c",
        what: "a page",
        change: |files| flip(files, "page.html"),
        word: "page.html: FAILED",
    },
    Forgery {
        tool: "sha256sum -c",
        what: "the script",
        change: |files| flip(files, "verify.sh"),
        word: "verify.sh: FAILED",
    },
    Forgery { tool: "bagit.py", what: "a stranger", change: add_stranger, word: "Payload-Oxum" },
    Forgery { tool: "ssh-keygen -Y verify", what: "a manifest", change: respell_manifest, word: "incorrect signature" },
    Forgery {
        tool: "ssh-keygen -Y verify",
        what: "the record",
        change: |files| flip(files, RECORD),
        word: "incorrect signature",
    },
    Forgery {
        tool: "openssl pkeyutl",
        what: "a statement",
        change: |files| flip_last(files, STATEMENT),
        word: "Verification Failure",
    },
    Forgery { tool: "openssl pkeyutl", what: "the log's size", change: grow_log, word: "Verification Failure" },
    Forgery {
        tool: "openssl ts -verify",
        what: "what was dated",
        change: |files| flip(files, DATED),
        word: "imprint mismatch",
    },
    Forgery {
        tool: "openssl ts -verify",
        what: "what is in the container",
        change: change_container,
        word: "imprint mismatch",
    },
    Forgery {
        tool: "openssl cms",
        what: "a token's signature",
        change: |files| flip_last(files, ".tsr"),
        word: "Verification failure",
    },
    Forgery {
        tool: "go -C",
        what: "a statement",
        change: |files| flip_last(files, STATEMENT),
        word: "does not hold: invalid transparency proof",
    },
    Forgery {
        tool: "openssl cms",
        what: "an endorsement",
        change: |files| flip_last(files, ".cms"),
        word: "Verification failure",
    },
    Forgery { tool: "go -C", what: "the log's line", change: respell_line, word: "does not hold: invalid signature" },
    Forgery { tool: "python3 -", what: "the record", change: |files| flip(files, RECORD), word: "of another record" },
    Forgery {
        tool: "python3 -",
        what: "a statement's receipt",
        change: spoil_receipt,
        word: "the receipt does not hold",
    },
    Forgery {
        tool: "python3 -",
        what: "a statement",
        change: |files| flip_last(files, STATEMENT),
        word: "the signature does not hold",
    },
    Forgery {
        tool: "ots verify",
        what: "what was dated",
        change: |files| flip(files, DATED),
        word: "does not match original",
    },
    Forgery {
        tool: "qpdf",
        what: "half of an exhibit",
        change: |files| each(files, "exhibit.pdf", |bytes| bytes[..bytes.len() / 2].to_vec()),
        word: "is damaged",
    },
    Forgery {
        tool: "java",
        what: "what is in the container",
        change: change_container,
        word: "ASiC-S FAILED HASH_FAILURE",
    },
    Forgery {
        tool: "java",
        what: "an authority that nobody named",
        change: another_root,
        word: "ASiC-S INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND",
    },
    Forgery { tool: "affiant verify", what: "the record", change: |files| flip(files, RECORD), word: "record.cbor" },
];

const RECORD: &str = "/record.cbor";
const STATEMENT: &str = "/statement.cose";
const DATED: &str = "/checkpoint";

#[test]
fn each_tool_refuses_what_is_forged_before_it() {
    let Some(desk) = Desk::lay() else { return };
    for (tool, _) in TOOLS {
        let is_tried = FORGERIES.iter().any(|forgery| forgery.tool == tool) || tool == "sh verify.sh";
        assert!(is_tried, "no forgery for `{tool}`");
    }
    for Forgery { tool, what, change, word } in FORGERIES {
        let said = refusals(&desk, change, tool, "dash");
        assert!(said.iter().any(|said| said.contains(word)), "{tool}: {what}: {said:#?}");
        eprintln!("{tool}: {what}: refused");
    }
    for shell in ["dash", "busybox"] {
        let said = refusals(&desk, |files| flip(files, RECORD), "sh verify.sh", shell);
        assert!(said.iter().all(|said| said.contains("record.cbor")) && !said.is_empty(), "{shell}: {said:#?}");
    }
}

/// Types a tool's blocks over changed files; returns what those say that do not succeed.
fn refusals(desk: &Desk, change: fn(&mut Files), tool: &str, shell: &str) -> Vec<String> {
    let mut files = desk.files.clone();
    change(&mut files);
    assert!(files != desk.files, "{tool}: nothing was changed");
    let packed = packed(&files);
    files.insert("bundle.zip".to_owned(), packed);
    let folder = Desk::lay_out(&files);
    let typed = desk.page.of(tool).into_iter().map(|block| desk.type_in(folder.path(), shell, block));
    typed.filter(|(is_content, _)| !is_content).map(|(_, said)| said).collect()
}

/// Packs what lies in the bundle's folder as it is.
pub(super) fn packed(files: &Files) -> Vec<u8> {
    let members = files.iter().filter_map(|(name, bytes)| Some((name.strip_prefix("bundle/")?, bytes.as_slice())));
    zip_raw(&members.collect::<Vec<_>>())
}

fn each(files: &mut Files, end: &str, change: impl Fn(&[u8]) -> Vec<u8>) {
    for (name, bytes) in files.iter_mut() {
        if format!("/{name}").ends_with(end) {
            *bytes = change(bytes);
        }
    }
}

fn flip(files: &mut Files, end: &str) {
    each(files, end, |bytes| flipped(bytes, bytes.len() / 2));
}

fn flip_last(files: &mut Files, end: &str) {
    each(files, end, |bytes| flipped(bytes, bytes.len() - 1));
}

/// Turns over the last bit of the receipt that a transparent statement holds before its payload and signature.
fn spoil_receipt(files: &mut Files) {
    const PAYLOAD_AND_SIGNATURE: usize = 2 + 32 + 2 + 64;
    for (_, bytes) in files.iter_mut().filter(|(name, _)| name.starts_with("bundle/data/transparent/")) {
        *bytes = flipped(bytes, bytes.len() - PAYLOAD_AND_SIGNATURE - 1);
    }
}

fn add_stranger(files: &mut Files) {
    files.insert("bundle/data/stranger".to_owned(), Vec::new());
}

fn respell_manifest(files: &mut Files) {
    each(files, "tagmanifest-sha256.txt", |bytes| respelled(std::str::from_utf8(bytes).unwrap(), 0));
}

fn grow_log(files: &mut Files) {
    each(files, "data/log/checkpoint", |bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        respelled(text, text.find('\n').unwrap() + 1)
    });
}

fn respell_line(files: &mut Files) {
    each(files, ".tlog-proof", |bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        let line = text.find("\n\u{2014} ").unwrap() + 1;
        respelled(text, line + text[line..].find('\n').unwrap() - 20)
    });
}

/// Puts the root of a stranger in the place of the authority's.
fn another_root(files: &mut Files) {
    let root = rcgen::generate_simple_self_signed(["stranger.test".to_owned()]).unwrap();
    files.insert("root.pem".to_owned(), root.cert.pem().into_bytes());
}

/// Puts another bundle into the container, beside the timestamp over the first.
fn change_container(files: &mut Files) {
    const TOKEN: &str = "META-INF/timestamp.tst";
    let bytes = &files["bundle.asics"];
    let places = |what: &[u8]| {
        bytes.windows(what.len()).enumerate().filter(|(_, part)| *part == what).map(|(at, _)| at).collect::<Vec<_>>()
    };
    // Its name stands before it and in the directory; other places are pages of the bundle that speak of it.
    let [.., own, _] = places(TOKEN.as_bytes())[..] else { panic!("no token") };
    let at = own + TOKEN.len();
    let end = places(b"PK\x01\x02").into_iter().find(|place| *place > at).unwrap();
    let token = &bytes[at..end];
    let mut changed = files.clone();
    flip(&mut changed, "/page.html");
    let bundle = packed(&changed);
    let media_type = b"application/vnd.etsi.asic-s+zip";
    let forged = zip_raw(&[("mimetype", media_type), ("bundle.zip", &bundle), (TOKEN, token)]);
    files.insert("bundle.asics".to_owned(), forged);
}
