//! Signed notes: what parses re-encodes to the same bytes.
#![no_main]

use affiant::log::note::{Note, NoteSignature};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(note) = Note::parse(bytes) else {
        return;
    };
    assert_eq!(note.encode(), bytes);
    assert!(note.verify(&[]).is_err());
    assert!(!note.signatures().is_empty());
    for signature in note.signatures() {
        let line = signature.line();
        let read = NoteSignature::parse(line.trim_end_matches('\n'));
        assert_eq!(read.as_ref(), Ok(signature), "{line}");
    }
});
