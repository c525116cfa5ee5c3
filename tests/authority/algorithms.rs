//! Tokens that `openssl cms` signs, with each algorithm that authorities use, and in the encodings that they send.

use std::fs;
use std::path::Path;
use std::process::Command;

use affiant::timestamp::authorities::Authorities;
use affiant::timestamp::signed::SignedError;
use affiant::timestamp::token::{Token, TokenError};

use super::{Authority, openssl};

/// A key, how openssl makes it, and what is given to `openssl cms` besides.
struct Case(&'static str, &'static [&'static str], &'static [&'static str]);

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const SHORT_RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
const PSS: [&str; 4] = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"];
const LONG_SALT: [&str; 4] = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:64"];

const GOOD: [Case; 13] = [
    Case("P-256 with SHA-256", P256, &["-md", "sha256"]),
    Case("P-256 with SHA-384", P256, &["-md", "sha384"]),
    Case("P-256 with SHA-512", P256, &["-md", "sha512"]),
    Case("P-384 with SHA-256", P384, &["-md", "sha256"]),
    Case("P-384 with SHA-384", P384, &["-md", "sha384"]),
    Case("P-384 with SHA-512", P384, &["-md", "sha512"]),
    Case("by key id", P256, &["-md", "sha256", "-keyid"]),
    Case("RSA with SHA-256", RSA, &["-md", "sha256"]),
    Case("RSA with SHA-384", RSA, &["-md", "sha384"]),
    Case("RSA with SHA-512", RSA, &["-md", "sha512"]),
    Case("RSA-PSS with SHA-256", RSA, &["-md", "sha256", PSS[0], PSS[1], PSS[2], PSS[3]]),
    Case("RSA-PSS with SHA-384", RSA, &["-md", "sha384", PSS[0], PSS[1], PSS[2], PSS[3]]),
    Case("RSA-PSS with SHA-512", RSA, &["-md", "sha512", PSS[0], PSS[1], PSS[2], PSS[3]]),
];

const REFUSED: [Case; 3] = [
    Case("SHA-1", P256, &["-md", "sha1"]),
    Case("RSA of 1024 bits", SHORT_RSA, &["-md", "sha256"]),
    Case("a salt of another length", RSA, &["-md", "sha256", LONG_SALT[0], LONG_SALT[1], LONG_SALT[2], LONG_SALT[3]]),
];

#[test]
fn every_algorithm_that_authorities_use_is_verified() {
    let Some(workshop) = Workshop::new() else { return };
    for Case(name, key, options) in &GOOD {
        let bytes = workshop.token(key, options);
        let token = Token::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        token.check_imprint(b"dated").unwrap();
        token.verify(&workshop.trusted).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        // The last byte is the signature's.
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        let found = Token::parse(&changed).and_then(|token| token.verify(&workshop.trusted));
        assert!(matches!(found, Err(TokenError::Signed(SignedError::Signature(_)))), "{name}: {found:?}");
    }
    for Case(name, key, options) in &REFUSED {
        let found = Token::parse(&workshop.token(key, options)).and_then(|token| token.verify(&workshop.trusted));
        eprintln!("{name}: {found:?}");
        assert!(found.is_err(), "{name}");
    }
}

#[test]
fn an_encoding_that_is_not_der_is_read_all_the_same() {
    let Some(workshop) = Workshop::new() else { return };
    let strict = workshop.token(P256, &["-md", "sha256"]);
    // What `openssl cms -stream` writes: indefinite lengths, and the content in pieces.
    let loose = workshop.token(P256, &["-md", "sha256", "-stream"]);
    assert!(loose[1] == 0x80 && loose.ends_with(&[0; 6]), "indefinite lengths");
    for bytes in [strict.clone(), loose.clone()] {
        let token = Token::parse(&bytes).unwrap();
        token.check_imprint(b"dated").unwrap();
        token.verify(&workshop.trusted).unwrap();
    }
    // A longer length than needed, at the outermost element.
    assert_eq!(strict[1], 0x82);
    let mut longer = vec![0x30, 0x84, 0, 0];
    longer.extend_from_slice(&strict[2..]);
    Token::parse(&longer).unwrap().verify(&workshop.trusted).unwrap();
    // Every way to cut it off is an error, and none a panic.
    for whole in [strict, loose] {
        for length in 0..whole.len() {
            assert!(Token::parse(&whole[..length]).is_err(), "{length}");
        }
    }
}

/// A folder with an authority's root, and what an authority says over `dated`.
struct Workshop {
    authority: Authority,
    trusted: Authorities,
}

impl Workshop {
    fn new() -> Option<Self> {
        let authority = Authority::start("Workshop")?;
        let folder = authority.folder.path();
        fs::write(folder.join("dated"), "dated").unwrap();
        openssl(folder, &["ts", "-query", "-data", "dated", "-sha256", "-cert", "-out", "dated.tsq"]);
        let reply =
            ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "dated.tsq", "-token_out", "-out", "dated.der"];
        openssl(folder, &reply);
        openssl(folder, &["cms", "-verify", "-noverify", "-inform", "DER", "-in", "dated.der", "-out", "content.der"]);
        let mut trusted = Authorities::nobody();
        trusted.add_file(&fs::read(authority.root()).unwrap()).unwrap();
        Some(Self { authority, trusted })
    }

    /// Makes a key, a certificate for it under the authority's name, and a token.
    fn token(&self, key: &[&str], options: &[&str]) -> Vec<u8> {
        let folder: &Path = self.authority.folder.path();
        openssl(folder, &[&["genpkey"], key, &["-out", "made.key"]].concat());
        let subject = "/O=Loopback/CN=Workshop authority";
        openssl(
            folder,
            &["req", "-new", "-key", "made.key", "-config", "tsa.cnf", "-subj", subject, "-out", "made.csr"],
        );
        let issue = ["x509", "-req", "-in", "made.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
        let extensions = ["-extfile", "tsa.cnf", "-extensions", "authority", "-days", "9", "-out", "made.crt"];
        openssl(folder, &[&issue[..], &extensions].concat());
        // What is signed is said after the certificate was made: it must have been valid then.
        let reply =
            ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "dated.tsq", "-token_out", "-out", "dated.der"];
        openssl(folder, &reply);
        openssl(folder, &["cms", "-verify", "-noverify", "-inform", "DER", "-in", "dated.der", "-out", "content.der"]);
        let sign = ["cms", "-sign", "-binary", "-nodetach", "-cades", "-in", "content.der", "-outform", "DER"];
        let with = ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-signer", "made.crt", "-inkey", "made.key"];
        openssl(folder, &[&sign[..], &with, options, &["-out", "made.der"]].concat());
        // openssl agrees, whatever we make of it.
        let verify = ["cms", "-verify", "-inform", "DER", "-in", "made.der", "-CAfile", "ca.crt", "-purpose", "any"];
        let output = Command::new("openssl").args(verify).current_dir(folder).output().unwrap();
        eprintln!("{options:?}: openssl {}", if output.status.success() { "accepts" } else { "refuses" });
        fs::read(folder.join("made.der")).unwrap()
    }
}
