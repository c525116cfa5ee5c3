//! A change of keys that is interrupted: the archive has the keys from before it or those from after it, whole, and signs on.

use std::path::Path;

use affiant::archivist::init::Opened;
use affiant::archivist::keys::{KeyAuthority, KeyOrder, Overlap, Which, change};
use affiant::archivist::progress::Silent;
use affiant::archivist::read::Log;
use affiant::outside::archive::faults::Faults;

use super::act::{Act, Before};
use super::life::{chain, clean, document, now, open, places};
use super::yard::Yard;

/// Keys take over from others.
pub(crate) struct KeysChange {
    yard: Yard,
    which: Which,
}

impl KeysChange {
    /// All that sign every day.
    pub(crate) fn of_all() -> Self {
        Self { yard: Yard::new(), which: Which::All }
    }

    /// The one that is kept for the day on which the others are lost.
    pub(crate) fn of_recovery() -> Self {
        Self { yard: Yard::new(), which: Which::Recovery }
    }

    fn change(&self, folder: &Path) -> Result<(), String> {
        let recovery = (self.which == Which::Recovery).then(|| folder.join("keys/recovery.key"));
        let authority = KeyAuthority { recovery, ..KeyAuthority::default() };
        let order = KeyOrder::Rotate { which: self.which, overlap: Overlap::None };
        change(&places(folder), &order, &authority, None, (now(), &Silent)).map(drop).map_err(|error| chain(&error))
    }
}

impl Act for KeysChange {
    type Promised = u64;

    fn name(&self) -> &'static str {
        if self.which == Which::All { "change of keys" } else { "change of the recovery key" }
    }

    fn prepare(&self, folder: &Path) {
        self.yard.lay(folder);
    }

    fn act(&self, folder: &Path, promised: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        self.change(folder)?;
        *promised += 1;
        if let Some(faults) = faults {
            faults.mark(*promised);
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
        appender.append(document("https://example.com/next"), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        drop(appender);
        let (log, _) = Log::published(&archive).map_err(|error| chain(&error))?;
        let succession = log.succession().map_err(|error| chain(&error))?;
        if count > 0 && succession.newest().is_none() {
            return Err("the keys were changed, and that is forgotten".to_owned());
        }
        let public = places(folder).keyring().public().map_err(|error| chain(&error))?;
        if succession.statement_key(log.size() - 1) != Some(public.statement) {
            return Err("`archive.pub` is not the key that counts".to_owned());
        }
        if !succession.is_recovery(public.recovery.as_bytes()) {
            return Err("`recovery.pub` is not the recovery key that counts".to_owned());
        }
        // Whatever was left, the next change goes through.
        self.change(folder)?;
        clean(folder, "archive", "afterwards")
    }

    fn count(promised: &u64) -> u64 {
        *promised
    }
}
