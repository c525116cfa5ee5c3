//! Scans: a picture of any sort gives lines, or an error, in bounded time.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = affiant::evidence::paper::scan(bytes);
});
