//! The colour profile: what black, white and the greys between them are, as PDF/A asks to be said.
//!
//! Source: ICC.1:2001-04 §6 (version 2.4): a monochrome display profile with one gamma of 2.2. An exhibit is grey all
//! over, so that nothing depends on colour; it must come out of a copier as it went in.

/// Returns the profile.
pub(super) fn grey() -> Vec<u8> {
    let tags = [
        (b"cprt", text(*b"text", b"No copyright, use freely")),
        (b"desc", description(b"Grey, gamma 2.2")),
        (b"kTRC", curve()),
        (b"wtpt", xyz(D50)),
    ];
    let table_size = 4 + 12 * tags.len();
    let (mut table, mut body) = (number(tags.len()).to_vec(), Vec::new());
    for (name, mut tag) in tags {
        let offset = HEADER_SIZE + table_size + body.len();
        table.extend([name.as_slice(), &number(offset), &number(tag.len())].concat());
        tag.resize(tag.len().next_multiple_of(4), 0);
        body.extend(tag);
    }
    let size = HEADER_SIZE + table.len() + body.len();
    [header(size), table, body].concat()
}

const HEADER_SIZE: usize = 128;

/// The white that profiles are related to, in 65,536ths.
const D50: [u32; 3] = [0x0000_f6d6, 0x0001_0000, 0x0000_d32d];

fn header(size: usize) -> Vec<u8> {
    let mut header = number(size).to_vec();
    header.extend([0; 4]); // No preferred module.
    header.extend([2, 0x40, 0, 0]);
    header.extend(b"mntrGRAYXYZ ");
    header.extend([7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0].map(|byte: u8| byte)); // 1 January 2000: it never changes.
    header.extend(b"acsp");
    header.extend([0; 28]); // No platform, flags, maker, model or attributes; perceptual.
    header.extend(D50.iter().flat_map(|part| part.to_be_bytes()));
    header.resize(HEADER_SIZE, 0);
    header
}

fn text(kind: [u8; 4], words: &[u8]) -> Vec<u8> {
    [kind.as_slice(), &[0; 4], words, &[0]].concat()
}

/// A `textDescriptionType` with ASCII alone (§6.5.17).
fn description(words: &[u8]) -> Vec<u8> {
    let ascii = [words, &[0]].concat();
    [b"desc".as_slice(), &[0; 4], &number(ascii.len()), &ascii, &[0; 4 + 4 + 2 + 1 + 67]].concat()
}

fn curve() -> Vec<u8> {
    [b"curv".as_slice(), &[0; 4], &number(1), &[2, 51]].concat() // 2.2 in 256ths.
}

fn xyz(parts: [u32; 3]) -> Vec<u8> {
    [b"XYZ \0\0\0\0".to_vec(), parts.iter().flat_map(|part| part.to_be_bytes()).collect()].concat()
}

fn number(size: usize) -> [u8; 4] {
    u32::try_from(size).expect("a profile is small").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_lies_within_the_profile() {
        let profile = grey();
        let at = |offset: usize| {
            usize::try_from(u32::from_be_bytes(profile[offset..offset + 4].try_into().unwrap())).unwrap()
        };
        assert_eq!((at(0), &profile[36..40]), (profile.len(), b"acsp".as_slice()));
        for tag in 0..at(128) {
            let entry = 132 + 12 * tag;
            let (offset, size) = (at(entry + 4), at(entry + 8));
            assert!(offset % 4 == 0 && offset + size <= profile.len(), "{tag}");
        }
    }
}
