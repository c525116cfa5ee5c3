//! Writing a ZIP in one pass, once its members have been measured.
//!
//! Sizes and checksums stand in front of the bytes they describe, so each member is read twice: once
//! to measure it and once to copy it. Memory does not grow with the members' sizes.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use super::{
    CENTRAL_BYTES, CENTRAL_SIGNATURE, DATE, END_BYTES, END_SIGNATURE, EXTERNAL_ATTRIBUTES, LOCAL_BYTES,
    LOCAL_SIGNATURE, MEMBERS_MAX, SIZE_BYTES_MAX, VERSION_MADE_BY, VERSION_NEEDED, ZipError, check_name,
};

/// One file in a ZIP, as its headers describe it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The name, of `[a-z0-9._/-]`.
    pub name: String,
    /// How many bytes the file has.
    pub size_bytes: u32,
    /// The checksum that ZIP asks for.
    pub crc32: u32,
}

impl Member {
    /// Reads a file to its end to learn its size and checksum.
    ///
    /// # Errors
    /// [`ZipError::Read`], or [`ZipError::TooLarge`] when the file alone is more than a ZIP may hold.
    pub fn measure(name: &str, mut bytes: impl Read) -> Result<Self, ZipError> {
        Ok(Self::measure_with(name, |target| io::copy(&mut bytes, target))?.0)
    }

    /// Lets `copy` write a file to its end to learn its size and checksum; returns what `copy` has learned too.
    ///
    /// # Errors
    /// As [`Member::measure`].
    pub fn measure_with<T>(
        name: &str,
        copy: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> Result<(Self, T), ZipError> {
        let mut meter = Meter::default();
        let learned = copy(&mut meter).map_err(|source| ZipError::Read { name: name.to_owned(), source })?;
        let size_bytes =
            u32::try_from(meter.size_bytes).map_err(|_| ZipError::TooLarge { size_bytes: meter.size_bytes })?;
        Ok((Self { name: name.to_owned(), size_bytes, crc32: meter.hasher.finalize() }, learned))
    }
}

/// The members of a ZIP in order, checked before the first byte is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    members: Vec<Member>,
    /// Where each member's local header begins, and last where the directory begins.
    offsets: Vec<u64>,
    size_bytes: u64,
}

impl Plan {
    /// Puts the members in order and checks that they fit.
    ///
    /// # Errors
    /// One [`ZipError`] for each way that names can be unfit or clash, and `TooManyMembers` or
    /// `TooLarge`, after which the caller should divide them over several ZIPs.
    pub fn new(mut members: Vec<Member>) -> Result<Self, ZipError> {
        members.sort_by(|a, b| a.name.cmp(&b.name));
        check_names(&members)?;
        Self::of_package(members)
    }

    /// Takes the members in the order and by the names that another format asks for, as a text document does: fixed names of
    /// ours, which no bundle has.
    ///
    /// # Errors
    /// [`ZipError::TooManyMembers`], [`ZipError::TooLarge`].
    pub fn of_package(members: Vec<Member>) -> Result<Self, ZipError> {
        if members.len() > MEMBERS_MAX {
            return Err(ZipError::TooManyMembers { count: members.len() });
        }
        let mut offsets = Vec::with_capacity(members.len() + 1);
        let mut end = 0;
        for member in &members {
            offsets.push(end);
            end += wide(LOCAL_BYTES + member.name.len()) + u64::from(member.size_bytes);
        }
        offsets.push(end);
        let directory: u64 = members.iter().map(|member| wide(CENTRAL_BYTES + member.name.len())).sum();
        let size_bytes = end + directory + wide(END_BYTES);
        if size_bytes > SIZE_BYTES_MAX {
            return Err(ZipError::TooLarge { size_bytes });
        }
        Ok(Self { members, offsets, size_bytes })
    }

    /// Returns the members in the order in which they stand.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns how many bytes the ZIP will have.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Writes the ZIP, opening each member in turn.
    ///
    /// # Errors
    /// `WrongSize` or `WrongCrc` when a file changed after it was measured, `Read` and `Write`.
    /// What was written by then is not a ZIP and should be thrown away.
    pub fn write<R: Read>(
        &self,
        out: &mut impl Write,
        mut open: impl FnMut(&str) -> io::Result<R>,
    ) -> Result<(), ZipError> {
        self.write_with(out, |name, target| io::copy(&mut open(name)?, target).map(drop))
    }

