//! Visits to loopback servers that behave, misbehave, and are not to be reached at all.
//!
//! Names under `.example` are resolved to the loopback address by the tests' own resolver.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its stage fails")]

mod exchanges;
mod incomplete;
mod refused;
mod secure;

use std::net::{IpAddr, Ipv4Addr};

use affiant::base::address::Address;
use affiant::base::time::Time;
use affiant::outside::web::failure::FetchError;
use affiant::outside::web::options::{FetchOptions, PrivateAddresses, Resolver};
use affiant::outside::web::visit::{Visit, visit};

/// The tests' only moment.
const NOW_SECONDS: u64 = 1_800_000_000;

/// Options that may reach the tests' servers and do not wait long.
fn options() -> FetchOptions {
    FetchOptions {
        private: PrivateAddresses::Allow,
        resolver: Resolver::new(|_| Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])),
        idle_seconds_max: 20,
        retry_count_max: 0,
        ..FetchOptions::default()
    }
}

fn visit_url(url: &str, options: &FetchOptions) -> Result<Visit<Vec<u8>>, FetchError> {
    let target = Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let now = Time::from_seconds(NOW_SECONDS).unwrap();
    let outcome = runtime.block_on(visit(&target, options, &move || now, &|| Ok(Vec::new())));
    runtime.shutdown_background();
    outcome
}
