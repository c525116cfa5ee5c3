//! A withdrawal that is interrupted: the bytes are there, or they are withdrawn, and the next writer ends what was begun.

use std::collections::BTreeSet;
use std::path::Path;

use affiant::archivist::init::Opened;
use affiant::archivist::read::Log;
use affiant::base::hash::Hash;
use affiant::evidence::record::Manner;
use affiant::outside::archive::Archive;
use affiant::outside::archive::faults::Faults;

use super::act::{Act, Before};
use super::life::{chain, clean, document, now, open};
use super::yard::{Yard, blobs, capture_of, withdraw_in};

use crate::folder::read;

/// Withdraws the first of three captures.
pub(crate) struct Withdraw {
    yard: Yard,
    manner: Manner,
    others: BTreeSet<Hash>,
}

impl Withdraw {
    pub(crate) fn erasing() -> Self {
        Self::of(Manner::Erased)
    }

    pub(crate) fn withholding() -> Self {
        Self::of(Manner::Withheld)
    }

    fn of(manner: Manner) -> Self {
        let yard = Yard::new();
        let mut others = blobs(&Archive::open(&yard.folder().join("archive")).unwrap());
        assert!(others.remove(&Self::page()));
        Self { yard, manner, others }
    }

    fn page() -> Hash {
        Hash::of(&Yard::bytes(1))
    }
}

impl Act for Withdraw {
    type Promised = u64;

    fn name(&self) -> &'static str {
        if self.manner == Manner::Erased { "withdraw" } else { "withdraw, withholding" }
    }

    fn prepare(&self, folder: &Path) {
        self.yard.lay(folder);
    }

    fn act(&self, folder: &Path, promised: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        withdraw_in(folder, Self::page(), self.manner)?;
        *promised = 1;
        if let Some(faults) = faults {
            faults.mark(1);
        }
        Ok(())
    }

    fn again(&self, folder: &Path, promised: &mut u64, faults: &Faults) -> Result<(), String> {
        self.act(folder, promised, Some(faults))
    }

    fn hold(&self, folder: &Path, _: &u64, count: u64, before: Before) -> Result<(), String> {
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?;
        if before == Before::Audited {
            clean(folder, "archive", "before it is opened")?;
        }
        let Opened { archive, mut appender, .. } = open(folder)?;
        let log = Log::at(&archive, appender.published_size());
        let (index, _) = capture_of(&log, Self::page()).ok_or("the capture is lost")?;
        let is_withdrawn = !log.withdrawn(index).map_err(|error| chain(&error))?.is_empty();
        if count > 0 && !is_withdrawn {
            return Err("it was withdrawn, and that is forgotten".to_owned());
        }
        let whole = |packs: &affiant::outside::archive::packs::Packs, blob: Hash| {
            packs.read(blob).map(drop).map_err(|error| chain(&error))
        };
        match (is_withdrawn, self.manner) {
            (false, _) => whole(archive.packs(), Self::page())?,
            (true, Manner::Withheld) => whole(&archive.withheld(), Self::page())?,
            (true, Manner::Erased) => {}
        }
        if is_withdrawn {
            self.is_gone(&archive)?;
        }
        for blob in &self.others {
            whole(archive.packs(), *blob)?;
        }
        appender.append(document("https://example.com/next"), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        drop(appender);
        clean(folder, "archive", "afterwards")
    }

    fn count(promised: &u64) -> u64 {
        *promised
    }
}

impl Withdraw {
    /// Looks for the bytes in every file but those that are kept apart.
    fn is_gone(&self, archive: &Archive) -> Result<(), String> {
        let bytes = Yard::bytes(1);
        let files = read(archive.folder());
        let holds = |bytes_in: &[u8]| bytes_in.windows(64).any(|window| *window == bytes[100..164]);
        let mut holding = files.iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path.as_str());
        match holding.find(|path| self.manner == Manner::Erased || !path.starts_with("withheld/")) {
            Some(path) => Err(format!("`{path}` still holds the bytes")),
            None => Ok(()),
        }
    }
}
