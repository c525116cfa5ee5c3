//! Second copies that are interrupted: until its checkpoint is swapped, a copy is the one that it was.

use std::fs;
use std::path::Path;

use affiant::archivist::backup::backup;
use affiant::archivist::heal::heal;
use affiant::archivist::init::Opened;
use affiant::archivist::mirror::mirror;
use affiant::archivist::progress::Silent;
use affiant::archivist::restore::restore;
use affiant::evidence::record::Manner;
use affiant::log::policy::Policy;
use affiant::outside::archive::Archive;
use affiant::outside::archive::faults::Faults;
use affiant::outside::keys::Keyring;

use super::act::{Act, Before};
use super::life::{chain, clean, document, now, open};
use super::yard::{Yard, differs, promised};

use crate::folder::Files;

fn archive(folder: &Path, name: &str) -> Result<Archive, String> {
    Archive::open(&folder.join(name)).map_err(|error| chain(&error))
}

/// Makes the archive grow by what a copy must follow: segments that are new, sealed, rewritten without what was erased
/// and without what is withheld, and the checkpoint of an anchor.
fn grow(yard: &Yard) {
    for n in [21, 22] {
        yard.write_page(n);
    }
    yard.capture(&[21]);
    yard.withdraw(1, Manner::Erased);
    yard.withdraw(3, Manner::Withheld);
    yard.capture(&[22]);
    let (log, checkpoint) = (yard.folder().join("archive"), yard.folder().join("archive/checkpoint"));
    let checkpoint = fs::read(checkpoint).unwrap();
    let size = String::from_utf8_lossy(&checkpoint).lines().nth(1).unwrap().to_owned();
    crate::folder::write(&log.join("anchors").join(size).join("checkpoint"), &checkpoint);
    yard.capture(&[2, 21]);
}

fn back_up(folder: &Path) -> Result<(), String> {
    let followed = backup(&archive(folder, "archive")?, &folder.join("b"), None, now(), &Silent);
    let followed = followed.map_err(|error| chain(&error))?;
    if followed.damaged.is_empty() { Ok(()) } else { Err(format!("{:?}", followed.damaged)) }
}

fn follow(folder: &Path) -> Result<(), String> {
    let keys = Keyring::new(&folder.join("keys")).public().map_err(|error| chain(&error))?;
    let policy = Policy::trusting(keys.checkpoint).map_err(|error| chain(&error))?;
    let followed = mirror(&folder.join("archive"), &folder.join("b"), &policy, now(), &Silent);
    let followed = followed.map_err(|error| chain(&error))?;
    if followed.damaged.is_empty() { Ok(()) } else { Err(format!("{:?}", followed.damaged)) }
}

/// A copy in `b` that follows the archive.
struct Following {
    yard: Yard,
    follow: fn(&Path) -> Result<(), String>,
    /// What the copy is when nothing comes between.
    undisturbed: Files,
}

impl Following {
    fn new(yard: Yard, follow: fn(&Path) -> Result<(), String>) -> Self {
        let folder = super::life::scratch();
        yard.lay(folder.path());
        follow(folder.path()).unwrap();
        let undisturbed = promised(&folder.path().join("b"));
        Self { yard, follow, undisturbed }
    }

    fn act(&self, folder: &Path, done: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        (self.follow)(folder)?;
        *done = 1;
        if let Some(faults) = faults {
            faults.mark(1);
        }
        Ok(())
    }

    fn hold(&self, folder: &Path, count: u64, before: Before) -> Result<(), String> {
        let b = folder.join("b");
        if before == Before::Audited && b.join("checkpoint").exists() {
            clean(folder, "b", "as it was left")?;
        }
        if count > 0 {
            differs(&promised(&b), &self.undisturbed).map_err(|error| format!("of what was done: {error}"))?;
        }
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?;
        (self.follow)(folder)?;
        differs(&promised(&b), &self.undisturbed).map_err(|error| format!("done again: {error}"))?;
        clean(folder, "b", "afterwards")
    }
}

