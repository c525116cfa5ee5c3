//! Settings: `archive.toml`, which says what an archive is called and how long its content is kept.
//!
//! ```toml
//! format = 1
//! origin = "affiant.example/log"
//! prefix = "AF"
//! naan = "99999"             # when the operator has one
//! authorities = ["https://tsa.example/tsr"]      # who is asked for timestamps, when anyone is
//! calendars = ["https://calendar.example"]       # who is asked for OpenTimestamps proofs, when anyone is
//!
//! [[retention]]              # any number of them: `evidence/retention.rs`
//! name = "terms"
//! address = "https://example.com/*"
//! keep = "7 years"
//! ```
//!
//! A key that is not listed is an error, because a rule that is misspelt keeps or erases what nobody meant. Entry 0 says
//! origin and prefix too; what else stands here is the operator's word alone, and no signature covers it.

use crate::base::id::{Id, IdError, Prefix};
use crate::evidence::retention::{Keep, KeepError, RULE_COUNT_MAX, Rule};

/// The number of the archive's format.
pub const FORMAT: i64 = 1;

const KEYS: [&str; 7] = ["format", "origin", "prefix", "naan", "authorities", "calendars", "retention"];
const RULE_KEYS: [&str; 5] = ["name", "document", "entity", "address", "keep"];

/// What an archive is called, and how long its content is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The log's origin.
    pub origin: String,
    /// The prefix of its citation ids.
    pub prefix: Prefix,
    /// The operator's Name Assigning Authority Number, when there is one.
    pub naan: Option<String>,
    /// The timestamp authorities that are asked after each publication, by address.
    pub authorities: Vec<String>,
    /// The OpenTimestamps calendars that are asked likewise, by address.
    pub calendars: Vec<String>,
    /// How long content is kept.
    pub retention: Vec<Rule>,
}

impl Settings {
    /// Reads `archive.toml`.
    ///
    /// # Errors
    /// A [`SettingsError`] that names the key.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let table: toml::Table = text.parse()?;
        match table.get("format").and_then(toml::Value::as_integer) {
            Some(FORMAT) => {}
            found => return Err(SettingsError::Format { found }),
        }
        refuse_unknown(&table, &KEYS, "")?;
        let field = |name: &'static str| text_of(&table, name, "");
        let origin = field("origin")?.ok_or(SettingsError::Missing { name: "origin".to_owned() })?;
        let prefix = field("prefix")?.ok_or(SettingsError::Missing { name: "prefix".to_owned() })?;
        let retention = match table.get("retention") {
            None => Vec::new(),
            Some(toml::Value::Array(rules)) if rules.len() <= RULE_COUNT_MAX => {
                rules.iter().enumerate().map(|(n, rule)| parse_rule(n, rule)).collect::<Result<_, _>>()?
            }
            Some(_) => {
                return Err(SettingsError::WrongType {
                    name: "retention".to_owned(),
                    expected: "at most 1000 `[[retention]]` tables",
                });
            }
        };
        let (authorities, calendars) = (addresses(&table, "authorities")?, addresses(&table, "calendars")?);
        let mut names: Vec<&str> = retention.iter().map(|rule: &Rule| rule.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(SettingsError::SameName { name: pair[0].to_owned() });
        }
        Ok(Self { origin, prefix: Prefix::new(&prefix)?, naan: field("naan")?, authorities, calendars, retention })
    }

    /// Writes what an archive is called, as the program writes it when it makes one.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut lines = vec![
            "# The archive's name. Nothing here is secret; README.md says what each file is.".to_owned(),
            format!("format = {FORMAT}"),
            format!("origin = {}", toml::Value::from(self.origin.as_str())),
            format!("prefix = {}", toml::Value::from(self.prefix.as_str())),
        ];
        lines.extend(self.naan.as_ref().map(|naan| format!("naan = {}", toml::Value::from(naan.as_str()))));
        if !self.authorities.is_empty() {
            lines.push(
                "# Asked for a timestamp after each publication; whom you trust is said in keys/authorities."
                    .to_owned(),
            );
            lines.push(format!("authorities = [{}]", list_of(&self.authorities)));
        }
        if !self.calendars.is_empty() {
            lines.push(
                "# Given the newest checkpoint, to be found in a block of Bitcoin; which blocks you know is said in keys/blocks."
                    .to_owned(),
            );
            lines.push(format!("calendars = [{}]", list_of(&self.calendars)));
        }
        lines.join("\n") + "\n"
    }

    /// Says whether a file that holds these settings begins byte for byte as the program wrote it: what an operator adds
    /// stands behind, from the first retention rule on.
    #[must_use]
    pub fn are_as_created(&self, file: &str) -> bool {
        let created = self.to_toml();
        let Some(added) = file.strip_prefix(&created) else { return false };
        added.is_empty() || (!self.retention.is_empty() && added.trim_start().starts_with("[[retention]]"))
    }
}

fn list_of(urls: &[String]) -> String {
    urls.iter().map(|url| toml::Value::from(url.as_str()).to_string()).collect::<Vec<_>>().join(", ")
}

