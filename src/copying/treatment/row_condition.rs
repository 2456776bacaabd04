//! Which rows of a table are meant, in the words of no server: an engine asks for them, and they are looked at again here.

/// A condition on rows of some columns, which it calls by their numbers; all values are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowCondition {
    /// All rows.
    Always,
    /// The column has one of these values.
    Is(usize, Vec<String>),
    /// The column's value begins with one of these.
    Begins(usize, Vec<String>),
    Ends(usize, String),
    Contains(usize, String),
    /// All of these.
    All(Vec<Self>),
    /// One of these at least.
    OneOf(Vec<Self>),
}

impl RowCondition {
    /// The column has this value.
    pub(crate) fn is(column: usize, value: &str) -> Self {
        Self::Is(column, vec![value.to_owned()])
    }

    /// The column has one of these values.
    pub(crate) fn is_of(column: usize, values: &[&str]) -> Self {
        Self::Is(column, values.iter().map(|value| (*value).to_owned()).collect())
    }

    /// Whether it is true of a row.
    pub(crate) fn holds(&self, row: &[String]) -> bool {
        let value = |column: usize| row.get(column).map_or("", String::as_str);
        match self {
            Self::Always => true,
            Self::Is(column, values) => values.iter().any(|one| one == value(*column)),
            Self::Begins(column, begins) => begins.iter().any(|begin| value(*column).starts_with(begin.as_str())),
            Self::Ends(column, end) => value(*column).ends_with(end.as_str()),
            Self::Contains(column, text) => value(*column).contains(text.as_str()),
            Self::All(all) => all.iter().all(|one| one.holds(row)),
            Self::OneOf(some) => some.iter().any(|one| one.holds(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_true_of_the_rows_that_are_meant() {
        let row = ["inherit", "attachment", ""].map(str::to_owned);
        let when = RowCondition::All(vec![
            RowCondition::OneOf(vec![RowCondition::is(0, "publish"), RowCondition::is_of(1, &["page", "attachment"])]),
            RowCondition::is(2, ""),
            RowCondition::Begins(0, vec!["x".to_owned(), "in".to_owned()]),
            RowCondition::Ends(0, "herit".to_owned()),
            RowCondition::Contains(1, "ach".to_owned()),
        ]);
        assert!(when.holds(&row) && RowCondition::Always.holds(&row));
        assert!(!when.holds(&row.clone().map(|value| value + "x")));
        assert!(!RowCondition::OneOf(Vec::new()).holds(&row) && RowCondition::All(Vec::new()).holds(&row));
    }
}
