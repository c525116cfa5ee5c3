//! What was looked at, and in plain words what was not: whoever reads *clean* must know of how much.

use serde_json::{Value as Json, json};

/// What an audit of a part looked at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Looked {
    /// The first entry whose record and blobs were looked at.
    pub since: u64,
    /// The seed, when blobs were sampled.
    pub seed: Option<u64>,
    /// How many blobs were read.
    pub looked: u64,
    /// Of how many.
    pub total: u64,
    /// How many of those read were read by an earlier run that was cut short.
    pub resumed: u64,
    /// Whether the audit was interrupted.
    pub is_interrupted: bool,
}

impl Looked {
    /// Returns what was looked at as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!({
            "since": self.since,
            "seed": self.seed,
            "blobs_read": self.looked,
            "blobs": self.total,
            "blobs_read_earlier": self.resumed,
            "interrupted": self.is_interrupted,
        })
    }

    /// Says plainly what was not looked at; nothing when all was.
    #[must_use]
    pub fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        if self.is_interrupted {
            let Self { looked, total, .. } = self;
            caveats.push(format!(
                "interrupted after {looked} of {total} blobs: entries were not checked; --resume goes on from here"
            ));
        }
        if self.since > 0 {
            let last = self.since - 1;
            caveats.push(format!(
                "not looked at: records and blobs of entries 0 to {last}; their place in the tree was checked"
            ));
        }
        if let Some(seed) = self.seed {
            let Self { looked, total, .. } = self;
            let (missed, of) = (total - looked, (*total).max(1));
            let thousandths = (u128::from(missed) * 1000).div_ceil(u128::from(of));
            caveats.push(format!(
                "{looked} of {total} blobs were read, chosen by seed {seed}: one damaged blob is missed with a chance of \
                 {}.{} %",
                thousandths / 10,
                thousandths % 10
            ));
        }
        caveats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_chance_remains() {
        let looked = Looked { seed: Some(3), looked: 1, total: 3, ..Looked::default() };
        assert!(looked.caveats()[0].ends_with("missed with a chance of 66.7 %"), "{:?}", looked.caveats());
        assert_eq!(Looked::default().caveats(), <[String; 0]>::default());
    }
}
