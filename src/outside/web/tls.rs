//! TLS: a session over an open socket, and what the server showed in it.
//!
//! The validation is webpki's: chain, validity at the time given, name. Revocation is not asked: it would
//! be another visit, and the record does not claim it.
//!
//! Each connection has a verifier of its own that keeps the chain and the verdict. Where an invalid
//! certificate is to be recorded, the handshake's signatures are checked all the same: whoever answers
//! holds the key of the certificate kept. Sessions are never resumed, because a resumed session shows no
//! certificates.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::base::address::Address;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::document::exchange::{CERTIFICATE_COUNT_MAX, Tls};
use crate::outside::web::failure::FetchError;
use crate::outside::web::options::{FetchOptions, InvalidTls};
use crate::outside::web::roots::Roots;

/// The only protocol that is spoken here, by its ALPN name (RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";

/// A secure connection with its facts and the certificates it was shown.
pub(super) struct Secured {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) tls: Tls,
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Agrees on TLS over an open socket.
pub(super) async fn secure(
    tcp: TcpStream,
    address: &Address,
    options: &FetchOptions,
    now: Time,
) -> Result<Secured, FetchError> {
    let failed = |reason: String| FetchError::Tls { host: address.host().to_owned(), reason };
    let name = server_name(address).ok_or_else(|| failed("the host is no name that TLS can carry".to_owned()))?;
    let recorder = Arc::new(Recorder::new(&options.roots, options.invalid_tls));
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Recorder>::clone(&recorder);
    let moment = Moment(UnixTime::since_unix_epoch(Duration::from_micros(now.microseconds())));
    let mut config = ClientConfig::builder_with_details(Arc::clone(options.roots.provider()), Arc::new(moment))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    config.resumption = Resumption::disabled();

    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, tcp).await.map_err(|error| failed(error.to_string()))?;
    let shown = recorder.shown().ok_or_else(|| failed("the server showed no certificate".to_owned()))?;
    let (_, session) = stream.get_ref();
    let tls = Tls {
        version: session.protocol_version().and_then(|v| v.as_str()).unwrap_or("unknown").replace('_', "."),
        cipher: session.negotiated_cipher_suite().map_or_else(String::new, |suite| iana_name(suite.suite())),
        alpn: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
        chain: shown.certificates.iter().map(|certificate| Hash::of(certificate)).collect(),
        validation: shown.validation,
        roots: options.roots.label().to_owned(),
    };
    Ok(Secured { stream, tls, certificates: shown.certificates })
}

fn server_name(address: &Address) -> Option<ServerName<'static>> {
    match address.ip() {
        Some(ip) => Some(ServerName::IpAddress(IpAddr::from(ip))),
        // RFC 6066 §3: the name is sent without its trailing dot.
        None => ServerName::try_from(address.host().trim_end_matches('.').to_owned()).ok(),
    }
}

/// rustls names the suites of TLS 1.3 `TLS13_…`; the registry says `TLS_…`.
fn iana_name(suite: rustls::CipherSuite) -> String {
    suite.as_str().map_or_else(|| format!("{suite:?}"), |name| name.replacen("TLS13_", "TLS_", 1))
}

/// What a server showed, and what the validation said of it.
#[derive(Clone, Debug)]
struct Shown {
    certificates: Vec<Vec<u8>>,
    validation: String,
}

/// A verifier that keeps what it was shown.
#[derive(Debug)]
struct Recorder {
    verifier: Arc<WebPkiServerVerifier>,
    invalid: InvalidTls,
    shown: Mutex<Option<Shown>>,
}

impl Recorder {
    fn new(roots: &Roots, invalid: InvalidTls) -> Self {
        Self { verifier: Arc::clone(roots.verifier()), invalid, shown: Mutex::new(None) }
    }

    fn shown(&self) -> Option<Shown> {
        self.shown.lock().expect("no holder of the lock panics").clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if intermediates.len() >= CERTIFICATE_COUNT_MAX {
            return Err(Error::General(format!("more than {CERTIFICATE_COUNT_MAX} certificates")));
        }
        let verdict = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let certificates =
            std::iter::once(end_entity).chain(intermediates).map(|certificate| certificate.to_vec()).collect();
        let validation = verdict.as_ref().map_or_else(Error::to_string, |_| "valid".to_owned());
        *self.shown.lock().expect("no holder of the lock panics") = Some(Shown { certificates, validation });
        match (verdict, self.invalid) {
            (Err(_), InvalidTls::Record) => Ok(ServerCertVerified::assertion()),
            (verdict, _) => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// The time at which a chain must be valid, as the visit's own clock gave it.
#[derive(Debug)]
struct Moment(UnixTime);

impl TimeProvider for Moment {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}
