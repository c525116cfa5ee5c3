//! The matrix: every step of every scenario, each way to die there, each way to fail there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use affiant::outside::archive::faults::{Fault, Faults, Loss, Trace};

use super::life::{Before, Promised, Scenario, scratch};

/// How many fault points there are at least.
const POINT_COUNT_MIN: usize = 10_000;

/// In how many ways the power fails after each step.
const POWER_SEED_COUNT: u64 = 10;

/// Init, batches of one and of many, blobs for the journal and blobs that are too long for it, segments that are
/// sealed, a journal that is emptied while the writer goes on.
const SCENARIOS: [Scenario; 3] = [
    Scenario {
        name: "one after another",
        batches: &[&[40], &[], &[700], &[9, 10, 11]],
        segment_bytes_max: 1 << 20,
        journal_bytes_max: 1 << 20,
    },
    Scenario {
        name: "long blobs",
        batches: &[&[70_000], &[20, 70_001], &[5]],
        segment_bytes_max: 1 << 20,
        journal_bytes_max: 1 << 20,
    },
    Scenario {
        name: "sealing and emptying",
        batches: &[&[1500, 1501], &[1502], &[1503, 2, 3], &[1504], &[1505]],
        segment_bytes_max: 4000,
        journal_bytes_max: 6000,
    },
];

#[test]
fn nothing_acknowledged_is_lost_from_records_one_after_another() {
    every_step(&SCENARIOS[0]);
}

#[test]
fn nothing_acknowledged_is_lost_from_long_blobs() {
    every_step(&SCENARIOS[1]);
}

#[test]
fn nothing_acknowledged_is_lost_in_sealing_and_emptying() {
    every_step(&SCENARIOS[2]);
}

fn every_step(scenario: &Scenario) {
    let started = Instant::now();
    let losses = std::env::var("AFFIANT_LOSSES").ok().and_then(|count| count.parse().ok()).unwrap_or(POWER_SEED_COUNT);
    let folder = scratch();
    let faults = Faults::over(folder.path()).unwrap();
    let mut promised = Promised::default();
    scenario.live(folder.path(), &mut promised, Some(&faults)).unwrap();
    let trace = faults.end();
    assert_eq!(trace.acknowledged(trace.len()), u64::try_from(promised.records.len()).unwrap());
    let (name, steps) = (scenario.name, trace.len());
    eprintln!("{name}: {steps} steps");
    let died = die_everywhere(scenario, &trace, &promised, losses);
    eprintln!("{name}: {died} crashes held after {} s", started.elapsed().as_secs());
    let failed = fail_everywhere(scenario, steps);
    let points = died + failed;
    eprintln!(
        "{name}: {points} fault points over {steps} steps, {failed} of them failures, in {} s",
        started.elapsed().as_secs()
    );
    assert!(points >= POINT_COUNT_MIN / SCENARIOS.len() || losses < POWER_SEED_COUNT, "{points}");
}

/// Works through cases on every processor, until one fails.
fn each(count: usize, check: impl Fn(usize) -> Result<usize, String> + Sync) -> usize {
    let (next, points) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failed = Mutex::new(None);
    let work = || {
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            if case >= count {
                return;
            }
            match check(case) {
                Ok(more) => drop(points.fetch_add(more, Ordering::Relaxed)),
                Err(error) => {
                    next.store(count, Ordering::Relaxed);
                    *failed.lock().unwrap() = Some(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_none(), "{}", failed.unwrap_or_default());
    points.into_inner()
}

/// Dies before each step, in the middle of it, and after it with the power.
fn die_everywhere(scenario: &Scenario, trace: &Trace, promised: &Promised, losses: u64) -> usize {
    each(trace.len() + 1, |count| {
        let far = 1000 * u64::try_from(count).unwrap();
        let power = (0..losses).map(|seed| Loss::Power { seed: if seed < 2 { seed } else { seed + far } });
        let ways: Vec<Loss> = [Loss::Process, Loss::ProcessTorn].into_iter().chain(power).collect();
        for loss in &ways {
            let target = scratch();
            trace.lay_out(count, *loss, target.path()).unwrap();
            let before = match loss {
                Loss::Power { seed } if !seed.is_multiple_of(4) => Before::Taken,
                _ => Before::Audited,
            };
            let held = promised.hold(target.path(), trace.acknowledged(count), before);
            held.map_err(|error| {
                let around = (count.saturating_sub(25)..count + 2).map(|at| format!("{at} {}", shorten(trace, at)));
                let around = around.collect::<Vec<_>>().join("\n");
                format!("{}: {loss:?} after {count} steps: {error}\n{around}", scenario.name)
            })?;
        }
        Ok(ways.len())
    })
}

fn shorten(trace: &Trace, at: usize) -> String {
    let step = format!("{:?}", trace.step(at));
    step.chars().take(110).collect()
}

/// Lets each step fail in each way, once.
fn fail_everywhere(scenario: &Scenario, count: usize) -> usize {
    each(count, |at| {
        let mut points = 0;
        for fault in [Fault::Full, Fault::Failing, Fault::Dropping] {
            let folder = scratch();
            let faults = Faults::over(folder.path()).unwrap();
            faults.arm(at, fault);
            let mut promised = Promised::default();
            let lived = scenario.live(folder.path(), &mut promised, Some(&faults));
            let case = format!("{}: {fault:?} at step {at}: {lived:?}", scenario.name);
            if !faults.has_failed() {
                assert!(lived.is_ok(), "{case}");
                continue;
            }
            let count = u64::try_from(promised.records.len()).unwrap();
            let trace = faults.end();
            let wrong = |error| format!("{case}: {error}");
            promised.hold(folder.path(), count, Before::Audited).map_err(wrong)?;
            for seed in 0..1 {
                let target = scratch();
                trace.lay_out(trace.len(), Loss::Power { seed }, target.path()).unwrap();
                let held = promised.hold(target.path(), count, Before::Taken);
                held.map_err(|error| format!("{case}, then power lost, seed {seed}: {error}"))?;
            }
            points += 2;
        }
        Ok(points)
    })
}
