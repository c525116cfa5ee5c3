//! Loose artefacts: files of any kind, each after a line `=== NAME`.
//!
//! Who trusts nobody is told that nothing is verified, whatever the files bring.
#![no_main]

use std::sync::LazyLock;

use affiant::evidence::verify::Verdict;
use affiant::evidence::verify::loose::{FILE_COUNT_MAX, LooseFile, LooseTrust, verify_loose};
use affiant::log::key::Ed25519SecretKey;
use small_archive::{sections, time};

#[expect(dead_code, reason = "only the keys of the small archive are used here")]
#[path = "../small_archive.rs"]
mod small_archive;

static TRUST: LazyLock<LooseTrust> = LazyLock::new(|| LooseTrust {
    authorities: affiant::timestamp::authorities::Authorities::nobody(),
    policy: Some(small_archive::policy()),
    vkeys: Vec::new(),
    issuers: vec![small_archive::statement_key().public()],
    logs: vec![Ed25519SecretKey::from_seed(&[2; 32]).public()],
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let files: Vec<LooseFile> = sections(bytes).into_iter().map(|(name, bytes)| LooseFile { name, bytes }).collect();
    let now = time(10_000);
    let trusted = verify_loose(&files, &TRUST, now);
    let trusting_nobody = verify_loose(&files, &LooseTrust::default(), now);
    if let Ok(report) = &trusting_nobody {
        assert!(report.verdict > Verdict::VerifiedWithGaps, "{}", report.to_json());
        assert!(files.len() <= FILE_COUNT_MAX);
    }
    if let Ok(report) = &trusted {
        assert!(!files.is_empty() || report.verdict > Verdict::VerifiedWithGaps);
    }
    // What is nothing of its kind is so whomever one trusts.
    assert_eq!(trusted.is_ok(), trusting_nobody.is_ok());
});
