//! Connections: from an address to a vetted socket, secured where the address says so.
//!
//! | quantity             | range                             |
//! |----------------------|-----------------------------------|
//! | answers for a name   | at most [`DNS_ANSWER_COUNT_MAX`]  |
//! | numbers tried        | at most [`TRIED_COUNT_MAX`]       |
//! | wait, seconds        | at most [`WAIT_SECONDS_MAX`]      |
//!
//! A name is looked up once. If *any* answer is refused the whole name is: a name that answers both a
//! public and a private number is either an attack (DNS rebinding) or an intranet. The socket is opened
//! to a number that was vetted, and asked afterwards where it really leads. Nothing is sent before.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::base::address::{Address, Reserved, refuse_ip, refuse_name};
use crate::base::time::Time;
use crate::document::exchange::Connection;
use crate::outside::web::failure::FetchError;
use crate::outside::web::options::{FetchOptions, PrivateAddresses};
use crate::outside::web::tee::Stream;
use crate::outside::web::tls::{Secured, secure};

/// How many answers a name may have; the largest pools on the web answer with a dozen.
const DNS_ANSWER_COUNT_MAX: usize = 64;

/// The longest wait that any option means: a month.
const WAIT_SECONDS_MAX: u64 = 31 * 24 * 60 * 60;

/// How many numbers are tried before a host counts as unreachable.
const TRIED_COUNT_MAX: usize = 4;

/// How long a visit may still wait.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) deadline: Instant,
    pub(super) total_seconds: u64,
}

impl Patience {
    pub(super) fn new(total_seconds: u64) -> Self {
        Self { deadline: Instant::now() + bounded(total_seconds), total_seconds }
    }

    /// Waits for something for so long, or until the visit's own end if that is sooner.
    pub(super) async fn wait<T>(self, seconds: u64, awaited: impl Future<Output = T>) -> Result<T, OutOfTime> {
        let own = Instant::now() + bounded(seconds);
        let seconds = if own < self.deadline { seconds } else { self.total_seconds };
        timeout_at(own.min(self.deadline), awaited).await.map_err(|_| OutOfTime { seconds })
    }
}

/// Clocks overflow where an option says "for ever".
fn bounded(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(WAIT_SECONDS_MAX))
}

/// A wait that came to its end; says which limit it was.
#[derive(Debug)]
pub(super) struct OutOfTime {
    pub(super) seconds: u64,
}

impl OutOfTime {
    fn awaiting(&self, awaited: &'static str, url: &Address) -> FetchError {
        FetchError::Timeout { url: url.to_string(), awaited, seconds: self.seconds }
    }
}

/// An open connection with its facts.
pub(super) struct Connected {
    pub(super) stream: Box<dyn Stream>,
    pub(super) connection: Connection,
    /// The certificates that the server showed, leaf first, as DER.
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Opens a connection to an address, or refuses it without sending a packet there.
pub(super) async fn connect(
    address: &Address,
    options: &FetchOptions,
    patience: Patience,
    now: Time,
) -> Result<Connected, FetchError> {
    let Places { dns_answers, numbers } = vetted_places(address, options, patience).await?;
    let (tcp, remote) = open(address, options, patience, &numbers).await?;
    if !address.is_secure() {
        let connection = Connection { dns_answers, remote, tls: None };
        return Ok(Connected { stream: Box::new(tcp), connection, certificates: Vec::new() });
    }
    let secured = patience.wait(options.connect_seconds_max, secure(tcp, address, options, now)).await;
    let Secured { stream, tls, certificates } = secured.map_err(|end| end.awaiting("TLS session", address))??;
    let connection = Connection { dns_answers, remote, tls: Some(tls) };
    Ok(Connected { stream: Box::new(stream), connection, certificates })
}

/// Where an address leads, all of it vetted.
struct Places {
    dns_answers: Vec<IpAddr>,
    numbers: Vec<IpAddr>,
}

async fn vetted_places(address: &Address, options: &FetchOptions, patience: Patience) -> Result<Places, FetchError> {
    if let Some(ip) = address.ip() {
        vet(address, options, ip.to_string(), refuse_ip(ip))?;
        return Ok(Places { dns_answers: Vec::new(), numbers: vec![ip] });
    }
    let host = address.host().to_owned();
    vet(address, options, host.clone(), refuse_name(&host))?;
    let failed = |reason: String| FetchError::Dns { host: address.host().to_owned(), reason };
    let resolver = options.resolver.clone();
    let asked = tokio::task::spawn_blocking(move || resolver.answer(&host));
    let answered = patience.wait(options.connect_seconds_max, asked).await;
    let mut dns_answers = answered
        .map_err(|end| end.awaiting("answer from the resolver", address))?
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    // The system answers once for each kind of socket.
    let mut seen = BTreeSet::new();
    dns_answers.retain(|ip| seen.insert(*ip));
    if dns_answers.is_empty() || dns_answers.len() > DNS_ANSWER_COUNT_MAX {
        return Err(failed(format!("{} answers, expected 1 to {DNS_ANSWER_COUNT_MAX}", dns_answers.len())));
    }
    for ip in &dns_answers {
        vet(address, options, ip.to_string(), refuse_ip(*ip))?;
    }
    Ok(Places { numbers: dns_answers.clone(), dns_answers })
}

fn vet(address: &Address, options: &FetchOptions, place: String, reserved: Option<Reserved>) -> Result<(), FetchError> {
    match reserved {
        Some(reserved) if options.private == PrivateAddresses::Refuse || !reserved.is_intranet() => {
            Err(FetchError::Refused { url: address.to_string(), place, reserved })
        }
        _ => Ok(()),
    }
}

async fn open(
    address: &Address,
    options: &FetchOptions,
    patience: Patience,
    numbers: &[IpAddr],
) -> Result<(TcpStream, SocketAddr), FetchError> {
    let mut failures = Vec::new();
    for ip in numbers.iter().take(TRIED_COUNT_MAX) {
        let socket = SocketAddr::new(*ip, address.port());
        match patience.wait(options.connect_seconds_max, TcpStream::connect(socket)).await {
            Ok(Ok(tcp)) => return confirm(address, options, tcp, socket),
            Ok(Err(error)) => failures.push(format!("{socket}: {error}")),
            Err(end) => failures.push(format!("{socket}: no answer within {} s", end.seconds)),
        }
    }
    Err(FetchError::Connect { host: address.host().to_owned(), reason: failures.join("; ") })
}

/// Asks the socket itself where it leads: the vetting is of the connection, not of an intention.
fn confirm(
    address: &Address,
    options: &FetchOptions,
    tcp: TcpStream,
    meant: SocketAddr,
) -> Result<(TcpStream, SocketAddr), FetchError> {
    let failed = |reason: String| FetchError::Connect { host: address.host().to_owned(), reason };
    let remote = tcp.peer_addr().map_err(|error| failed(error.to_string()))?;
    vet(address, options, remote.ip().to_string(), refuse_ip(remote.ip()))?;
    if (remote.ip(), remote.port()) != (meant.ip(), meant.port()) {
        return Err(failed(format!("the socket meant for {meant} leads to {remote}")));
    }
    tcp.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    Ok((tcp, remote))
}
