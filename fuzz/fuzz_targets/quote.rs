//! Quotes: the words wanted, a line feed, then a text; what is found stands where it says.
#![no_main]

use affiant::document::quote::{self, CONTEXT_CHARS, Wanted};

libfuzzer_sys::fuzz_target!(|input: &str| {
    let (exact, text) = input.split_once('\n').unwrap_or((input, ""));
    for occurrence in [None, Some(0), Some(1), Some(usize::MAX)] {
        let Ok(quote) = quote::find(text, &Wanted { exact, occurrence, ..Wanted::default() }) else {
            continue;
        };
        assert_eq!(quote::check(text, &quote), Ok(()));
        assert_eq!(quote.exact, exact);
        let place = usize::try_from(quote.start).expect("small")..usize::try_from(quote.end).expect("small");
        assert_eq!(&text[place], exact);
        assert!(quote.prefix.chars().count() <= CONTEXT_CHARS && quote.suffix.chars().count() <= CONTEXT_CHARS);

        let mut moved = quote.clone();
        moved.start += 1;
        assert!(quote::check(text, &moved).is_err());
        moved.start = u64::MAX;
        assert!(quote::check(text, &moved).is_err());
        let wanted = Wanted { exact, prefix: &quote.prefix, suffix: &quote.suffix, occurrence: Some(1) };
        assert!(quote::find(text, &wanted).is_ok());
    }
});
