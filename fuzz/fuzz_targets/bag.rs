//! Bags: files, each after a line `=== NAME`, the bytes up to the next such line.
#![no_main]

use std::collections::BTreeMap;

use affiant::evidence::bundle::bag::{self, validate};

type Files = BTreeMap<String, Vec<u8>>;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let files = files(bytes);
    let report = validate(&files);
    assert_eq!(format!("{report:?}"), format!("{:?}", validate(&files)));
    if !report.is_valid() {
        return;
    }
    let mut more = files.clone();
    more.insert("data/unlisted file".to_owned(), Vec::new());
    assert!(!validate(&more).is_valid());
    for name in files.keys().filter(|name| name.starts_with(bag::PAYLOAD_PREFIX)) {
        let mut fewer = files.clone();
        fewer.remove(name);
        assert!(!validate(&fewer).is_valid(), "without {name}");
        let mut longer = files.clone();
        longer.entry(name.clone()).or_default().push(0);
        assert!(!validate(&longer).is_valid(), "{name} one byte longer");
    }
});

fn files(bytes: &[u8]) -> Files {
    let mut files = Files::new();
    let mut name = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Some(found) = line.strip_prefix(b"=== ") {
            let found = String::from_utf8_lossy(found).trim_end_matches('\n').to_owned();
            files.insert(found.clone(), Vec::new());
            name = Some(found);
        } else if let Some(file) = name.as_ref().and_then(|name| files.get_mut(name)) {
            file.extend_from_slice(line);
        }
    }
    files
}
