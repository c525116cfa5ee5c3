//! Tiles: a path, a row of hashes and a bundle of entries each have one spelling.
#![no_main]

use affiant::log::tile::{self, Tile};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(tile) = text.parse::<Tile>()
    {
        assert_eq!(tile.to_string(), text);
        assert_eq!(tile.full().to_string().parse(), Ok(tile.full()));
        assert!((1..=tile::WIDTH_MAX).contains(&tile.width()));
    }
    let Some((width, rest)) = bytes.split_first() else {
        return;
    };
    let width = u16::from(*width) + 1;
    if let Ok(hashes) = tile::decode_hashes(rest, width) {
        assert_eq!(tile::encode_hashes(&hashes), rest);
    }
    if let Ok(entries) = tile::decode_entries(rest, width) {
        assert_eq!(entries.len(), usize::from(width));
        assert_eq!(tile::encode_entries(&entries).as_deref(), Ok(rest));
    }
    assert_eq!(tile::full_root(rest).is_ok(), rest.len() == 8192);
});
