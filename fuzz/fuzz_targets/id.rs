//! Citation ids: however one is written, it prints as one that reads back with its check character.
#![no_main]

use affiant::base::id::{CheckCharacter, Id, IdError, NAAN_UNASSIGNED, Prefix};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(prefix) = Prefix::new(text) {
        assert_eq!(Prefix::new(prefix.as_str()), Ok(prefix));
    }
    match Id::parse(text) {
        Ok((id, _)) => {
            for printed in [id.to_string(), id.to_string().to_lowercase(), id.ark(NAAN_UNASSIGNED)] {
                assert_eq!(Id::parse(&printed), Ok((id.clone(), CheckCharacter::Right)), "{printed}");
            }
        }
        Err(IdError::WrongCheck { suggestions, .. }) => {
            for suggestion in suggestions {
                assert!(matches!(Id::parse(&suggestion), Ok((_, CheckCharacter::Right))), "{suggestion}");
            }
        }
        Err(_) => {}
    }
});
