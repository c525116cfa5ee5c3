//! Traces: the steps that were made, and the folders that a crash among them may leave.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Step;

/// All steps that were made over a folder, in order.
pub struct Trace {
    base: Vec<(PathBuf, Option<Vec<u8>>)>,
    steps: Vec<Step>,
}

/// What a crash takes with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// The process dies, the system lives: every step is kept.
    Process,
    /// The process dies in the middle of its last step: of a write, the first half is kept.
    ProcessTorn,
    /// The power fails: of what is not durable any part may be kept, chosen by a seed.
    Power {
        /// The choice. 0 keeps nothing.
        seed: u64,
    },
}

impl Trace {
    pub(super) fn new(base: Vec<(PathBuf, Option<Vec<u8>>)>, steps: Vec<Step>) -> Self {
        Self { base, steps }
    }

    /// Returns how many steps there are, marks included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Says whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns a step.
    #[must_use]
    pub fn step(&self, at: usize) -> Option<&Step> {
        self.steps.get(at)
    }

    /// Returns how many records were acknowledged before step `at`.
    #[must_use]
    pub fn acknowledged(&self, at: usize) -> u64 {
        let mut marks = self.steps[..at].iter().filter_map(|step| match step {
            Step::Mark { acknowledged } => Some(*acknowledged),
            _ => None,
        });
        marks.next_back().unwrap_or_default()
    }

    /// Makes in `target` the folder that a crash after the first `count` steps leaves.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lay_out(&self, count: usize, loss: Loss, target: &Path) -> io::Result<()> {
        let mut disk = Disk::new(&self.base);
        for step in &self.steps[..count] {
            disk.take(step);
        }
        match loss {
            Loss::Process => {}
            Loss::ProcessTorn => disk.take_half(self.steps.get(count)),
            Loss::Power { seed } => disk.lose(seed),
        }
        disk.write(target)
    }
}

/// A disk as the program sees it, and what of it is durable.
#[derive(Default)]
struct Disk {
    files: HashMap<u64, Bytes>,
    names: Names,
    durable_names: Names,
    /// Changes of names that are not durable, in order.
    waiting: Vec<Change>,
}

/// What a name leads to: a file, or a folder.
type Names = BTreeMap<PathBuf, Option<u64>>;

/// Names given and taken away in one step.
#[derive(Clone, Default)]
struct Change {
    taken: Option<PathBuf>,
    given: Vec<(PathBuf, Option<u64>)>,
}

#[derive(Default)]
struct Bytes {
    now: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<Edit>,
}

#[derive(Clone)]
enum Edit {
    Write { offset: usize, bytes: Vec<u8> },
    SetLength { length: usize },
}

impl Edit {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
            Self::SetLength { length } => to.resize(*length, 0),
        }
    }
}

impl Bytes {
    fn edit(&mut self, edit: Edit) {
        edit.apply(&mut self.now);
        self.waiting.push(edit);
    }

    fn sync(&mut self) {
        for edit in self.waiting.drain(..) {
            edit.apply(&mut self.durable);
        }
    }
}

impl Change {
    fn apply(&self, to: &mut Names) {
        if let Some(path) = &self.taken {
            to.remove(path);
        }
        to.extend(self.given.iter().cloned());
    }

    fn is_in(&self, folder: &Path) -> bool {
        let path = self.given.first().map(|(path, _)| path).or(self.taken.as_ref());
        path.and_then(|path| path.parent()) == Some(folder)
    }
}

