//! Other people's forms of what a bundle or an archive has, as other people's programs read them.

use std::fs;

use affiant::base::hash::Hash;
use serde_json::Value as Json;

use super::{Yard, accepted, python};
use crate::server::{Close, Server};
use crate::stage::Stage;

/// Prints name, licence and files of a crate, and fails where a file is absent or has another hash.
const CRATE: &str = r#"
import hashlib, json, os, sys
from rocrate.rocrate import ROCrate
crate = ROCrate(sys.argv[1])
print(crate.name)
files = [e for e in crate.get_entities() if e.type == "File"]
for file in files:
    path = os.path.join(sys.argv[1], file.id)
    assert "sha256:" + hashlib.sha256(open(path, "rb").read()).hexdigest() == file["identifier"], path
    assert str(os.path.getsize(path)) == file["contentSize"], path
actions = [e for e in crate.get_entities() if e.type == "CreateAction"]
for action in actions:
    assert action["startTime"] <= action["endTime"] and action["instrument"].type == "SoftwareApplication"
    print("action", action.id, action["object"].type, len(action["result"]))
print("files", len(files))
"#;

#[test]
fn rocrate_reads_the_bag_as_a_crate() {
    let Some(_) = python("rocrate") else { return };
    let yard = Yard::new();
    let bundle = yard.bundle();
    let said = accepted(python("rocrate").unwrap().args(["-c", CRATE]).arg(bundle.path("data")));
    assert!(said.starts_with("Records ") && said.contains("\naction #") && said.contains(" WebPage "), "{said}");
    let count: usize = said.lines().last().unwrap().strip_prefix("files ").unwrap().parse().unwrap();
    let manifest = fs::read_to_string(bundle.path("manifest-sha256.txt")).unwrap();
    assert_eq!(count, manifest.lines().filter(|line| line.contains("  data/content/")).count());
}

/// Reads a load file as the platforms do, and prints it as JSON.
const LOAD_FILE: &str = r#"
import csv, json, sys
with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    rows = list(csv.reader(file, delimiter="\x14", quotechar="\u00fe", strict=True))
print(json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]))
"#;

#[test]
fn a_load_file_names_natives_and_texts_that_are_there() {
    let Some(_) = python("csv") else { return };
    let stage = Stage::new();
    let page = "<!doctype html><title>T</title><p>What this page says is short, and enough of it is there.";
    fs::write(stage.path("a.html"), page).unwrap();
    fs::write(stage.path("b.pdf"), "%PDF-1.4 not much of one").unwrap();
    let titled = ["--title", "Terms \u{FE} of\nuse", "--entity", "A, \"B\" & C"];
    assert_eq!(stage.run(["capture", "a.html"].iter().chain(&titled)).code, Some(0));
    assert!(stage.run(["capture", "b.pdf"]).code.is_some());
    let ran = stage.run(["export", "production", "--format", "loadfile"]);
    assert_eq!((ran.code, &ran.lines[0]["entries"]), (Some(0), &2.into()), "{}", ran.remarks);
    let dat = stage.path("production/VOL001/DATA/captures.dat");
    let said = accepted(python("csv").unwrap().args(["-c", LOAD_FILE]).arg(dat));
    let rows: Vec<Json> = serde_json::from_str(&said).unwrap();
    assert_eq!(rows[0]["TITLE"], "Terms ? of\u{AE}use");
    assert_eq!(rows[0]["ENTITY"], "A, \"B\" & C");
    for row in &rows {
        let native = row["NATIVELINK"].as_str().unwrap().replace('\\', "/");
        let bytes = fs::read(stage.path("production/VOL001").join(native)).unwrap();
        assert_eq!(row["SHA256"], Hash::of(&bytes).to_string());
    }
    let opt = fs::read_to_string(stage.path("production/VOL001/DATA/captures.opt")).unwrap();
    assert_eq!(opt, format!("{0},VOL001,.\\NATIVES\\{0}.pdf,Y,,,\r\n", rows[1]["DOCID"].as_str().unwrap()));
    // What was taken is noted.
    let noted = fs::read_to_string(stage.path("archive/custody.jsonl")).unwrap();
    assert!(noted.contains("\"act\":\"export\"") && noted.contains("\"file\":\"production\""), "{noted}");
}

