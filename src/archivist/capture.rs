//! Capture: targets are visited, many at once, and what they showed gets its place in the log.
//!
//! Visits run on their own threads; one sequencer, the caller's thread, appends what they bring and publishes
//! it in batches. A visit is reported when the checkpoint that covers it is on disk, not before. An
//! interruption stops new visits, publishes what has been appended, and says what was not done.

use std::collections::HashMap;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::append::{AppendError, Appended, Appender};
use super::catalogue::{Fresh, keep_up};
use super::lean::{Haste, Leaner};
use super::progress::Progress;
use super::read::{Log, ReadError};
use super::redactable::{self, Redaction};
use super::visit::{Fetched, Target, VisitError, Visited, fetch, read_file};

use crate::base::hash::Hash;
use crate::evidence::record::{Body, Capture, Check, Document};
use crate::outside::archive::Archive;
use crate::outside::archive::index::Known;
use crate::outside::archive::spool::Spool;
use crate::outside::archive::writer::spool_of;
use crate::outside::clock;
use crate::outside::web::options::FetchOptions;

/// The most records that wait for one checkpoint: a crash before it loses no more visits than this.
const BATCH_COUNT_MAX: usize = 256;

/// How long the sequencer gathers before it publishes, while more visits are under way: a publication costs as much as
/// several pages do.
const GATHERING: Duration = Duration::from_millis(10);

/// A page that comes sooner than this after another comes in a rush, and so does one that is rendered while another comes:
/// to lean it on others takes as long.
const RUSH: Duration = Duration::from_millis(10);

/// How many visits may wait for the sequencer before the network waits too.
const WAITING_COUNT_MAX: usize = 64;

/// How many pages a processor renders in turn: one waits for the disk or the sequencer while another is rendered.
const DESKS_PER_PROCESSOR: usize = 2;

/// How many records are kept for the readers' catalogue, some kilobytes each: to read one again costs as much as adding it
/// three times. Those after them are read.
const FRESH_COUNT_MAX: usize = 1_024;

/// How often the sequencer looks up to see whether it was interrupted.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What is to be captured, and what the operator says of it.
#[derive(Clone, Debug)]
pub struct Order {
    /// The target as it was written.
    pub written: String,
    /// The target.
    pub target: Target,
    /// Whose document it is.
    pub entity: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What it is.
    pub document_type: Option<String>,
}

impl Order {
    /// Returns the document that is followed, as its first record would say.
    fn document(&self, manner: &Manner) -> Document {
        Document {
            entity: self.entity.clone(),
            title: self.title.clone(),
            document_type: self.document_type.clone(),
            url: self.target.url(),
            vantage: self.target.vantage(&manner.fetch, manner.region.as_deref()),
            amends: None,
        }
    }
}

/// What shapes a capture of many targets.
#[derive(Clone, Debug)]
pub struct Manner {
    /// What shapes each visit.
    pub fetch: Arc<FetchOptions>,
    /// The operator's label for the place.
    pub region: Option<String>,
    /// How many visits run at once.
    pub jobs: usize,
    /// How many of them to one server.
    pub per_host: usize,
    /// Whether ranges of their texts can be withheld later.
    pub redaction: Redaction,
}

/// A target that has its place in the log.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The target as it was written.
    pub written: String,
    /// The record: a capture, or a check of an earlier one.
    pub appended: Appended,
    /// The document's citation id.
    pub document: String,
    /// The citation id of the capture that a check confirms.
    pub confirms: Option<String>,
}

/// A target that brought nothing home.
#[derive(Debug)]
pub struct Missed {
    /// The target as it was written.
    pub written: String,
    /// Why.
    pub error: VisitError,
}

/// How a capture of many targets ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// How many have a place in the log.
    pub captured: usize,
    /// How many of them are not complete.
    pub incomplete: usize,
    /// How many brought nothing home.
    pub missed: usize,
    /// How many of those were refused by policy.
    pub refused: usize,
    /// How many were not begun or not finished when the capture was interrupted.
    pub left: usize,
}

