//! Authorities: the roots that a reader trusts for one purpose, and the chains that lead to them.
//!
//! | quantity     | unit         | range                              |
//! |--------------|--------------|------------------------------------|
//! | file         | bytes        | at most [`FILE_BYTES_MAX`] a file   |
//! | certificates | count        | at most [`CERTIFICATE_COUNT_MAX`]  |
//! | chain        | certificates | at most [`CHAIN_LENGTH_MAX`]       |
//! | signatures   | tried for one chain | at most [`TRIAL_COUNT_MAX`] |
//! | revocation lists | count    | at most [`LIST_COUNT_MAX`]         |
//!
//! Who may say what time it was may not say who an organisation is, and the other way round: a set of roots is for one
//! [`Purpose`].
//!
//! Source: RFC 5280 §6, judged at the timestamp's own time: a certificate that has ended since is good for what
//! it signed before. A certificate that names itself as its issuer is a root. Any other that the reader gives is
//! held on the side: it may stand in a chain, and no chain ends at it.
//!
//! Where the reader holds a revocation list ([`super::revocation`]), or a token brings one, no chain goes through a
//! certificate that it takes back.
//!
//! Stricter than RFC 5280: names are compared byte by byte, and the root itself must have been valid then. Not
//! done: fetching lists, OCSP; names, policies and their constraints.

use super::certificate::{Certificate, CertificateError, Purpose};
use super::revocation::{RevocationError, RevocationList};

use crate::base::time::Time;

/// The longest file of certificates: a hundred of them.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// The most certificates that a reader may give.
pub const CERTIFICATE_COUNT_MAX: usize = 512;

/// The most revocation lists that a reader may give, and that a token may bring.
pub const LIST_COUNT_MAX: usize = 64;

/// The longest chain, with the authority's own certificate and the root.
pub const CHAIN_LENGTH_MAX: usize = 8;

/// The most signatures that are tried in the search for one chain.
pub const TRIAL_COUNT_MAX: usize = 64;

/// Whom a reader trusts to say what time it was, or who somebody is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Authorities {
    purpose: Purpose,
    roots: Vec<Certificate>,
    side: Vec<Certificate>,
    lists: Vec<RevocationList>,
}

/// What a token brings for its chain, in any order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Brought<'b> {
    /// Certificates that may stand in it.
    pub certificates: &'b [Certificate],
    /// Lists by which one of them is taken back.
    pub lists: &'b [RevocationList],
    /// By when somebody else has seen the token: what befell a key afterwards does not touch it.
    pub seen: Option<Time>,
}

/// A chain that holds: the authority's own certificate first, the root last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chain(Vec<Certificate>);

impl Authorities {
    /// Trusts nobody to say what time it was.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Trusts nobody for a purpose.
    #[must_use]
    pub fn none_for(purpose: Purpose) -> Self {
        Self { purpose, ..Self::default() }
    }

    /// Takes in a file: one certificate or revocation list in DER, or those of a PEM, between which nothing is read.
    ///
    /// # Errors
    /// An [`AuthorityError`] that says which part of the file is none.
    pub fn add_file(&mut self, bytes: &[u8]) -> Result<(), AuthorityError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(AuthorityError::TooLong { found: bytes.len() });
        }
        if bytes.first() == Some(&super::der::SEQUENCE) {
            return match RevocationList::parse(bytes) {
                Ok(list) => self.add_list(list),
                Err(_) => self.add_der(1, Kind::Certificate, bytes),
            };
        }
        let text = String::from_utf8_lossy(bytes);
        let mut number = 0;
        let mut rest = text.as_ref();
        while let Some((kind, after)) = Kind::find(rest) {
            number += 1;
            let (body, after) = after.split_once(kind.end()).ok_or(AuthorityError::NotPem { number })?;
            rest = after;
            let digits: String = body.split_ascii_whitespace().collect();
            let bytes =
                data_encoding::BASE64.decode(digits.as_bytes()).map_err(|_| AuthorityError::NotPem { number })?;
            self.add_der(number, kind, &bytes)?;
        }
        if number == 0 {
            return Err(AuthorityError::NoCertificate);
        }
        Ok(())
    }

    fn add_der(&mut self, number: usize, kind: Kind, bytes: &[u8]) -> Result<(), AuthorityError> {
        match kind {
            Kind::Certificate => {
                self.add(Certificate::parse(bytes).map_err(|source| AuthorityError::Certificate { number, source })?)
            }
            Kind::List => {
                self.add_list(RevocationList::parse(bytes).map_err(|source| AuthorityError::List { number, source })?)
            }
        }
    }

    /// Takes in one revocation list.
    ///
    /// # Errors
    /// [`AuthorityError::TooMany`].
    pub fn add_list(&mut self, list: RevocationList) -> Result<(), AuthorityError> {
        if self.lists.len() >= LIST_COUNT_MAX {
            return Err(AuthorityError::TooMany);
        }
        if !self.lists.contains(&list) {
            self.lists.push(list);
        }
        Ok(())
    }

    /// Takes in one certificate.
    ///
    /// # Errors
    /// [`AuthorityError::TooMany`].
    pub fn add(&mut self, certificate: Certificate) -> Result<(), AuthorityError> {
        if self.roots.len() + self.side.len() >= CERTIFICATE_COUNT_MAX {
            return Err(AuthorityError::TooMany);
        }
        let place = if certificate.is_self_issued() { &mut self.roots } else { &mut self.side };
        if !place.contains(&certificate) {
            place.push(certificate);
        }
        Ok(())
    }

    /// Returns the roots.
    #[must_use]
    pub fn roots(&self) -> &[Certificate] {
        &self.roots
    }

    /// Returns the certificates that may stand in a chain.
    #[must_use]
    pub fn side(&self) -> &[Certificate] {
        &self.side
    }

    /// Finds a chain from an authority's certificate to a root, through certificates of any order, that holds `at`.
    ///
    /// # Errors
    /// A [`ChainError`]: of the chains that could be tried, what ended the one that came furthest.
    pub fn chain(&self, leaf: &Certificate, brought: Brought<'_>, at: Time) -> Result<Chain, ChainError> {
        leaf.check_validity(at)?;
        let mut search = Search { authorities: self, brought, at, trials_left: TRIAL_COUNT_MAX, worst: None };
        let mut chain = vec![leaf.clone()];
        if search.extend(&mut chain) {
            return Ok(Chain(chain));
        }
        Err(search.worst.map_or_else(|| no_root(&chain), |(_, error)| error))
    }
}