/// A backup.
pub(crate) struct Backup(Following, &'static str);

impl Backup {
    /// One that is not there yet.
    pub(crate) fn first() -> Self {
        let yard = Yard::new();
        grow(&yard);
        Self(Following::new(yard, back_up), "first backup")
    }

    /// One that is older.
    pub(crate) fn growing() -> Self {
        let yard = Yard::new();
        back_up(yard.folder()).unwrap();
        grow(&yard);
        Self(Following::new(yard, back_up), "backup")
    }
}

/// A mirror that is older.
pub(crate) struct Mirror(Following);

impl Mirror {
    pub(crate) fn new() -> Self {
        let yard = Yard::new();
        follow(yard.folder()).unwrap();
        grow(&yard);
        Self(Following::new(yard, follow))
    }
}

impl Act for Backup {
    type Promised = u64;

    fn name(&self) -> &'static str {
        self.1
    }

    fn prepare(&self, folder: &Path) {
        self.0.yard.lay(folder);
    }

    fn act(&self, folder: &Path, done: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        self.0.act(folder, done, faults)
    }

    fn again(&self, folder: &Path, done: &mut u64, faults: &Faults) -> Result<(), String> {
        self.0.act(folder, done, Some(faults))
    }

    fn hold(&self, folder: &Path, _: &u64, count: u64, before: Before) -> Result<(), String> {
        self.0.hold(folder, count, before)
    }

    fn count(done: &u64) -> u64 {
        *done
    }
}

impl Act for Mirror {
    type Promised = u64;

    fn name(&self) -> &'static str {
        "mirror"
    }

    fn prepare(&self, folder: &Path) {
        self.0.yard.lay(folder);
    }

    fn act(&self, folder: &Path, done: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        self.0.act(folder, done, faults)
    }

    fn again(&self, folder: &Path, done: &mut u64, faults: &Faults) -> Result<(), String> {
        self.0.act(folder, done, Some(faults))
    }

    fn hold(&self, folder: &Path, _: &u64, count: u64, before: Before) -> Result<(), String> {
        self.0.hold(folder, count, before)
    }

    fn count(done: &u64) -> u64 {
        *done
    }
}

/// A restore from a backup, where the archive is gone.
pub(crate) struct Restore {
    yard: Yard,
    undisturbed: Files,
}

impl Restore {
    pub(crate) fn new() -> Self {
        let yard = Yard::new();
        grow(&yard);
        back_up(yard.folder()).unwrap();
        fs::remove_dir_all(yard.folder().join("archive")).unwrap();
        let undisturbed = promised(&yard.folder().join("b"));
        Self { yard, undisturbed }
    }

    fn restore(folder: &Path) -> Result<(), String> {
        let keyring = Keyring::new(&folder.join("keys"));
        let restored = restore(&archive(folder, "b")?, &folder.join("archive"), &keyring, now(), &Silent);
        let restored = restored.map_err(|error| chain(&error))?;
        let is_whole = restored.fence.is_none() && restored.followed.damaged.is_empty();
        if is_whole { Ok(()) } else { Err(format!("{restored:?}")) }
    }
}

impl Act for Restore {
    type Promised = u64;

