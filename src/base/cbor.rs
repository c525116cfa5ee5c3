//! Deterministic CBOR: one byte string for one meaning.
//!
//! | quantity   | unit            | range                              |
//! |------------|-----------------|------------------------------------|
//! | integer    |                 | −2⁶⁴ … 2⁶⁴ − 1                     |
//! | depth      | nested values   | at most [`DEPTH_MAX`]              |
//! | values     | in one encoding | at most [`VALUE_COUNT_MAX`]        |
//!
//! Source: RFC 8949 §4.2.1 (core deterministic encoding): definite lengths, shortest integers, map
//! keys in bytewise order of their encoding, no duplicates. Stricter than the RFC: no floats and no
//! simple values but `false`, `true` and `null`.
//!
//! `minicbor` reads and writes the tokens. No generic decoder refuses a second spelling, so
//! [`decode`] encodes what it understood once more and compares: the first byte that differs is named.
//! What others signed need not be deterministic (RFC 9052 does not ask for it): [`decode_lenient`]
//! reads any definite-length spelling, still without duplicate keys and trailing bytes.

use std::cmp::Ordering;
use std::collections::HashSet;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

/// How deep values may nest. Records need 8; the rest is room for other people's COSE headers.
pub const DEPTH_MAX: usize = 32;

/// How many values one encoding may hold. A record of 1,000 exchanges with 50 DNS answers each fits.
pub const VALUE_COUNT_MAX: usize = 1 << 20;

/// How much room an encoded map is given at first: a record of most kinds.
const MAP_BYTES_LIKELY: usize = 1000;

/// For how many members a map or an array that is read has room at first: those of a record of most kinds.
const ROOM_COUNT_MAX: usize = 16;

/// One CBOR value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// An integer from 0.
    Unsigned(u64),
    /// The integer −1 − n.
    Negative(u64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map, in the order it will be or was encoded.
    Map(Vec<(Value, Value)>),
    /// A tagged value.
    Tag(u64, Box<Value>),
    /// `false` or `true`.
    Bool(bool),
    /// `null`.
    Null,
}

impl Value {
    /// Makes a map with text keys; [`encode`] puts the keys in order.
    #[must_use]
    pub fn map<'k>(fields: impl IntoIterator<Item = (&'k str, Value)>) -> Self {
        Self::Map(fields.into_iter().map(|(key, value)| (Self::from(key), value)).collect())
    }

    /// Makes a map with integer keys, as COSE headers have.
    #[must_use]
    pub fn labelled(fields: impl IntoIterator<Item = (i64, Value)>) -> Self {
        Self::Map(fields.into_iter().map(|(label, value)| (Self::from(label), value)).collect())
    }

    /// Returns the value under an integer key, when this is a map that has it.
    #[must_use]
    pub fn at_label(&self, label: i64) -> Option<&Value> {
        let key = Self::from(label);
        match self {
            Self::Map(fields) => fields.iter().find(|(found, _)| *found == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns the integer, when this is one that an `i64` holds.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match *self {
            Self::Unsigned(n) => i64::try_from(n).ok(),
            Self::Negative(n) => i64::try_from(n).ok().map(|n| -1 - n),
            _ => None,
        }
    }

    /// Returns the integer, when this is one from 0.
    #[must_use]
    pub fn as_unsigned(&self) -> Option<u64> {
        match *self {
            Self::Unsigned(n) => Some(n),
            _ => None,
        }
    }

    /// Returns the byte string, when this is one.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the text, when this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the members, when this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(members) => Some(members),
            _ => None,
        }
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Unsigned(n)
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        u64::try_from(n).map_or_else(|_| Self::Negative(n.unsigned_abs() - 1), Self::Unsigned)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<crate::base::hash::Hash> for Value {
    fn from(hash: crate::base::hash::Hash) -> Self {
        Self::Bytes(hash.as_bytes().to_vec())
    }
}

impl From<Vec<Value>> for Value {
    fn from(members: Vec<Value>) -> Self {
        Self::Array(members)
    }
}

/// Encodes a value the one deterministic way.
///
/// A map given with a key twice would not be readable again; that is a fault of the caller.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let room = if matches!(value, Value::Map(_)) { MAP_BYTES_LIKELY } else { 0 };
    let mut encoder = Encoder::new(Vec::with_capacity(room));
    write(&mut encoder, value);
    encoder.into_writer()
}