#[test]
fn warcio_reads_every_exchange_and_its_digest() {
    let Some(_) = python("warcio") else { return };
    let page = "<!doctype html><title>T</title><p>What this page says is short, and enough of it is there.</p>";
    let answer = move |asked: &crate::server::Asked, wire: &mut dyn std::io::Write| {
        let bytes = if asked.path == "/old" {
            "HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else {
            let size = page.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{page}\r\n0\r\n\r\n"
            )
        };
        let _ = wire.write_all(bytes.as_bytes());
        Close::Politely
    };
    let server = Server::start(answer);
    let stage = Stage::new();
    let ran = stage.capture(&stage.list([server.url("127.0.0.1", "/old")]));
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    let ran = stage.run(["export", "web", "--format", "warc"]);
    assert_eq!((ran.code, &ran.lines[0]["without"]), (Some(0), &0.into()), "{}", ran.remarks);
    let path = stage.path("web/captures.warc");
    accepted(python("warcio").unwrap().args(["-m", "warcio.cli", "check"]).arg(&path));
    let index = ["-m", "warcio.cli", "index", "-f", "warc-type,warc-target-uri,http:status,offset"];
    let said = accepted(python("warcio").unwrap().args(index).arg(&path));
    let types: Vec<String> = said
        .lines()
        .map(|line| {
            let line: Json = serde_json::from_str(line).unwrap();
            format!("{} {}", line["warc-type"].as_str().unwrap(), line["http:status"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(types, ["warcinfo ", "response 302", "request ", "response 200", "request "]);
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.windows(page.len()).any(|part| part == page.as_bytes()));
    // A digest that does not fit is found.
    let at = bytes.windows(5).position(|part| part == b"short").unwrap();
    let mut changed = bytes;
    changed[at] ^= 1;
    fs::write(&path, changed).unwrap();
    super::rejected(python("warcio").unwrap().args(["-m", "warcio.cli", "check"]).arg(&path), "digest failed");
}

/// Indexes the WARC of a WACZ anew and compares the lines, in which `cdxj_indexer` writes blanks and ours none.
const INDEX: &str = r#"
import gzip, io, json, sys, zipfile
from cdxj_indexer.main import CDXJIndexer
package = zipfile.ZipFile(sys.argv[1])
assert all(member.compress_type == zipfile.ZIP_STORED for member in package.infolist())
open("captures.warc", "wb").write(package.read("archive/captures.warc"))
output = io.StringIO()
CDXJIndexer(output, ["captures.warc"], sort=True, post_append=False).process_all()
def read(text):
    lines = [line.split(" ", 2) for line in text.splitlines()]
    return [(key, at, json.loads(place)) for key, at, place in lines]
theirs, ours = read(output.getvalue()), read(gzip.decompress(package.read("indexes/index.cdx.gz")).decode())
assert ours == theirs, f"{ours}\n{theirs}"
pages = [json.loads(line) for line in package.read("pages/pages.jsonl").decode().splitlines()]
print(len(ours), pages[0]["format"], *(f"{page['id']} {page['title']}" for page in pages[1:]))
"#;

#[test]
fn wacz_validates_the_package_and_indexes_it_alike() {
    let Some(_) = python("wacz") else { return };
    let server = Server::start(move |asked, wire| {
        let page = format!("<!doctype html><title>T</title><p>This is {}, and enough is there to be read.", asked.path);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            page.len()
        );
        let moved = "HTTP/1.1 302 Found\r\nLocation: /B?y=2&x=1\r\nContent-Length: 0\r\n\r\n";
        let answer = if asked.path == "/a/" { moved.to_owned() } else { head + &page };
        let _ = wire.write_all(answer.as_bytes());
        Close::Politely
    });
    let stage = Stage::new();
    for path in ["/a/", "/c"] {
        let ran = stage.run(["capture", "--allow-private", &server.url("127.0.0.1", path), "--title", "Some page"]);
        assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    }
    for folder in ["one", "two"] {
        let ran = stage.run(["export", folder, "--format", "wacz"]);
        assert_eq!((ran.code, &ran.lines[0]["without"]), (Some(0), &0.into()), "{}", ran.remarks);
    }
    let path = stage.path("one/captures.wacz");
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes, fs::read(stage.path("two/captures.wacz")).unwrap(), "the same bytes each time");
    let validate = |path: &std::path::Path| {
        let mut command = python("wacz").unwrap();
        command.args(["-m", "wacz.main", "validate", "-f"]).arg(path).current_dir(stage.path(""));
        command
    };
    accepted(&mut validate(&path));
    let mut index = python("wacz").unwrap();
    let said = accepted(index.args(["-c", INDEX]).arg(&path).current_dir(stage.path("")));
    assert_eq!(said.trim(), "3 json-pages-1.0 AF-C-000002-n Some page AF-C-000004-8 Some page", "{said}");

    // A page that was changed, in a ZIP that is whole, is found by its hash.
    let forge = "import sys, zipfile\np = zipfile.ZipFile(sys.argv[1])\nw = zipfile.ZipFile(sys.argv[2], 'w')\n\
        [w.writestr(n, p.read(n).replace(b'enough', b'Enough')) for n in p.namelist()]";
    let forged = stage.path("forged.wacz");
    accepted(python("wacz").unwrap().args(["-c", forge]).arg(&path).arg(&forged));
    let output = validate(&forged).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("does not match the expected hash"), "{said}");
}

