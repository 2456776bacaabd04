//! The statement that makes a table, taken apart: what must be there before its rows, and what is better made after them.

mod words;

use anyhow::{Context as _, Result, ensure};

pub(super) use self::words::Scan;
use self::words::{first_column, first_name, has_comment, has_word, has_words, is_column, is_key, split, word_at};
use super::session::sql;
use crate::error::Failure;

/// Words behind the list of columns by which a table is filled from elsewhere, or kept there.
const REACHES_OUT: &[&str] = &["SELECT", "LIKE", "CONNECTION", "UNION"];

/// A table's definition in parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CreateTable {
    /// What makes it without what comes later.
    pub(super) before: String,
    /// Keys, each as ALTER TABLE adds it.
    pub(super) keys: Vec<String>,
    /// Foreign keys, as well.
    pub(super) foreign_keys: Vec<String>,
    /// Whether the source keeps it in a folder of its own, which the target's server does not take.
    pub(super) has_folder: bool,
}

impl CreateTable {
    /// Takes apart what SHOW CREATE TABLE gives for a table of this name. It is run on the target as it is, so whatever is not known
    /// to make such a table, and nothing else, is refused.
    pub(super) fn read(statement: &str, name: &str) -> Result<Self> {
        let (head, items, tail) = split(statement).context("read how a table is made")?;
        ensure!(
            head == format!("CREATE TABLE {} (", sql::ident(name)),
            "the source gives something else than how the table is made"
        );
        ensure!(!has_comment(statement), "how the table is made has a comment in it");
        let beyond = REACHES_OUT.iter().find(|word| has_word(tail, word));
        ensure!(
            beyond.is_none(),
            Failure::invalid(format!(
                "the table reaches out of its database ({})",
                beyond.copied().unwrap_or_default()
            ))
            .hint("make it an ordinary table, or drop it")
        );
        let without = without_tablespace(tail);
        let has_folder = without.is_some() || has_word(tail, "DIRECTORY");
        let tail = without.as_deref().unwrap_or(tail);
        ensure!(
            !items.iter().any(|item| has_word(item, "NEXTVAL") || has_word(item, "LASTVAL")),
            Failure::invalid("a column takes its values from a sequence, whose name is of this database alone")
                .hint("let the column be AUTO_INCREMENT, or have no default")
        );
        let mut parts = Self { has_folder, ..Self::default() };
        let has_primary_key = items.iter().any(|item| item.starts_with("PRIMARY KEY"));
        let counted = items
            .iter()
            .find(|item| is_column(item) && has_word(item, "AUTO_INCREMENT"))
            .and_then(|item| first_name(item));
        let mut before = Vec::new();
        for item in &items {
            if let Some(constraint) = foreign_key(item)? {
                parts.foreign_keys.push(constraint);
            } else if is_key(item)
                && has_primary_key
                && counted.is_none_or(|counted| first_column(item) != Some(counted))
            {
                parts.keys.push((*item).to_owned());
            } else {
                before.push(*item);
            }
        }
        parts.before = format!("{head}\n  {}\n{tail}", before.join(",\n  "));
        Ok(parts)
    }

    /// The statements that add the keys: all in one go, but for those that the server makes one at a time.
    pub(super) fn add_keys(&self, table: &str) -> Vec<String> {
        let is_special = |key: &&String| key.starts_with("FULLTEXT") || key.starts_with("SPATIAL");
        let add = |keys: Vec<&String>| {
            let keys: Vec<_> = keys.into_iter().map(|key| format!("ADD {key}")).collect();
            format!("ALTER TABLE {table} {}", keys.join(", "))
        };
        let (special, plain): (Vec<_>, Vec<_>) = self.keys.iter().partition(is_special);
        let plain = if plain.is_empty() { None } else { Some(add(plain)) };
        plain.into_iter().chain(special.into_iter().map(|key| add(vec![key]))).collect()
    }

    /// The statement that adds the foreign keys, if there are any.
    pub(super) fn add_foreign_keys(&self, table: &str) -> Option<String> {
        let keys: Vec<_> = self.foreign_keys.iter().map(|key| format!("ADD {key}")).collect();
        (!keys.is_empty()).then(|| format!("ALTER TABLE {table} {}", keys.join(", ")))
    }
}

