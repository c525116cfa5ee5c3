//! Members: how a blob lies in a segment, and where the next one begins. The page is [`super`]'s.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::{PackError, Packs};

use crate::base::cbor::{self, Value};
use crate::base::hash::Hash;
use crate::outside::window::Window;

/// How many frames are decoded before a blob's own at most.
pub const DEPTH_MAX: u64 = 80;

/// The largest blob that is compressed against another, or another against it: what is larger is streamed.
pub const REFERENCE_BYTES_MAX: u64 = 1 << 20;

/// The longest map of a member.
const HEADER_BYTES_MAX: u32 = 1024;

/// How much is read at a time in search of the next member.
const SCAN_BYTES: u64 = 1 << 20;

const SKIPPABLE_MAGIC: u32 = 0x184D_2A5A;
const PREAMBLE_BYTES: u64 = 8;
const PREAMBLE_BYTES_USIZE: usize = 8;
/// The key `pad` and the head of a byte string of 24 to 255 bytes.
const PAD_HEAD_BYTES: usize = 6;

/// A blob as it lies in a segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The blob's name, as the segment says it.
    pub hash: Hash,
    /// How many bytes it has, as the segment says it.
    pub size_bytes: u64,
    /// Where its member begins.
    pub offset: u64,
    /// What its frame is compressed against; `None` for a plain frame, which needs no other blob.
    pub base: Option<Base>,
    /// Whether the map's own sum fits, where it has one: what it says of the way to the base is under no other check.
    pub is_sum_right: bool,
    pub(in crate::outside::archive) frame_offset: u64,
    pub(in crate::outside::archive) stored_bytes: u64,
    pub(in crate::outside::archive) crc32: u32,
}

/// What a frame is compressed against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Base {
    /// The blob that must be decoded first.
    pub hash: Hash,
    /// How many frames are decoded before this one at most.
    pub depth: u64,
    /// How far before this member its base's member begins, where both were written to one segment. It saves a search,
    /// and nothing relies on it: where members were copied elsewhere, the base is found by its name.
    pub back: Option<u64>,
}

/// What a member's map says.
pub(super) struct Stored {
    pub(super) hash: Hash,
    pub(super) base: Option<Base>,
    pub(super) size_bytes: u64,
    pub(super) frame_bytes: u64,
    pub(super) crc32: u32,
}

impl Member {
    /// Returns where the next member begins.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.frame_offset + self.stored_bytes
    }

    /// Returns how many frames are decoded before its own at most.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.base.map_or(0, |base| base.depth)
    }
}

impl Packs {
    /// Walks a segment's members from `start`, in order. Bytes that are no member are passed over, with an
    /// error that says where they lie.
    ///
    /// # Errors
    /// [`PackError::Io`] when the segment cannot be opened; in the walk, [`PackError::Torn`].
    pub fn walk(
        &self,
        segment: u32,
        start: u64,
    ) -> Result<impl Iterator<Item = Result<Member, PackError>> + use<>, PackError> {
        let path = self.path(segment);
        let io_error = |source| PackError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        let mut file = Window::new(file);
        let mut offset = start;
        Ok(std::iter::from_fn(move || {
            if offset >= length {
                return None;
            }
            if let Some(member) = read_member(&mut file, offset, length) {
                offset = member.end();
                return Some(Ok(member));
            }
            let end = next_member(&mut file, offset + 1, length).unwrap_or(length);
            let torn = PackError::Torn { path: path.clone(), offset, end };
            offset = end;
            Some(Err(torn))
        }))
    }

    /// Reads the member at `offset`, when a whole one lies there.
    ///
    /// # Errors
    /// When the segment cannot be opened.
    pub fn member_at(&self, segment: u32, offset: u64) -> Result<Option<Member>, PackError> {
        let path = self.path(segment);
        let mut file = File::open(&path).map_err(|source| PackError::Io { path: path.clone(), source })?;
        let length = file.metadata().map_err(|source| PackError::Io { path, source })?.len();
        Ok(read_member(&mut file, offset, length))
    }
}

