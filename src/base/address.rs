//! Addresses: where a visit may go, by name and by number.
//!
//! | quantity | unit  | range                           |
//! |----------|-------|---------------------------------|
//! | address  | bytes | at most [`ADDRESS_BYTES_MAX`]   |
//!
//! An [`Address`] is an absolute `http` or `https` URL as the WHATWG parser reads it, so that decimal,
//! octal, hexadecimal and short forms of a number (`2130706433`, `0x7f.1`) are the number, full-width
//! letters are letters, and one reading is judged and used. It carries no credentials and no fragment.
//!
//! [`refuse_ip`] and [`refuse_name`] say which places a visit must not reach unasked: what is not on
//! the public internet is either somebody's intranet or the machine itself, and a page can point
//! there (server-side request forgery). Both are tables without state; when and on what they are
//! asked is the business of `outside/web`.
//!
//! Source: WHATWG URL; the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its
//! successors); RFC 6761 and RFC 8375 for names; the metadata addresses from the clouds' own manuals.
//! Stricter than the registries: prefixes marked globally reachable that no web server uses (6to4,
//! ORCHID, protocol assignments in `2001::/23`) are refused too, and so is all of IPv6 outside `2000::/3`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// The longest address: what common servers accept in a request line.
pub const ADDRESS_BYTES_MAX: usize = 8 * 1024;

/// The address of a page: an absolute http or https URL without credentials and without a fragment.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address(Url);

impl Address {
    /// Reads an absolute URL as a browser would; its fragment, which no server sees, is dropped.
    ///
    /// # Errors
    /// One [`AddressError`] for each thing an address must not be.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::check_length(text)?;
        Self::accept(Url::parse(text).map_err(|source| AddressError::NotUrl { source })?)
    }

    /// Reads the target of a redirect, which may be relative to this address.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn join(&self, location: &str) -> Result<Self, AddressError> {
        Self::check_length(location)?;
        Self::accept(self.0.join(location).map_err(|source| AddressError::NotUrl { source })?)
    }

    fn check_length(text: &str) -> Result<(), AddressError> {
        if text.len() > ADDRESS_BYTES_MAX {
            return Err(AddressError::TooLong { found: text.len() });
        }
        Ok(())
    }

    fn accept(mut url: Url) -> Result<Self, AddressError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme { found: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(AddressError::NoHost);
        }
        if url.port() == Some(0) {
            return Err(AddressError::PortZero);
        }
        url.set_fragment(None);
        // Percent-encoding may have lengthened it.
        Self::check_length(url.as_str())?;
        Ok(Self(url))
    }

    /// Returns the whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the host: a name in lower-case ASCII, or a number (IPv6 in brackets).
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default() // Never absent: `accept` saw to it.
    }

    /// Returns the number that stands in the place of a name, if one does.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
        }
    }

    /// Returns the port, given or implied.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default() // Never absent: http and https have one.
    }

    /// Returns the host and, unless it is the scheme's own, the port: the `Host` field's value.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.authority()
    }

    /// Returns what a request line asks for: the path and the query.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.0[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// Returns scheme, host and port: what secrets are meant for, and what politeness counts by.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Says whether the scheme is https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Says whether going from here to `next` gives up TLS.
    #[must_use]
    pub fn is_downgraded_by(&self, next: &Self) -> bool {
        self.is_secure() && !next.is_secure()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a place is reserved for, and so why a visit does not go there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the words of `Display` stand for the docs")]
pub enum Reserved {
    Benchmarking,
    Broadcast,
    CarrierNat,
    Documentation,
    Embedding,
    LinkLocal,
    LocalName,
    Loopback,
    Metadata,
    Multicast,
    Private,
    Protocol,
    SingleLabel,
    Unallocated,
    Unspecified,
}

impl Reserved {
    /// Says whether an intranet uses such places, so that `--allow-private` may open them.
    ///
    /// Metadata services hand out credentials and the rest lead nowhere good, so those stay closed.
    #[must_use]
    pub fn is_intranet(self) -> bool {
        matches!(
            self,
            Self::CarrierNat | Self::LinkLocal | Self::LocalName | Self::Loopback | Self::Private | Self::SingleLabel
        )
    }
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Benchmarking => "reserved for benchmarking",
            Self::Broadcast => "a broadcast address",
            Self::CarrierNat => "shared address space of a carrier's NAT",
            Self::Documentation => "reserved for documentation",
            Self::Embedding => "an address that embeds another (NAT64, 6to4, Teredo)",
            Self::LinkLocal => "link-local",
            Self::LocalName => "a name for local use",
            Self::Loopback => "loopback: this machine itself",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "multicast",
            Self::Private => "a private network",
            Self::Protocol => "reserved for protocols",
            Self::SingleLabel => "a name without a dot, which only a local network knows",
            Self::Unallocated => "reserved, not allocated to the public internet",
            Self::Unspecified => "unspecified: this network",
        })
    }
}