/// Encodes the head of a byte string of `size_bytes`, which some signatures and timestamps cover.
#[must_use]
pub fn encode_bytes(bytes: &[u8]) -> Vec<u8> {
    encode(&Value::from(bytes))
}

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value) {
    match value {
        Value::Unsigned(n) => drop(encoder.u64(*n).expect(VEC_CANNOT_FAIL)),
        Value::Negative(n) => {
            // minicbor has no call for the whole negative range; its `Int` has.
            let integer = minicbor::data::Int::try_from(-1 - i128::from(*n)).expect("−2⁶⁴ and up is in range");
            encoder.int(integer).expect(VEC_CANNOT_FAIL);
        }
        Value::Bytes(bytes) => drop(encoder.bytes(bytes).expect(VEC_CANNOT_FAIL)),
        Value::Text(text) => drop(encoder.str(text).expect(VEC_CANNOT_FAIL)),
        Value::Array(members) => {
            encoder.array(count(members.len())).expect(VEC_CANNOT_FAIL);
            for member in members {
                write(encoder, member);
            }
        }
        Value::Map(fields) => write_map(encoder, fields),
        Value::Tag(tag, inner) => {
            encoder.tag(minicbor::data::Tag::new(*tag)).expect(VEC_CANNOT_FAIL);
            write(encoder, inner);
        }
        Value::Bool(truth) => drop(encoder.bool(*truth).expect(VEC_CANNOT_FAIL)),
        Value::Null => drop(encoder.null().expect(VEC_CANNOT_FAIL)),
    }
}

fn write_map(encoder: &mut Encoder<Vec<u8>>, fields: &[(Value, Value)]) {
    encoder.map(count(fields.len())).expect(VEC_CANNOT_FAIL);
    if fields.iter().all(|(key, _)| holds_no_others(key)) {
        let mut sorted: Vec<&(Value, Value)> = fields.iter().collect();
        sorted.sort_by(|(a, _), (b, _)| in_encoded_order(a, b));
        for (key, value) in sorted {
            write(encoder, key);
            write(encoder, value);
        }
        return;
    }
    // Each key is encoded once: one in the other, what a comparison costs would grow with every level.
    let mut sorted: Vec<(Vec<u8>, &Value)> = fields.iter().map(|(key, value)| (encode(key), value)).collect();
    sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (key, value) in sorted {
        encoder.writer_mut().extend_from_slice(&key);
        write(encoder, value);
    }
}

fn holds_no_others(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Map(_) | Value::Tag(..))
}

/// Compares two keys by the bytes of their encodings. Those that begin with their length or are a number need not be
/// encoded for it: the shortest head of a greater number is greater.
fn in_encoded_order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Unsigned(a), Value::Unsigned(b)) | (Value::Negative(a), Value::Negative(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        _ => encode(a).cmp(&encode(b)),
    }
}

const VEC_CANNOT_FAIL: &str = "writing to a vector cannot fail";

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits in 64 bits")
}

/// Decodes bytes that must be the one deterministic encoding of a value.
///
/// # Errors
/// A [`CborError`] that says at which byte the encoding ends to be well formed, allowed or shortest.
pub fn decode(bytes: &[u8]) -> Result<Value, CborError> {
    let value = decode_lenient(bytes)?;
    let canonical = encode(&value);
    if canonical == bytes {
        return Ok(value);
    }
    let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(CborError::NotDeterministic { at: same })
}

/// Decodes one value in any definite-length spelling, with nothing after it.
///
/// # Errors
/// A [`CborError`] that says at which byte.
pub fn decode_lenient(bytes: &[u8]) -> Result<Value, CborError> {
    let mut reading = Reading { decoder: Decoder::new(bytes), value_count: 0 };
    let value = reading.value(0)?;
    let end = reading.decoder.position();
    if end != bytes.len() {
        return Err(CborError::TrailingBytes { at: end });
    }
    Ok(value)
}

struct Reading<'b> {
    decoder: Decoder<'b>,
    value_count: usize,
}