impl Stored {
    /// Returns the skippable frame that holds the map, padded to `room` bytes when that is not 0.
    pub(super) fn map(&self, room: u64) -> Vec<u8> {
        let fields = || {
            let mut fields = vec![
                ("sha256", Value::from(self.hash)),
                ("size", Value::from(self.size_bytes)),
                ("stored", Value::from(self.frame_bytes)),
                ("crc32", Value::from(u64::from(self.crc32))),
            ];
            if let Some(Base { hash, depth, back }) = self.base {
                fields.extend([("base", Value::from(hash)), ("depth", Value::from(depth))]);
                fields.extend(back.map(|back| ("back", Value::from(back))));
                let sum = crc32fast::hash(&cbor::encode(&Value::map(fields.clone())));
                fields.push(("sum", Value::from(u64::from(sum))));
            }
            fields
        };
        let mut map = cbor::encode(&Value::map(fields()));
        let room = usize::try_from(room).expect("a room is small");
        if let Some(left) = room.checked_sub(PREAMBLE_BYTES_USIZE + map.len() + PAD_HEAD_BYTES) {
            let pad = ("pad", Value::Bytes(vec![0; left]));
            map = cbor::encode(&Value::map(fields().into_iter().chain([pad])));
        }
        let length = u32::try_from(map.len()).expect("a map of a few fields is short");
        [&SKIPPABLE_MAGIC.to_le_bytes()[..], &length.to_le_bytes(), &map].concat()
    }
}

/// Returns the CRC-32 of a map without its field `sum`.
fn sum_of(fields: &[(Value, Value)]) -> u32 {
    let summed = fields.iter().filter(|(key, _)| key.as_text() != Some("sum")).cloned();
    crc32fast::hash(&cbor::encode(&Value::Map(summed.collect())))
}

/// Finds where the next whole member begins, at `start` or behind it.
fn next_member(file: &mut (impl Read + Seek), start: u64, length: u64) -> Option<u64> {
    let mut window = Vec::new();
    let mut offset = start;
    while offset < length {
        window.clear();
        file.seek(SeekFrom::Start(offset)).ok()?;
        Read::by_ref(file).take(SCAN_BYTES).read_to_end(&mut window).ok()?;
        let magic = SKIPPABLE_MAGIC.to_le_bytes();
        for position in window.windows(magic.len()).enumerate().filter(|(_, bytes)| *bytes == magic).map(|(n, _)| n) {
            let candidate = offset + u64::try_from(position).ok()?;
            if read_member(file, candidate, length).is_some() {
                return Some(candidate);
            }
        }
        // The last three bytes may begin a magic that the next window ends.
        let passed = u64::try_from(window.len()).ok()?.saturating_sub(3).max(1);
        offset += passed;
    }
    None
}

/// Reads the member at `offset`, when a whole one lies there.
pub(in crate::outside::archive) fn read_member(
    file: &mut (impl Read + Seek),
    offset: u64,
    length: u64,
) -> Option<Member> {
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut preamble = [0; 8];
    file.read_exact(&mut preamble).ok()?;
    let magic = u32::from_le_bytes(preamble[..4].try_into().ok()?);
    let header_bytes = u32::from_le_bytes(preamble[4..].try_into().ok()?);
    if magic != SKIPPABLE_MAGIC || header_bytes > HEADER_BYTES_MAX {
        return None;
    }
    let mut header = vec![0; usize::try_from(header_bytes).ok()?];
    file.read_exact(&mut header).ok()?;
    let Value::Map(fields) = cbor::decode(&header).ok()? else { return None };
    let field = |name: &str| fields.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value);
    let pad = field("pad");
    if pad.is_some_and(|pad| pad.as_bytes().is_none_or(|pad| pad.iter().any(|byte| *byte != 0))) {
        return None;
    }
    let base = match (field("base"), field("depth")) {
        (Some(base), Some(depth)) => Some(Base {
            hash: Hash::from_slice(base.as_bytes()?).ok()?,
            depth: depth.as_unsigned().filter(|depth| (1..=DEPTH_MAX).contains(depth))?,
            back: match field("back") {
                Some(back) => Some(back.as_unsigned().filter(|back| *back > 0)?),
                None => None,
            },
        }),
        (None, None) => None,
        _ => return None,
    };
    let base_fields = base.map_or(0, |base| 2 + usize::from(base.back.is_some()) + usize::from(field("sum").is_some()));
    let member = Member {
        base,
        is_sum_right: field("sum").is_none_or(|sum| sum.as_unsigned() == Some(u64::from(sum_of(&fields)))),
        hash: Hash::from_slice(field("sha256")?.as_bytes()?).ok()?,
        size_bytes: field("size")?.as_unsigned()?,
        offset,
        frame_offset: offset + PREAMBLE_BYTES + u64::from(header_bytes),
        stored_bytes: field("stored")?.as_unsigned()?,
        crc32: u32::try_from(field("crc32")?.as_unsigned()?).ok()?,
    };
    let is_small = base.is_none() || member.size_bytes.max(member.stored_bytes) <= REFERENCE_BYTES_MAX;
    let field_count = 4 + usize::from(pad.is_some()) + base_fields;
    (is_small && fields.len() == field_count && member.frame_offset.checked_add(member.stored_bytes)? <= length)
        .then_some(member)
}