/// Says why a visit does not go to a number, or `None` for the public internet.
#[must_use]
pub fn refuse_ip(ip: IpAddr) -> Option<Reserved> {
    match ip {
        IpAddr::V4(ip) => refuse_v4(ip),
        IpAddr::V6(ip) => refuse_v6(ip),
    }
}

fn refuse_v4(ip: Ipv4Addr) -> Option<Reserved> {
    if METADATA_V4.contains(&ip.octets()) {
        return Some(Reserved::Metadata);
    }
    let bits = u128::from(ip.to_bits());
    RESERVED_V4.iter().find(|block| block.contains(bits, u32::BITS)).map(|block| block.reserved)
}

fn refuse_v6(ip: Ipv6Addr) -> Option<Reserved> {
    if METADATA_V6.contains(&ip.segments()) {
        return Some(Reserved::Metadata);
    }
    let bits = ip.to_bits();
    // Mapped addresses (RFC 4291 §2.5.5.2) and NAT64's well-known prefix (RFC 6052) reach the IPv4
    // address in their last 32 bits, so that one is judged.
    if MAPPED.contains(bits, u128::BITS) || NAT64.contains(bits, u128::BITS) {
        let low = u32::try_from(bits & u128::from(u32::MAX)).expect("masked to 32 bits");
        return refuse_v4(Ipv4Addr::from_bits(low));
    }
    let named = RESERVED_V6.iter().find(|block| block.contains(bits, u128::BITS)).map(|block| block.reserved);
    let outside = !GLOBAL_UNICAST.contains(bits, u128::BITS);
    named.or(outside.then_some(Reserved::Unallocated))
}

/// Says why a visit does not ask for a name, or `None` when the name may be looked up.
#[must_use]
pub fn refuse_name(name: &str) -> Option<Reserved> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if METADATA_NAMES.contains(&name.as_str()) {
        return Some(Reserved::Metadata);
    }
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(Reserved::Loopback);
    }
    let is_local = LOCAL_NAMES.iter().any(|local| name == *local || name.ends_with(&format!(".{local}")));
    if is_local {
        return Some(Reserved::LocalName);
    }
    (!name.contains('.')).then_some(Reserved::SingleLabel)
}

/// A block of addresses: those whose first `length` bits are those of `prefix`.
struct Block {
    prefix: u128,
    length: u32,
    reserved: Reserved,
}

impl Block {
    const fn v4(octets: [u8; 4], length: u32, reserved: Reserved) -> Self {
        let [a, b, c, d] = octets;
        Self { prefix: u128::from_be_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]), length, reserved }
    }

    const fn v6(start: [u16; 4], length: u32, reserved: Reserved) -> Self {
        let [a, b, c, d] = start;
        Self { prefix: Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_bits(), length, reserved }
    }

    fn contains(&self, bits: u128, width: u32) -> bool {
        let shift = width - self.length;
        bits.checked_shr(shift) == self.prefix.checked_shr(shift)
    }
}

