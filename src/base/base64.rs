//! Base64 as RFC 4648 §4 writes it, with one spelling for each byte string.
//!
//! `data-encoding` refuses other alphabets, missing padding and bits that are not zero, but reads
//! `QQ==QQ==` as two encodings in a row, which no setting turns off. A signature line could then be
//! spelt in more than one way. Here padding ends the text.

use data_encoding::BASE64;

/// Decodes what [`BASE64`] encodes; `None` for any other text.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let before_padding = text.len().saturating_sub(2);
    if text[..before_padding].contains(&b'=') {
        return None;
    }
    BASE64.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_the_rfc() {
        // RFC 4648 §10.
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(BASE64.encode(bytes.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
    }

    #[test]
    fn refuses_two_encodings_in_a_row() {
        for text in ["QQ==QQ==", "QUE=QUE=", "QQ==QUFB", "QQ==QUFBQUFB", "QUFBQQ==QUFB"] {
            assert!(BASE64.decode(text.as_bytes()).is_ok(), "{text}: the library reads it");
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn rejects_any_other_spelling() {
        // Every text of eight of these characters, which begin and end blocks in all ways.
        const CHARACTERS: &[u8; 4] = b"AQh=";
        let mut read_count = 0;
        for number in 0..4_u32.pow(8) {
            let text: Vec<u8> =
                (0..8).map(|place| CHARACTERS[usize::try_from(number >> (2 * place) & 3).unwrap()]).collect();
            if let Some(bytes) = decode(&text) {
                assert_eq!(BASE64.encode(&bytes).as_bytes(), text);
                read_count += 1;
            }
        }
        // Three free characters before each end: `xxxx`, `xxx=` with two zero bits, `xx==` with four.
        assert_eq!(read_count, 3_u32.pow(4) * (3_u32.pow(4) + 3_u32.pow(2) * 2 + 3 * 2));
    }
}