/// Captures every order, reporting each as soon as it is promised or missed.
///
/// # Errors
/// When the archive cannot be written: what was reported until then is safe, nothing else is promised.
pub fn capture(
    appender: Appender,
    orders: Vec<Order>,
    manner: &Manner,
    watch: &Watch<'_>,
    report: &mut dyn FnMut(Result<Captured, Missed>),
) -> Result<Tally, CaptureError> {
    let mut tally = Tally { left: orders.len(), ..Tally::default() };
    let act = watch.progress.begin("capturing", u64::try_from(orders.len()).ok());
    let runtime = Runtime::new().map_err(CaptureError::Runtime)?;
    let archive = appender.archive().clone();
    let leaner = Leaner::new(archive.packs(), appender.references());
    let arrivals = send_out(&runtime, &archive, leaner, orders, manner);
    let mut sequencer =
        Sequencer { appender, archive: &archive, manner, documents: HashMap::new(), fresh: Fresh::new() };
    let mut is_over = false;
    while !is_over && !(watch.is_interrupted)() {
        let mut captured = Vec::new();
        let mut missed = Vec::new();
        is_over = gather(&arrivals, |(order, outcome)| {
            match outcome {
                Ok(visited) => captured.push(sequencer.append(order, visited)?),
                Err(error) => missed.push(Missed { written: order.written, error }),
            }
            Ok(())
        })?;
        if !captured.is_empty() {
            sequencer.appender.publish(clock::now())?;
        }
        tally.left -= captured.len() + missed.len();
        for outcome in captured.into_iter().map(Ok).chain(missed.into_iter().map(Err)) {
            tally.count(&outcome);
            report(outcome);
            act.advance(1);
        }
    }
    runtime.shutdown_background(); // A resolver that hangs must not hold the program up.
    // The appender waits for the disk when it ends, and what is published can be read meanwhile.
    let Sequencer { appender, fresh, .. } = sequencer;
    thread::scope(|scope| {
        scope.spawn(|| keep_up(&archive, &fresh));
        drop(appender);
    });
    Ok(tally)
}

/// Who watches a capture, and may end it.
pub struct Watch<'w> {
    /// Who may want to know how far it is.
    pub progress: &'w dyn Progress,
    /// Says whether it is to end early.
    pub is_interrupted: &'w dyn Fn() -> bool,
}

impl Tally {
    fn count(&mut self, outcome: &Result<Captured, Missed>) {
        match outcome {
            Ok(captured) => {
                let visit = captured.appended.record.body.visit();
                self.captured += 1;
                self.incomplete += usize::from(visit.is_some_and(|visit| !visit.outcome.reasons.is_empty()));
            }
            Err(missed) => {
                self.missed += 1;
                self.refused += usize::from(missed.error.is_refusal());
            }
        }
    }
}

type Arrival = (Order, Result<Visited, VisitError>);

/// Takes what has arrived, at most a batch; says whether nothing more will come.
fn gather(
    arrivals: &Receiver<Arrival>,
    mut take: impl FnMut(Arrival) -> Result<(), CaptureError>,
) -> Result<bool, CaptureError> {
    let mut next = match arrivals.recv_timeout(LOOK_UP) {
        Ok(arrival) => Some(arrival),
        Err(RecvTimeoutError::Timeout) => return Ok(false),
        Err(RecvTimeoutError::Disconnected) => return Ok(true),
    };
    let deadline = Instant::now() + GATHERING;
    for _ in 0..BATCH_COUNT_MAX {
        let Some(arrival) = next.take() else { break };
        take(arrival)?;
        next = arrivals.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok();
    }
    next.map_or(Ok(()), take)?;
    Ok(false)
}

