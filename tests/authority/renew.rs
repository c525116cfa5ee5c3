//! `affiant renew`, with authorities that openssl makes, from the command to a bundle.

use std::fs;
use std::process::Command;

use super::act::{capture, finding};
use super::{Authority, Mode};
use crate::interop::{accepted, has, rejected};
use crate::stage::Stage;

#[test]
fn a_renewal_is_made_kept_bundled_and_verified() {
    let (Some(first), Some(second)) = (Authority::start("First"), Authority::start("Second")) else { return };
    let stage = Stage::new();
    let id = capture(&stage, "We keep your letters for thirty days, whatever they say.", &[]);
    first.trust_in(&stage.path("keys"));
    second.trust_in(&stage.path("keys"));
    assert_eq!(stage.run(["renew"]).code, Some(2), "nobody is named");
    assert_eq!(stage.run(["timestamp", "--authority", first.url(), "--remember"]).code, Some(0));
    second.set(Mode::Unavailable);
    assert_eq!(stage.run(["renew", "--authority", second.url()]).code, Some(1));
    second.set(Mode::Good);
    let renewed = stage.run(["renew", "--authority", second.url()]);
    assert_eq!(renewed.code, Some(0), "{}", renewed.remarks);
    let size = renewed.lines[0]["size"].as_u64().unwrap();
    assert!(size > 3, "the log committed to its token first: {:?}", renewed.lines);
    stage.assert_clean("renewed");

    // openssl agrees, over SHA-512.
    let folder = stage.path(&format!("archive/anchors/{size}"));
    let reply = stage.path("archive").join(renewed.lines[0]["file"].as_str().unwrap());
    let openssl = |data: &std::path::Path| {
        let mut command = Command::new("openssl");
        command.args(["ts", "-verify", "-data"]).arg(data).arg("-in").arg(&reply).arg("-CAfile").arg(second.root());
        command
    };
    accepted(&mut openssl(&folder.join("renewal")));
    rejected(&mut openssl(&folder.join("checkpoint")), "imprint mismatch");
    let mut text = Command::new("openssl");
    let output = text.args(["ts", "-reply", "-text", "-in"]).arg(&reply).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("Hash Algorithm: sha512"));

    // The next publication commits to it, and a bundle carries it.
    capture(&stage, "We keep your letters for sixty days, whatever they say.", &[]);
    let anchors = stage.run(["list", "--kind", "anchor"]);
    let shown: Vec<String> =
        anchors.texts("id").iter().map(|id| format!("{:?}", stage.run(["show", id]).lines)).collect();
    assert!(shown.iter().any(|shown| shown.contains("renewal-rfc3161")), "{shown:?}");
    assert_eq!(stage.run(["bundle", &id, "-o", "bundle.zip"]).code, Some(0));
    fs::remove_dir_all(stage.path("keys/authorities")).unwrap();
    second.trust_in(&stage.path("keys"));
    let verified = stage.run(["verify", "bundle.zip"]);
    let not_after = finding(&verified, "not-after");
    assert_eq!(not_after["result"], "holds", "{not_after}");
    assert!(not_after["relies_on"].as_str().unwrap().contains("of a renewal with SHA-512"), "{not_after}");
    if !["unzip", "sh", "ssh-keygen", "xxd"].into_iter().all(has) {
        return;
    }
    let bundle = stage.path("bundle");
    accepted(Command::new("unzip").arg("-q").arg(stage.path("bundle.zip")).arg("-d").arg(&bundle));
    let mut script = Command::new("sh");
    accepted(script.arg("verify.sh").arg("--trust").arg(stage.path("keys/policy")).current_dir(&bundle));
    let page = fs::read_to_string(bundle.join("VERIFY.md")).unwrap();
    assert!(page.contains(&format!("openssl ts -verify -data data/anchors/{size}/renewal")), "{page}");

    // Each part that is changed is named.
    let folder = bundle.join(format!("data/anchors/{size}"));
    let mut files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let token = files.find(|path| path.extension().is_some_and(|end| end == "renewal-tsr")).unwrap();
    let paths = fs::read_to_string(folder.join("renewal-paths")).unwrap();
    let turned = paths.replacen('0', "1", 2000);
    let text = fs::read_to_string(folder.join("renewal")).unwrap();
    let cases = [
        (folder.join("renewal-paths"), turned.into_bytes(), "others, by SHA-512"),
        (
            folder.join("renewal"),
            text.replace(&format!("\n{size}\n"), &format!("\n{}\n", size - 1)).into_bytes(),
            "another checkpoint",
        ),
        (token, fs::read(&reply).unwrap()[1..].to_vec(), "only files that the layout names"),
    ];
    for (path, bytes, word) in cases {
        let before = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let ran = stage.run(["verify".as_ref(), bundle.as_os_str()]);
        let said = ran.lines[0].to_string();
        assert!(ran.code == Some(3) && said.contains(word), "{}: {said}", path.display());
        fs::write(&path, before).unwrap();
    }
    assert_eq!(stage.run(["verify".as_ref(), bundle.as_os_str()]).code, Some(0));
}
