//! Beside: one piece of work at a time on a thread of its own, while its owner waits for something else.
//!
//! A publication waits for the disk most of its time. What can be done meanwhile is done here; a thread that is there
//! already is woken in a tenth of the time that a new one takes.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

type Work<T> = Box<dyn FnOnce() -> T + Send>;

/// A thread that waits for work. Dropping it ends the thread once it is idle.
pub struct Beside<T> {
    works: SyncSender<Work<T>>,
    results: Receiver<T>,
}

/// Work that is being done; its result is to be waited for.
#[must_use]
pub struct Doing<'b, T>(&'b Beside<T>);

impl<T: Send + 'static> Beside<T> {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start() -> std::io::Result<Self> {
        let (works, waiting) = mpsc::sync_channel::<Work<T>>(1);
        let (done, results) = mpsc::sync_channel(1);
        // It ends when nobody gives work or waits for results any more.
        thread::Builder::new().spawn(move || waiting.into_iter().try_for_each(|work| done.send(work()).ok()))?;
        Ok(Self { works, results })
    }

    /// Begins a piece of work.
    ///
    /// # Panics
    /// When an earlier piece of work has.
    pub fn begin(&mut self, work: impl FnOnce() -> T + Send + 'static) -> Doing<'_, T> {
        self.works.send(Box::new(work)).expect("the thread lives as long as its work does not panic");
        Doing(self)
    }
}

impl<T> Doing<'_, T> {
    /// Waits for its end.
    ///
    /// # Panics
    /// When the work has.
    #[must_use]
    pub fn end(self) -> T {
        self.0.results.recv().expect("the thread lives as long as its work does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_each_result_in_its_turn() {
        let mut beside = Beside::start().unwrap();
        for n in 0..100 {
            let doing = beside.begin(move || n * n);
            assert_eq!(doing.end(), n * n);
        }
    }
}
