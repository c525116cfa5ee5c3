//! Secret key files: what reads writes a file that reads the same, and a file cannot order much work.
//!
//! A file that orders as much work as the limits allow is read nowhere here: it is allowed to be slow.
#![no_main]

use affiant::log::key_file::{KeyFileError, PBKDF2_ROUND_COUNT_MAX, SCRYPT_MEMORY_BYTES_MAX, SecretKey};
use pkcs8::der::Decode;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;

const PASSPHRASE: &str = "correct horse";

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let is_encrypted = SecretKey::is_encrypted(file);
    let read = match SecretKey::read_secret(file, None) {
        Err(KeyFileError::NoPassphrase) if is_cheap(file) => SecretKey::read_secret(file, Some(PASSPHRASE)),
        read => read,
    };
    let Ok(key) = read else {
        return;
    };
    assert!(is_encrypted.is_ok());
    let written = key.write_secret();
    let again = SecretKey::read_secret(written.as_bytes(), None).expect("what we write is readable");
    assert_eq!(*again.write_secret(), *written);
    assert_eq!(SecretKey::is_encrypted(written.as_bytes()), Ok(false));
});

/// Tells whether a file orders little work, or more than may be ordered, which must fail at once.
fn is_cheap(file: &[u8]) -> bool {
    let Ok((_, der)) = pkcs8::der::pem::decode_vec(file) else {
        return true;
    };
    let Ok(encrypted) = pkcs8::EncryptedPrivateKeyInfoRef::from_der(&der) else {
        return true;
    };
    let EncryptionScheme::Pbes2(parameters) = encrypted.encryption_algorithm else {
        return true;
    };
    match parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count < 5_000 || kdf.iteration_count > PBKDF2_ROUND_COUNT_MAX,
        Kdf::Scrypt(kdf) => {
            let memory = 128_u64.saturating_mul(kdf.cost_parameter).saturating_mul(u64::from(kdf.block_size));
            memory.saturating_mul(u64::from(kdf.parallelization)) < 1 << 20 || memory > SCRYPT_MEMORY_BYTES_MAX
        }
        _ => true,
    }
}