/// What stands behind the list of columns without the file that several tables share.
fn without_tablespace(tail: &str) -> Option<String> {
    let rest = tail.strip_prefix(") /*!50100 TABLESPACE ")?;
    let rest = rest[first_name(rest)?.len() + 2..].strip_prefix(" */ ")?;
    Some(format!(") {rest}"))
}

/// The checks that a table is made with, each by its name, or its column's where it has none.
pub(super) fn checks(statement: &str) -> Vec<(String, String)> {
    let Some((_, items, _)) = split(statement) else { return Vec::new() };
    let check = |item: &&str| {
        let name = first_name(item.strip_prefix("CONSTRAINT ").unwrap_or(item))?.replace("``", "`");
        let begin = word_at(item, "CHECK")?;
        let rest = item.get(begin..)?;
        let (mut scan, mut end) = (Scan::default(), None);
        for (at, c) in rest.char_indices() {
            if !scan.is_quoted_after(c) && c == ')' && scan.depth == 0 {
                end = Some(at);
                break;
            }
        }
        let expression = rest.get(rest.find('(')? + 1..end?)?;
        // One that the server does not hold rows to.
        let is_held = !rest.get(end? + 1..)?.contains("NOT ENFORCED");
        is_held.then(|| (name, expression.to_owned()))
    };
    items.iter().filter_map(check).collect()
}

