//! A capture that is interrupted: what was reported is there.

use std::path::Path;

use affiant::archivist::init::Opened;
use affiant::archivist::read::Log;
use affiant::outside::archive::Archive;
use affiant::outside::archive::faults::Faults;

use super::act::{Act, Before};
use super::life::{chain, clean, document, now, open};
use super::yard::Yard;

/// Captures three pages into an archive that holds others.
pub(crate) struct Capture {
    yard: Yard,
}

const PAGES: [u64; 3] = [11, 2, 12];

impl Capture {
    pub(crate) fn new() -> Self {
        let yard = Yard::new();
        yard.write_page(11);
        yard.write_page(12);
        Self { yard }
    }

    fn capture(&self, folder: &Path, promised: &mut Vec<String>, faults: Option<&Faults>) -> Result<(), String> {
        self.yard.capture_in(folder, &PAGES, &mut |id| {
            promised.push(id);
            if let Some(faults) = faults {
                faults.mark(Self::count(promised));
            }
        })
    }
}

impl Act for Capture {
    type Promised = Vec<String>;

    fn name(&self) -> &'static str {
        "capture"
    }

    fn prepare(&self, folder: &Path) {
        self.yard.lay(folder);
    }

    fn act(&self, folder: &Path, promised: &mut Vec<String>, faults: Option<&Faults>) -> Result<(), String> {
        self.capture(folder, promised, faults)
    }

    fn again(&self, folder: &Path, promised: &mut Vec<String>, faults: &Faults) -> Result<(), String> {
        self.capture(folder, promised, Some(faults))
    }

    fn hold(&self, folder: &Path, promised: &Vec<String>, count: u64, before: Before) -> Result<(), String> {
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?;
        if before == Before::Audited {
            clean(folder, "archive", "before it is opened")?;
        }
        let archive = Archive::open(&folder.join("archive")).map_err(|error| chain(&error))?;
        let Opened { mut appender, .. } = open(folder)?;
        let (log, _) = Log::published(&archive).map_err(|error| chain(&error))?;
        for id in promised.iter().take(usize::try_from(count).unwrap()) {
            let (entry, _) = log.find(id).map_err(|error| format!("{id}: {}", chain(&error)))?;
            for blob in entry.record.body.visit().iter().flat_map(|visit| visit.blobs()) {
                archive.packs().read(blob).map_err(|error| format!("{id}: {}", chain(&error)))?;
            }
        }
        appender.append(document("https://example.com/next"), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        drop(appender);
        clean(folder, "archive", "afterwards")
    }

    fn count(promised: &Vec<String>) -> u64 {
        u64::try_from(promised.len()).unwrap()
    }
}
