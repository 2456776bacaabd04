//! A fixture that was made in Postgres, carried over into MariaDB or MySQL, so that there is one of each.

use anyhow::{Context, Result, bail};
use tokio_postgres::{Client, SimpleQueryMessage};

/// A column as it is in Postgres.
struct Column {
    name: String,
    type_name: String,
    is_null: bool,
    is_indexed: bool,
}

/// The statements that make the tables of the schema `public` of a Postgres database, with their rows, primary and unique keys and
/// foreign keys.
pub async fn carried(postgres: &Client) -> Result<String> {
    let tables = texts(postgres, TABLES).await.context("list the tables")?;
    let mut sql = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; SET foreign_key_checks = 0;\n".to_owned();
    for table in tables.iter().map(|row| field(row, 0)) {
        carry(postgres, &table, &mut sql).await.with_context(|| format!("carry `{table}` over"))?;
    }
    for row in texts(postgres, FOREIGN).await? {
        let [table, key, columns, to, of] = [0, 1, 2, 3, 4].map(|number| field(&row, number));
        sql.push_str(&format!(
            "ALTER TABLE `{table}` ADD CONSTRAINT `{key}` FOREIGN KEY ({columns}) REFERENCES `{to}` ({of});\n"
        ));
    }
    Ok(sql)
}

async fn carry(postgres: &Client, table: &str, sql: &mut String) -> Result<()> {
    let columns: Vec<_> =
        texts(postgres, &COLUMNS.replace("{table}", table)).await?.iter().map(|row| Column::of(row)).collect();
    let mut items = Vec::new();
    for column in &columns {
        let null = if column.is_null { "NULL" } else { "NOT NULL" };
        items.push(format!("`{}` {} {null}", column.name, column.of_mysql()?));
    }
    for row in texts(postgres, &KEYS.replace("{table}", table)).await? {
        let kind = if field(&row, 0) == "t" { "PRIMARY KEY" } else { "UNIQUE KEY" };
        items.push(format!("{kind} ({})", field(&row, 1)));
    }
    sql.push_str(&format!("CREATE TABLE `{table}` (\n  {}\n) CHARACTER SET utf8mb4;\n", items.join(",\n  ")));
    let values: Vec<_> = columns.iter().map(|column| format!("\"{}\"::text", column.name)).collect();
    let rows = texts(postgres, &format!("SELECT {} FROM \"{table}\"", values.join(", "))).await?;
    for together in rows.chunks(200) {
        let row = |row: &Vec<Option<String>>| {
            let values: Vec<_> =
                row.iter().zip(&columns).map(|(value, column)| column.value(value.as_deref())).collect();
            format!("({})", values.join(", "))
        };
        let rows: Vec<_> = together.iter().map(row).collect();
        sql.push_str(&format!("INSERT INTO `{table}` VALUES {};\n", rows.join(",\n")));
    }
    Ok(())
}

impl Column {
    fn of(row: &[Option<String>]) -> Self {
        Self {
            name: field(row, 0),
            type_name: field(row, 1),
            is_null: field(row, 2) == "t",
            is_indexed: field(row, 3) == "t",
        }
    }

    fn of_mysql(&self) -> Result<String> {
        let name = self.type_name.as_str();
        let limit = name.find('(').map_or("", |at| &name[at..]);
        Ok(match name.split('(').next().unwrap_or_default() {
            "bigint" | "integer" | "smallint" | "date" => name.to_owned(),
            "double precision" | "real" => "double".to_owned(),
            "boolean" => "tinyint(1)".to_owned(),
            "numeric" if limit.is_empty() => "decimal(40,10)".to_owned(),
            "numeric" => format!("decimal{limit}"),
            // Postgres takes no text for another one.
            "character varying" if self.is_indexed && !limit.is_empty() => {
                format!("varchar{limit} COLLATE utf8mb4_bin")
            }
            "character varying" if limit.is_empty() => "varchar(255)".to_owned(),
            "character varying" => format!("varchar{limit}"),
            "character" => format!("char{limit}"),
            "text" | "\"char\"" if self.is_indexed => "varchar(255) COLLATE utf8mb4_bin".to_owned(),
            "text" | "text[]" => "longtext".to_owned(),
            "json" | "jsonb" => "json".to_owned(),
            "bytea" => "longblob".to_owned(),
            name if name.starts_with("timestamp") => "datetime(6)".to_owned(),
            "inet" | "cidr" | "uuid" | "interval" | "tstzrange" | "time without time zone" => "varchar(100)".to_owned(),
            other if other.starts_with("shop_") => "varchar(100)".to_owned(),
            other => bail!("there is no `{other}`"),
        })
    }

    fn value(&self, value: Option<&str>) -> String {
        let Some(value) = value else { return "NULL".to_owned() };
        match self.type_name.as_str() {
            "boolean" => u8::from(value == "t" || value == "true").to_string(),
            "bytea" => format!("X'{}'", value.trim_start_matches("\\x")),
            name if name.starts_with("timestamp") => format!("'{}'", value.split('+').next().unwrap_or_default()),
            name if name.starts_with("character(") => quoted(value.trim_end_matches(' ')),
            _ => quoted(value),
        }
    }
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''").replace('\0', "\\0"))
}

fn field(row: &[Option<String>], number: usize) -> String {
    row.get(number).cloned().flatten().unwrap_or_default()
}

async fn texts(postgres: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
    let row = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
        _ => None,
    };
    Ok(postgres.simple_query(sql).await?.iter().filter_map(row).collect())
}

const TABLES: &str = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace ORDER BY 1";

const COLUMNS: &str = "
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indpred IS NULL AND a.attnum = ANY (i.indkey))
           OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.contype = 'f' AND (k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
                       OR k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey)))
      FROM pg_attribute AS a
     WHERE a.attrelid = '\"{table}\"'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum";

const KEYS: &str = "
    SELECT i.indisprimary, (SELECT string_agg('`' || a.attname || '`', ', ' ORDER BY k.place)
                              FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
                              JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
      FROM pg_index AS i
     WHERE i.indrelid = '\"{table}\"'::regclass AND i.indisunique AND i.indpred IS NULL AND NOT 0 = ANY (i.indkey)";

const FOREIGN: &str = "
    SELECT c.relname, k.conname,
           (SELECT string_agg('`' || a.attname || '`', ', ' ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
              JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
           f.relname,
           (SELECT string_agg('`' || a.attname || '`', ', ' ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY AS u(attnum, place)
              JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum)
      FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_class AS f ON f.oid = k.confrelid
     WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace ORDER BY 1, 2";
