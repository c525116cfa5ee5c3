//! Reading a ZIP that must be exactly as the writer writes it.
//!
//! The directory is read once and each of its fields is held against what the writer would have put
//! there; then each local header is. A member's bytes are read only when asked for, and its checksum
//! is checked as they go by. Memory grows with the count of members, never with their sizes.

use std::io::{self, Read};

use super::writer::{local_header, wide};
use super::{
    CENTRAL_BYTES, CENTRAL_SIGNATURE, DATE, END_BYTES, END_SIGNATURE, EXTERNAL_ATTRIBUTES, LOCAL_BYTES,
    LOCAL_SIGNATURE, MEMBERS_MAX, Member, NAME_BYTES_MAX, Plan, SIZE_BYTES_MAX, VERSION_MADE_BY, VERSION_NEEDED,
    ZipError, check_name,
};
use crate::evidence::bundle::folder::Folder;

/// Bytes that can be read from any place: a file, or memory.
pub trait ReadAt {
    /// Returns how many bytes there are.
    fn size_bytes(&self) -> u64;

    /// Fills `bytes` from what stands at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when there are not that many, and whatever reading can meet.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn size_bytes(&self) -> u64 {
        wide(self.len())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let mut rest = self.get(start..).ok_or(io::ErrorKind::UnexpectedEof)?;
        rest.read_exact(bytes)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size_bytes(&self) -> u64 {
        (**self).size_bytes()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, bytes)
    }
}

/// A ZIP whose directory and headers have been checked; the members' bytes are checked as they are read.
pub struct Archive<R> {
    source: R,
    plan: Plan,
}

impl<R: ReadAt> Archive<R> {
    /// Reads the directory and every header.
    ///
    /// # Errors
    /// One [`ZipError`] for each way in which a ZIP can differ from what the writer writes.
    pub fn open(source: R) -> Result<Self, ZipError> {
        let end = EndRecord::read(&source)?;
        let members = read_directory(&source, &end)?;
        let plan = Plan::new(members)?;
        let archive = Self { source, plan };
        for index in 0..archive.plan.members().len() {
            archive.check_local_header(index)?;
        }
        Ok(archive)
    }

    /// Returns the members in the order in which they stand.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        self.plan.members()
    }

    /// Opens a member; reading on until nothing more comes checks its checksum.
    ///
    /// # Errors
    /// [`ZipError::NoSuchMember`].
    pub fn member(&self, name: &str) -> Result<MemberReader<'_, R>, ZipError> {
        let found = self.members().binary_search_by(|member| member.name.as_str().cmp(name));
        let index = found.map_err(|_| ZipError::NoSuchMember { name: name.to_owned() })?;
        let member = &self.members()[index];
        Ok(MemberReader {
            source: &self.source,
            member,
            offset: self.content_offset(index),
            rest_bytes: u64::from(member.size_bytes),
            hasher: crc32fast::Hasher::new(),
        })
    }

    fn content_offset(&self, index: usize) -> u64 {
        self.plan.offset(index) + wide(LOCAL_BYTES + self.members()[index].name.len())
    }

    fn check_local_header(&self, index: usize) -> Result<(), ZipError> {
        let member = &self.members()[index];
        let offset = self.plan.offset(index);
        let mut found = vec![0; LOCAL_BYTES + member.name.len()];
        let failed = |source| ZipError::Read { name: member.name.clone(), source };
        self.source.read_at(offset, &mut found).map_err(failed)?;
        if found == local_header(member) {
            return Ok(());
        }
        Err(explain_local_header(member, offset, &found))
    }
}

impl<R: ReadAt> Folder for Archive<R> {
    fn names(&self) -> Vec<String> {
        self.members().iter().map(|member| member.name.clone()).collect()
    }

    fn open<'folder>(&'folder self, name: &str) -> io::Result<Box<dyn Read + 'folder>> {
        let member = self.member(name).map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))?;
        Ok(Box::new(member))
    }
}

/// One member's bytes, from the first.
pub struct MemberReader<'archive, R> {
    source: &'archive R,
    member: &'archive Member,
    offset: u64,
    rest_bytes: u64,
    hasher: crc32fast::Hasher,
}

