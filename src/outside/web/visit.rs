//! Visits: from an address to its last answer, every hop an exchange of its own.
//!
//! Redirects are followed by hand: each hop is read anew, vetted, connected to on its own and recorded.
//! Cookies that a hop sets are not sent on, so a hop back to an address already asked would go round for
//! ever and is refused.
//!
//! An exchange is begun again only when it failed before its answer began (no connection, no name, no
//! head in time), after a pause that doubles; an answer, whatever its status, is never asked for twice.

use std::io;
use std::time::Duration;

use crate::base::address::{Address, AddressError};
use crate::base::time::Time;
use crate::document::exchange::Exchange;
use crate::outside::web::connect::Patience;
use crate::outside::web::failure::FetchError;
use crate::outside::web::fetch::{Course, Fetched, Sink, fetch};
use crate::outside::web::options::{Downgrade, FetchOptions};
use crate::outside::web::request::{Fields, Secrets};

/// The pause before the first retry; each further one is twice as long.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// What a visit brought home.
#[derive(Debug)]
pub struct Visit<W> {
    /// Every hop in order, each with what its body was written to; the last one answered.
    pub exchanges: Vec<(Exchange, W)>,
    /// The certificates that the hops showed, as DER, each once.
    pub certificates: Vec<Vec<u8>>,
    /// Why the last body is incomplete, as the wire tells it; empty when it is complete.
    pub ending: Vec<String>,
}

/// Visits an address and follows its redirects.
///
/// `new_body` is asked for a place for each body, once its response head has arrived.
///
/// # Errors
/// [`FetchError::is_refusal`] tells what policy refused, without a packet sent to the place refused,
/// from what was tried and failed.
pub async fn visit<W: Sink>(
    target: &Address,
    options: &FetchOptions,
    clock: &(dyn Fn() -> Time + Send + Sync),
    new_body: &(dyn Fn() -> io::Result<W> + Send + Sync),
) -> Result<Visit<W>, FetchError> {
    let patience = Patience::new(options.total_seconds_max);
    let course = Course { options, fields: Fields::new(options)?, patience, clock, new_body };
    let mut at = target.clone();
    let mut asked = Vec::new();
    let mut exchanges = Vec::new();
    let mut certificates: Vec<Vec<u8>> = Vec::new();
    loop {
        let secrets = if at.origin() == target.origin() { Secrets::Send } else { Secrets::Withhold };
        let fetched = fetch_patiently(&at, secrets, &course).await?;
        let Fetched { exchange, body, certificates: shown, ending, location } = fetched;
        exchanges.push((exchange, body));
        for certificate in shown {
            if !certificates.contains(&certificate) {
                certificates.push(certificate);
            }
        }
        let Some(location) = location else {
            return Ok(Visit { exchanges, certificates, ending });
        };
        asked.push(at.clone());
        at = next_hop(&at, &location, &asked, options)?;
    }
}

fn next_hop(at: &Address, location: &str, asked: &[Address], options: &FetchOptions) -> Result<Address, FetchError> {
    let from = at.to_string();
    let next = at.join(location).map_err(|source| broken(at, location, source))?;
    if options.downgrade == Downgrade::Refuse && at.is_downgraded_by(&next) {
        return Err(FetchError::Downgrade { from, to: next.to_string() });
    }
    if asked.contains(&next) {
        return Err(FetchError::RedirectLoop { from, to: next.to_string() });
    }
    if u32::try_from(asked.len()).unwrap_or(u32::MAX) > options.redirect_count_max {
        return Err(FetchError::RedirectCount { from, max: options.redirect_count_max });
    }
    Ok(next)
}

fn broken(from: &Address, location: &str, source: AddressError) -> FetchError {
    // A location may be as long as a head and hold anything; this much of it tells which it was. One
    // with credentials is not repeated.
    let is_secret = source == AddressError::Credentials;
    let location = if is_secret { "[redacted]".to_owned() } else { location.chars().take(200).collect() };
    FetchError::Redirect { from: from.to_string(), location, source }
}

async fn fetch_patiently<W: Sink>(
    address: &Address,
    secrets: Secrets,
    course: &Course<'_, W>,
) -> Result<Fetched<W>, FetchError> {
    let mut pause = RETRY_PAUSE;
    for _ in 0..course.options.retry_count_max {
        match fetch(address, secrets, course).await {
            Err(error) if error.is_passing() && tokio::time::Instant::now() + pause < course.patience.deadline => {}
            outcome => return outcome,
        }
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2);
    }
    fetch(address, secrets, course).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Many visits run at once on any thread; this holds when it compiles.
    #[test]
    fn a_visit_can_move_between_threads() {
        fn assert_send<T: Send>(_: &T) {}
        let target = Address::parse("http://page.example/").unwrap();
        let (options, now) = (FetchOptions::default(), Time::from_seconds(0).unwrap());
        let clock = move || now;
        let begun = visit(&target, &options, &clock, &|| Ok(Vec::new()));
        assert_send(&begun);
    }
}
