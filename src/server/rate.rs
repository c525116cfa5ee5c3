//! Rates: how many requests one address may make.
//!
//! | quantity  | unit     | range                                                                 |
//! |-----------|----------|-----------------------------------------------------------------------|
//! | allowance | requests | each address has up to `BURST_SECONDS` seconds' worth, and gains as time goes |
//! | addresses | count    | at most `ADDRESS_COUNT_MAX` are remembered; those with a full allowance are forgotten first |
//!
//! An IPv6 address stands for its /64, which one subscriber has whole. Where more addresses come at once than are remembered,
//! all strangers share one allowance.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many seconds' worth of requests may come at once.
const BURST_SECONDS: u32 = 4;

/// How many addresses are remembered.
const ADDRESS_COUNT_MAX: usize = 10_000;

/// How many requests an address may make.
pub struct Rate {
    per_second: u32,
    allowances: Mutex<HashMap<IpAddr, Allowance>>,
}

#[derive(Clone, Copy)]
struct Allowance {
    requests: f64,
    at: Instant,
}

impl Rate {
    /// Allows so many requests a second to each address.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), allowances: Mutex::new(HashMap::new()) }
    }

    /// Says whether an address may make a request now, and counts it.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.admits_at(address, Instant::now())
    }

    fn admits_at(&self, address: IpAddr, now: Instant) -> bool {
        let (gain, full) = (f64::from(self.per_second), f64::from(self.per_second * BURST_SECONDS));
        let grown = |allowance: &Allowance| {
            let since = now.saturating_duration_since(allowance.at).as_secs_f64();
            (allowance.requests + since * gain).min(full)
        };
        let mut allowances = self.allowances.lock().unwrap_or_else(PoisonError::into_inner);
        let mut address = network_of(address);
        if allowances.len() >= ADDRESS_COUNT_MAX && !allowances.contains_key(&address) {
            allowances.retain(|_, allowance| grown(allowance) < full);
            if allowances.len() >= ADDRESS_COUNT_MAX {
                address = STRANGERS;
            }
        }
        let allowance = allowances.entry(address).or_insert(Allowance { requests: full, at: now });
        *allowance = Allowance { requests: grown(allowance), at: now };
        let is_admitted = allowance.requests >= 1.0;
        if is_admitted {
            allowance.requests -= 1.0;
        }
        is_admitted
    }
}

/// Stands for all whom there is no room to remember.
const STRANGERS: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn allows_a_burst_and_then_so_many_a_second() {
        let (rate, begun) = (Rate::new(2), Instant::now());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let admitted = |at: Duration| (0..20).filter(|_| rate.admits_at(address, begun + at)).count();
        assert_eq!(admitted(Duration::ZERO), 8);
        assert_eq!(admitted(Duration::from_secs(1)), 2);
        assert_eq!(admitted(Duration::from_secs(100)), 8, "no more is saved up");
        assert!(rate.admits_at("192.0.2.2".parse().unwrap(), begun), "others are not concerned");
    }

    #[test]
    fn a_subscriber_has_one_allowance_and_strangers_share_one() {
        let (rate, now) = (Rate::new(1), Instant::now());
        let of_one =
            (0..20_u16).filter(|n| rate.admits_at(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, *n).into(), now));
        assert_eq!(of_one.count(), 4);
        let from = |n: usize| IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
        assert_eq!(
            (1..ADDRESS_COUNT_MAX + 100).filter(|n| rate.admits_at(from(*n), now)).count(),
            ADDRESS_COUNT_MAX + 3
        );
    }
}