/// Starts the visits; they arrive in the order in which they end.
fn send_out(
    runtime: &Runtime,
    archive: &Archive,
    leaner: Leaner,
    orders: Vec<Order>,
    manner: &Manner,
) -> Receiver<Arrival> {
    let (sender, arrivals) = mpsc::sync_channel(WAITING_COUNT_MAX);
    let crew = Arc::new(Crew {
        archive: archive.clone(),
        leaner,
        manner: manner.clone(),
        jobs: Semaphore::new(manner.jobs),
        desks: Semaphore::new(thread::available_parallelism().map_or(1, NonZero::get) * DESKS_PER_PROCESSOR),
        waiting: AtomicUsize::new(0),
        newest: Mutex::default(),
        servers: Mutex::new(HashMap::new()),
    });
    let outstanding = Arc::new(Semaphore::new(manner.jobs.saturating_mul(8)));
    runtime.spawn(async move {
        for order in orders {
            // Only so many visits wait at once: a list of a million addresses is not a million tasks.
            let Ok(place) = outstanding.clone().acquire_owned().await else { return };
            let turn = crew.queue_up(&order.target).await;
            let (crew, sender) = (crew.clone(), sender.clone());
            tokio::spawn(async move {
                crew.visit(order, turn, sender).await;
                drop(place);
            });
        }
    });
    arrivals
}

/// How a page came to its desk.
#[derive(Clone, Copy)]
struct Coming {
    at: Instant,
    haste: Haste,
}

/// What the visits of one capture share.
struct Crew {
    archive: Archive,
    leaner: Leaner,
    manner: Manner,
    jobs: Semaphore,
    desks: Semaphore,
    /// How many pages wait for a desk.
    waiting: AtomicUsize,
    /// When the newest page came.
    newest: Mutex<Option<Instant>>,
    servers: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A visit's turn at its server, which comes in the order of the list.
type Turn = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

impl Crew {
    /// Takes the next place in the queue of the target's server, without waiting for its turn.
    ///
    /// A semaphore is fair from the first look at it on. Looked at here, one after another, visits to one server begin in
    /// the order of the list; looked at by their own tasks, they would race.
    async fn queue_up(&self, target: &Target) -> Option<Turn> {
        let mut turn: Turn = Box::pin(self.server(target.server()?).acquire_owned());
        let mut taken = None;
        std::future::poll_fn(|context| {
            if let Poll::Ready(permit) = turn.as_mut().poll(context) {
                taken = Some(permit);
            }
            Poll::Ready(())
        })
        .await;
        Some(taken.map_or(turn, |permit| Box::pin(std::future::ready(permit))))
    }

    async fn visit(self: Arc<Self>, order: Order, turn: Option<Turn>, sender: SyncSender<Arrival>) {
        // The server's turn comes first, so that a slow server does not hold the places of others.
        let turn = match turn {
            Some(turn) => turn.await.ok(),
            None => None,
        };
        let Ok(job) = self.jobs.acquire().await else { return };
        let fetched = match &order.target {
            Target::Address(address) => fetch(address, &self.manner.fetch, &|| self.spool()).await.map(Some),
            Target::File(_) => Ok(None),
        };
        drop(turn);
        // The next visit begins while this page is rendered, but no sooner: each holds its page in memory.
        let Ok((_desk, coming)) = self.desk().await else { return };
        drop(job);
        let (crew, spool) = (self.clone(), self.spool());
        // Rendering takes a processor, and sending may wait for the sequencer: neither on a thread of the network.
        let _ = tokio::task::spawn_blocking(move || {
            let visited = fetched.and_then(|fetched| {
                let mut visited = finish(fetched, &order.target, spool, &crew.manner.fetch)?;
                redactable::commit(&mut visited, crew.manner.redaction)?;
                crew.leaner.lean(order.document(&crew.manner).key(), &mut visited, crew.haste(coming))?;
                Ok(visited)
            });
            let _ = sender.send((order, visited)); // Nobody waits any more when the capture was interrupted.
        })
        .await;
    }

    /// Takes a desk to render a page at; whoever had to wait for one, or comes in a rush, is in haste.
    async fn desk(&self) -> Result<(SemaphorePermit<'_>, Coming), AcquireError> {
        let at = Instant::now();
        let previous = self.newest().replace(at);
        let comes_in_rush = previous.is_some_and(|previous| at.saturating_duration_since(previous) < RUSH);
        if let Ok(desk) = self.desks.try_acquire() {
            return Ok((desk, Coming { at, haste: if comes_in_rush { Haste::Yes } else { Haste::No } }));
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let desk = self.desks.acquire().await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Ok((desk?, Coming { at, haste: Haste::Yes }))
    }

    /// Says whether the processors are behind the network: the visit is in haste, or another waits or came meanwhile.
    fn haste(&self, coming: Coming) -> Haste {
        let is_pressed = self.waiting.load(Ordering::Relaxed) > 0 || self.newest().is_some_and(|at| at > coming.at);
        if is_pressed { Haste::Yes } else { coming.haste }
    }

    fn newest(&self) -> MutexGuard<'_, Option<Instant>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn server(&self, server: String) -> Arc<Semaphore> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(server).or_insert_with(|| Arc::new(Semaphore::new(self.manner.per_host))).clone()
    }

