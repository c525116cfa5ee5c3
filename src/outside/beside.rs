//! Beside: work that is done in turn on a thread of its own, while its owner waits for something else.
//!
//! A publication waits for the disk most of its time. What can be done meanwhile is done here; a thread that is there
//! already is woken in a tenth of the time that a new one takes.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

/// How many pieces of work may wait.
const WAITING_COUNT_MAX: usize = 2;

type Work<T> = Box<dyn FnOnce() -> T + Send>;

/// A thread that waits for work. Dropping it ends the thread once it is idle.
pub struct Beside<T> {
    works: SyncSender<Work<T>>,
    results: Receiver<T>,
    /// How many pieces of work were begun whose results nobody took.
    begun: usize,
}

impl<T: Send + 'static> Beside<T> {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start() -> std::io::Result<Self> {
        let (works, waiting) = mpsc::sync_channel::<Work<T>>(WAITING_COUNT_MAX);
        let (done, results) = mpsc::sync_channel(WAITING_COUNT_MAX + 1);
        // It ends when nobody gives work or waits for results any more.
        thread::Builder::new().spawn(move || waiting.into_iter().try_for_each(|work| done.send(work()).ok()))?;
        Ok(Self { works, results, begun: 0 })
    }

    /// Begins a piece of work, after those that were begun before.
    ///
    /// # Panics
    /// When an earlier piece of work has.
    pub fn begin(&mut self, work: impl FnOnce() -> T + Send + 'static) {
        if self.begun > WAITING_COUNT_MAX {
            let _ = self.end(); // It would have no room.
        }
        self.works.send(Box::new(work)).expect("the thread lives as long as its work does not panic");
        self.begun += 1;
    }

    /// Waits for the first piece of work whose result was not taken, and takes it; nothing when there is none.
    ///
    /// # Panics
    /// When the work has.
    pub fn end(&mut self) -> Option<T> {
        self.begun = self.begun.checked_sub(1)?;
        Some(self.results.recv().expect("the thread lives as long as its work does not panic"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_each_result_in_its_turn() {
        let mut beside = Beside::start().unwrap();
        for n in 0..100 {
            beside.begin(move || n * n);
            beside.begin(move || n + 1);
            assert_eq!((beside.end(), beside.end(), beside.end()), (Some(n * n), Some(n + 1), None));
        }
    }

    #[test]
    fn results_that_nobody_takes_stop_nothing() {
        let mut beside = Beside::start().unwrap();
        (0..100).for_each(|n| beside.begin(move || n));
        assert_eq!([(); 4].map(|()| beside.end()), [Some(97), Some(98), Some(99), None]);
    }
}
