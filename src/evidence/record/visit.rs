//! The visit: what captures and checks say of one look at a document.
//!
//! | field        | type   | what                                                                      |
//! |--------------|--------|---------------------------------------------------------------------------|
//! | `method`     | text   | `http` or `file`                                                          |
//! | `target`     | text   | the address that was asked for                                            |
//! | `final`      | text   | the address that answered, after redirects                                |
//! | `started`    | time   | when the visit began                                                      |
//! | `finished`   | time   | when it ended                                                             |
//! | `outcome`    | map    | `kind` and `reasons` ([`crate::document::outcome`])                       |
//! | `exchanges`  | array  | every request and answer ([`crate::document::exchange`])                  |
//! | `primary`    | map    | the document's own bytes: `sha256`, `size`, `media_type`                  |
//! | `renditions` | array  | texts made from them: `role`, `media_type`, `sha256`, `size`, `tool`, and `parts` where the capture was made to be shown in part: `size`, `sha256`, `seed` ([`crate::evidence::parts`]) |
//! | `options`    | map    | all that shaped the visit, limits included                                |
//! | `host`       | map    | the machine: `os`, `arch`; texts only                                     |

use std::net::{IpAddr, SocketAddr};

use super::field::{FieldError, Fields, push_optional};

use crate::base::cbor::Value;
use crate::base::hash::Hash;
use crate::base::time::Time;
use crate::document::exchange::{Body, Connection, Exchange, Request, Response, Tls};
use crate::document::outcome::{Outcome, OutcomeKind};

/// All that shaped a visit, by name; values are texts, integers, truths or arrays of texts.
pub type Options = Vec<(String, Value)>;

/// One look at a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Visit {
    /// How it was looked at.
    pub method: Method,
    /// The address that was asked for.
    pub target: String,
    /// The address that answered.
    pub final_url: String,
    /// When the visit began.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
    /// What it amounts to.
    pub outcome: Outcome,
    /// Every request and answer, in order; none for a file.
    pub exchanges: Vec<Exchange>,
    /// The document's own bytes.
    pub primary: Primary,
    /// What was made from them.
    pub renditions: Vec<Rendition>,
    /// All that shaped the visit.
    pub options: Options,
    /// The machine that made it.
    pub host: Vec<(String, String)>,
}

/// How a document was looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// Read from a disk.
    File,
    /// Fetched over HTTP.
    Http,
}

/// The document's own bytes, as received.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Primary {
    /// Their name.
    pub sha256: Hash,
    /// How many there are.
    pub size_bytes: u64,
    /// What the server called them, word for word, when it did.
    pub media_type: Option<String>,
}

/// Something made from the document's bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendition {
    /// What it is.
    pub role: Role,
    /// Its media type.
    pub media_type: String,
    /// Its name.
    pub sha256: Hash,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What made it.
    pub tool: Tool,
    /// What commits to it part by part, when it can be shown in part.
    pub parts: Option<Parts>,
}

/// What commits to a text part by part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Parts {
    /// The hash over all commitments.
    pub sha256: Hash,
    /// The name of the seed.
    pub seed: Hash,
}

/// What a rendition is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The text that a person would read.
    Text,
}

/// A program, by name and version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Visit {
    /// Returns the text rendition, when there is one.
    #[must_use]
    pub fn text(&self) -> Option<&Rendition> {
        self.renditions.iter().find(|rendition| rendition.role == Role::Text)
    }

    /// Returns what two visits must share for the later to be a check of the earlier: the outcome, and the
    /// text, or where there is none the bytes.
    #[must_use]
    pub fn likeness(&self) -> Hash {
        let content = self.text().map_or(self.primary.sha256, |text| text.sha256);
        Hash::of_parts(&[content.as_bytes(), &crate::base::cbor::encode(&outcome_value(&self.outcome))])
    }

    /// Returns every blob that the visit names, each once, in the order it names them.
    #[must_use]
    pub fn blobs(&self) -> Vec<Hash> {
        let mut blobs = vec![self.primary.sha256];
        blobs.extend(self.renditions.iter().map(|rendition| rendition.sha256));
        blobs.extend(self.renditions.iter().filter_map(|rendition| Some(rendition.parts?.seed)));
        for exchange in &self.exchanges {
            blobs.push(exchange.body.sha256);
            blobs.extend(exchange.connection.tls.iter().flat_map(|tls| tls.chain.iter().copied()));
        }
        let mut seen = std::collections::HashSet::new();
        blobs.retain(|blob| seen.insert(*blob));
        blobs
    }

    pub(super) fn to_fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("method", Value::from(self.method.as_str())),
            ("target", Value::from(self.target.as_str())),
            ("final", Value::from(self.final_url.as_str())),
            ("started", Value::from(self.started.microseconds())),
            ("finished", Value::from(self.finished.microseconds())),
            ("outcome", outcome_value(&self.outcome)),
            ("exchanges", Value::Array(self.exchanges.iter().map(exchange_value).collect())),
            ("primary", self.primary.to_value()),
            ("renditions", Value::Array(self.renditions.iter().map(Rendition::to_value).collect())),
            ("options", Value::map(self.options.iter().map(|(key, value)| (key.as_str(), value.clone())))),
            ("host", Value::map(self.host.iter().map(|(key, text)| (key.as_str(), Value::from(text.as_str()))))),
        ]
    }

    pub(super) fn from_fields(fields: &mut Fields) -> Result<Self, FieldError> {
        let method = fields.text("method")?;
        let method = Method::from_str(&method)
            .ok_or_else(|| fields.wrong("method", "`http` or `file`", &Value::from(method)))?;
        Ok(Self {
            method,
            target: fields.text("target")?,
            final_url: fields.text("final")?,
            started: fields.time("started")?,
            finished: fields.time("finished")?,
            outcome: read_outcome(fields.map("outcome")?)?,
            exchanges: fields.maps("exchanges")?.into_iter().map(read_exchange).collect::<Result<_, _>>()?,
            primary: Primary::from_fields(fields.map("primary")?)?,
            renditions: fields.maps("renditions")?.into_iter().map(Rendition::from_fields).collect::<Result<_, _>>()?,
            options: read_options(fields)?,
            host: read_host(fields)?,
        })
    }
}