#[test]
fn what_was_taken_is_noted_and_travels_when_asked_for() {
    let stage = Stage::new();
    fs::write(stage.path("a.html"), "<!doctype html><title>T</title><p>What this page says is short, and enough.")
        .unwrap();
    assert_eq!(stage.run(["capture", "a.html"]).code, Some(0));
    assert_eq!(stage.run(["bundle", "AF-C-000002", "-o", "one.zip"]).code, Some(0));
    assert_eq!(stage.run(["bundle", "AF-C-000002", "-o", "two.zip"]).code, Some(0));
    assert_eq!(fs::read(stage.path("one.zip")).unwrap(), fs::read(stage.path("two.zip")).unwrap(), "notes stay behind");
    assert_eq!(stage.run(["bundle", "AF-C-000002", "-o", "three.zip", "--custody"]).code, Some(0));
    let files = crate::forgery::unzip(&stage.path("three.zip"));
    let noted = std::str::from_utf8(&files["data/custody.jsonl"]).unwrap();
    let lines: Vec<Json> = noted.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sha256 = Hash::of(&fs::read(stage.path("one.zip")).unwrap()).to_string();
    assert_eq!((lines.len(), &lines[0]["sha256"], &lines[0]["act"]), (2, &sha256.into(), &"bundle".into()));
    assert_eq!(lines[1]["previous"], Hash::of(noted.lines().next().unwrap().as_bytes()).to_string());
    assert_eq!(stage.run(["verify", "three.zip"]).code, Some(0));
    let folder = crate::forgery::unpack(&files);
    let mut script = std::process::Command::new("sh");
    script.arg("verify.sh").arg("--trust").arg(stage.path("keys/policy")).current_dir(folder.path());
    accepted(&mut script);
    // Exhibits are noted by the hash of each file.
    assert_eq!(stage.run(["bundle", "AF-C-000002", "-o", "four.zip", "--exhibit", "B"]).code, Some(0));
    let noted = fs::read_to_string(stage.path("archive/custody.jsonl")).unwrap();
    let line: Json = serde_json::from_str(noted.lines().last().unwrap()).unwrap();
    let sha256 = Hash::of(&fs::read(stage.path("four-exhibit-b.pdf")).unwrap()).to_string();
    assert_eq!((&line["act"], &line["sha256"]), (&"exhibit".into(), &sha256.into()), "{noted}");
    stage.assert_clean("the notes are a file of an archive");
}
