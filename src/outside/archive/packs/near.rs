//! Near: what a blob leans on, read together where it lies together.
//!
//! From a blob to the plain one that it leans on in the end may be twenty steps. Each would cost a look at the disk; what
//! lies close together costs one for all. Nothing here is trusted: what is read so is compared as all else is.

use std::fs::File;
use std::ops::Range;

use super::member::read_member;
use super::{Member, Packs};

use crate::outside::window::Window;

/// The neighbourhood of the blobs of one chain.
pub(in crate::outside::archive) struct Near {
    packs: Packs,
    open: Option<Open>,
}

struct Open {
    segment: u32,
    window: Window<File>,
    length: u64,
}

impl Near {
    pub(in crate::outside::archive) fn new(packs: &Packs) -> Self {
        Self { packs: packs.clone(), open: None }
    }

    /// Reads the member at `offset`, when a whole one lies there.
    pub(super) fn member(&mut self, segment: u32, offset: u64) -> Option<Member> {
        let open = match &mut self.open {
            Some(open) if open.segment == segment => open,
            other => {
                let file = File::open(self.packs.path(segment)).ok()?;
                let length = file.metadata().ok()?.len();
                other.insert(Open { segment, window: Window::looking_back(file), length })
            }
        };
        read_member(&mut open.window, offset, open.length)
    }

    /// Returns a stretch of a segment that is at hand.
    pub(in crate::outside::archive) fn held(&self, segment: u32, stretch: Range<u64>) -> Option<&[u8]> {
        self.open.as_ref().filter(|open| open.segment == segment)?.window.held(stretch)
    }
}