impl Method {
    /// Returns the method's name in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Http => "http",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        [Self::File, Self::Http].into_iter().find(|method| method.as_str() == text)
    }
}

impl Primary {
    fn to_value(&self) -> Value {
        let mut fields = vec![("sha256", Value::from(self.sha256)), ("size", Value::from(self.size_bytes))];
        push_optional(&mut fields, "media_type", self.media_type.as_deref());
        Value::map(fields)
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let primary = Self {
            sha256: fields.hash("sha256")?,
            size_bytes: fields.unsigned("size")?,
            media_type: fields.optional_text("media_type")?,
        };
        fields.finish()?;
        Ok(primary)
    }
}

impl Rendition {
    fn to_value(&self) -> Value {
        let tool =
            [("name", Value::from(self.tool.name.as_str())), ("version", Value::from(self.tool.version.as_str()))];
        let mut fields = vec![
            ("role", Value::from(self.role.as_str())),
            ("media_type", Value::from(self.media_type.as_str())),
            ("sha256", Value::from(self.sha256)),
            ("size", Value::from(self.size_bytes)),
            ("tool", Value::map(tool)),
        ];
        push_optional(&mut fields, "parts", self.parts.map(Parts::to_value));
        Value::map(fields)
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let role = fields.text("role")?;
        let role = Role::from_str(&role).ok_or_else(|| fields.wrong("role", "`text`", &Value::from(role)))?;
        let mut tool = fields.map("tool")?;
        let parts = fields.optional_map("parts")?.map(Parts::from_fields).transpose()?;
        let rendition = Self {
            role,
            media_type: fields.text("media_type")?,
            sha256: fields.hash("sha256")?,
            size_bytes: fields.unsigned("size")?,
            tool: Tool { name: tool.text("name")?, version: tool.text("version")? },
            parts,
        };
        tool.finish()?;
        fields.finish()?;
        Ok(rendition)
    }
}

impl Parts {
    fn to_value(self) -> Value {
        Value::map([
            ("size", Value::from(PART_SIZE)),
            ("sha256", Value::from(self.sha256)),
            ("seed", Value::from(self.seed)),
        ])
    }

    fn from_fields(mut fields: Fields) -> Result<Self, FieldError> {
        let size = fields.unsigned("size")?;
        if size != PART_SIZE {
            return Err(fields.wrong("size", "the size of a part, 32", &Value::from(size)));
        }
        let parts = Self { sha256: fields.hash("sha256")?, seed: fields.hash("seed")? };
        fields.finish()?;
        Ok(parts)
    }
}

/// The size of a part as a record has it ([`crate::evidence::parts::PART_BYTES`]).
const PART_SIZE: u64 = 32;

impl Role {
    /// Returns the role's name in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
        }
    }

    fn from_str(text: &str) -> Option<Self> {
        [Self::Text].into_iter().find(|role| role.as_str() == text)
    }
}

fn outcome_value(outcome: &Outcome) -> Value {
    let reasons = outcome.reasons.iter().map(|reason| Value::from(reason.as_str())).collect();
    Value::map([("kind", Value::from(outcome.kind.word())), ("reasons", Value::Array(reasons))])
}

fn read_outcome(mut fields: Fields) -> Result<Outcome, FieldError> {
    let kind = fields.text("kind")?;
    let kind = OutcomeKind::from_word(&kind).ok_or_else(|| {
        fields.wrong("kind", "`complete`, `truncated`, `challenge` or `error`", &Value::from(kind.as_str()))
    })?;
    let outcome = Outcome { kind, reasons: fields.texts("reasons")? };
    fields.finish()?;
    Ok(outcome)
}

