//! The matrix: every step of every act on an archive, each way to die there, each way to fail there.
//!
//! The least number of fault points of each is asserted, and together they are no fewer than [`POINT_COUNT_MIN`].

use super::act::every_step;
use super::capture::Capture;
use super::copy::{Backup, Heal, Mirror, Restore};
use super::keys::KeysChange;
use super::life::Scenario;
use super::repack::Repack;
use super::replay::Replay;
use super::withdraw::Withdraw;

/// How many fault points there are at least.
const POINT_COUNT_MIN: usize = 10_000;

/// In how many ways the power fails after each step of appending.
const APPEND_LOSSES: u64 = 5;

/// In how many after each step of the others, which do more between two steps.
const OTHER_LOSSES: u64 = 2;

/// What each test asserts of its own, in the order of the tests: a little less than there is.
const LEAST: [usize; 17] = [2400, 2300, 2000, 2400, 3000, 450, 650, 650, 700, 900, 700, 600, 900, 550, 300, 600, 450];

const _: () = {
    let (mut sum, mut n) = (0, 0);
    while n < LEAST.len() {
        (sum, n) = (sum + LEAST[n], n + 1);
    }
    assert!(sum >= POINT_COUNT_MIN, "all tests together reach what is asked for");
};

/// Init, batches of one and of many.
const ONE_AFTER_ANOTHER: Scenario = Scenario {
    name: "one after another",
    batches: &[&[40], &[], &[700], &[9, 10, 11]],
    published_every: 1,
    segment_bytes_max: 1 << 20,
    journal_bytes_max: 1 << 20,
};

/// Blobs that are too long for the journal.
const LONG: Scenario = Scenario {
    name: "long blobs",
    batches: &[&[70_000], &[20, 70_001], &[5]],
    published_every: 1,
    segment_bytes_max: 1 << 20,
    journal_bytes_max: 1 << 20,
};

/// Blobs that are too long for memory: one is copied into a segment, one becomes a segment of its own.
const STREAMED: Scenario = Scenario {
    name: "streamed blobs",
    batches: &[&[30], &[(1 << 20) + 8], &[(1 << 20) + 400_000, 31], &[5]],
    published_every: 1,
    segment_bytes_max: 4 * 300_000,
    journal_bytes_max: 1 << 20,
};

/// Segments that are sealed, a journal that is emptied while the writer goes on.
const SEALING: Scenario = Scenario {
    name: "sealing and emptying",
    batches: &[&[1500, 1501], &[1502], &[1503, 2, 3], &[1504], &[1505]],
    published_every: 1,
    segment_bytes_max: 4000,
    journal_bytes_max: 6000,
};

/// Commits that are published together, some of them because the journal is long, and some by the next writer.
const COMMITTED: Scenario = Scenario {
    name: "commits",
    batches: &[&[40], &[41, 42], &[], &[700], &[1503, 3], &[1504], &[1505], &[9]],
    published_every: 4,
    segment_bytes_max: 4000,
    journal_bytes_max: 6000,
};

#[test]
fn nothing_acknowledged_is_lost_from_records_one_after_another() {
    every_step(&ONE_AFTER_ANOTHER, APPEND_LOSSES, LEAST[0]);
}

#[test]
fn nothing_acknowledged_is_lost_from_long_blobs() {
    every_step(&LONG, APPEND_LOSSES, LEAST[1]);
}

#[test]
fn nothing_acknowledged_is_lost_from_streamed_blobs() {
    every_step(&STREAMED, OTHER_LOSSES, LEAST[2]);
}

#[test]
fn nothing_acknowledged_is_lost_in_sealing_and_emptying() {
    every_step(&SEALING, APPEND_LOSSES, LEAST[3]);
}

#[test]
fn nothing_committed_is_lost_whoever_publishes_it() {
    every_step(&COMMITTED, APPEND_LOSSES, LEAST[4]);
}

#[test]
fn no_capture_that_was_reported_is_lost() {
    every_step(&Capture::new(), OTHER_LOSSES, LEAST[5]);
}

#[test]
fn a_replay_that_is_cut_short_is_begun_again() {
    every_step(&Replay::new(), OTHER_LOSSES, LEAST[6]);
}

#[test]
fn an_erasure_that_is_cut_short_is_carried_out_and_costs_nothing_else() {
    every_step(&Withdraw::erasing(), OTHER_LOSSES, LEAST[7]);
}

#[test]
fn what_is_withheld_is_in_one_place_or_the_other() {
    every_step(&Withdraw::withholding(), OTHER_LOSSES, LEAST[8]);
}

#[test]
fn a_first_backup_that_is_cut_short_goes_on() {
    every_step(&Backup::first(), OTHER_LOSSES, LEAST[9]);
}

#[test]
fn a_backup_that_is_cut_short_is_the_one_before() {
    every_step(&Backup::growing(), OTHER_LOSSES, LEAST[10]);
}

#[test]
fn a_mirror_that_is_cut_short_is_the_one_before() {
    every_step(&Mirror::new(), OTHER_LOSSES, LEAST[11]);
}

#[test]
fn a_restore_that_is_cut_short_goes_on() {
    every_step(&Restore::new(), OTHER_LOSSES, LEAST[12]);
}

#[test]
fn healing_that_is_cut_short_makes_nothing_worse() {
    every_step(&Heal::new(), OTHER_LOSSES, LEAST[13]);
}

#[test]
fn a_repacking_that_is_cut_short_costs_nothing_and_is_done_again() {
    every_step(&Repack::new(), OTHER_LOSSES, LEAST[14]);
}

#[test]
fn a_change_of_keys_that_is_cut_short_leaves_those_before_or_those_after() {
    every_step(&KeysChange::of_all(), OTHER_LOSSES, LEAST[15]);
}

#[test]
fn a_change_of_the_recovery_key_that_is_cut_short_leaves_one_that_counts() {
    every_step(&KeysChange::of_recovery(), OTHER_LOSSES, LEAST[16]);
}