/// IANA IPv4 special-purpose registry; the first block that fits names the reason.
const RESERVED_V4: [Block; 16] = [
    Block::v4([0, 0, 0, 0], 8, Reserved::Unspecified),
    Block::v4([10, 0, 0, 0], 8, Reserved::Private),
    Block::v4([100, 64, 0, 0], 10, Reserved::CarrierNat),
    Block::v4([127, 0, 0, 0], 8, Reserved::Loopback),
    Block::v4([169, 254, 0, 0], 16, Reserved::LinkLocal),
    Block::v4([172, 16, 0, 0], 12, Reserved::Private),
    Block::v4([192, 0, 0, 0], 24, Reserved::Protocol),
    Block::v4([192, 0, 2, 0], 24, Reserved::Documentation),
    Block::v4([192, 88, 99, 0], 24, Reserved::Embedding),
    Block::v4([192, 168, 0, 0], 16, Reserved::Private),
    Block::v4([198, 18, 0, 0], 15, Reserved::Benchmarking),
    Block::v4([198, 51, 100, 0], 24, Reserved::Documentation),
    Block::v4([203, 0, 113, 0], 24, Reserved::Documentation),
    Block::v4([224, 0, 0, 0], 4, Reserved::Multicast),
    Block::v4([255, 255, 255, 255], 32, Reserved::Broadcast),
    Block::v4([240, 0, 0, 0], 4, Reserved::Unallocated),
];

/// `::ffff:0:0/96`.
const MAPPED: Block = Block { prefix: 0xffff_0000_0000, length: 96, reserved: Reserved::Embedding };

/// `64:ff9b::/96`.
const NAT64: Block = Block {
    prefix: Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0).to_bits(),
    length: 96,
    reserved: Reserved::Embedding,
};

/// The only space from which public IPv6 addresses are allocated (RFC 4291 §2.4).
const GLOBAL_UNICAST: Block = Block::v6([0x2000, 0, 0, 0], 3, Reserved::Unallocated);

/// IANA IPv6 special-purpose registry; the first block that fits names the reason.
const RESERVED_V6: [Block; 17] = [
    Block { prefix: 0, length: 128, reserved: Reserved::Unspecified },
    Block { prefix: 1, length: 128, reserved: Reserved::Loopback },
    Block { prefix: 0, length: 96, reserved: Reserved::Embedding },
    Block::v6([0x64, 0xff9b, 1, 0], 48, Reserved::Embedding),
    Block::v6([0x100, 0, 0, 0], 64, Reserved::Protocol),
    Block::v6([0x100, 0, 0, 1], 64, Reserved::Protocol),
    Block::v6([0x2001, 0, 0, 0], 32, Reserved::Embedding),
    Block::v6([0x2001, 2, 0, 0], 48, Reserved::Benchmarking),
    Block::v6([0x2001, 0, 0, 0], 23, Reserved::Protocol),
    Block::v6([0x2001, 0xdb8, 0, 0], 32, Reserved::Documentation),
    Block::v6([0x2002, 0, 0, 0], 16, Reserved::Embedding),
    Block::v6([0x3fff, 0, 0, 0], 20, Reserved::Documentation),
    Block::v6([0x5f00, 0, 0, 0], 16, Reserved::Protocol),
    Block::v6([0xfc00, 0, 0, 0], 7, Reserved::Private),
    Block::v6([0xfe80, 0, 0, 0], 10, Reserved::LinkLocal),
    Block::v6([0xfec0, 0, 0, 0], 10, Reserved::Private),
    Block::v6([0xff00, 0, 0, 0], 8, Reserved::Multicast),
];

/// Where clouds answer with credentials: most clouds, ECS tasks, EKS pods, Alibaba, Azure (which is
/// a public number), Oracle.
const METADATA_V4: [[u8; 4]; 6] = [
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
    [192, 0, 0, 192],
];

/// The same over IPv6: EC2, EKS pods, Google, Scaleway.
const METADATA_V6: [[u16; 8]; 4] = [
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42],
];

const METADATA_NAMES: [&str; 4] =
    ["instance-data.ec2.internal", "metadata", "metadata.google.internal", "metadata.goog"];

