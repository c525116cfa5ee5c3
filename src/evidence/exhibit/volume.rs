//! Volumes: the pages of an exhibit in files that are no larger than a filing system takes.
//!
//! | quantity | unit   | range                                        |
//! |----------|--------|----------------------------------------------|
//! | page     | number | from 1, over all volumes, covers included    |
//! | volume   | number | from 1                                       |
//! | volume   | bytes  | at most what the order says                  |
//!
//! Each volume begins with a cover. Pages are kept whole and in order. How large a file will be is estimated from what
//! each page takes and from the fonts of all pages; where that was too little, it is tried again with more to spare.

use std::ops::Range;
use std::rc::Rc;

use super::cover::{self, Cover, Line};
use super::face::Faces;
use super::frame::{self, Numbers};
use super::order::Order;
use super::pdf::{self, Bookmark};
use super::sheet::{Page, Running};
use super::xmp::About;
use super::{ExhibitError, Volume};

use crate::base::time::Time;

/// What is kept free of a volume for its cover, and for what an estimate misses.
const RESERVE_BYTES: usize = 60_000;

/// How often a split is tried, each time with a tenth more to spare.
const TRIAL_COUNT_MAX: usize = 8;

/// A part of an exhibit that begins on a page of its own.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) pages: Vec<Page>,
}

/// An exhibit before it is parted into volumes.
pub(super) struct Whole<'w> {
    pub(super) order: &'w Order,
    pub(super) title: String,
    /// Lines below the title.
    pub(super) about: Vec<String>,
    /// The lines at the foot of the cover.
    pub(super) made_from: Vec<String>,
    pub(super) running: Rc<Running>,
    pub(super) time: Time,
    pub(super) sections: Vec<Section>,
}

impl Whole<'_> {
    /// Writes the volumes.
    pub(super) fn write(&self, faces: &Faces) -> Result<Vec<Volume>, ExhibitError> {
        let pages: Vec<Page> = self.sections.iter().flat_map(|section| section.pages.iter().cloned()).collect();
        let limit = self.order.volume_bytes_max;
        let whole = self.write_ranges(faces, &pages, std::slice::from_ref(&(0..pages.len())));
        if whole.iter().all(|volume| volume.bytes.len() <= limit) {
            return Ok(whole);
        }
        let costs: Vec<usize> = pages.iter().map(pdf::cost).collect();
        let fonts = whole[0].bytes.len().saturating_sub(costs.iter().sum());
        let mut room = limit.saturating_sub(fonts).saturating_sub(RESERVE_BYTES);
        for _ in 0..TRIAL_COUNT_MAX {
            let volumes = self.write_ranges(faces, &pages, &split(&costs, room)?);
            if volumes.iter().all(|volume| volume.bytes.len() <= limit) {
                return Ok(volumes);
            }
            room -= room / 10;
        }
        Err(ExhibitError::VolumeTooSmall { limit })
    }

    fn write_ranges(&self, faces: &Faces, pages: &[Page], ranges: &[Range<usize>]) -> Vec<Volume> {
        let contents = self.contents(ranges);
        let total = pages.len() + ranges.len();
        let mut first_number = 1;
        let mut volumes = Vec::new();
        for (n, range) in ranges.iter().enumerate() {
            let number = n + 1;
            let name = (ranges.len() > 1).then(|| format!("Volume {number} of {}", ranges.len()));
            let cover = cover::write(
                faces,
                self.order.sheet,
                Rc::clone(&self.running),
                &Cover {
                    caption: &self.order.caption,
                    letter: self.order.letter.as_str(),
                    title: &self.title,
                    about: &self.about,
                    volume: name.clone(),
                    contents: &contents,
                    made_from: &self.made_from,
                },
            );
            let mut bound = vec![cover];
            bound.extend(pages[range.clone()].iter().cloned());
            for (page, number) in bound.iter_mut().zip(first_number..) {
                frame::put(faces, self.order.sheet, page, &self.numbers(number, total));
            }
            let about = self.about_file(name.as_deref(), first_number);
            let bookmarks = self.bookmarks(range);
            let bytes = pdf::write(faces, self.order.sheet, &about, &bound, &bookmarks);
            first_number += bound.len();
            volumes.push(Volume { number, page_count: bound.len(), bytes });
        }
        volumes
    }

    fn numbers(&self, number: usize, total: usize) -> Numbers {
        let letter = self.order.letter.as_str();
        Numbers {
            exhibit: format!("Exhibit {letter}"),
            page: format!("Page {letter}-{number} of {total}"),
            bates: self.order.bates.as_ref().map(|bates| bates.number(number - 1)),
        }
    }

    fn about_file(&self, volume: Option<&str>, first_number: usize) -> About {
        let letter = self.order.letter.as_str();
        let volume = volume.map(|volume| format!(", {volume}")).unwrap_or_default();
        About {
            title: format!("Exhibit {letter}: {}{volume}", self.title),
            subject: self.about.join(" \u{b7} "),
            software: self.order.software.clone(),
            time: self.time,
            label: format!("{letter}-"),
            first_number,
        }
    }

    /// Returns where each section begins, over all volumes.
    fn contents(&self, ranges: &[Range<usize>]) -> Vec<Line> {
        let mut at = 0;
        let mut lines = Vec::new();
        for section in &self.sections {
            let volume = ranges.iter().position(|range| range.contains(&at)).unwrap_or_default();
            let number = at + volume + 2; // The covers up to here, and counting from 1.
            let place = format!("{}-{number}", self.order.letter.as_str());
            let place = if ranges.len() > 1 { format!("{place} (volume {})", volume + 1) } else { place };
            lines.push(Line { title: section.title.clone(), place });
            at += section.pages.len();
        }
        lines
    }

    fn bookmarks(&self, range: &Range<usize>) -> Vec<Bookmark> {
        let mut bookmarks = vec![Bookmark { title: "Cover".to_owned(), page: 0 }];
        let mut at = 0;
        for section in &self.sections {
            let end = at + section.pages.len();
            let (start, is_here) = (at, at < range.end && end > range.start);
            at = end;
            if !is_here {
                continue;
            }
            let page = start.saturating_sub(range.start) + 1;
            let mut title = section.title.clone();
            title.push_str([" (goes on)", ""][usize::from(start >= range.start)]);
            bookmarks.push(Bookmark { title, page });
        }
        bookmarks
    }
}

/// Parts pages so that those of a volume take no more than `room`.
fn split(costs: &[usize], room: usize) -> Result<Vec<Range<usize>>, ExhibitError> {
    let mut ranges = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, cost) in costs.iter().enumerate() {
        if *cost > room {
            return Err(ExhibitError::VolumeTooSmall { limit: room });
        }
        if used + cost > room {
            ranges.push(start..at);
            (start, used) = (at, 0);
        }
        used += cost;
    }
    ranges.push(start..costs.len());
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_before_a_page_that_does_not_fit() {
        assert_eq!(split(&[3, 3, 3, 1, 9], 9).unwrap(), [0..3, 3..4, 4..5]);
        assert_eq!(split(&[], 9).unwrap().len(), 1);
        assert!(split(&[3, 10], 9).is_err());
    }
}
