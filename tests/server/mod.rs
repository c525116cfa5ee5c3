//! Loopback servers for tests: plain threads that say exactly the bytes they are told to say.
//!
//! A server counts its connections, so that a test can show that none arrived, and keeps the request
//! heads as they came. Over TLS it shows certificates of an [`Authority`] made on the spot.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its stage fails")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion, version};

/// A listening server; it answers until it is dropped.
pub(crate) struct Server {
    socket: SocketAddr,
    scheme: &'static str,
    connection_count: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
    is_closing: Arc<AtomicBool>,
}

/// A request as it came.
pub(crate) struct Asked {
    /// What the request line asks for; the whole head is in [`Server::heads`].
    pub(crate) path: String,
}

/// How a connection ends after the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Close {
    /// As the protocols say: `close_notify`, then FIN.
    Politely,
    /// FIN without `close_notify`.
    Abruptly,
    /// RST.
    Reset,
}

impl Server {
    /// Starts a server over plain TCP.
    pub(crate) fn start(answer: impl Fn(&Asked, &mut dyn Write) -> Close + Send + Sync + 'static) -> Self {
        Self::listen("http", None, Arc::new(answer))
    }

    /// Starts a server over TLS.
    pub(crate) fn start_tls(
        identity: Identity,
        answer: impl Fn(&Asked, &mut dyn Write) -> Close + Send + Sync + 'static,
    ) -> Self {
        Self::listen("https", Some(Arc::new(identity.config())), Arc::new(answer))
    }

    /// Starts a server that says the same to everyone, then closes politely.
    pub(crate) fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_, wire| say(wire, &bytes))
    }

    fn listen(scheme: &'static str, config: Option<Arc<ServerConfig>>, answer: Arc<Answer>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = listener.local_addr().unwrap();
        let connection_count = Arc::new(AtomicUsize::new(0));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let is_closing = Arc::new(AtomicBool::new(false));
        let server = Self {
            socket,
            scheme,
            connection_count: connection_count.clone(),
            heads: heads.clone(),
            is_closing: is_closing.clone(),
        };
        std::thread::spawn(move || {
            let is_open = |_: &TcpStream| !is_closing.load(Ordering::SeqCst);
            for tcp in listener.incoming().map_while(Result::ok).take_while(is_open) {
                connection_count.fetch_add(1, Ordering::SeqCst);
                let (config, answer, heads) = (config.clone(), answer.clone(), heads.clone());
                std::thread::spawn(move || match config {
                    None => serve(tcp, &heads, &*answer),
                    Some(config) => serve_tls(tcp, config, &heads, &*answer),
                });
            }
        });
        server
    }

    /// Returns the address of a path on this server, under a name.
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.socket.port())
    }

    /// Returns the socket it listens on.
    pub(crate) fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// Returns how many connections arrived.
    pub(crate) fn connection_count(&self) -> usize {
        self.connection_count.load(Ordering::SeqCst)
    }

    /// Returns the request heads in the order they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A last connection wakes the thread, which then closes the listening socket.
        self.is_closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.socket);
    }
}

type Answer = dyn Fn(&Asked, &mut dyn Write) -> Close + Send + Sync;

/// Says some bytes; a client that has gone away is its own affair.
pub(crate) fn say(wire: &mut dyn Write, bytes: impl AsRef<[u8]>) -> Close {
    let _ = wire.write_all(bytes.as_ref()).and_then(|()| wire.flush());
    Close::Politely
}

/// Returns a whole response of a page with this body.
pub(crate) fn page(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Returns a whole response that redirects.
pub(crate) fn redirect(location: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn serve(mut tcp: TcpStream, heads: &Mutex<Vec<String>>, answer: &Answer) {
    let Some(asked) = read_head(&mut tcp, heads) else { return };
    let close = answer(&asked, &mut tcp);
    if close != Close::Reset {
        // Linux answers with RST when a socket is closed while bytes in it are unread.
        let _ = tcp.read_exact(&mut [0]);
        let _ = tcp.shutdown(std::net::Shutdown::Write);
        let _ = tcp.read(&mut [0]);
    }
}

fn serve_tls(tcp: TcpStream, config: Arc<ServerConfig>, heads: &Mutex<Vec<String>>, answer: &Answer) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), tcp);
    let Some(asked) = read_head(&mut stream, heads) else { return };
    let close = answer(&asked, &mut stream);
    if close == Close::Politely {
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
    let _ = stream.sock.shutdown(std::net::Shutdown::Write);
    let _ = stream.sock.read(&mut [0]);
}

/// Reads a head up to its very last byte, which stays unread.
fn read_head(wire: &mut dyn Read, heads: &Mutex<Vec<String>>) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r") {
        let mut byte = [0];
        wire.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()? + "\n";
    let path = head.split(' ').nth(1)?.to_owned();
    heads.lock().unwrap().push(head);
    Some(Asked { path })
}

/// A certificate authority made for a test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes one with a name and a fresh key.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Returns its root certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Certifies a name until 1 January of a year.
    pub(crate) fn identify(&self, name: &str, not_after_year: i32) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(not_after_year, 1, 1);
        let leaf = params.signed_by(&key, &self.0).unwrap();
        Identity::new(vec![leaf.der().clone(), self.0.der().clone()], key.serialize_der())
    }
}

/// What a server shows: its certificates, leaf first, and the key to them.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    versions: Vec<&'static SupportedProtocolVersion>,
}

impl Identity {
    /// Makes a certificate that vouches for itself.
    pub(crate) fn self_signed(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        Self::new(vec![made.cert.der().clone()], made.signing_key.serialize_der())
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: Vec<u8>) -> Self {
        Self { chain, key, versions: vec![&version::TLS13, &version::TLS12] }
    }

    /// Speaks nothing newer than TLS 1.2.
    pub(crate) fn old(self) -> Self {
        Self { versions: vec![&version::TLS12], ..self }
    }

    /// Shows these certificates without having the key to them.
    pub(crate) fn stolen(self) -> Self {
        Self { key: KeyPair::generate().unwrap().serialize_der(), ..self }
    }

    fn config(self) -> ServerConfig {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = provider.key_provider.load_private_key(key).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(self.chain, key))));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }
}
