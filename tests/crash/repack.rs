//! A repacking that is interrupted: every page is there, in one frame or the other, and it can be done again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use affiant::archivist::progress::Silent;
use affiant::archivist::repack::repack;
use affiant::base::hash::Hash;
use affiant::evidence::record::Manner;
use affiant::outside::archive::Archive;
use affiant::outside::archive::faults::Faults;
use affiant::outside::archive::packs::Repacked;

use super::act::{Act, Before};
use super::life::{chain, clean, document, now, open, reopen};
use super::yard::{JOURNAL_BYTES_MAX, SEGMENT_BYTES_MAX, Yard, blobs};

/// The pages that are alike, each sharing most with the one before it.
const ALIKE: std::ops::Range<u64> = 4..8;

/// The one of them that is withdrawn, so that the next is left with a frame made in haste.
const WITHDRAWN: u64 = 5;

/// Packs again what a withdrawal has left plain.
pub(crate) struct Repack {
    yard: Yard,
    blobs: BTreeSet<Hash>,
}

impl Repack {
    pub(crate) fn new() -> Self {
        let yard = Yard::new();
        for n in ALIKE {
            fs::write(yard.page(n), page(n)).unwrap();
        }
        yard.capture(&ALIKE.collect::<Vec<_>>());
        yard.withdraw(WITHDRAWN, Manner::Erased);
        let archive = Archive::open(&yard.folder().join("archive")).unwrap();
        let of_next = archive.packs().locate(Hash::of(page(WITHDRAWN + 1).as_bytes())).unwrap();
        assert!(of_next.1.base.is_none(), "what leant on the withdrawn page is plain");
        let mut blobs = blobs(&archive);
        blobs.retain(|blob| archive.packs().contains(*blob).unwrap());
        assert!(blobs.len() >= 9, "a page and a text of each, but for the withdrawn: {}", blobs.len());
        Self { yard, blobs }
    }
}

fn page(n: u64) -> String {
    let clause = |n: u64| format!("<p>Clause {n}: {}</p>\n", Hash::of(&n.to_be_bytes()));
    format!("<html><body>\n{}</body></html>\n", (n * 8..n * 8 + 40).map(clause).collect::<String>())
}

fn repack_in(folder: &Path) -> Result<Repacked, String> {
    drop(open(folder)?);
    let mut appender = reopen(folder, SEGMENT_BYTES_MAX, JOURNAL_BYTES_MAX)?;
    repack(&mut appender, &Silent).map_err(|error| chain(&error))
}

impl Act for Repack {
    type Promised = u64;

    fn name(&self) -> &'static str {
        "repack"
    }

    fn prepare(&self, folder: &Path) {
        self.yard.lay(folder);
    }

    fn act(&self, folder: &Path, promised: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        let done = repack_in(folder)?;
        assert!(*promised > 0 || done.blobs > 0, "nothing was packed again");
        *promised = 1;
        if let Some(faults) = faults {
            faults.mark(1);
        }
        Ok(())
    }

    fn again(&self, folder: &Path, promised: &mut u64, faults: &Faults) -> Result<(), String> {
        repack_in(folder)?;
        *promised = 1;
        faults.mark(1);
        Ok(())
    }

    fn hold(&self, folder: &Path, _: &u64, count: u64, before: Before) -> Result<(), String> {
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?;
        if before == Before::Audited {
            clean(folder, "archive", "before it is opened")?;
        }
        let all_are_there = || {
            let archive = Archive::open(&folder.join("archive")).map_err(|error| chain(&error))?;
            self.blobs.iter().try_for_each(|blob| archive.packs().read(*blob).map(drop).map_err(|error| chain(&error)))
        };
        all_are_there()?;
        let mut appender = open(folder)?.appender;
        appender.append(document("https://example.com/next"), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        drop(appender);
        let done = repack_in(folder)?;
        if count > 0 && done.blobs > 0 {
            return Err(format!("it was packed again, and is once more: {done:?}"));
        }
        all_are_there()?;
        clean(folder, "archive", "afterwards")
    }

    fn count(promised: &u64) -> u64 {
        *promised
    }
}