/// A foreign key within the database; one that leads out of it cannot be made in a copy.
fn foreign_key(item: &str) -> Result<Option<String>> {
    if !item.starts_with("CONSTRAINT ") && !item.starts_with("FOREIGN KEY") || !has_words(item, &["FOREIGN", "KEY"]) {
        return Ok(None);
    }
    let refers = item.find(" REFERENCES ").map(|at| &item[at + " REFERENCES ".len()..]);
    let refers = refers.context("read a foreign key")?;
    let name = first_name(refers).context("read what a foreign key refers to")?;
    let leads_out = refers[name.len() + 2..].starts_with('.');
    ensure!(
        !leads_out,
        Failure::invalid(format!("a foreign key leads into another database, `{name}`, which a copy has not"))
            .hint("drop the key, or have both tables in one database")
    );
    Ok(Some(item.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTS: &str = "CREATE TABLE `wp_po(sts` (
  `ID` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `title` varchar(20) NOT NULL DEFAULT 'a, (b\\', ) KEY `x` (`y`)',
  `kind` enum('a','it''s') DEFAULT NULL COMMENT 'AUTO_INCREMENT, FOREIGN KEY',
  `sum` decimal(10,2) GENERATED ALWAYS AS (round(`a`,2)) VIRTUAL,
  PRIMARY KEY (`ID`),
  UNIQUE KEY `t``t` (`title`(10)),
  KEY `by_id` (`ID`,`title`),
  KEY `by_kind` (`kind`,`title`) USING BTREE COMMENT 'it, has',
  FULLTEXT KEY `words` (`title`),
  SPATIAL KEY `place` (`place`),
  CONSTRAINT `of` FOREIGN KEY (`kind`) REFERENCES `wp_kinds` (`id`) ON DELETE CASCADE,
  CONSTRAINT `plain` CHECK (`kind` <> 'FOREIGN KEY')
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='(x)'
/*!50100 PARTITION BY HASH (`ID`) PARTITIONS 4 */";

    #[test]
    fn a_table_is_taken_apart_and_nothing_of_it_is_lost() {
        let parts = CreateTable::read(POSTS, "wp_po(sts").unwrap();
        assert_eq!(parts.keys.len(), 4, "{parts:?}");
        assert_eq!(parts.foreign_keys.len(), 1);
        assert!(parts.before.starts_with("CREATE TABLE `wp_po(sts` (\n  `ID` bigint"));
        assert!(parts.before.contains("KEY `by_id` (`ID`,`title`),\n  CONSTRAINT `plain` CHECK"), "{}", parts.before);
        assert!(parts.before.ends_with("/*!50100 PARTITION BY HASH (`ID`) PARTITIONS 4 */"));
        let keys = parts.add_keys("`d`.`t`");
        assert_eq!(keys.len(), 3);
        assert!(
            keys[0].starts_with("ALTER TABLE `d`.`t` ADD UNIQUE KEY `t``t` (`title`(10)), ADD KEY `by_kind`"),
            "{}",
            keys[0]
        );
        assert!(keys[1].starts_with("ALTER TABLE `d`.`t` ADD FULLTEXT"));
        assert!(parts.add_foreign_keys("`t`").unwrap().contains("ADD CONSTRAINT `of` FOREIGN KEY"));
        let lines = |text: &str| text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect::<Vec<_>>();
        let mut all = lines(&parts.before);
        all.extend(parts.keys.iter().chain(&parts.foreign_keys).map(|item| format!("  {item}")));
        let mut wanted = lines(POSTS);
        all.sort();
        wanted.sort();
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_table_without_a_primary_key_keeps_all_keys() {
        let create =
            "CREATE TABLE `t` (\n  `a` int(11) NOT NULL,\n  UNIQUE KEY `a` (`a`),\n  KEY `b` (`a`)\n) ENGINE=InnoDB";
        let parts = CreateTable::read(create, "t").unwrap();
        assert!(parts.keys.is_empty() && parts.add_keys("`t`").is_empty());
        assert_eq!(parts.before, create);
    }

    #[test]
    fn a_key_into_another_database_is_refused() {
        let create = "CREATE TABLE `t` (\n  `a` int,\n  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `other`.`x` (`a`)\n) ENGINE=InnoDB";
        assert!(CreateTable::read(create, "t").unwrap_err().to_string().contains("into another database, `other`"));
        assert!(CreateTable::read("CREATE VIEW v AS SELECT 1", "v").is_err());
    }

    #[test]
    fn a_table_in_a_file_or_a_folder_of_its_own_is_told_and_made_without() {
        let shared =
            "CREATE TABLE `t` (\n  `a` int\n) /*!50100 TABLESPACE `a``b` */ ENGINE=InnoDB COMMENT='TABLESPACE `c`'";
        let parts = CreateTable::read(shared, "t").unwrap();
        assert!(parts.has_folder && parts.before.ends_with("\n) ENGINE=InnoDB COMMENT='TABLESPACE `c`'"), "{parts:?}");
        let apart = "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB DATA DIRECTORY='/tmp'";
        assert!(CreateTable::read(apart, "t").unwrap().has_folder);
        assert!(
            !CreateTable::read("CREATE TABLE `t` (\n  `a` int\n) COMMENT='DATA DIRECTORY'", "t").unwrap().has_folder
        );
    }

    #[test]
    fn checks_are_read_as_a_server_writes_them() {
        let create = "CREATE TABLE `t` (\n  `a` varchar(9) DEFAULT 'CHECK (x)' CHECK (`a` like '%)'),\n  `b` int,\n  CONSTRAINT `b``s` CHECK ((`b` > (1))),\n  CONSTRAINT `off` CHECK ((`b` < 9)) /*!80016 NOT ENFORCED */,\n  KEY `CHECK` (`a`)\n)";
        let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
        assert_eq!(checks(create), [("a", "`a` like '%)'"), ("b`s", "(`b` > (1))")].map(owned));
    }

    #[test]
    fn what_does_more_than_to_make_the_table_is_not_run() {
        let good = "CREATE TABLE `t` (\n  `a` int DEFAULT '/* # --' COMMENT 'SELECT'\n) ENGINE=InnoDB COMMENT='a CONNECTION #1' /*!50100 PARTITION BY KEY () */";
        CreateTable::read(good, "t").unwrap();
        for bad in [
            "CREATE TABLE `other` (\n  `a` int\n) ENGINE=InnoDB",
            "CREATE USER `t` (\n  `a` int\n) ENGINE=InnoDB",
            "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB AS SELECT * FROM mysql.user",
            "CREATE TABLE `t` (\n  `a` int\n) ENGINE=FEDERATED CONNECTION='mysql://u@h/d/t'",
            "CREATE TABLE `t` (\n  `a` int /* ' */\n) SELECT 1 /* ' */",
            "CREATE TABLE `t` (\n  `a` int # '\n) SELECT 1",
            "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB /*!50100select 1*/",
        ] {
            assert!(CreateTable::read(bad, "t").is_err(), "{bad}");
        }
    }
}