/// Ends of names that only a local network answers, in RFC 6762 (with its appendix G), RFC 8375,
/// ICANN's `internal`, and `/etc/hosts` files.
const LOCAL_NAMES: [&str; 9] =
    ["corp", "home", "home.arpa", "internal", "intranet", "lan", "local", "localdomain", "private"];

/// Why some text is not the address of a page.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AddressError {
    #[error("an address with a user name or password is not visited, because it would be printed in every record")]
    Credentials,
    #[error("no host")]
    NoHost,
    #[error("not a URL: {source}")]
    NotUrl { source: url::ParseError },
    #[error("port 0 cannot be connected to")]
    PortZero,
    #[error("scheme `{found}` is not visited, only http and https")]
    Scheme { found: String },
    #[error("{found} bytes long, at most {ADDRESS_BYTES_MAX} are accepted")]
    TooLong { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_address_as_a_browser_does() {
        let address = Address::parse(" HTTPS://Example.COM:443/a b?q=é#part ").unwrap();
        assert_eq!(address.as_str(), "https://example.com/a%20b?q=%C3%A9");
        assert_eq!((address.host(), address.port(), address.authority()), ("example.com", 443, "example.com"));
        assert_eq!(address.path_and_query(), "/a%20b?q=%C3%A9");
        assert_eq!(address.origin(), "https://example.com");
        let other = Address::parse("http://[2001:DB8::1]:8080").unwrap();
        assert_eq!((other.authority(), other.path_and_query()), ("[2001:db8::1]:8080", "/"));
        assert_eq!(other.ip(), Some("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn refuses_what_is_no_page() {
        assert_eq!(Address::parse("https://a:b@example.com/"), Err(AddressError::Credentials));
        assert_eq!(Address::parse("https://a@example.com/"), Err(AddressError::Credentials));
        for scheme in ["file:///etc/passwd", "ftp://example.com/", "javascript:alert(1)", "gopher://example.com/"] {
            assert!(matches!(Address::parse(scheme), Err(AddressError::Scheme { .. })), "{scheme}");
        }
        for text in ["", "example.com", "http://", "https://[fe80::1%25eth0]/", "http://999.1.1.1/", "/path"] {
            assert!(matches!(Address::parse(text), Err(AddressError::NotUrl { .. })), "{text}");
        }
        assert_eq!(Address::parse("http://example.com:0/"), Err(AddressError::PortZero));
        let longest = format!("http://example.com/{}", "a".repeat(ADDRESS_BYTES_MAX - 19));
        assert!(Address::parse(&longest).is_ok());
        assert!(matches!(Address::parse(&format!("{longest}a")), Err(AddressError::TooLong { .. })));
        let grows = format!("http://example.com/{}", "é".repeat(ADDRESS_BYTES_MAX / 3));
        assert!(matches!(Address::parse(&grows), Err(AddressError::TooLong { .. })));
    }

    #[test]
    fn joins_the_targets_of_redirects() {
        let from = Address::parse("https://example.com/a/b?c").unwrap();
        for (location, expected) in [
            ("d", "https://example.com/a/d"),
            ("/d#e", "https://example.com/d"),
            ("?q", "https://example.com/a/b?q"),
            ("//other.example/x", "https://other.example/x"),
            ("http://example.com/", "http://example.com/"),
        ] {
            let joined = from.join(location).unwrap();
            assert_eq!(joined.as_str(), expected);
            assert_eq!(from.is_downgraded_by(&joined), expected.starts_with("http:"), "{location}");
        }
        assert!(matches!(from.join("data:text/html,x"), Err(AddressError::Scheme { .. })));
        assert_eq!(from.join("//u:p@example.com/"), Err(AddressError::Credentials));
    }

    #[test]
    fn refuses_the_first_and_last_address_of_each_reserved_block() {
        // From the IANA registries: first and last address, then the public neighbour on each side.
        let cases = [
            ("0.0.0.0", "0.255.255.255", Reserved::Unspecified),
            ("10.0.0.0", "10.255.255.255", Reserved::Private),
            ("100.64.0.0", "100.127.255.255", Reserved::CarrierNat),
            ("127.0.0.0", "127.255.255.255", Reserved::Loopback),
            ("169.254.0.0", "169.254.255.255", Reserved::LinkLocal),
            ("172.16.0.0", "172.31.255.255", Reserved::Private),
            ("192.0.0.0", "192.0.0.255", Reserved::Protocol),
            ("192.0.2.0", "192.0.2.255", Reserved::Documentation),
            ("192.88.99.0", "192.88.99.255", Reserved::Embedding),
            ("192.168.0.0", "192.168.255.255", Reserved::Private),
            ("198.18.0.0", "198.19.255.255", Reserved::Benchmarking),
            ("198.51.100.0", "198.51.100.255", Reserved::Documentation),
            ("203.0.113.0", "203.0.113.255", Reserved::Documentation),
            ("224.0.0.0", "239.255.255.255", Reserved::Multicast),
            ("240.0.0.0", "255.255.255.254", Reserved::Unallocated),
            ("255.255.255.255", "255.255.255.255", Reserved::Broadcast),
            ("::", "::", Reserved::Unspecified),
            ("::1", "::1", Reserved::Loopback),
            ("::2", "::ffff:ffff", Reserved::Embedding),
            ("::ffff:127.0.0.0", "::ffff:127.255.255.255", Reserved::Loopback),
            ("::ffff:a00:0", "::ffff:aff:ffff", Reserved::Private),
            ("64:ff9b::7f00:1", "64:ff9b::7fff:ffff", Reserved::Loopback),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", Reserved::Embedding),
            ("100::", "100::1:ffff:ffff:ffff:ffff", Reserved::Protocol),
            ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Embedding),
            ("2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Protocol),
            ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", Reserved::Benchmarking),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Documentation),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Embedding),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Documentation),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Protocol),
            ("4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Unallocated),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Private),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::LinkLocal),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Private),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved::Multicast),
        ];
        for (first, last, reserved) in cases {
            assert_eq!(refuse_ip(first.parse().unwrap()), Some(reserved), "{first}");
            assert_eq!(refuse_ip(last.parse().unwrap()), Some(reserved), "{last}");
        }
        for metadata in ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254"] {
            assert_eq!(refuse_ip(metadata.parse().unwrap()), Some(Reserved::Metadata), "{metadata}");
            assert!(!Reserved::Metadata.is_intranet());
        }
    }

    #[test]
    fn leaves_the_public_internet_open() {
        for public in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2000::",
            "2001:200::",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2003::",
            "3ffe:ffff::",
        ] {
            assert_eq!(refuse_ip(public.parse().unwrap()), None, "{public}");
        }
    }

    #[test]
    fn refuses_local_names_in_every_spelling() {
        for (name, reserved) in [
            ("localhost", Reserved::Loopback),
            ("LOCALHOST.", Reserved::Loopback),
            ("a.localhost", Reserved::Loopback),
            ("printer.local", Reserved::LocalName),
            ("router.home.arpa.", Reserved::LocalName),
            ("db.internal", Reserved::LocalName),
            ("localhost.localdomain", Reserved::LocalName),
            ("metadata.google.internal", Reserved::Metadata),
            ("metadata.google.internal..", Reserved::Metadata),
            ("intranet", Reserved::LocalName),
            ("server", Reserved::SingleLabel),
            ("server.", Reserved::SingleLabel),
            ("", Reserved::SingleLabel),
        ] {
            assert_eq!(refuse_name(name), Some(reserved), "{name}");
        }
        for name in ["example.com", "example.com.", "local.example", "localhost.example", "notlocal.com"] {
            assert_eq!(refuse_name(name), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_address_reads_back_as_itself(text in "(https?:/{0,3})?[a-z0-9.:@\\[\\]%é/\\\\?# \\t-]{0,40}") {
            if let Ok(address) = Address::parse(&text) {
                assert_eq!(Address::parse(address.as_str()).as_ref(), Ok(&address));
                assert!(!address.host().is_empty() && address.port() != 0);
                assert!(!address.as_str().contains(['#', '@']) || address.path_and_query().contains('@'));
            }
        }
    }
}
