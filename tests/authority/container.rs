//! A bundle and its timestamp in one file, for European tools.

use std::fs;
use std::process::Command;

use super::Authority;
use super::act::capture;
use crate::interop::{accepted, has, rejected};
use crate::stage::Stage;

#[test]
fn openssl_and_unzip_find_the_bundle_and_its_token_in_the_container() {
    let Some(authority) = Authority::start("Containing") else { return };
    if !has("unzip") {
        return;
    }
    let stage = Stage::new();
    let id = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    authority.trust_in(&stage.path("keys"));
    assert_eq!(stage.run(["bundle", &id, "-o", "b.zip"]).code, Some(0));
    let order = ["timestamp", "--container", "b.zip", "-o", "b.asics", "--authority", authority.url()];
    let ran = stage.run(order);
    assert_eq!(ran.code, Some(0), "{}", ran.remarks);
    assert_eq!(stage.run(order).code, Some(1), "nothing is overwritten");

    // ETSI EN 319 162-1 §A.1: the media type stands at a fixed place, as `file` looks for it.
    let bytes = fs::read(stage.path("b.asics")).unwrap();
    assert_eq!(&bytes[30..69], b"mimetypeapplication/vnd.etsi.asic-s+zip");
    let folder = stage.path("container");
    accepted(Command::new("unzip").arg("-q").arg(stage.path("b.asics")).arg("-d").arg(&folder));
    let bundle = fs::read(folder.join("b.zip")).unwrap();
    assert_eq!(bundle, fs::read(stage.path("b.zip")).unwrap());
    let verify = || {
        let mut command = Command::new("openssl");
        command.args(["ts", "-verify", "-token_in", "-in"]).arg(folder.join("META-INF/timestamp.tst"));
        command.arg("-data").arg(folder.join("b.zip")).arg("-CAfile").arg(authority.root());
        command
    };
    accepted(&mut verify());
    let mut changed = bundle;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(folder.join("b.zip"), changed).unwrap();
    rejected(&mut verify(), "imprint");
}