impl<R: ReadAt> Read for MemberReader<'_, R> {
    /// Reads on. After the last byte, a wrong checksum is an error of kind `InvalidData` that holds a
    /// [`ZipError`]: whoever hashes the bytes has them all by then, and can say what they are instead.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.rest_bytes == 0 {
            return self.check_crc().map(|()| 0);
        }
        let rest = usize::try_from(self.rest_bytes).unwrap_or(usize::MAX);
        let count = rest.min(bytes.len());
        let part = &mut bytes[..count];
        self.source.read_at(self.offset, part)?;
        self.hasher.update(part);
        self.offset += wide(count);
        self.rest_bytes -= wide(count);
        Ok(count)
    }
}

impl<R> MemberReader<'_, R> {
    fn check_crc(&self) -> io::Result<()> {
        let (expected, computed) = (self.member.crc32, self.hasher.clone().finalize());
        if expected != computed {
            let error = ZipError::WrongCrc { name: self.member.name.clone(), expected, computed };
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(())
    }
}

/// The last bytes of the file.
struct EndRecord {
    members: usize,
    directory_bytes: u64,
    directory_offset: u64,
}

impl EndRecord {
    fn read(source: &impl ReadAt) -> Result<Self, ZipError> {
        let size_bytes = source.size_bytes();
        if size_bytes > SIZE_BYTES_MAX {
            return Err(ZipError::TooLarge { size_bytes });
        }
        let offset = size_bytes.checked_sub(wide(END_BYTES)).ok_or(ZipError::NotAZip)?;
        let mut bytes = [0; END_BYTES];
        source.read_at(offset, &mut bytes).map_err(|source| in_directory(END, source))?;

        let mut fields = Fields { name: END.to_owned(), header: END, rest: &bytes };
        if fields.four() != END_SIGNATURE {
            return Err(ZipError::NotAZip);
        }
        fields.two_fixed("disk number", 0)?;
        fields.two_fixed("first disk number", 0)?;
        let count = fields.two();
        fields.two_fixed("count of members", count)?;
        let (directory_bytes, directory_offset) = (u64::from(fields.four()), u64::from(fields.four()));
        fields.two_fixed("comment length", 0)?;

        let members = usize::from(count);
        if members > MEMBERS_MAX {
            return Err(ZipError::TooManyMembers { count: members });
        }
        if directory_offset + directory_bytes != offset {
            return Err(ZipError::DirectorySize { expected: directory_offset + directory_bytes, found: offset });
        }
        Ok(Self { members, directory_bytes, directory_offset })
    }
}

/// Reads the central directory and checks that it is in order and fits what lies before it.
fn read_directory(source: &impl ReadAt, end: &EndRecord) -> Result<Vec<Member>, ZipError> {
    let wrong_size = |expected| ZipError::DirectorySize { expected, found: end.directory_bytes };
    // Before the buffer is made: the claim is bounded by what so many members can need at most.
    let directory_bytes_max = wide(end.members * (CENTRAL_BYTES + NAME_BYTES_MAX));
    if end.directory_bytes > directory_bytes_max {
        return Err(wrong_size(directory_bytes_max));
    }
    let mut bytes = vec![0; usize::try_from(end.directory_bytes).map_err(|_| wrong_size(directory_bytes_max))?];
    source.read_at(end.directory_offset, &mut bytes).map_err(|source| in_directory(DIRECTORY, source))?;

    let mut members: Vec<Member> = Vec::with_capacity(end.members);
    let mut rest = bytes.as_slice();
    let mut next_offset = 0;
    for _ in 0..end.members {
        let (member, offset, after) = read_entry(rest).ok_or(wrong_size(end.directory_bytes))??;
        if let Some(previous) = members.last().map(|previous| &previous.name) {
            check_order(previous, &member.name)?;
        }
        if offset != next_offset {
            return Err(ZipError::NotContiguous { name: member.name, expected: next_offset, found: offset });
        }
        next_offset += wide(LOCAL_BYTES + member.name.len()) + u64::from(member.size_bytes);
        members.push(member);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(wrong_size(end.directory_bytes - wide(rest.len())));
    }
    if next_offset != end.directory_offset {
        let (expected, found) = (next_offset, end.directory_offset);
        return Err(ZipError::NotContiguous { name: DIRECTORY.to_owned(), expected, found });
    }
    Ok(members)
}

