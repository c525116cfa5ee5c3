//! Journals: what a crash left is read without a panic, and what is read is written as it was.
#![no_main]

use affiant::base::hash::Hash;
use affiant::log::journal::{Base, Commit, Found, PackTail, encode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(found) = Found::parse(bytes) {
        assert_eq!(encode(found.base, &found.commits), bytes[..found.end]);
        assert!(found.size() >= found.base.size);
    }
    // A hash that is right is not met by chance: the frames behind one, as a crash may have cut them.
    let (base, commits) = seeds();
    let whole = encode(base, &commits);
    let cut = bytes.first().map_or(0, |first| usize::from(*first) * whole.len() / 255);
    let torn = [&whole[..cut], bytes].concat();
    if let Ok(found) = Found::parse(&torn) {
        assert!(commits.starts_with(&found.commits));
    }
});

fn seeds() -> (Base, Vec<Commit>) {
    let commit = |n: u8| Commit {
        root: Hash::of(&[n]),
        statements: vec![vec![n; 9]; usize::from(n)],
        pack: (n % 2 == 0).then(|| PackTail { segment: 1, offset: u64::from(n), bytes: vec![n; 20] }),
    };
    (Base { size: 7, root: Hash::of(b"base") }, (1..5).map(commit).collect())
}
