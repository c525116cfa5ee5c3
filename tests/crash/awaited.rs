//! A journal that awaits its replay, and a bit that is flipped besides: the audit excuses what the next writer puts right,
//! and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use affiant::log::journal::Found;

use super::act::{Act, Before, each};
use super::life::{clean, scratch};
use super::replay::Replay;

use crate::folder::read;
use crate::robust::noise;

/// How many bits of the journal are flipped, evenly spread, and how many of all other files, at random.
const JOURNAL_FLIP_COUNT: usize = 200;
const FLIP_COUNT: usize = 300;

#[test]
fn an_awaited_journal_excuses_only_what_it_puts_right() {
    let crashed = Replay::new();
    let folder = scratch();
    crashed.prepare(folder.path());
    clean(folder.path(), "archive", "everything that is missing is in the journal").unwrap();
    let files = read(&folder.path().join("archive"));
    let journal = &files["journal"];
    let end = Found::parse(journal).unwrap().end;
    let step = (end * 8 / JOURNAL_FLIP_COUNT) | 1;
    let of_journal = (0..end * 8).step_by(step).map(|bit| ("journal".to_owned(), bit));
    let others: Vec<(&String, &Vec<u8>)> =
        files.iter().filter(|(path, bytes)| *path != "journal" && !bytes.is_empty()).collect();
    let random = |n: usize| {
        let chance = noise(u64::try_from(n).unwrap() + 1, 8);
        usize::try_from(u64::from_le_bytes(chance.try_into().unwrap()) >> 1).unwrap()
    };
    let of_others = (0..FLIP_COUNT).map(|n| {
        let (path, bytes) = others[n % others.len()];
        (path.clone(), random(n) % (bytes.len() * 8))
    });
    let flips: Vec<(String, usize)> = of_journal.chain(of_others).collect();
    let promised = crashed.promised.of_records();
    let tally: Mutex<BTreeMap<(String, bool), usize>> = Mutex::default();
    each(flips.len(), |n| {
        let (path, bit) = &flips[n];
        let folder = scratch();
        crashed.prepare(folder.path());
        let mut flipped = files[path].clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(folder.path().join("archive").join(path), flipped).unwrap();
        let found = clean(folder.path(), "archive", "flipped");
        *tally.lock().unwrap().entry((path.clone(), found.is_ok())).or_default() += 1;
        if path == "journal" && found.is_ok() {
            return Err(format!(
                "bit {bit} of the journal is flipped, what it had is nowhere else, and nobody says so"
            ));
        }
        if found.is_ok() {
            let held = crashed.hold(folder.path(), &promised, 0, Before::Audited);
            held.map_err(|error| format!("bit {bit} of `{path}`: it was excused, and then: {error}"))?;
        }
        Ok(1)
    });
    let tally = tally.into_inner().unwrap();
    for ((path, is_clean), count) in &tally {
        eprintln!("  {count:>4}  {}  {path}", if *is_clean { "put right" } else { "named    " });
    }
    let count = |is: bool| tally.iter().filter(|((_, clean), _)| *clean == is).map(|(_, count)| count).sum::<usize>();
    assert!(count(true) > 20 && count(false) > JOURNAL_FLIP_COUNT, "{} {}", count(true), count(false));
}