/// Reads one entry of the directory: the member, its offset, and what follows. `None` when it is cut short.
#[expect(clippy::type_complexity, reason = "one private caller takes it apart at once")]
fn read_entry(bytes: &[u8]) -> Option<Result<(Member, u64, &[u8]), ZipError>> {
    let header = bytes.get(..CENTRAL_BYTES)?;
    // The name comes first so that every other error can say whose header it is.
    let name_bytes = usize::from(u16::from_le_bytes([header[28], header[29]]));
    let rest = bytes.get(CENTRAL_BYTES + name_bytes..)?;
    let name = String::from_utf8_lossy(&bytes[CENTRAL_BYTES..CENTRAL_BYTES + name_bytes]).into_owned();
    Some(read_central_fields(name, header).map(|(member, offset)| (member, offset, rest)))
}

fn read_central_fields(name: String, header: &[u8]) -> Result<(Member, u64), ZipError> {
    let mut fields = Fields { name: name.clone(), header: DIRECTORY, rest: header };
    fields.four_fixed("signature", CENTRAL_SIGNATURE)?;
    let made_by = fields.two();
    let (crc32, size_bytes) = fields.shared()?;
    let _name_length = fields.two();
    check_name(&name)?;
    if made_by != VERSION_MADE_BY {
        return Err(fields.foreign("version made by", VERSION_MADE_BY, made_by));
    }
    fields.two_fixed("extra field length", 0)?;
    fields.two_fixed("comment length", 0)?;
    fields.two_fixed("disk number", 0)?;
    fields.two_fixed("internal attributes", 0)?;
    fields.four_fixed("external attributes", EXTERNAL_ATTRIBUTES)?;
    let offset = u64::from(fields.four());
    Ok((Member { name, size_bytes, crc32 }, offset))
}

fn check_order(previous: &str, name: &str) -> Result<(), ZipError> {
    match previous.cmp(name) {
        std::cmp::Ordering::Less => Ok(()),
        std::cmp::Ordering::Equal => Err(ZipError::Duplicate { name: name.to_owned() }),
        std::cmp::Ordering::Greater => Err(ZipError::Unsorted { name: name.to_owned(), previous: previous.to_owned() }),
    }
}

/// Says in what way a local header differs from what the directory calls for.
fn explain_local_header(member: &Member, offset: u64, found: &[u8]) -> ZipError {
    let name = || member.name.clone();
    let mut fields = Fields { name: name(), header: "local header", rest: found };
    if fields.four() != LOCAL_SIGNATURE {
        // Where a header was expected stand other bytes, so the members do not lie end to end.
        return ZipError::NotContiguous { name: name(), expected: offset, found: offset };
    }
    let (crc32, size_bytes) = match fields.shared() {
        Ok(shared) => shared,
        Err(error) => return error,
    };
    let _name_length = fields.two();
    if let Err(error) = fields.two_fixed("extra field length", 0) {
        return error;
    }
    let disagree =
        |field, central: String, local: String| ZipError::HeadersDisagree { name: name(), field, central, local };
    if crc32 != member.crc32 {
        return disagree("CRC-32", format!("{:08x}", member.crc32), format!("{crc32:08x}"));
    }
    if size_bytes != member.size_bytes {
        return disagree("size", member.size_bytes.to_string(), size_bytes.to_string());
    }
    disagree("name", name(), String::from_utf8_lossy(&found[LOCAL_BYTES..]).into_owned())
}

/// What is left to read of a header, and how to say where something is wrong.
struct Fields<'a> {
    name: String,
    header: &'static str,
    rest: &'a [u8],
}