fn exchange_value(exchange: &Exchange) -> Value {
    let Connection { dns_answers, remote, tls } = &exchange.connection;
    let answers = dns_answers.iter().map(|answer| Value::from(answer.to_string())).collect();
    let mut connection = vec![("dns", Value::Array(answers)), ("remote", Value::from(remote.to_string()))];
    push_optional(&mut connection, "tls", tls.as_ref().map(tls_value));
    let redacted = exchange.request.redacted.iter().map(|name| Value::from(name.as_str())).collect();
    Value::map([
        ("url", Value::from(exchange.url.as_str())),
        ("started", Value::from(exchange.started.microseconds())),
        ("finished", Value::from(exchange.finished.microseconds())),
        ("connection", Value::map(connection)),
        (
            "request",
            Value::map([("head", Value::from(exchange.request.head.as_str())), ("redacted", Value::Array(redacted))]),
        ),
        (
            "response",
            Value::map([
                ("status", Value::from(u64::from(exchange.response.status))),
                ("head", Value::from(exchange.response.head.as_str())),
            ]),
        ),
        (
            "body",
            Value::map([
                ("sha256", Value::from(exchange.body.sha256)),
                ("size", Value::from(exchange.body.size_bytes)),
            ]),
        ),
    ])
}

fn tls_value(tls: &Tls) -> Value {
    let mut fields = vec![
        ("version", Value::from(tls.version.as_str())),
        ("cipher", Value::from(tls.cipher.as_str())),
        ("chain", Value::Array(tls.chain.iter().copied().map(Value::from).collect())),
        ("validation", Value::from(tls.validation.as_str())),
        ("roots", Value::from(tls.roots.as_str())),
    ];
    push_optional(&mut fields, "alpn", tls.alpn.as_deref());
    Value::map(fields)
}

fn read_exchange(mut fields: Fields) -> Result<Exchange, FieldError> {
    let mut request = fields.map("request")?;
    let mut response = fields.map("response")?;
    let mut body = fields.map("body")?;
    let status = response.unsigned("status")?;
    let status = u16::try_from(status)
        .ok()
        .filter(|status| (100..=999).contains(status))
        .ok_or_else(|| response.wrong("status", "a status of 100 to 999", &Value::from(status)))?;
    let exchange = Exchange {
        url: fields.text("url")?,
        started: fields.time("started")?,
        finished: fields.time("finished")?,
        connection: read_connection(fields.map("connection")?)?,
        request: Request { head: request.text("head")?, redacted: request.texts("redacted")? },
        response: Response { status, head: response.text("head")? },
        body: Body { sha256: body.hash("sha256")?, size_bytes: body.unsigned("size")? },
    };
    for part in [request, response, body, fields] {
        part.finish()?;
    }
    Ok(exchange)
}

fn read_connection(mut fields: Fields) -> Result<Connection, FieldError> {
    let answers = fields.texts("dns")?;
    let dns_answers = answers
        .iter()
        .map(|answer| {
            canonical::<IpAddr>(answer)
                .ok_or_else(|| fields.wrong("dns", "IP addresses", &Value::from(answer.as_str())))
        })
        .collect::<Result<_, _>>()?;
    let remote = fields.text("remote")?;
    let remote = canonical::<SocketAddr>(&remote)
        .ok_or_else(|| fields.wrong("remote", "an IP address and port", &Value::from(remote)))?;
    let tls = match fields.optional("tls") {
        Some(value) => Some(read_tls(Fields::open("connection.tls", value)?)?),
        None => None,
    };
    fields.finish()?;
    Ok(Connection { dns_answers, remote, tls })
}

/// Parses what prints back the same: an address has other spellings, a record has one.
fn canonical<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|parsed: &T| parsed.to_string() == text)
}

fn read_tls(mut fields: Fields) -> Result<Tls, FieldError> {
    let tls = Tls {
        version: fields.text("version")?,
        cipher: fields.text("cipher")?,
        alpn: fields.optional_text("alpn")?,
        chain: fields.hashes("chain")?,
        validation: fields.text("validation")?,
        roots: fields.text("roots")?,
    };
    fields.finish()?;
    Ok(tls)
}

fn read_options(fields: &mut Fields) -> Result<Options, FieldError> {
    let value = fields.value("options")?;
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let allowed = |value: &Value| match value {
        Value::Text(_) | Value::Unsigned(_) | Value::Bool(_) => true,
        Value::Array(members) => members.iter().all(is_text),
        _ => false,
    };
    match &value {
        Value::Map(options) if options.iter().all(|(key, value)| is_text(key) && allowed(value)) => {
            Ok(options.iter().filter_map(|(key, value)| Some((key.as_text()?.to_owned(), value.clone()))).collect())
        }
        other => Err(fields.wrong("options", "a map of texts, integers, truths and arrays of texts", other)),
    }
}

fn read_host(fields: &mut Fields) -> Result<Vec<(String, String)>, FieldError> {
    let value = fields.value("host")?;
    let Value::Map(host) = &value else { return Err(fields.wrong("host", "a map of texts", &value)) };
    host.iter()
        .map(|(key, text)| Some((key.as_text()?.to_owned(), text.as_text()?.to_owned())))
        .collect::<Option<_>>()
        .ok_or_else(|| fields.wrong("host", "a map of texts", &value))
}
