//! Paper: lines that were read from symbols make a set, or say why not; what a set holds is verified and never believed.
#![no_main]

use affiant::base::time::Time;
use affiant::evidence::paper::{PaperSource, Parts};
use affiant::evidence::verify::{Verdict, verify};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(sets) = Parts::sort(text.lines()) else { return };
    for set in sets {
        assert!(set.missing().len() < set.count());
        let Ok(source) = PaperSource::of(&set) else { continue };
        let report = verify(&source, source.subject(), None, Time::EPOCH);
        assert!(matches!(report.verdict, Verdict::Failed | Verdict::CannotTell));
    }
});
