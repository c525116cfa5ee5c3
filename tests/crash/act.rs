//! An act, and every way to be interrupted in it: each step to die at, each step to fail at.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use affiant::outside::archive::faults::{Fault, Faults, Loss, Step, Trace};

use super::life::scratch;

/// Something that may be interrupted.
pub(crate) trait Act: Sync {
    /// What was acknowledged on the way.
    type Promised: Clone + Default + Send + Sync;

    fn name(&self) -> &'static str;

    /// Lays down what the act begins with.
    fn prepare(&self, folder: &Path);

    /// Acts until the end or the first error, and marks what is acknowledged.
    fn act(&self, folder: &Path, promised: &mut Self::Promised, faults: Option<&Faults>) -> Result<(), String>;

    /// Acts once more after an error, when the disk is well again: what a person does next.
    fn again(&self, folder: &Path, promised: &mut Self::Promised, faults: &Faults) -> Result<(), String>;

    /// Holds the folder to the first `count` promises: all of them are kept, nothing is damaged, and the act can be done.
    fn hold(&self, folder: &Path, promised: &Self::Promised, count: u64, before: Before) -> Result<(), String>;

    /// Returns how much was acknowledged.
    fn count(promised: &Self::Promised) -> u64;
}

/// Whether an archive is audited as the crash left it, which takes as long as all the rest.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Before {
    Audited,
    Taken,
}

/// Interrupts an act everywhere, and says at how many points; they must be no fewer than `least`.
pub(crate) fn every_step<A: Act>(act: &A, losses: u64, least: usize) {
    let started = Instant::now();
    let losses = std::env::var("AFFIANT_LOSSES").ok().and_then(|count| count.parse().ok()).unwrap_or(losses);
    let folder = scratch();
    act.prepare(folder.path());
    let faults = Faults::over(folder.path()).unwrap();
    let mut promised = A::Promised::default();
    act.act(folder.path(), &mut promised, Some(&faults)).unwrap();
    let trace = faults.end();
    assert_eq!(trace.acknowledged(trace.len()), A::count(&promised));
    let (name, steps) = (act.name(), trace.len());
    let died = die_everywhere(act, &trace, &promised, losses);
    let crashed = started.elapsed().as_secs();
    let failed = fail_everywhere(act, &trace);
    let (points, seconds) = (died + failed, started.elapsed().as_secs());
    eprintln!(
        "{name}: {points} fault points over {steps} steps: {died} crashes in {crashed} s, {failed} failures, {seconds} s in all"
    );
    assert!(points >= least, "{name}: {points} fault points, and {least} are asked for");
}

/// Works through cases on every processor, until one fails.
pub(crate) fn each(count: usize, check: impl Fn(usize) -> Result<usize, String> + Sync) -> usize {
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
fn die_everywhere<A: Act>(act: &A, trace: &Trace, promised: &A::Promised, losses: u64) -> usize {
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
            let held = act.hold(target.path(), promised, trace.acknowledged(count), before);
            held.map_err(|error| {
                format!("{}: {loss:?} after {count} steps: {error}\n{}", act.name(), around(trace, count))
            })?;
        }
        Ok(ways.len())
    })
}

/// Shows the steps around one.
fn around(trace: &Trace, count: usize) -> String {
    let shorten = |at: usize| format!("{at} {:?}", trace.step(at)).chars().take(120).collect::<String>();
    (count.saturating_sub(25)..count + 2).map(shorten).collect::<Vec<_>>().join("\n")
}

/// Returns the ways in which a step fails that differ: a disk is full for what needs room, a write fails halfway, and an
/// fsync loses what it was for.
fn faults_of(step: Option<&Step>) -> &'static [Fault] {
    match step {
        Some(
            Step::Write { .. }
            | Step::CreateFile { .. }
            | Step::CreateFolder { .. }
            | Step::Exchange { .. }
            | Step::Rename { .. },
        ) => &[Fault::Full, Fault::Failing],
        Some(Step::SyncFile { .. }) => &[Fault::Dropping],
        Some(Step::Mark { .. } | Step::Remove { .. } | Step::RemoveFolder { .. }) | None => &[],
        _ => &[Fault::Failing],
    }
}

/// Lets each step fail in each way, once. Then the power is lost; or the act is done again, and then the power is lost.
fn fail_everywhere<A: Act>(act: &A, undisturbed: &Trace) -> usize {
    each(undisturbed.len(), |at| {
        let mut points = 0;
        for fault in faults_of(undisturbed.step(at)).iter().copied() {
            let folder = scratch();
            act.prepare(folder.path());
            let faults = Faults::over(folder.path()).unwrap();
            faults.arm(at, fault);
            let mut promised = A::Promised::default();
            let lived = act.act(folder.path(), &mut promised, Some(&faults));
            let case = format!("{}: {fault:?} at step {at}: {lived:?}", act.name());
            if !faults.has_failed() {
                assert!(lived.is_ok(), "{case}");
                continue;
            }
            let wrong = |then: &'static str| {
                let case = case.clone();
                move |error: String| format!("{case}{then}: {error}")
            };
            faults.disarm();
            let trace = faults.trace();
            let before = A::count(&promised);
            lost(act, &trace, &promised, before).map_err(wrong(", then power lost"))?;
            act.again(folder.path(), &mut promised, &faults).map_err(wrong(", then done again"))?;
            let trace = faults.end();
            let end = trace.len();
            lost(act, &trace, &promised, A::count(&promised))
                .map_err(|error| format!("{error}\n{}", around(&trace, end)))
                .map_err(wrong(", then done again, then power lost"))?;
            act.hold(folder.path(), &promised, A::count(&promised), Before::Audited).map_err(wrong(""))?;
            points += 3;
        }
        Ok(points)
    })
}

/// Loses the power, and with it all that is not durable.
fn lost<A: Act>(act: &A, trace: &Trace, promised: &A::Promised, count: u64) -> Result<(), String> {
    let target = scratch();
    trace.lay_out(trace.len(), Loss::Power { seed: 0 }, target.path()).unwrap();
    act.hold(target.path(), promised, count, Before::Taken)
}
