//! The course of an audit: who watches it, who may interrupt it, and where it goes on.
//!
//! Reading the blobs takes nearly all the time of an audit. After each segment that was read the state may be kept in a
//! file outside the evidence, and an audit that is resumed reads only the segments that are not in it, or have grown since.
//! What it says of the others is what the earlier run found. A state of another extent or archive is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::archivist::progress::{Progress, Silent};
use crate::outside::archive::durable::{self, Access};

/// What the state calls itself.
const FORMAT: &str = "affiant-audit-state-1";

/// A segment of this size is worth a state of its own: it takes a second to read.
const WORTH_BYTES: u64 = 64 << 20;

/// Who watches an audit, and may end it.
pub struct Watch<'w> {
    /// Who may want to know how far it is.
    pub progress: &'w dyn Progress,
    /// Says whether it is to end early.
    pub is_interrupted: &'w dyn Fn() -> bool,
    /// Where its state is kept.
    pub state: Option<PathBuf>,
    /// Whether to go on from the state that is kept.
    pub resumes: bool,
}

impl Watch<'_> {
    /// Watches an audit that nobody interrupts.
    #[must_use]
    pub fn of(progress: &dyn Progress) -> Watch<'_> {
        Watch { progress, is_interrupted: &|| false, state: None, resumes: false }
    }

    /// Watches an audit that nobody looks at.
    #[must_use]
    pub fn nobody() -> Watch<'static> {
        Watch::of(&Silent)
    }
}

/// What was found so far, by segment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct State {
    origin: String,
    extent: String,
    segments: BTreeMap<u32, Segment>,
}

/// What was found in a segment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Segment {
    /// How long it was.
    pub(super) length: u64,
    /// How many blobs were read.
    pub(super) looked: u64,
    /// What was damaged: where, and how.
    pub(super) failures: Vec<(u64, String)>,
}

impl State {
    fn to_json(&self) -> Json {
        let segment = |(number, segment): (&u32, &Segment)| {
            let failures = segment.failures.iter().map(|(offset, found)| json!([offset, found])).collect::<Vec<_>>();
            json!([number, segment.length, segment.looked, failures])
        };
        let segments: Vec<Json> = self.segments.iter().map(segment).collect();
        json!({ "format": FORMAT, "origin": self.origin, "extent": self.extent, "segments": segments })
    }

    fn of_json(json: &Json) -> Option<Self> {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let failure = |json: &Json| Some((json[0].as_u64()?, json[1].as_str()?.to_owned()));
        let segment = |json: &Json| {
            let failures = json[3].as_array()?.iter().map(failure).collect::<Option<_>>()?;
            let segment = Segment { length: json[1].as_u64()?, looked: json[2].as_u64()?, failures };
            Some((u32::try_from(json[0].as_u64()?).ok()?, segment))
        };
        let segments = json["segments"].as_array()?.iter().map(segment).collect::<Option<_>>()?;
        (json["format"] == FORMAT).then_some(Self { origin: text("origin")?, extent: text("extent")?, segments })
    }
}

/// The state of one audit while it runs.
pub(super) struct Course<'w> {
    watch: &'w Watch<'w>,
    state: State,
}

impl<'w> Course<'w> {
    /// Begins, or goes on from the state that is kept.
    pub(super) fn begin(watch: &'w Watch<'w>, origin: &str, extent: &str) -> Self {
        let new = State { origin: origin.to_owned(), extent: extent.to_owned(), segments: BTreeMap::new() };
        let kept = watch.state.as_ref().filter(|_| watch.resumes).and_then(|path| fs::read(path).ok());
        let kept = kept.and_then(|bytes| State::of_json(&serde_json::from_slice(&bytes).ok()?));
        let fits = |kept: &State| (&kept.origin, &kept.extent) == (&new.origin, &new.extent);
        let state = kept.filter(fits).unwrap_or(new);
        Self { watch, state }
    }

    pub(super) fn is_interrupted(&self) -> bool {
        (self.watch.is_interrupted)()
    }

    /// Returns what an earlier run found in a segment that has not grown since.
    pub(super) fn earlier(&self, segment: u32, length: u64) -> Option<&Segment> {
        self.state.segments.get(&segment).filter(|kept| kept.length == length)
    }

    /// Takes in what was found in a segment.
    pub(super) fn take(&mut self, segment: u32, found: Segment) {
        let is_worth = found.length >= WORTH_BYTES;
        self.state.segments.insert(segment, found);
        if is_worth {
            self.keep();
        }
    }

    /// Keeps the state, so that a later audit goes on from here.
    pub(super) fn keep(&self) {
        let Some(path) = &self.watch.state else { return };
        let bytes = self.state.to_json().to_string();
        let _ = durable::swap(path, bytes.as_bytes(), Access::Public); // A state that cannot be kept costs time only.
    }

    /// Ends: nothing is left to go on from.
    pub(super) fn end(self) {
        let _ = self.watch.state.as_ref().map(|path| durable::remove(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_only_from_a_state_of_its_own_kind() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = Watch::nobody();
        let watch = |resumes| Watch { state: Some(folder.path().join("state")), resumes, ..Watch::of(nobody.progress) };
        let found = Segment { length: 7, looked: 3, failures: vec![(4, "torn".to_owned())] };
        let first = watch(false);
        let mut course = Course::begin(&first, "a.example/log", "all");
        course.take(2, found.clone());
        course.keep();
        let resumed = watch(true);
        let course = Course::begin(&resumed, "a.example/log", "all");
        assert_eq!(course.earlier(2, 7), Some(&found));
        assert_eq!(course.earlier(2, 8), None, "it has grown");
        assert_eq!(Course::begin(&resumed, "b.example/log", "all").earlier(2, 7), None);
        assert_eq!(Course::begin(&resumed, "a.example/log", "some").earlier(2, 7), None);
        assert_eq!(Course::begin(&first, "a.example/log", "all").earlier(2, 7), None, "it was not asked to");
        course.end();
        assert_eq!(Course::begin(&resumed, "a.example/log", "all").earlier(2, 7), None);
    }
}