impl Fields<'_> {
    /// Reads version needed up to the second size, and returns the checksum and the size.
    fn shared(&mut self) -> Result<(u32, u32), ZipError> {
        let needed = self.two();
        let (flags, method) = (self.two(), self.two());
        let (time, date) = (self.two(), self.two());
        let (crc32, packed, size_bytes) = (self.four(), self.four(), self.four());
        if flags & 1 != 0 {
            return Err(ZipError::Encrypted { name: self.name.clone() });
        }
        if method != 0 {
            return Err(ZipError::Compressed { name: self.name.clone(), method });
        }
        let fixed =
            [("flags", 0, flags), ("time", 0, time), ("date", DATE, date), ("version needed", VERSION_NEEDED, needed)];
        for (field, expected, found) in fixed {
            if found != expected {
                return Err(self.foreign(field, expected, found));
            }
        }
        if packed != size_bytes {
            return Err(self.foreign("packed size", size_bytes, packed));
        }
        Ok((crc32, size_bytes))
    }

    fn two_fixed(&mut self, field: &'static str, expected: u16) -> Result<(), ZipError> {
        let found = self.two();
        if found == expected { Ok(()) } else { Err(self.foreign(field, expected, found)) }
    }

    fn four_fixed(&mut self, field: &'static str, expected: u32) -> Result<(), ZipError> {
        let found = self.four();
        if found == expected { Ok(()) } else { Err(self.foreign(field, expected, found)) }
    }

    fn two(&mut self) -> u16 {
        u16::from_le_bytes(self.next())
    }

    fn four(&mut self) -> u32 {
        u32::from_le_bytes(self.next())
    }

    fn next<const BYTES: usize>(&mut self) -> [u8; BYTES] {
        let (next, rest) = self.rest.split_first_chunk().expect("a header is read whole before its fields are");
        self.rest = rest;
        *next
    }

    fn foreign(&self, field: &'static str, expected: impl Into<u64>, found: impl Into<u64>) -> ZipError {
        let (expected, found) = (expected.into(), found.into());
        ZipError::ForeignField { name: self.name.clone(), header: self.header, field, expected, found }
    }
}

fn in_directory(part: &str, source: io::Error) -> ZipError {
    ZipError::Read { name: part.to_owned(), source }
}

