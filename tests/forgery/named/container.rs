//! Forged ZIPs: two bundles in one file, so that one reader sees one and another reader the other.

use super::super::Files;
use super::super::yard::zip_raw;
use super::Forgery;
use super::scene::Scene;

/// Where fields stand in a local header, a central one and the end record (APPNOTE 6.3.10 §4.3).
mod at {
    pub(super) const LOCAL_FLAGS: usize = 6;
    pub(super) const LOCAL_METHOD: usize = 8;
    pub(super) const LOCAL_CRC: usize = 14;
    pub(super) const LOCAL_SIZE: usize = 22;
    pub(super) const LOCAL_NAME: usize = 30;
    pub(super) const CENTRAL_FLAGS: usize = 8;
    pub(super) const CENTRAL_METHOD: usize = 10;
    pub(super) const CENTRAL_SIZE: usize = 24;
    pub(super) const CENTRAL_ATTRIBUTES: usize = 38;
    pub(super) const CENTRAL_OFFSET: usize = 42;
    pub(super) const CENTRAL_NAME: usize = 46;
}

/// An honest ZIP, and where one of its files stands in it.
struct Zip {
    bytes: Vec<u8>,
    local: usize,
    central: usize,
    directory: usize,
}

impl Zip {
    fn of(files: &Files, name: &str) -> Self {
        let bytes = zip_raw(&members(files));
        let find = |from: usize, magic: &[u8], offset: usize| {
            (from..bytes.len() - name.len())
                .find(|at| bytes[*at..].starts_with(magic) && bytes[at + offset..].starts_with(name.as_bytes()))
                .unwrap()
        };
        let end = bytes.len() - 22;
        let directory = usize::try_from(u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap())).unwrap();
        Self {
            local: find(0, b"PK\x03\x04", at::LOCAL_NAME),
            central: find(directory, b"PK\x01\x02", at::CENTRAL_NAME),
            directory,
            bytes,
        }
    }

    fn put(&self, changes: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, new) in changes {
            bytes[*at..at + new.len()].copy_from_slice(new);
        }
        assert_ne!(bytes, self.bytes);
        bytes
    }
}

fn members(files: &Files) -> Vec<(&str, &[u8])> {
    files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
}

pub(super) fn all(scene: &Scene) -> Vec<Forgery> {
    [twice(scene), paths(scene), fields(scene), around(scene)].into_iter().flatten().collect()
}

fn forged_page(scene: &Scene) -> (String, Vec<u8>) {
    let name = scene.name("data/content/", "000003-z/page.html");
    let forged = String::from_utf8(scene.files[&name].clone()).unwrap().replace("never", "surely");
    (name, forged.into_bytes())
}

fn twice(scene: &Scene) -> Vec<Forgery> {
    let (name, forged) = forged_page(scene);
    let add = |name: &'static str, file: &str, is_last: bool, culprits: &[&str]| {
        let mut members = members(&scene.files);
        let at = members.iter().position(|(member, _)| *member >= file).unwrap_or(members.len());
        members.insert(at + usize::from(is_last), (file, &forged));
        Forgery::of_zip(name, zip_raw(&members), culprits)
    };
    let upper = name.replace("page.html", "Page.html");
    vec![
        add("a name twice in the ZIP, the forged file last", &name, true, &[&name]),
        add("a name twice in the ZIP, the forged file first", &name, false, &[&name]),
        add("a name twice in the ZIP, but for its case", &upper, false, &[&upper]),
    ]
}

fn paths(scene: &Scene) -> Vec<Forgery> {
    let (_, forged) = forged_page(scene);
    let names = [
        ("a path out of the folder", "../verify.sh"),
        ("a path out of the folder, further in", "data/../../verify.sh"),
        ("an absolute path", "/tmp/affiant-forged"),
        ("a path with backslashes", "data\\log\\checkpoint"),
        ("a path with a drive", "c:/verify.sh"),
        ("a path with an empty part", "data//log/checkpoint"),
        ("a path through itself", "data/./log/checkpoint"),
        ("a folder as a member", "data/log/"),
        ("a file that is also a folder", "data/log/checkpoint/x"),
        ("a name that ends in a dot", "data/log/checkpoint."),
        ("a name with a NUL", "data/log/checkpoint\0.txt"),
        ("a device of Windows", "data/log/aux:"),
    ];
    let add = |(name, file): (&'static str, &str)| {
        let mut members = members(&scene.files);
        let at = members.iter().position(|(member, _)| *member >= file).unwrap_or(members.len());
        members.insert(at, (file, if file.ends_with('/') { b"" } else { &forged }));
        let last = file.trim_matches('/').rsplit(['/', '\\', '\0']).next().unwrap().to_owned();
        let spellings = [
            file.to_owned(),
            file.replace('\0', "\\0"),
            file.escape_default().to_string(),
            last,
            "data/log".to_owned(),
            "checkpoint".to_owned(),
            "data//".to_owned(),
        ];
        let count = if file.contains("log") { spellings.len() } else { 4 };
        Forgery::of_zip(name, zip_raw(&members), &spellings[..count].iter().map(String::as_str).collect::<Vec<_>>())
    };
    names.into_iter().map(add).collect()
}

