//! Bundles: a ZIP that opens and reads is, byte for byte, the ZIP that we would write.
#![no_main]

use std::collections::BTreeMap;
use std::io::Read;

use affiant::evidence::bundle::zip::{Archive, Member, Plan};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(archive) = Archive::open(bytes) else {
        return;
    };
    let mut files = BTreeMap::new();
    for member in archive.members() {
        let mut file = Vec::new();
        if archive.member(&member.name).expect("a listed member").read_to_end(&mut file).is_err() {
            return; // A checksum is wrong.
        }
        assert!(files.insert(member.name.clone(), file).is_none());
    }
    let members = files.iter().map(|(name, file)| Member::measure(name, file.as_slice()).expect("fits")).collect();
    let plan = Plan::new(members).expect("what was read can be written");
    let mut written = Vec::new();
    plan.write(&mut written, |name| Ok(files[name].as_slice())).expect("memory");
    assert_eq!(written, bytes);
});