const DIRECTORY: &str = "central directory";
const END: &str = "end record";

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    const CONTENTS: [(&str, &[u8]); 4] = [("a", b""), ("b/c", b"one"), ("b/d", b"two"), ("e", b"three")];

    fn zip() -> Vec<u8> {
        let members = CONTENTS.iter().map(|(name, bytes)| Member::measure(name, *bytes).unwrap()).collect();
        let mut out = Vec::new();
        let open = |name: &str| Ok(CONTENTS.iter().find(|(other, _)| *other == name).unwrap().1);
        Plan::new(members).unwrap().write(&mut out, open).unwrap();
        out
    }

    fn refusal(bytes: &[u8]) -> String {
        let Err(error) = Archive::open(bytes) else { return "accepted".into() };
        format!("{error:?}").split([' ', '{']).next().unwrap().to_owned()
    }

    #[test]
    fn reads_back_what_was_written() {
        let bytes = zip();
        let archive = Archive::open(bytes.as_slice()).unwrap();
        for (name, expected) in CONTENTS {
            let mut found = Vec::new();
            archive.member(name).unwrap().read_to_end(&mut found).unwrap();
            assert_eq!(found, expected, "{name}");
        }
        assert!(matches!(archive.member("c"), Err(ZipError::NoSuchMember { .. })));
        assert_eq!(Folder::open(&archive, "c").err().unwrap().kind(), io::ErrorKind::NotFound);
        assert_eq!(refusal(&[]), "NotAZip");
    }

    proptest! {
        #[test]
        fn reads_back_any_members(files in btree_map("[a-z0-9_-]{1,9}(/[a-z0-9._-]{0,9}[a-z])?", vec(any::<u8>(), 0..99), 0..9)) {
            let measure = |(name, bytes): (&String, &Vec<u8>)| Member::measure(name, bytes.as_slice()).unwrap();
            // A file and a folder may have one name here.
            let Ok(plan) = Plan::new(files.iter().map(measure).collect()) else { return Ok(()) };
            let mut zip = Vec::new();
            plan.write(&mut zip, |name| Ok(files[name].as_slice())).unwrap();
            let archive = Archive::open(zip.as_slice()).unwrap();
            prop_assert_eq!(archive.names(), files.keys().cloned().collect::<Vec<_>>());
            for (name, bytes) in &files {
                let mut found = Vec::new();
                archive.member(name).unwrap().read_to_end(&mut found).unwrap();
                prop_assert_eq!(&found, bytes);
            }
        }

        #[test]
        fn stands_any_bytes(at in 0..500_usize, bytes in vec(any::<u8>(), 0..60)) {
            let mut zip = zip();
            let at = at.min(zip.len());
            let end = zip.len().min(at + bytes.len());
            zip.splice(at..end, bytes.iter().copied());
            let _ = Archive::open(zip.as_slice());
            let _ = Archive::open(bytes.as_slice());
        }
    }

    #[test]
    fn no_bit_can_be_flipped_unnoticed() {
        let bytes = zip();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(archive) = Archive::open(flipped.as_slice()) else { continue };
            let read = |(name, _): &(&str, &[u8])| Ok(archive.member(name)?.read_to_end(&mut Vec::new()));
            let all: Result<Vec<_>, ZipError> = CONTENTS.iter().map(read).collect();
            let failed = all.is_ok_and(|reads| reads.iter().any(Result::is_err));
            assert!(failed, "bit {bit}");
        }
    }

    #[test]
    fn no_byte_can_be_added_or_taken_away() {
        let bytes = zip();
        for at in 0..=bytes.len() {
            for added in [0, b'P', 0xFF] {
                let mut longer = bytes.clone();
                longer.insert(at, added);
                assert_ne!(refusal(&longer), "accepted", "one more at {at}");
            }
            assert!(at == bytes.len() || refusal(&bytes[..at]) != "accepted", "cut at {at}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let bytes = zip();
        let end = bytes.len() - END_BYTES;
        let directory = usize::from(u16::from_le_bytes([bytes[end + 16], bytes[end + 17]]));
        let change = |at: usize, to: &[u8]| {
            let mut changed = bytes.clone();
            changed[at..at + to.len()].copy_from_slice(to);
            refusal(&changed)
        };
        let second = directory + CENTRAL_BYTES + 1;
        let third = second + CENTRAL_BYTES + 3;
        assert_eq!(change(directory + 8, &[1]), "Encrypted");
        assert_eq!(change(directory + 10, &[8]), "Compressed");
        assert_eq!(change(directory + 12, &[1]), "ForeignField");
        assert_eq!(change(directory + 42, &[9]), "NotContiguous");
        assert_eq!(change(directory + CENTRAL_BYTES, b"A"), "NameCharacter");
        assert_eq!(change(directory + CENTRAL_BYTES, b"f"), "Unsorted");
        assert_eq!(change(second + CENTRAL_BYTES, b"../"), "PathEscapes");
        assert_eq!(change(third + CENTRAL_BYTES, b"b/c"), "Duplicate");
        assert_eq!(change(6, &[1]), "Encrypted");
        assert_eq!(change(14, &[1]), "HeadersDisagree");
        assert_eq!(change(30, b"b"), "HeadersDisagree");
        assert_eq!(change(0, b"Q"), "NotContiguous");
        assert_eq!(change(end, b"Q"), "NotAZip");
        assert_eq!(change(end + 8, &[0xFF; 4]), "TooManyMembers");
        assert_eq!(change(end + 12, &[0xFF; 4]), "DirectorySize");
        assert_eq!(refusal(&[b"prefix", bytes.as_slice()].concat()), "DirectorySize");
        assert_eq!(refusal(&[bytes.as_slice(), b"suffix"].concat()), "NotAZip");
    }

    #[test]
    fn a_changed_byte_fails_its_member_and_no_other() {
        let mut bytes = zip();
        let at = bytes.windows(3).position(|window| window == b"two").unwrap();
        bytes[at] ^= 1;
        let archive = Archive::open(bytes.as_slice()).unwrap();
        for (name, _) in CONTENTS {
            let read = archive.member(name).unwrap().read_to_end(&mut Vec::new());
            assert_eq!(read.is_err(), name == "b/d", "{name}");
        }
    }
}