impl Disk {
    fn new(base: &[(PathBuf, Option<Vec<u8>>)]) -> Self {
        let mut disk = Self::default();
        for (number, (path, bytes)) in (1..).zip(base) {
            disk.names.insert(path.clone(), bytes.is_some().then_some(number));
            if let Some(bytes) = bytes {
                let bytes = Bytes { now: bytes.clone(), durable: bytes.clone(), waiting: Vec::new() };
                disk.files.insert(number, bytes);
            }
        }
        disk.durable_names = disk.names.clone();
        disk
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Mark { .. } => {}
            Step::CreateFile { path, file } => {
                self.files.insert(*file, Bytes::default());
                self.change(Change { given: vec![(path.clone(), Some(*file))], taken: None });
            }
            Step::CreateFolder { path } => {
                self.change(Change { given: vec![(path.clone(), None)], taken: None });
            }
            Step::Remove { path } | Step::RemoveFolder { path } => {
                self.change(Change { taken: Some(path.clone()), given: Vec::new() });
            }
            Step::Rename { from, to } => {
                let what = self.named(from);
                self.change(Change { taken: Some(from.clone()), given: vec![(to.clone(), what)] });
            }
            Step::Exchange { from, to } => {
                let given = vec![(to.clone(), self.named(from)), (from.clone(), self.named(to))];
                self.change(Change { taken: None, given });
            }
            Step::SyncFolder { path } => {
                let (durable, waiting) =
                    std::mem::take(&mut self.waiting).into_iter().partition(|change| change.is_in(path));
                self.waiting = waiting;
                let durable: Vec<Change> = durable;
                for change in &durable {
                    change.apply(&mut self.durable_names);
                }
            }
            Step::SetLength { file, length } => self.file(*file).edit(Edit::SetLength { length: place(*length) }),
            Step::Write { file, offset, bytes } => {
                self.file(*file).edit(Edit::Write { offset: place(*offset), bytes: bytes.clone() });
            }
            Step::SyncFile { file } => self.file(*file).sync(),
            Step::SyncFileFailed { file } => self.file(*file).waiting.clear(),
        }
    }

    /// Takes what a write had written when its process died.
    fn take_half(&mut self, step: Option<&Step>) {
        if let Some(Step::Write { file, offset, bytes }) = step {
            let bytes = bytes[..bytes.len() / 2].to_vec();
            self.file(*file).edit(Edit::Write { offset: place(*offset), bytes });
        }
    }

    fn named(&self, path: &Path) -> Option<u64> {
        self.names.get(path).copied().flatten()
    }

    fn file(&mut self, number: u64) -> &mut Bytes {
        self.files.get_mut(&number).expect("a file is made before it is written")
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.waiting.push(change);
    }

    /// Keeps what is durable and, of the rest, what the seed says.
    fn lose(&mut self, seed: u64) {
        let mut chance = Chance::new(seed);
        let manner = Manner::of(seed, &mut chance);
        let mut numbers: Vec<u64> = self.files.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let bytes = self.file(number);
            let mut kept = std::mem::take(&mut bytes.durable);
            for edit in manner.choose(&bytes.waiting, &mut chance) {
                edit.apply(&mut kept);
            }
            bytes.now = kept;
        }
        let mut names = std::mem::take(&mut self.durable_names);
        for change in manner.choose(&self.waiting, &mut chance) {
            change.apply(&mut names);
        }
        self.names = names;
    }

    fn write(&self, target: &Path) -> io::Result<()> {
        let folders: BTreeSet<&Path> =
            self.names.iter().filter(|(_, what)| what.is_none()).map(|(path, _)| path.as_path()).collect();
        let is_reachable =
            |path: &Path| path.ancestors().skip(1).all(|above| above == Path::new("") || folders.contains(above));
        for folder in folders.iter().filter(|folder| is_reachable(folder)) {
            fs::create_dir_all(target.join(folder))?;
        }
        for (path, what) in self.names.iter().filter(|(path, _)| is_reachable(path)) {
            let Some(bytes) = what.and_then(|number| self.files.get(&number)) else { continue };
            lay(&target.join(path), &bytes.now)?;
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's folder need not be durable")]
fn lay(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?; // Secret keys are refused otherwise.
    }
    Ok(())
}

/// How a loss of power chooses.
#[derive(Clone, Copy)]
enum Manner {
    Nothing,
    Everything,
    /// The first of what waits, as a file system that keeps its order.
    Beginning,
    /// Any of it, about so many of eight.
    Any {
        eighths: u64,
    },
}

impl Manner {
    fn of(seed: u64, chance: &mut Chance) -> Self {
        match seed {
            0 => Self::Nothing,
            1 => Self::Everything,
            _ if chance.below(4) == 0 => Self::Beginning,
            _ => Self::Any { eighths: 1 + chance.below(7) },
        }
    }

    fn choose<T: Halved + Clone>(self, waiting: &[T], chance: &mut Chance) -> Vec<T> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Everything => waiting.to_vec(),
            Self::Beginning => {
                let count = chance.below(u64::try_from(waiting.len()).unwrap_or_default() + 1);
                let mut kept = waiting[..place(count)].to_vec();
                let torn = waiting.get(place(count)).and_then(|next| next.halved(chance));
                kept.extend(torn);
                kept
            }
            Self::Any { eighths } => {
                let kept = waiting.iter().filter_map(|one| match chance.below(8) {
                    n if n < eighths => Some(one.clone()),
                    7 => one.halved(chance),
                    _ => None,
                });
                kept.collect()
            }
        }
    }
}

/// What may happen in part.
trait Halved: Sized {
    fn halved(&self, chance: &mut Chance) -> Option<Self>;
}

impl Halved for Edit {
    fn halved(&self, chance: &mut Chance) -> Option<Self> {
        let Self::Write { offset, bytes } = self else { return None };
        let count = place(chance.below(u64::try_from(bytes.len()).unwrap_or_default() + 1));
        Some(Self::Write { offset: *offset, bytes: bytes[..count].to_vec() })
    }
}

impl Halved for Change {
    fn halved(&self, _: &mut Chance) -> Option<Self> {
        None
    }
}

/// Numbers that look random and are the same every time (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("a test's files are small")
}