/// Fields that say something else in one of the two headers, or in both.
fn fields(scene: &Scene) -> Vec<Forgery> {
    let (name, _) = forged_page(scene);
    let zip = Zip::of(&scene.files, &name);
    let (local, central) = (zip.local, zip.central);
    let changed = |title: &'static str, changes: &[(usize, &[u8])]| Forgery::of_zip(title, zip.put(changes), &[&name]);
    let size = u32::try_from(scene.files[&name].len()).unwrap();
    let link = (0o120_777_u32 << 16).to_le_bytes();
    vec![
        changed("a symbolic link", &[(central + at::CENTRAL_ATTRIBUTES, &link)]),
        changed(
            "a file that says it is encrypted",
            &[(local + at::LOCAL_FLAGS, &[1]), (central + at::CENTRAL_FLAGS, &[1])],
        ),
        changed(
            "a file whose sizes are said to follow it",
            &[(local + at::LOCAL_FLAGS, &[8]), (central + at::CENTRAL_FLAGS, &[8])],
        ),
        changed(
            "a file that says it is compressed",
            &[(local + at::LOCAL_METHOD, &[8]), (central + at::CENTRAL_METHOD, &[8])],
        ),
        changed("a file that says it is compressed, in one header", &[(local + at::LOCAL_METHOD, &[8])]),
        changed("another name in one header", &[(local + at::LOCAL_NAME, b"DATA")]),
        changed("another size in one header", &[(local + at::LOCAL_SIZE, &(size - 1).to_le_bytes())]),
        changed("a size of 4 GiB, which means another field", &[(central + at::CENTRAL_SIZE, &u32::MAX.to_le_bytes())]),
        changed("another checksum", &[(local + at::LOCAL_CRC, &[0, 1, 2, 3])]),
        changed("a file that begins where another does", &[(central + at::CENTRAL_OFFSET, &[0; 4])]),
        changed("an offset behind the end", &[(central + at::CENTRAL_OFFSET, &0x7fff_ffff_u32.to_le_bytes())]),
    ]
}

/// What stands before, behind and between the members.
fn around(scene: &Scene) -> Vec<Forgery> {
    let (name, forged) = forged_page(scene);
    let zip = Zip::of(&scene.files, &name);
    let mut other = scene.files.clone();
    other.insert(name.clone(), forged);
    let other = zip_raw(&members(&other));
    let end = zip.bytes.len() - 22;
    let words = ["ZIP", "zip", "end record", "directory", "hidden", "members"];
    let with_comment = |comment: &[u8]| {
        let mut bytes = zip.bytes.clone();
        let length = bytes.len();
        bytes[length - 2..].copy_from_slice(&u16::try_from(comment.len()).unwrap().to_le_bytes());
        [bytes, comment.to_vec()].concat()
    };
    let shifted = |prefix: &[u8]| {
        // As programs do that put something before a ZIP: offsets stay, and readers find them all the same.
        [prefix, &zip.bytes].concat()
    };
    let counted = |count: u16| {
        let mut bytes = zip.bytes.clone();
        bytes[end + 8..end + 10].copy_from_slice(&count.to_le_bytes());
        bytes[end + 10..end + 12].copy_from_slice(&count.to_le_bytes());
        bytes
    };
    let count = u16::try_from(scene.files.len()).unwrap();
    let zip64 = {
        // An end record that sends its reader to one of ZIP64, which leads to the directory of another ZIP behind it.
        let mut bytes = zip.bytes.clone();
        let locator = [b"PK\x06\x07", &[0; 4][..], &u64::try_from(end).unwrap().to_le_bytes(), &[1, 0, 0, 0]].concat();
        let record = [b"PK\x06\x06", &44_u64.to_le_bytes()[..], &[0; 44]].concat();
        bytes.splice(end..end, [record, locator].concat());
        bytes
    };
    let gap = {
        let mut bytes = zip.bytes.clone();
        bytes.splice(zip.directory..zip.directory, *b"hidden");
        let end = bytes.len() - 22;
        let start = u32::try_from(zip.directory + 6).unwrap().to_le_bytes();
        bytes[end + 16..end + 20].copy_from_slice(&start);
        bytes
    };
    vec![
        Forgery::of_zip("a comment", with_comment(b"sworn"), &words),
        Forgery::of_zip("a comment that is an end record", with_comment(&zip.bytes[end..]), &words),
        Forgery::of_zip("another ZIP behind it", [&zip.bytes[..], &other].concat(), &[&words[..], &[&name]].concat()),
        Forgery::of_zip("another ZIP before it", [&other[..], &zip.bytes].concat(), &words),
        Forgery::of_zip("a page before it, as a polyglot has", shifted(b"<html>"), &words),
        Forgery::of_zip("bytes behind it", [&zip.bytes[..], b"sworn"].concat(), &words),
        Forgery::of_zip("bytes between the files and the directory", gap, &words),
        Forgery::of_zip("a member too few in the count", counted(count - 1), &words),
        Forgery::of_zip("a member too many in the count", counted(count + 1), &words),
        Forgery::of_zip("an end record of ZIP64", zip64, &words),
        Forgery::of_zip("a ZIP that is cut short", zip.bytes[..zip.bytes.len() / 2].to_vec(), &words),
        Forgery::of_zip("no ZIP at all", b"rubbish".to_vec(), &words),
        Forgery::of_zip("an empty file", Vec::new(), &words),
        {
            let mut members = members(&scene.files);
            members.reverse();
            Forgery::of_zip("members in another order", zip_raw(&members), &[&words[..], &["order of name"]].concat())
        },
    ]
}
