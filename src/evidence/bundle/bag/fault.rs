//! Faults: what can be wrong with a bag.

use super::TAG_FILE_BYTES_MAX;
use super::oxum::Oxum;

/// One thing that is wrong with a bag.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum Fault {
    #[error("`{name}` is absent, but {listed_in} lists it")]
    Absent { name: String, listed_in: String },
    #[error("`{file}` uses `{algorithm}`, which is not checked here; expected SHA-256 or another of its family")]
    AlgorithmUnsupported { file: String, algorithm: String },
    #[error("`{name}` and `{other}` differ only in case, so that some systems hold them to be one file")]
    CaseClash { name: String, other: String },
    #[error("`bagit.txt` does not have the two lines that make a bag, found `{}`", found.escape_debug())]
    DeclarationMalformed { found: String },
    #[error("`{file}` lists `{name}` twice")]
    Duplicate { name: String, file: String },
    #[error("`bagit.txt` has tag files in `{found}`, expected `UTF-8`")]
    EncodingUnsupported { found: String },
    #[error("`fetch.txt` lists files to be fetched from the network; a bag must be whole")]
    Fetch,
    #[error("`{file}`, line {line}, cannot be read")]
    LineMalformed { file: String, line: usize },
    #[error("no manifest lists the payload")]
    NoManifest,
    #[error("`{file}` lists `{name}`, which is not a tag file")]
    NotATagFile { name: String, file: String },
    #[error("`{name}` is not UTF-8")]
    NotUtf8 { name: String },
    #[error("`{file}` lists `{name}`, which is not under `data/`")]
    OutsidePayload { name: String, file: String },
    #[error("`Payload-Oxum` is not one pair of bytes and files: `{found}`")]
    OxumMalformed { found: String },
    #[error("the name `{}` in {found_in} leads out of the folder or nowhere", name.escape_debug())]
    PathEscapes { name: String, found_in: String },
    #[error("`{name}` is longer than {TAG_FILE_BYTES_MAX} bytes")]
    TooLong { name: String },
    #[error("`{name}` is there, but `{file}` does not list it")]
    Unlisted { name: String, file: String },
    #[error("`{name}` cannot be read: {error}")]
    Unreadable { name: String, error: String },
    #[error("version `{found}` is not one of BagIt 1.0 and 0.93 to 0.97")]
    VersionUnknown { found: String },
    #[error("`{name}` is not as `{file}` says: hash `{computed}`, expected `{expected}`")]
    WrongHash { name: String, file: String, expected: String, computed: String },
    #[error("the payload has `{computed}` (bytes.files), but `Payload-Oxum` says `{expected}`")]
    WrongOxum { expected: Oxum, computed: Oxum },
}
