//! Options: all that shapes a visit, and its limits.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use crate::outside::web::roots::Roots;

/// All that shapes a visit; the record states it.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Who asks.
    pub user_agent: String,
    /// The languages wanted, as `Accept-Language` is written.
    pub accept_language: Option<String>,
    /// More fields to send; one of the same name as a field sent anyway takes its place.
    pub headers: Vec<(String, String)>,
    /// Names of fields whose values stay out of the record, besides those that look secret by name.
    pub redact: Vec<String>,
    /// How long looking up a name, opening a socket and agreeing on TLS may each take.
    pub connect_seconds_max: u64,
    /// How long the response head, and then each next piece of the body, may be waited for.
    pub idle_seconds_max: u64,
    /// How long the whole visit may take, with its redirects and retries.
    pub total_seconds_max: u64,
    /// How many bytes of each body are kept.
    pub body_bytes_max: u64,
    /// How many redirects are followed.
    pub redirect_count_max: u32,
    /// How often an exchange is begun again when it failed before an answer.
    pub retry_count_max: u32,
    /// Whether intranets may be visited.
    pub private: PrivateAddresses,
    /// Whether a certificate that does not validate ends the visit.
    pub invalid_tls: InvalidTls,
    /// Whether a redirect may lead from https to http.
    pub downgrade: Downgrade,
    /// Whom a certificate must lead to.
    pub roots: Roots,
    /// Who turns names into numbers.
    pub resolver: Resolver,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("Mozilla/5.0 (compatible; Affiant/", env!("CARGO_PKG_VERSION"), ")").to_owned(),
            accept_language: None,
            headers: Vec::new(),
            redact: Vec::new(),
            connect_seconds_max: 10,
            idle_seconds_max: 30,
            total_seconds_max: 600,
            body_bytes_max: 4 << 30,
            redirect_count_max: 10,
            retry_count_max: 2,
            private: PrivateAddresses::Refuse,
            invalid_tls: InvalidTls::Refuse,
            downgrade: Downgrade::Refuse,
            roots: Roots::built_in(),
            resolver: Resolver::system(),
        }
    }
}

/// Whether intranets may be visited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PrivateAddresses {
    /// Loopback, private and link-local numbers and local names too; never metadata services.
    Allow,
    /// Only the public internet.
    Refuse,
}

/// What is done with a certificate that does not validate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InvalidTls {
    /// The visit goes on and the exchange states what was wrong.
    Record,
    /// The visit fails.
    Refuse,
}

/// What is done with a redirect from https to http.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Downgrade {
    /// It is followed.
    Allow,
    /// The visit fails.
    Refuse,
}

/// Who turns a name into numbers.
#[derive(Clone)]
pub struct Resolver(Arc<Answer>);

type Answer = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

impl Resolver {
    /// Asks the operating system, as every other program on the machine does.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|name| Ok((name, 0).to_socket_addrs()?.map(|socket| socket.ip()).collect()))
    }

    /// Asks a function, which may block.
    pub fn new(answer: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    /// Returns the numbers of a name in the order answered; blocks.
    pub(super) fn answer(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        (self.0)(name)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