impl Reading<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, CborError> {
        let at = self.decoder.position();
        self.value_count += 1;
        if depth >= DEPTH_MAX || self.value_count > VALUE_COUNT_MAX {
            return Err(CborError::TooMuch { at });
        }
        let malformed = |_| CborError::Malformed { at };
        match self.decoder.datatype().map_err(malformed)? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => self.decoder.u64().map(Value::Unsigned).map_err(malformed),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => {
                let integer = i128::from(self.decoder.int().map_err(malformed)?);
                let n = u64::try_from(-1 - integer).map_err(|_| CborError::Malformed { at })?;
                Ok(Value::Negative(n))
            }
            Type::Bytes => self.decoder.bytes().map(Value::from).map_err(malformed),
            Type::String => self.decoder.str().map(Value::from).map_err(malformed),
            Type::Array => self.array(depth, at),
            Type::Map => self.map(depth, at),
            Type::Tag => {
                let tag = self.decoder.tag().map_err(malformed)?.as_u64();
                Ok(Value::Tag(tag, Box::new(self.value(depth + 1)?)))
            }
            Type::Bool => self.decoder.bool().map(Value::Bool).map_err(malformed),
            Type::Null => self.decoder.null().map(|()| Value::Null).map_err(malformed),
            _ => Err(CborError::NotAllowed { at }),
        }
    }

    fn array(&mut self, depth: usize, at: usize) -> Result<Value, CborError> {
        let length = definite(self.decoder.array(), at)?;
        let mut members = Vec::with_capacity(room(length));
        for _ in 0..length {
            members.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(members))
    }

    fn map(&mut self, depth: usize, at: usize) -> Result<Value, CborError> {
        let length = definite(self.decoder.map(), at)?;
        let mut fields = Vec::with_capacity(room(length));
        let mut known = None;
        for _ in 0..length {
            let at = self.decoder.position();
            let key = self.value(depth + 1)?;
            if !is_new(&key, &fields, &mut known) {
                return Err(CborError::DuplicateKey { at });
            }
            fields.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Map(fields))
    }
}

/// Says whether a key is none of those before it. As long as each comes after the one before, no set of them is made.
fn is_new(key: &Value, before: &[(Value, Value)], known: &mut Option<HashSet<Vec<u8>>>) -> bool {
    let is_next = before.last().is_none_or(|(last, _)| in_encoded_order(last, key).is_lt());
    if is_next && known.is_none() {
        return true;
    }
    let all = || before.iter().map(|(key, _)| encode(key)).collect();
    known.get_or_insert_with(all).insert(encode(key))
}

/// Returns for how many members there is room at first. More grows as bytes bear it out: a length alone claims nothing.
fn room(length: u64) -> usize {
    usize::try_from(length).map_or(ROOM_COUNT_MAX, |length| length.min(ROOM_COUNT_MAX))
}

fn definite(length: Result<Option<u64>, minicbor::decode::Error>, at: usize) -> Result<u64, CborError> {
    length.map_err(|_| CborError::Malformed { at })?.ok_or(CborError::NotAllowed { at })
}