fn addresses(table: &toml::Table, name: &str) -> Result<Vec<String>, SettingsError> {
    let Some(list) = table.get(name) else { return Ok(Vec::new()) };
    let texts = list.as_array().into_iter().flatten().map(|one| one.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    let wrong = SettingsError::WrongType { name: name.to_owned(), expected: "a list of addresses" };
    texts.filter(|texts| !texts.is_empty()).ok_or(wrong)
}

fn parse_rule(number: usize, rule: &toml::Value) -> Result<Rule, SettingsError> {
    let path = format!("retention[{number}].");
    let wrong = |expected| SettingsError::WrongType { name: path.trim_end_matches('.').to_owned(), expected };
    let rule = rule.as_table().ok_or_else(|| wrong("a table"))?;
    refuse_unknown(rule, &RULE_KEYS, &path)?;
    let needed = |name: &'static str| {
        text_of(rule, name, &path)?.ok_or_else(|| SettingsError::Missing { name: format!("{path}{name}") })
    };
    let (name, keep) = (needed("name")?, needed("keep")?);
    let keep = Keep::parse(&keep).map_err(|source| SettingsError::Keep { name: name.clone(), source })?;
    let document =
        text_of(rule, "document", &path)?.map(|id| Ok::<_, IdError>(Id::parse(&id)?.0.to_string())).transpose()?;
    let (entity, address) = (text_of(rule, "entity", &path)?, text_of(rule, "address", &path)?);
    if document.is_none() && entity.is_none() && address.is_none() {
        return Err(SettingsError::Missing { name: format!("{path}document, {path}entity or {path}address") });
    }
    Ok(Rule { name, document, entity, address, keep })
}

fn text_of(table: &toml::Table, name: &str, path: &str) -> Result<Option<String>, SettingsError> {
    match table.get(name) {
        None => Ok(None),
        Some(toml::Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.clone())),
        Some(_) => {
            Err(SettingsError::WrongType { name: format!("{path}{name}"), expected: "a text that says something" })
        }
    }
}

fn refuse_unknown(table: &toml::Table, keys: &[&str], path: &str) -> Result<(), SettingsError> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(SettingsError::Unknown { name: format!("{path}{key}"), known: keys.join("`, `") }),
        None => Ok(()),
    }
}

/// Why `archive.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message stands for its doc")]
pub enum SettingsError {
    #[error("`format` must be {FORMAT}, found {found:?}; a newer version of the program may read it")]
    Format { found: Option<i64> },
    #[error("retention rule `{name}`")]
    Keep { name: String, source: KeepError },
    #[error("`{name}` is missing")]
    Missing { name: String },
    #[error(transparent)]
    Prefix(#[from] IdError),
    #[error("two retention rules are named `{name}`")]
    SameName { name: String },
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error("`{name}` is not a setting; those there are: `{known}`")]
    Unknown { name: String, known: String },
    #[error("`{name}` must be {expected}")]
    WrongType { name: String, expected: &'static str },
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "format = 1\norigin = \"affiant.example/log\"\nprefix = \"AF\"\n";

    fn error(added: &str) -> String {
        let error = Settings::parse(&format!("{NAME}{added}")).unwrap_err();
        crate::base::causes::with_causes(&error)
    }

    #[test]
    fn reads_rules_and_names_what_is_wrong_with_one() {
        let rule = "[[retention]]\nname = \"terms\"\naddress = \"https://example.com/*\"\nkeep = \"7 years\"\n";
        let settings = Settings::parse(&format!("{NAME}{rule}")).unwrap();
        assert_eq!(settings.retention.len(), 1);
        assert_eq!(settings.retention[0].keep, Keep::Months(84));
        let cases = [
            ("retenton = 1\n", "`retenton` is not a setting"),
            ("[[retention]]\nname = \"a\"\nkeep = \"7 years\"\n", "retention[0].address` is missing"),
            ("[[retention]]\nkeep = \"7 years\"\naddress = \"*\"\n", "`retention[0].name` is missing"),
            ("[[retention]]\nname = \"a\"\naddress = \"*\"\nkeep = \"7 moons\"\n", "found `7 moons`"),
            (
                "[[retention]]\nname = \"a\"\nadress = \"*\"\nkeep = \"7 years\"\n",
                "`retention[0].adress` is not a setting",
            ),
            ("[[retention]]\nname = \"a\"\naddress = 7\nkeep = \"7 years\"\n", "`retention[0].address` must be a text"),
            ("[[retention]]\nname = \"a\"\ndocument = \"AF-D-000001-z\"\nkeep = \"7 years\"\n", "AF-D-000001"),
            ("[retention]\nname = \"a\"\n", "`retention` must be"),
        ];
        for (added, expected) in cases {
            assert!(error(added).contains(expected), "{added}: {}", error(added));
        }
        assert!(error(&format!("{rule}{rule}")).contains("two retention rules are named `terms`"));
    }

    #[test]
    fn rules_behind_the_name_leave_it_as_created() {
        let mut settings = Settings::parse(NAME).unwrap();
        let created = settings.to_toml();
        assert!(settings.are_as_created(&created) && !settings.are_as_created(NAME));
        let rules = "\n[[retention]]\nname = \"terms\"\naddress = \"*\"\nkeep = \"for ever\"\n";
        assert!(!settings.are_as_created(&format!("{created}{rules}")));
        settings = Settings::parse(&format!("{created}{rules}")).unwrap();
        assert!(settings.are_as_created(&format!("{created}{rules}")));
        assert!(!settings.are_as_created(&format!("{created}# word\n{rules}")));
    }
}