    /// Writes the ZIP, letting `copy` write each member in turn.
    ///
    /// # Errors
    /// As [`Plan::write`].
    pub fn write_with(
        &self,
        out: &mut dyn Write,
        mut copy: impl FnMut(&str, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), ZipError> {
        for member in &self.members {
            out.write_all(&local_header(member)).map_err(|source| ZipError::Write { source })?;
            let mut gate = Gate { member, out, hasher: crc32fast::Hasher::new(), copied: 0, error: None };
            let copied = copy(&member.name, &mut gate);
            gate.finish(copied)?;
        }
        let directory = self.directory();
        out.write_all(&directory).and_then(|()| out.flush()).map_err(|source| ZipError::Write { source })
    }

    /// Returns the central directory and the end record.
    pub(super) fn directory(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (member, &offset) in self.members.iter().zip(&self.offsets) {
            bytes.extend(CENTRAL_SIGNATURE.to_le_bytes());
            bytes.extend(VERSION_MADE_BY.to_le_bytes());
            bytes.extend(shared_fields(member));
            bytes.extend([0; 6]); // No comment, disk 0, internal attributes 0.
            bytes.extend(EXTERNAL_ATTRIBUTES.to_le_bytes());
            bytes.extend(narrow(offset).to_le_bytes());
            bytes.extend(member.name.as_bytes());
        }
        let count = u16::try_from(self.members.len()).expect("the count was checked");
        let size = narrow(wide(bytes.len()));
        let start = narrow(self.offset(self.members.len()));
        bytes.extend(END_SIGNATURE.to_le_bytes());
        bytes.extend([0; 4]); // This disk, and the disk where the directory begins.
        bytes.extend(count.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend([0; 2]); // No comment.
        bytes
    }

    /// Returns where a member's local header begins, or the directory when `index` is the count of members.
    pub(super) fn offset(&self, index: usize) -> u64 {
        self.offsets[index]
    }
}

/// Returns the header that stands in front of a member's bytes.
pub(super) fn local_header(member: &Member) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LOCAL_BYTES + member.name.len());
    bytes.extend(LOCAL_SIGNATURE.to_le_bytes());
    bytes.extend(shared_fields(member));
    bytes.extend(member.name.as_bytes());
    bytes
}

/// Returns the fields that both headers have: version needed up to the length of the extra field.
fn shared_fields(member: &Member) -> Vec<u8> {
    let name_bytes = u16::try_from(member.name.len()).expect("the name's length was checked");
    let mut bytes = Vec::with_capacity(26);
    bytes.extend(VERSION_NEEDED.to_le_bytes());
    bytes.extend([0; 6]); // No flags, stored, midnight.
    bytes.extend(DATE.to_le_bytes());
    bytes.extend(member.crc32.to_le_bytes());
    bytes.extend(member.size_bytes.to_le_bytes());
    bytes.extend(member.size_bytes.to_le_bytes());
    bytes.extend(name_bytes.to_le_bytes());
    bytes.extend([0; 2]); // No extra field.
    bytes
}

fn check_names(members: &[Member]) -> Result<(), ZipError> {
    let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    for (n, Member { name, .. }) in members.iter().enumerate() {
        check_name(name)?;
        if members.get(n + 1).is_some_and(|next| next.name == *name) {
            return Err(ZipError::Duplicate { name: name.clone() });
        }
        let mut folders = name.match_indices('/').map(|(at, _)| &name[..at]);
        if let Some(folder) = folders.find(|folder| names.contains(folder)) {
            return Err(ZipError::FileAndFolder { name: folder.to_owned() });
        }
    }
    Ok(())
}

/// Lets a member through to the ZIP as long as it is what was measured.
struct Gate<'out> {
    member: &'out Member,
    out: &'out mut dyn Write,
    hasher: crc32fast::Hasher,
    copied: u64,
    /// What went wrong on this side, rather than with reading the file.
    error: Option<ZipError>,
}

impl Gate<'_> {
    fn finish(self, copied: io::Result<()>) -> Result<(), ZipError> {
        let name = || self.member.name.clone();
        if let Some(error) = self.error {
            return Err(error);
        }
        copied.map_err(|source| ZipError::Read { name: name(), source })?;
        let expected = u64::from(self.member.size_bytes);
        if self.copied != expected {
            return Err(ZipError::WrongSize { name: name(), expected });
        }
        let computed = self.hasher.finalize();
        if computed != self.member.crc32 {
            return Err(ZipError::WrongCrc { name: name(), expected: self.member.crc32, computed });
        }
        Ok(())
    }
}