/// What stands between two lines of a PEM.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Certificate,
    List,
}

impl Kind {
    /// Finds the first that begins, and returns what stands behind the line.
    fn find(text: &str) -> Option<(Self, &str)> {
        let found = [(Self::Certificate, "-----BEGIN CERTIFICATE-----"), (Self::List, "-----BEGIN X509 CRL-----")]
            .into_iter()
            .filter_map(|(kind, begin)| Some((text.find(begin)?, kind, begin)));
        let (at, kind, begin) = found.min_by_key(|(at, ..)| *at)?;
        Some((kind, &text[at + begin.len()..]))
    }

    fn end(self) -> &'static str {
        match self {
            Self::Certificate => "-----END CERTIFICATE-----",
            Self::List => "-----END X509 CRL-----",
        }
    }
}

fn no_root(chain: &[Certificate]) -> ChainError {
    let last = chain.last().expect("a chain begins with the authority's own certificate");
    ChainError::UnknownRoot { name: last.name(), issuer: last.issuer_name() }
}

/// A search for a chain, depth first.
struct Search<'s> {
    authorities: &'s Authorities,
    brought: Brought<'s>,
    at: Time,
    trials_left: usize,
    worst: Option<(usize, ChainError)>,
}

impl Search<'_> {
    fn extend(&mut self, chain: &mut Vec<Certificate>) -> bool {
        let last = chain.last().expect("a chain begins with the authority's own certificate").clone();
        // The reader's own root may sign timestamps itself; it is still the reader's.
        if self.authorities.roots.contains(&last) {
            return true;
        }
        let (authorities, brought) = (self.authorities, self.brought);
        for root in authorities.roots.iter().filter(|root| root.subject == last.issuer) {
            if self.try_link(chain, &last, root) {
                return true;
            }
        }
        let between = authorities.side.iter().chain(brought.certificates);
        let mut tried = false;
        for issuer in between.filter(|issuer| issuer.subject == last.issuer && !issuer.is_self_issued()) {
            tried = true;
            if !chain.contains(issuer) && self.try_link(chain, &last, issuer) {
                return true;
            }
        }
        if !tried {
            self.fail(chain.len(), no_root(chain));
        }
        false
    }

    /// Adds an issuer to the chain when it holds, and goes on from there.
    fn try_link(&mut self, chain: &mut Vec<Certificate>, last: &Certificate, issuer: &Certificate) -> bool {
        if chain.len() >= CHAIN_LENGTH_MAX {
            self.fail(chain.len(), ChainError::TooLong);
            return false;
        }
        if self.trials_left == 0 {
            self.fail(chain.len(), ChainError::TooManyTrials);
            return false;
        }
        self.trials_left -= 1;
        let below = u64::try_from(chain.len() - 1).unwrap_or(u64::MAX);
        // Who bears the issuer's name and did not sign is another of that name, and nothing is wrong with the chain.
        if let Err(source) = last.check_signed_by(issuer) {
            self.fail(chain.len(), ChainError::OtherIssuer { name: last.name(), source });
            return false;
        }
        let checked =
            issuer.check_validity(self.at).and_then(|()| issuer.check_issues(below, self.authorities.purpose));
        let checked = checked.map_err(ChainError::from).and_then(|()| self.check_revocation(last, issuer));
        if let Err(error) = checked {
            self.fail(chain.len() + 1, error);
            return false;
        }
        chain.push(issuer.clone());
        if self.extend(chain) {
            return true;
        }
        chain.pop();
        false
    }

    /// Checks that no list takes a certificate back, by whose word it would be its issuer's.
    fn check_revocation(&self, certificate: &Certificate, issuer: &Certificate) -> Result<(), ChainError> {
        let lists = self.authorities.lists.iter().chain(self.brought.lists);
        for revocation in lists.filter_map(|list| list.revocation(certificate, issuer)) {
            let (name, at, reason) = (certificate.name(), revocation.at, revocation.words());
            if at <= self.at {
                return Err(ChainError::Revoked { name, at, reason });
            }
            let was_seen = self.brought.seen.is_some_and(|seen| seen < at);
            if !revocation.spares_the_past() && !was_seen {
                return Err(ChainError::Compromised { name, at, reason });
            }
        }
        Ok(())
    }

    /// Remembers what ended the chain that came furthest.
    fn fail(&mut self, length: usize, error: ChainError) {
        if self.worst.as_ref().is_none_or(|(furthest, _)| length > *furthest) {
            self.worst = Some((length, error));
        }
    }
}

