//! The JSON reading of a record: the same names and order, in types that JSON has.

use serde_json::{Map, Value as Json};

use crate::base::cbor::Value;
use crate::base::time::Time;

/// Fields whose integers are moments.
const TIMES: [&str; 3] = ["made", "started", "finished"];

/// Reads a record's value out as JSON: bytes in lower-case hexadecimal, moments in RFC 3339.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Unsigned(n) => Json::from(*n),
        Value::Negative(_) => Json::from(value.as_integer()),
        Value::Bytes(bytes) => Json::from(data_encoding::HEXLOWER.encode(bytes)),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Array(members) => members.iter().map(to_json).collect(),
        Value::Map(fields) => Json::Object(fields.iter().map(field).collect::<Map<_, _>>()),
        Value::Tag(_, inner) => to_json(inner),
        Value::Bool(truth) => Json::from(*truth),
        Value::Null => Json::Null,
    }
}

fn field((key, value): &(Value, Value)) -> (String, Json) {
    let key = key.as_text().unwrap_or_default();
    let moment = value.as_unsigned().filter(|_| TIMES.contains(&key)).and_then(|n| Time::from_microseconds(n).ok());
    (key.to_owned(), moment.map_or_else(|| to_json(value), |moment| Json::from(moment.to_string())))
}