impl Write for Gate<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let expected = u64::from(self.member.size_bytes);
        // Checked before it is written, so that a file that grows without end stops here.
        if self.copied + wide(bytes.len()) > expected {
            self.error = Some(ZipError::WrongSize { name: self.member.name.clone(), expected });
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if let Err(source) = self.out.write_all(bytes) {
            self.error = Some(ZipError::Write { source });
            return Err(io::ErrorKind::Other.into());
        }
        self.hasher.update(bytes);
        self.copied += wide(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts and sums what is written to it.
#[derive(Default)]
struct Meter {
    hasher: crc32fast::Hasher,
    size_bytes: u64,
}

impl Write for Meter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hasher.update(bytes);
        self.size_bytes += wide(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn narrow(within_zip: u64) -> u32 {
    u32::try_from(within_zip).expect("it lies within the size of the ZIP, which was checked")
}

pub(super) fn wide(count: usize) -> u64 {
    u64::try_from(count).expect("a usize is at most 64 bits wide")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn member(name: &str) -> Member {
        Member::measure(name, name.as_bytes()).unwrap()
    }

    fn zip(names: &[&str]) -> Vec<u8> {
        let plan = Plan::new(names.iter().map(|name| member(name)).collect()).unwrap();
        let mut bytes = Vec::new();
        plan.write(&mut bytes, |name| Ok(io::Cursor::new(name.to_owned()))).unwrap();
        assert_eq!(wide(bytes.len()), plan.size_bytes());
        bytes
    }

    #[test]
    fn gives_the_same_bytes_whatever_the_order_of_members() {
        assert_eq!(zip(&["b", "a/b", "a-b"]), zip(&["a-b", "b", "a/b"]));
        assert_eq!(zip(&[]).len(), END_BYTES);
    }

    #[test]
    fn other_programs_read_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let mut out = std::fs::File::create(&path).unwrap();
        out.write_all(&zip(&["bagit.txt", "record/a-b.cbor", "record/a_b"])).unwrap();

        let script = "import sys, zipfile\n\
            z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None\n\
            for i in z.infolist():\n\
            \x20 assert z.read(i).decode() == i.filename\n\
            \x20 print(i.filename, i.date_time[:3], oct(i.external_attr >> 16), i.compress_type, i.create_system)";
        let answer = Command::new("python3").arg("-c").arg(script).arg(&path).output();
        if let Ok(answer) = answer {
            let expected = ["bagit.txt", "record/a-b.cbor", "record/a_b"]
                .map(|name| format!("{name} (1980, 1, 1) 0o100644 0 3\n"))
                .concat();
            assert_eq!(String::from_utf8_lossy(&answer.stdout), expected, "{answer:?}");
        }
        if let Ok(answer) = Command::new("unzip").arg("-t").arg(&path).output() {
            assert!(answer.status.success(), "{answer:?}");
        }
    }

    #[test]
    fn refuses_members_that_cannot_lie_in_one_folder() {
        let refusal = |names: &[&str]| {
            let error = Plan::new(names.iter().map(|name| member(name)).collect()).unwrap_err();
            format!("{error:?}").split([' ', '{']).next().unwrap().to_owned()
        };
        let long = "a".repeat(256);
        let cases: [(&[&str], &str); 18] = [
            (&["a", "a"], "Duplicate"),
            (&["a", "a-", "a/b"], "FileAndFolder"),
            (&["a/b", "a/b/c/d"], "FileAndFolder"),
            (&["A"], "NameCharacter"),
            (&["a b"], "NameCharacter"),
            (&["é"], "NameCharacter"),
            (&["a\0"], "NameCharacter"),
            (&[""], "NameLength"),
            (&[&long], "NameLength"),
            (&["a/"], "IsFolder"),
            (&["a//b"], "NamePart"),
            (&["./a"], "NamePart"),
            (&["a."], "NamePart"),
            (&["/a"], "PathEscapes"),
            (&["../a"], "PathEscapes"),
            (&["a/../b"], "PathEscapes"),
            (&["a\\b"], "PathEscapes"),
            (&["c:a"], "PathEscapes"),
        ];
        for (names, expected) in cases {
            assert_eq!(refusal(names), expected, "{names:?}");
        }
        assert!(Plan::new(vec![member(&long[1..])]).is_ok());
    }

    #[test]
    fn refuses_what_would_need_zip64() {
        let many =
            |count: usize| (0..count).map(|n| Member { name: format!("{n}"), size_bytes: 0, crc32: 0 }).collect();
        assert!(Plan::new(many(MEMBERS_MAX)).is_ok());
        assert!(matches!(Plan::new(many(MEMBERS_MAX + 1)), Err(ZipError::TooManyMembers { count: 0xFFFF })));

        let overhead = u32::try_from(LOCAL_BYTES + CENTRAL_BYTES + END_BYTES + 2).unwrap();
        let sized = |size_bytes| Plan::new(vec![Member { name: "a".into(), size_bytes, crc32: 0 }]);
        assert_eq!(sized(u32::MAX - 1 - overhead).unwrap().size_bytes(), SIZE_BYTES_MAX);
        assert!(matches!(sized(u32::MAX - overhead), Err(ZipError::TooLarge { .. })));
    }

    #[test]
    fn notices_a_file_that_changed_after_it_was_measured() {
        let plan = Plan::new(vec![member("abc")]).unwrap();
        let error = |bytes: &'static [u8]| plan.write(&mut Vec::new(), |_| Ok(bytes)).unwrap_err();
        assert!(matches!(error(b"ab"), ZipError::WrongSize { expected: 3, .. }));
        assert!(matches!(error(b"abcd"), ZipError::WrongSize { expected: 3, .. }));
        assert!(matches!(error(b"abd"), ZipError::WrongCrc { .. }));
    }
}
