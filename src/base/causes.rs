//! Causes: an error read out as a path from the act to what went wrong.

use std::error::Error;

/// Returns what an error says, with its causes; a cause that the message before it quotes is not said twice.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Said {
        said: &'static str,
        source: Option<Box<Said>>,
    }

    fn said(said: &'static str, source: Option<Said>) -> Said {
        Said { said, source: source.map(Box::new) }
    }

    #[test]
    fn says_each_cause_once() {
        let error = said("cannot read", Some(said("cannot read", Some(said("no such file", None)))));
        assert_eq!(with_causes(&error), "cannot read: no such file");
    }
}