/// Why bytes are not one deterministic CBOR value. Every variant says at which byte.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum CborError {
    #[error("byte {at}: the map has this key already")]
    DuplicateKey { at: usize },
    #[error("byte {at}: not well-formed CBOR")]
    Malformed { at: usize },
    #[error("byte {at}: a float, an indefinite length or another value that is not allowed here")]
    NotAllowed { at: usize },
    #[error("byte {at}: not the deterministic encoding (shortest lengths, keys in order)")]
    NotDeterministic { at: usize },
    #[error("byte {at}: deeper than {DEPTH_MAX} or more than {VALUE_COUNT_MAX} values")]
    TooMuch { at: usize },
    #[error("byte {at}: bytes follow the value")]
    TrailingBytes { at: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn puts_keys_in_the_order_of_the_rfc() {
        // RFC 8949 §4.2.1: 10, 100, -1, "z", "aa", [100], [-1], false.
        let keys = [
            Value::Bool(false),
            Value::from(vec![Value::from(-1_i64)]),
            Value::from("aa"),
            Value::from(100_u64),
            Value::from(vec![Value::from(100_u64)]),
            Value::from("z"),
            Value::from(-1_i64),
            Value::from(10_u64),
        ];
        let map = Value::Map(keys.into_iter().map(|key| (key, Value::Null)).collect());
        assert_eq!(encode(&map), hex("a80af61864f620f6617af6626161f6811864f68120f6f4f6"));
        assert!(decode(&encode(&map)).is_ok());
    }

    #[test]
    fn keys_compare_as_the_bytes_of_their_encodings_do() {
        let numbers = [0, 1, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX];
        let lengths = [0, 1, 2, 23, 24, 255, 256, 65_535, 65_536];
        let mut keys: Vec<Value> = numbers.iter().flat_map(|n| [Value::Unsigned(*n), Value::Negative(*n)]).collect();
        for (length, byte) in lengths.iter().flat_map(|length| [(*length, 'a'), (*length, 'z')]) {
            let text = byte.to_string().repeat(length);
            keys.extend([Value::from(text.as_bytes()), Value::from(text)]);
        }
        keys.extend([Value::Null, Value::Bool(true), Value::from(Vec::<Value>::new()), Value::map([])]);
        for (a, b) in keys.iter().flat_map(|a| keys.iter().map(move |b| (a, b))) {
            assert_eq!(in_encoded_order(a, b), encode(a).cmp(&encode(b)));
        }
    }

    #[test]
    fn names_the_first_key_that_comes_again_in_whatever_order() {
        // Every map of up to five entries over three keys.
        for (length, number) in
            (0..=5_u32).flat_map(|length| (0..3_u32.pow(length)).map(move |number| (length, number)))
        {
            let keys: Vec<u8> = (0..length).map(|at| u8::try_from(number / 3_u32.pow(at) % 3).unwrap()).collect();
            let again = (0..keys.len()).find(|at| keys[..*at].contains(&keys[*at]));
            let bytes: Vec<u8> = std::iter::once(0xa0 + u8::try_from(length).unwrap())
                .chain(keys.iter().flat_map(|key| [*key, 0xf6]))
                .collect();
            match again {
                Some(at) => assert_eq!(decode_lenient(&bytes), Err(CborError::DuplicateKey { at: 1 + 2 * at })),
                None => assert!(decode_lenient(&bytes).is_ok(), "{keys:?}"),
            }
        }
    }

    #[test]
    fn rejects_any_other_spelling() {
        let cases = [
            ("1801", CborError::NotDeterministic { at: 0 }),
            ("a2016161016162", CborError::DuplicateKey { at: 4 }),
            ("a2026161016162", CborError::NotDeterministic { at: 1 }),
            ("9f01ff", CborError::NotAllowed { at: 0 }),
            ("5f4101ff", CborError::NotAllowed { at: 0 }),
            ("f90000", CborError::NotAllowed { at: 0 }),
            ("f7", CborError::NotAllowed { at: 0 }),
            ("0000", CborError::TrailingBytes { at: 1 }),
            ("", CborError::Malformed { at: 0 }),
            ("62ff00", CborError::Malformed { at: 0 }),
            ("9bffffffffffffffff", CborError::Malformed { at: 9 }),
        ];
        for (bytes, error) in cases {
            assert_eq!(decode(&hex(bytes)), Err(error), "{bytes}");
        }
    }

    #[test]
    fn maps_that_are_keys_of_maps_cost_no_more_for_every_level() {
        // Two keys on each level, so that they are compared: 2³⁰ encodings of the innermost if each comparison made them anew.
        let around = |inner: Vec<u8>, _| [&[0xa2, 0x20, 0x00], &inner[..], &[0x00]].concat();
        let nested = (2..DEPTH_MAX).fold(vec![0xa0], around);
        let value = decode(&nested).unwrap();
        assert_eq!(encode(&value), nested);
        let reversed = |inner: Vec<u8>, _| [&[0xa2], &inner[..], &[0x00, 0x20, 0x00]].concat();
        let other = (2..DEPTH_MAX).fold(vec![0xa0], reversed);
        assert_eq!(decode_lenient(&other).map(|value| encode(&value)), Ok(nested));
        assert!(matches!(decode(&other), Err(CborError::NotDeterministic { .. })));
    }

    #[test]
    fn stops_at_the_depth_limit_without_a_stack_overflow() {
        let deep = vec![0x81; 200_000];
        assert_eq!(decode(&deep), Err(CborError::TooMuch { at: DEPTH_MAX }));
    }

    #[test]
    fn holds_the_whole_range_of_integers() {
        for (value, bytes) in [
            (Value::Unsigned(u64::MAX), "1bffffffffffffffff"),
            (Value::Negative(u64::MAX), "3bffffffffffffffff"),
            (Value::from(i64::MIN), "3b7fffffffffffffff"),
            (Value::from(-19_i64), "32"),
        ] {
            assert_eq!(encode(&value), hex(bytes));
            assert_eq!(decode(&hex(bytes)), Ok(value));
        }
    }
}
