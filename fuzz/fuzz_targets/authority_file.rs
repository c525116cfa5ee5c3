//! Files of certificates, PEM or DER, as readers put them into `keys/authorities`.
#![no_main]

use affiant::timestamp::authorities::{Authorities, CERTIFICATE_COUNT_MAX};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut authorities = Authorities::nobody();
    if authorities.add_file(bytes).is_ok() {
        let count = authorities.roots().len() + authorities.side().len();
        assert!((1..=CERTIFICATE_COUNT_MAX).contains(&count));
        for certificate in authorities.roots() {
            assert!(certificate.is_self_issued());
        }
    }
});