    fn name(&self) -> &'static str {
        "restore"
    }

    fn prepare(&self, folder: &Path) {
        self.yard.lay(folder);
    }

    fn act(&self, folder: &Path, done: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        Self::restore(folder)?;
        *done = 1;
        if let Some(faults) = faults {
            faults.mark(1);
        }
        Ok(())
    }

    fn again(&self, folder: &Path, done: &mut u64, faults: &Faults) -> Result<(), String> {
        match self.act(folder, done, Some(faults)) {
            // It was whole, and only the last fsync had failed: nothing is acknowledged.
            Err(error) if error.contains("is an archive already") => Ok(()),
            other => other,
        }
    }

    fn hold(&self, folder: &Path, _: &u64, count: u64, before: Before) -> Result<(), String> {
        let restored = folder.join("archive");
        if count > 0 {
            differs(&promised(&restored), &self.undisturbed).map_err(|error| format!("of what was done: {error}"))?;
        }
        if before == Before::Audited && restored.join("checkpoint").exists() {
            clean(folder, "archive", "as it was left")?;
        }
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?;
        match Self::restore(folder) {
            Err(error) if error.contains("is an archive already") && restored.join("checkpoint").exists() => {}
            other => other?,
        }
        differs(&promised(&restored), &self.undisturbed).map_err(|error| format!("done again: {error}"))?;
        let Opened { mut appender, .. } = open(folder)?;
        appender.append(document("https://example.com/next"), now()).map_err(|error| chain(&error))?;
        appender.publish(now()).map_err(|error| chain(&error))?;
        drop(appender);
        clean(folder, "archive", "afterwards")
    }

    fn count(done: &u64) -> u64 {
        *done
    }
}

/// Healing from a backup: a blob, one that is withheld, a tile, a bundle of statements and the checkpoint are damaged, an
/// anchor and an index are gone.
pub(crate) struct Heal {
    yard: Yard,
    whole: Files,
}

impl Heal {
    pub(crate) fn new() -> Self {
        let yard = Yard::new();
        grow(&yard);
        back_up(yard.folder()).unwrap();
        let folder = yard.folder().join("archive");
        let whole = promised(&folder);
        let flip = |path: &str, at: usize| {
            let mut bytes = whole[path].clone();
            bytes[at] ^= 1;
            fs::write(folder.join(path), bytes).unwrap();
        };
        for (path, bytes) in &whole {
            let kind = (path.split('/').next().unwrap(), path.rsplit('.').next().unwrap());
            match kind {
                ("packs" | "withheld", "pack") if !bytes.is_empty() => flip(path, bytes.len() - 5),
                ("packs", "index") | ("anchors", _) => fs::remove_file(folder.join(path)).unwrap(),
                ("tile", _) if path.contains("tile/0/") || path.contains("statements") => flip(path, 9),
                ("checkpoint", _) => flip(path, bytes.len() / 2),
                _ => {}
            }
        }
        Self { yard, whole }
    }

    fn heal(folder: &Path) -> Result<(), String> {
        let keyring = Keyring::new(&folder.join("keys"));
        let healed = heal(&folder.join("archive"), &archive(folder, "b")?, &keyring, now(), &Silent);
        let healed = healed.map_err(|error| chain(&error))?;
        if healed.is_clean { Ok(()) } else { Err(format!("{healed:#?}")) }
    }
}

impl Act for Heal {
    type Promised = u64;

    fn name(&self) -> &'static str {
        "heal"
    }

    fn prepare(&self, folder: &Path) {
        self.yard.lay(folder);
    }

    fn act(&self, folder: &Path, done: &mut u64, faults: Option<&Faults>) -> Result<(), String> {
        Self::heal(folder)?;
        *done = 1;
        if let Some(faults) = faults {
            faults.mark(1);
        }
        Ok(())
    }

    fn again(&self, folder: &Path, done: &mut u64, faults: &Faults) -> Result<(), String> {
        self.act(folder, done, Some(faults))
    }

    fn hold(&self, folder: &Path, _: &u64, count: u64, _: Before) -> Result<(), String> {
        let healed = folder.join("archive");
        if count > 0 {
            differs(&promised(&healed), &self.whole).map_err(|error| format!("of what was done: {error}"))?;
        }
        let _unsynced = Faults::over(folder).map_err(|error| chain(&error))?;
        Self::heal(folder)?;
        differs(&promised(&healed), &self.whole).map_err(|error| format!("done again: {error}"))?;
        drop(open(folder)?);
        clean(folder, "archive", "afterwards")
    }

    fn count(done: &u64) -> u64 {
        *done
    }
}
