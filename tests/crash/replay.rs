//! A replay that is interrupted: the journal stays until everything that it holds is durable in its place.

use std::path::Path;

use affiant::archivist::init::Opened;
use affiant::outside::archive::faults::{Faults, Loss, Step};

use super::act::{Act, Before};
use super::life::{Promised, Scenario, copy, open, scratch};

/// Opens an archive that lost its power with several publications in the journal, and appends.
pub(crate) struct Replay {
    crashed: tempfile::TempDir,
    pub(crate) promised: Promised,
}

const LIFE: Scenario = Scenario {
    name: "before the replay",
    batches: &[&[40, 41], &[300], &[700, 9], &[10]],
    published_every: 1,
    segment_bytes_max: 1 << 20,
    journal_bytes_max: 1 << 20,
};

impl Replay {
    pub(crate) fn new() -> Self {
        let folder = scratch();
        let faults = Faults::over(folder.path()).unwrap();
        let mut promised = Promised::default();
        LIFE.act(folder.path(), &mut promised, Some(&faults)).unwrap();
        let trace = faults.end();
        let is_mark = |at: &usize| matches!(trace.step(*at), Some(Step::Mark { .. }));
        let last = (0..trace.len()).rfind(is_mark).unwrap();
        let crashed = scratch();
        trace.lay_out(last + 1, Loss::Power { seed: 0 }, crashed.path()).unwrap();
        assert!(crashed.path().join("archive/journal").exists());
        Self { crashed, promised }
    }
}

impl Act for Replay {
    type Promised = Promised;

    fn name(&self) -> &'static str {
        "replay"
    }

    fn prepare(&self, folder: &Path) {
        copy(self.crashed.path(), folder);
    }

    fn act(&self, folder: &Path, promised: &mut Promised, faults: Option<&Faults>) -> Result<(), String> {
        *promised = self.promised.clone();
        promised.mark(faults);
        let Opened { mut appender, .. } = open(folder)?;
        promised.append(&mut appender, "https://example.com/behind-the-replay")?;
        promised.mark(faults);
        Ok(())
    }

    fn again(&self, folder: &Path, promised: &mut Promised, faults: &Faults) -> Result<(), String> {
        let Opened { mut appender, .. } = open(folder)?;
        promised.append(&mut appender, "https://example.com/again")?;
        promised.mark(Some(faults));
        Ok(())
    }

    fn hold(&self, folder: &Path, promised: &Promised, count: u64, before: Before) -> Result<(), String> {
        // What the crash had left was acknowledged before the watch began.
        let known = u64::try_from(self.promised.records.len()).unwrap();
        let promised = if promised.records.is_empty() { &self.promised } else { promised };
        promised.hold(folder, count.max(known), before)
    }

    fn count(promised: &Promised) -> u64 {
        Scenario::count(promised)
    }
}