    fn spool(&self) -> Spool {
        spool_of(&self.archive)
    }
}

fn finish(
    fetched: Option<Fetched>,
    target: &Target,
    spool: Spool,
    options: &FetchOptions,
) -> Result<Visited, VisitError> {
    match (fetched, target) {
        (Some(fetched), _) => fetched.finish(options),
        (None, Target::File(path)) => read_file(path, spool),
        (None, Target::Address(_)) => unreachable!("an address was fetched or missed"),
    }
}

/// Gives each visit its place.
struct Sequencer<'a> {
    appender: Appender,
    archive: &'a Archive,
    manner: &'a Manner,
    documents: HashMap<Hash, (Known, Document)>,
    fresh: Fresh,
}

impl Sequencer<'_> {
    fn append(&mut self, order: Order, visited: Visited) -> Result<Captured, CaptureError> {
        let Visited { visit, blobs } = visited;
        let document = self.document(&order)?;
        for blob in &blobs {
            self.appender.keep(blob)?;
        }
        let same = self.appender.same(document.first, &visit)?;
        let body = if let Some(capture) = same {
            Body::Check(Box::new(Check { document: document.newest, capture, visit }))
        } else {
            let head = self.appender.head(document.first)?;
            Body::Capture(Box::new(Capture {
                document: document.newest,
                sequence: head.map_or(1, |head| head.sequence + 1),
                previous: head.map(|head| head.statement),
                visit,
            }))
        };
        let appended = self.append_record(body)?;
        let prefix = &self.archive.settings().prefix;
        let id = |letter, index| crate::base::id::Id { prefix: prefix.clone(), letter, index }.to_string();
        Ok(Captured {
            written: order.written,
            appended,
            document: id('D', document.newest),
            confirms: same.map(|capture| id('C', capture)),
        })
    }

    /// Finds the document that an order is of, or makes its record: the first, or one that amends it.
    fn document(&mut self, order: &Order) -> Result<Known, CaptureError> {
        let mut wanted = order.document(self.manner);
        let key = wanted.key();
        let (known, recorded) = match self.documents.get(&key) {
            Some((known, recorded)) => (*known, recorded.clone()),
            None => match self.appender.document(&wanted)? {
                Some(known) => (known, Log::at(self.archive, self.appender.published_size()).document(known.newest)?.1),
                None => return self.remember(key, wanted, None),
            },
        };
        wanted.entity = wanted.entity.or_else(|| recorded.entity.clone());
        wanted.title = wanted.title.or_else(|| recorded.title.clone());
        wanted.document_type = wanted.document_type.or_else(|| recorded.document_type.clone());
        wanted.amends = recorded.amends;
        if wanted == recorded {
            self.documents.insert(key, (known, recorded));
            return Ok(known);
        }
        wanted.amends = Some(known.first);
        self.remember(key, wanted, Some(known.first))
    }

    fn remember(&mut self, key: Hash, document: Document, first: Option<u64>) -> Result<Known, CaptureError> {
        let appended = self.append_record(Body::Document(document.clone()))?;
        let newest = appended.record.index;
        let known = Known { newest, first: first.unwrap_or(newest) };
        self.documents.insert(key, (known, document));
        Ok(known)
    }

    fn append_record(&mut self, body: Body) -> Result<Appended, CaptureError> {
        let appended = self.appender.append(body, clock::now())?;
        if self.fresh.len() < FRESH_COUNT_MAX {
            self.fresh.insert(appended.record.index, appended.record.clone());
        }
        Ok(appended)
    }
}

/// Why a capture ended before its time.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CaptureError {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("cannot start threads")]
    Runtime(#[source] std::io::Error),
}
