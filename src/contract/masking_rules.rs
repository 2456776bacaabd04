//! Rules of one's own: which value of which table becomes what. The WordPress preset is written in the same words.

use anyhow::{Context as _, Result, bail};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::input::{self, Problem};
use crate::contract::transformer::Transformer;
use crate::error::Failure;

/// A file of masking rules.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// The rules; the first that fits a value holds, and all of them go before the preset's.
    pub rules: Vec<MaskingRule>,
}

/// What becomes of the values of a column, of some rows, or of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskingRule {
    /// The table: a glob (`*`, `?`) on `table` or `schema.table`. A partition goes by its table's name as
    /// well, and what inherits from a table by that table's; after `only:` the one table is meant.
    #[schemars(length(min = 1), extend("x-expects" = "the name of a table, such as `customers` or `crm.customers`"))]
    pub table: String,
    /// The column. Needed except for `drop_rows` and `empty_table`; `keep` without one keeps whole rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("x-expects" = "the name of a column"))]
    pub column: Option<String>,
    /// Which rows it is about; by default every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// What is done.
    pub transformer: Transformer,
    /// What `set` puts there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the preset's rules for some of these rows stand back as well. Without it, a rule for all values of a column leaves finer ones of
    /// the preset in force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instead: bool,
    /// Why; it stands in the sheet of what was masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A condition on another column of the same row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The column, such as `meta_key`.
    #[schemars(length(min = 1), extend("x-expects" = "the name of a column"))]
    pub column: String,
    /// Values that it may have.
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// Globs (`*`, `?`), one of which its value must match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<String>,
}

impl RulesFile {
    /// Reads the text of a file.
    ///
    /// ```
    /// use railstage::masking::{RulesFile, Transformer};
    ///
    /// let rules = RulesFile::read("rules: [{table: customers, column: mail, transformer: email}]")?;
    /// assert_eq!(rules[0].transformer, Transformer::Email);
    ///
    /// let error = RulesFile::read("rules: [{table: customers, colum: mail, transformer: email}]").unwrap_err();
    /// assert!(error.to_string().contains("did you mean `column`?"), "{error}");
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    /// Invalid input, naming every wrong field by rule and name.
    pub fn read(yaml: &str) -> Result<Vec<MaskingRule>> {
        let value: serde_json::Value = serde_yaml::from_str(yaml)
            .map_err(|error| Failure::invalid(format!("the masking rules are not YAML: {error}")))?;
        let file: Self = input::read("masking rules", value)?;
        check("rules", &file.rules)?;
        Ok(file.rules)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, and as [`RulesFile::read`].
    pub fn open(path: &str) -> Result<Vec<MaskingRule>> {
        let text = std::fs::read_to_string(path)
            .with_context(|| Failure::invalid(format!("the masking rules cannot be read from `{path}`")))?;
        Self::read(&text).with_context(|| format!("read `{path}`"))
    }
}

/// Refuses rules that contradict themselves; `list` is the path under which the caller knows them.
///
/// # Errors
/// Invalid input, naming every wrong field by rule and name.
pub(crate) fn check(list: &str, rules: &[MaskingRule]) -> Result<()> {
    let problems: Vec<_> = rules
        .iter()
        .enumerate()
        .flat_map(|(i, rule)| rule.problems().into_iter().map(move |(field, message)| (i, field, message)))
        .map(|(i, field, message)| Problem { path: format!("{list}.{i}.{field}"), message: message.to_owned() })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    bail!(input::refuse("masking rules", &problems))
}

impl MaskingRule {
    fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        let needs_column = !self.transformer.is_for_rows() && self.transformer != Transformer::Keep;
        match &self.column {
            None if needs_column => {
                problems.push(("column", "is missing; this transformer is for the values of a column"));
            }
            Some(_) if self.transformer.is_for_rows() => {
                problems.push(("column", "is one too many; this transformer is for rows"));
            }
            _ => {}
        }
        match (&self.value, self.transformer) {
            (None, Transformer::Set) => problems.push(("value", "is missing; `set` puts it there")),
            (Some(_), transformer) if transformer != Transformer::Set => {
                problems.push(("value", "is one too many; only `set` takes one"));
            }
            _ => {}
        }
        match (&self.when, self.transformer) {
            (Some(when), _) if when.one_of.is_empty() && when.matches.is_empty() => {
                problems.push(("when", "has neither `in` nor `matches`"));
            }
            (Some(_), Transformer::EmptyTable) => {
                problems.push(("when", "is one too many; `drop_rows` leaves some rows behind"));
            }
            (None, Transformer::DropRows) => {
                problems.push(("when", "is missing; `empty_table` leaves all rows behind"));
            }
            _ => {}
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(yaml: &str) -> String {
        RulesFile::read(yaml).unwrap_err().to_string()
    }

    #[test]
    fn a_file_of_rules_is_read() {
        let rules = RulesFile::read(
            "rules:
               - {table: visits, column: visitor, transformer: ip}
               - {table: wp_usermeta, when: {column: meta_key, matches: ['x_*']}, transformer: drop_rows, because: not ours}",
        )
        .unwrap();
        assert_eq!(rules[0].transformer, Transformer::Ip);
        assert_eq!(rules[1].when.as_ref().unwrap().matches, ["x_*"]);
    }

    #[test]
    fn a_wrong_rule_is_named_with_its_field() {
        let error = refused(
            "rules:
               - {table: visits, colum: visitor, transformer: ip}
               - {table: visits, column: visitor, transformer: ipp}
               - {table: visits, column: visitor, transformer: ip, when: {column: x, in: [1]}}",
        );
        for words in [
            "`rules.0.colum`: unknown field; did you mean `column`?",
            "`rules.1.transformer`: expected `keep`",
            "`rules.2.when.in.0`: expected text",
        ] {
            assert!(error.contains(words), "{words} is not in\n{error}");
        }
    }

    #[test]
    fn a_rule_that_contradicts_itself_is_refused() {
        let error = refused(
            "rules:
               - {table: a, transformer: email}
               - {table: a, column: b, transformer: set}
               - {table: a, column: b, transformer: email, value: x}
               - {table: a, column: b, transformer: drop_rows}
               - {table: a, when: {column: b}, transformer: empty_table}",
        );
        for words in [
            "`rules.0.column`: is missing",
            "`rules.1.value`: is missing",
            "`rules.2.value`: is one too many",
            "`rules.3.column`: is one too many",
            "`rules.3.when`: is missing",
            "`rules.4.when`: has neither",
        ] {
            assert!(error.contains(words), "{words} is not in\n{error}");
        }
    }
}
