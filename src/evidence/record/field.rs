//! Taking a record's fields by name and type, so that none is forgotten and none is unexpected.
//!
//! Every error names the field by its path, as `record.exchanges[2].response.status`.

use crate::base::cbor::Value;
use crate::base::hash::Hash;
use crate::base::time::Time;

/// The fields of one map that have not been taken yet.
pub(super) struct Fields {
    path: String,
    left: Vec<(String, Value)>,
}

impl Fields {
    /// Opens a map with text keys that stands at `path`.
    pub(super) fn open(path: &str, value: Value) -> Result<Self, FieldError> {
        let expected = |found: &Value| FieldError::WrongType {
            path: path.to_owned(),
            expected: "a map with text keys",
            found: name(found),
        };
        let fields = match value {
            Value::Map(fields) => fields,
            other => return Err(expected(&other)),
        };
        let left = fields
            .into_iter()
            .map(|(key, value)| match key {
                Value::Text(key) => Ok((key, value)),
                other => Err(expected(&other)),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_owned(), left })
    }

    /// Ends the taking.
    ///
    /// # Errors
    /// [`FieldError::Unknown`] names the first field that nothing asked for.
    pub(super) fn finish(self) -> Result<(), FieldError> {
        match self.left.first() {
            Some((key, _)) => Err(FieldError::Unknown { path: format!("{}.{key}", self.path) }),
            None => Ok(()),
        }
    }

    pub(super) fn optional(&mut self, key: &str) -> Option<Value> {
        let at = self.left.iter().position(|(found, _)| found == key)?;
        Some(self.left.swap_remove(at).1)
    }

    pub(super) fn value(&mut self, key: &str) -> Result<Value, FieldError> {
        self.optional(key).ok_or_else(|| FieldError::Missing { path: self.path_of(key) })
    }

    pub(super) fn unsigned(&mut self, key: &str) -> Result<u64, FieldError> {
        let value = self.value(key)?;
        value.as_unsigned().ok_or_else(|| self.wrong(key, "an unsigned integer", &value))
    }

    pub(super) fn optional_unsigned(&mut self, key: &str) -> Result<Option<u64>, FieldError> {
        let Some(value) = self.optional(key) else { return Ok(None) };
        value.as_unsigned().map(Some).ok_or_else(|| self.wrong(key, "an unsigned integer", &value))
    }

    pub(super) fn text(&mut self, key: &str) -> Result<String, FieldError> {
        match self.value(key)? {
            Value::Text(text) => Ok(text),
            other => Err(self.wrong(key, "text", &other)),
        }
    }

    pub(super) fn optional_text(&mut self, key: &str) -> Result<Option<String>, FieldError> {
        match self.optional(key) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "text", &other)),
            None => Ok(None),
        }
    }

    pub(super) fn texts(&mut self, key: &str) -> Result<Vec<String>, FieldError> {
        self.array(key)?
            .into_iter()
            .map(|member| match member {
                Value::Text(text) => Ok(text),
                other => Err(self.wrong(key, "an array of texts", &other)),
            })
            .collect()
    }

    pub(super) fn bytes(&mut self, key: &str) -> Result<Vec<u8>, FieldError> {
        match self.value(key)? {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(self.wrong(key, "a byte string", &other)),
        }
    }

    pub(super) fn hash(&mut self, key: &str) -> Result<Hash, FieldError> {
        let value = self.value(key)?;
        self.as_hash(key, &value)
    }

    pub(super) fn optional_hash(&mut self, key: &str) -> Result<Option<Hash>, FieldError> {
        self.optional(key).map(|value| self.as_hash(key, &value)).transpose()
    }

    pub(super) fn hashes(&mut self, key: &str) -> Result<Vec<Hash>, FieldError> {
        self.array(key)?.iter().map(|member| self.as_hash(key, member)).collect()
    }

    pub(super) fn time(&mut self, key: &str) -> Result<Time, FieldError> {
        let microseconds = self.unsigned(key)?;
        Time::from_microseconds(microseconds)
            .map_err(|_| self.wrong(key, "microseconds before the year 10000", &Value::from(microseconds)))
    }

    pub(super) fn array(&mut self, key: &str) -> Result<Vec<Value>, FieldError> {
        match self.value(key)? {
            Value::Array(members) => Ok(members),
            other => Err(self.wrong(key, "an array", &other)),
        }
    }

    pub(super) fn map(&mut self, key: &str) -> Result<Fields, FieldError> {
        let value = self.value(key)?;
        Fields::open(&self.path_of(key), value)
    }

    pub(super) fn optional_map(&mut self, key: &str) -> Result<Option<Fields>, FieldError> {
        self.optional(key).map(|value| Fields::open(&self.path_of(key), value)).transpose()
    }

    pub(super) fn maps(&mut self, key: &str) -> Result<Vec<Fields>, FieldError> {
        let members = self.array(key)?;
        let path = self.path_of(key);
        members.into_iter().enumerate().map(|(n, member)| Fields::open(&format!("{path}[{n}]"), member)).collect()
    }

    /// Says that the field under `key` is not `expected`.
    pub(super) fn wrong(&self, key: &str, expected: &'static str, found: &Value) -> FieldError {
        FieldError::WrongType { path: self.path_of(key), expected, found: name(found) }
    }

    fn as_hash(&self, key: &str, value: &Value) -> Result<Hash, FieldError> {
        value
            .as_bytes()
            .and_then(|bytes| Hash::from_slice(bytes).ok())
            .ok_or_else(|| self.wrong(key, "a SHA-256 hash", value))
    }

    fn path_of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

/// Adds a field only when there is something to say.
pub(super) fn push_optional(
    fields: &mut Vec<(&'static str, Value)>,
    key: &'static str,
    value: Option<impl Into<Value>>,
) {
    fields.extend(value.map(|value| (key, value.into())));
}

fn name(value: &Value) -> String {
    match value {
        Value::Unsigned(n) => format!("the integer {n}"),
        Value::Negative(_) => "a negative integer".to_owned(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Text(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
        Value::Array(members) => format!("an array of {}", members.len()),
        Value::Map(fields) => format!("a map of {}", fields.len()),
        Value::Tag(tag, _) => format!("tag {tag}"),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => "null".to_owned(),
    }
}

/// Why a record's field is not as it must be. Every variant names the field by its path.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum FieldError {
    #[error("`{path}` is missing")]
    Missing { path: String },
    #[error("`{path}` is not a field of this record")]
    Unknown { path: String },
    #[error("`{path}` must be {expected}, found {found}")]
    WrongType { path: String, expected: &'static str, found: String },
}
