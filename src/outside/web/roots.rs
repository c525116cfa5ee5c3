//! Roots: whom a server's certificate must lead to.
//!
//! Mozilla's roots as `webpki-roots` publishes them, so that a verdict does not depend on the machine,
//! and those of a PEM file where the operator adds one. The label tells both, the file by its hash.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{Error, RootCertStore};
use rustls_pki_types::pem::PemObject;

use crate::base::hash::Hash;

/// The release of `webpki-roots` that is built in; a test compares it with the lock file.
const WEBPKI_ROOTS: &str = "webpki-roots 1.0.10";

/// Whom a certificate must lead to.
#[derive(Clone, Debug)]
pub struct Roots {
    verifier: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    label: String,
}

impl Roots {
    /// Takes Mozilla's roots, as built in.
    ///
    /// # Panics
    /// Never: there are roots built in.
    #[must_use]
    pub fn built_in() -> Self {
        let store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::of(store, WEBPKI_ROOTS.to_owned())
    }

    /// Takes Mozilla's roots and those of a PEM file, whose name and bytes are given.
    ///
    /// # Errors
    /// [`RootsError`] when the file holds no certificate, or one that cannot be a root.
    pub fn with_file(name: &str, pem: &[u8]) -> Result<Self, RootsError> {
        let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let built_in_count = store.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| RootsError::NotPem { reason: error.to_string() })?;
            store.add(certificate).map_err(|source| RootsError::NotRoot { source })?;
        }
        if store.len() == built_in_count {
            return Err(RootsError::Empty);
        }
        Ok(Self::of(store, format!("{WEBPKI_ROOTS} and {name} sha256:{}", Hash::of(pem))))
    }

    fn of(store: RootCertStore, label: String) -> Self {
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
            .build()
            .expect("the store has roots and no revocation lists");
        Self { verifier, provider, label }
    }

    /// Returns what the record says about the roots.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    pub(in crate::outside) fn verifier(&self) -> &Arc<WebPkiServerVerifier> {
        &self.verifier
    }

    pub(in crate::outside) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }
}

/// Why a file does not serve as roots.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum RootsError {
    #[error("no certificate in it; expected PEM with `BEGIN CERTIFICATE`")]
    Empty,
    #[error("not PEM: {reason}")]
    NotPem { reason: String },
    #[error("a certificate in it cannot be a root: {source}")]
    NotRoot { source: Error },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_release_of_the_roots_that_is_locked() {
        let lock = include_str!("../../../Cargo.lock");
        let (_, rest) = lock.split_once("name = \"webpki-roots\"\nversion = \"").unwrap();
        let (version, _) = rest.split_once('"').unwrap();
        assert_eq!(WEBPKI_ROOTS, format!("webpki-roots {version}"));
        assert_eq!(Roots::built_in().label(), WEBPKI_ROOTS);
    }

    #[test]
    fn refuses_a_file_without_roots() {
        assert!(matches!(Roots::with_file("a.pem", b""), Err(RootsError::Empty)));
        assert!(matches!(Roots::with_file("a.pem", b"hello"), Err(RootsError::Empty)));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Roots::with_file("a.pem", broken), Err(RootsError::NotRoot { .. })));
    }
}