impl Chain {
    /// Returns the authority's own certificate.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a chain is never empty")]
    pub fn signer(&self) -> &Certificate {
        self.0.first().expect("a chain is never empty")
    }

    /// Returns the root.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a chain is never empty")]
    pub fn root(&self) -> &Certificate {
        self.0.last().expect("a chain is never empty")
    }

    /// Returns the certificates, the authority's own first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }

    /// Returns the first moment at which one of its certificates has ended: a later token renews an earlier one before.
    #[must_use]
    pub fn ends(&self) -> Time {
        self.0.iter().map(Certificate::not_after).min().unwrap_or(Time::EPOCH)
    }

    /// Returns the moment after which its weakest algorithm is no longer to be relied upon.
    #[must_use]
    pub fn relied_on_until(&self) -> Time {
        self.0.iter().map(Certificate::relied_on_until).min().unwrap_or(Time::EPOCH)
    }
}

/// Why certificates that a reader gives cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum AuthorityError {
    #[error("certificate {number}")]
    Certificate { number: usize, source: CertificateError },
    #[error("revocation list {number}")]
    List { number: usize, source: RevocationError },
    #[error("no certificate in it, neither PEM nor DER")]
    NoCertificate,
    #[error("certificate {number} is not PEM")]
    NotPem { number: usize },
    #[error("{found} bytes of certificates, and at most {FILE_BYTES_MAX} are read")]
    TooLong { found: usize },
    #[error("more than {CERTIFICATE_COUNT_MAX} certificates, or {LIST_COUNT_MAX} revocation lists")]
    TooMany,
}

/// Why no chain leads to a root that the reader trusts.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum ChainError {
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(
        "the certificate of `{name}` was revoked at {at}, {reason}: whoever has its key may write any time, and nothing that \
         stands on it is shown"
    )]
    Compromised { name: String, at: Time, reason: &'static str },
    #[error("the issuer of `{name}` bears a name that you trust, and has another key")]
    OtherIssuer { name: String, source: CertificateError },
    #[error("the certificate of `{name}` was revoked at {at} already, {reason}")]
    Revoked { name: String, at: Time, reason: &'static str },
    #[error("the chain has more than {CHAIN_LENGTH_MAX} certificates")]
    TooLong,
    #[error("no chain was found within {TRIAL_COUNT_MAX} signatures")]
    TooManyTrials,
    #[error("no root that you trust issued `{name}`: its issuer is `{issuer}`")]
    UnknownRoot { name: String, issuer: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &[u8] = include_bytes!("../../tests/timestamps/root.pem");
    const AUTHORITY: &[u8] = include_bytes!("../../tests/timestamps/authority.pem");

    #[test]
    fn takes_pem_and_der_and_tells_roots_from_others() {
        let mut authorities = Authorities::nobody();
        authorities.add_file(&[b"# ours\n", ROOT, AUTHORITY, ROOT].concat()).unwrap();
        assert_eq!((authorities.roots().len(), authorities.side().len()), (1, 1));
        let der = authorities.roots()[0].as_bytes().to_vec();
        let mut others = Authorities::nobody();
        others.add_file(&der).unwrap();
        assert_eq!(others.roots(), authorities.roots());
        for (file, expected) in [
            (&b""[..], AuthorityError::NoCertificate),
            (b"-----BEGIN CERTIFICATE-----\nAAAA", AuthorityError::NotPem { number: 1 }),
            (b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----", AuthorityError::NotPem { number: 1 }),
        ] {
            assert_eq!(others.add_file(file), Err(expected));
        }
    }

    #[test]
    fn a_chain_holds_while_all_of_it_is_valid() {
        let mut authorities = Authorities::nobody();
        authorities.add_file(&[ROOT, AUTHORITY].concat()).unwrap();
        let leaf = authorities.side()[0].clone();
        let chain = |at: Time| authorities.chain(&leaf, Brought::default(), at);
        assert_eq!(chain(leaf.not_before()).unwrap().certificates().len(), 2);
        let before = Time::from_seconds(leaf.not_before().seconds() - 1).unwrap();
        assert!(matches!(chain(before), Err(ChainError::Certificate(CertificateError::NotYetValid { .. }))));
        let after = Time::from_seconds(leaf.not_after().seconds() + 1).unwrap();
        assert!(matches!(chain(after), Err(ChainError::Certificate(CertificateError::Expired { .. }))));
    }
}
