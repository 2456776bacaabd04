//! The canary site: each invented person stands at one place of a shop's database. After a masked copy nothing of them is
//! anywhere, in any spelling; the few that are left are told in the sheet; and whatever could be read before still can.

pub(super) mod readable;
pub(super) mod spellings;

use std::collections::{BTreeMap, BTreeSet};

use railstage::masking::{Key, Masking, OnResidue, Sheet};
use serde::Deserialize;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::super::odd::Odd;

/// Of a hundred places so many may still hold something, if the sheet tells of each.
const MOST_LEFT_PERCENT: usize = 2;

/// One column of a place where a person stands.
#[derive(Deserialize)]
struct Place {
    place: String,
    table: String,
    column: String,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    row: Option<BTreeMap<String, serde_json::Value>>,
    /// By kind, the texts of the person.
    holds: BTreeMap<String, String>,
    #[serde(default)]
    may_stay: Option<String>,
    /// How the value is read.
    #[serde(default)]
    parses: Option<String>,
}

/// A value of the copy: where it stands, and the key of its row.
struct Value {
    table: String,
    column: String,
    key: Option<String>,
    text: String,
}

fn places() -> Vec<Place> {
    serde_json::from_str(include_str!("../../../fixtures/masking/people-places.json")).unwrap()
}

#[tokio::test]
async fn nobody_of_the_canary_site_comes_along_untold() {
    let odd = Odd::start().await;
    odd.load("canary", include_str!("../../../fixtures/masking/people.sql")).await;
    // What is left is judged here, place by place.
    let masking = Masking { residue: OnResidue::Warn, ..Masking::new(Key::random()) };
    let options = railstage::copying::CopyOptions { masking: Some(masking), ..odd.options() };
    let report = odd.copy("canary", &options).await.unwrap_or_else(|error| panic!("{error:#}"));
    let sheet = report.masking.unwrap();
    let target = odd.target.connect("canary").await.unwrap();
    let values = all_values(&target).await;
    let places = places();
    let left = left_in(&values, &places);
    let proof = sheet.proof.as_ref().unwrap();
    assert!(proof.rows > 0 && proof.residue.is_empty(), "{:#?}", proof.residue);
    let all: BTreeSet<_> = places.iter().map(|place| &place.place).collect();
    let untold: Vec<_> = left.iter().filter(|left| !left.is_told(&sheet)).map(LeftText::to_string).collect();
    let left_places: BTreeSet<_> = left.iter().map(|left| &left.place.place).collect();
    let told: Vec<_> = left.iter().map(LeftText::to_string).collect();
    println!("{} of {} places hold something, {} texts untold", left_places.len(), all.len(), untold.len());
    assert!(untold.is_empty(), "{} texts are left untold:\n{}", untold.len(), untold.join("\n"));
    assert!(
        left_places.len() * 100 <= all.len() * MOST_LEFT_PERCENT,
        "{} of {} places hold something:\n{}",
        left_places.len(),
        all.len(),
        told.join("\n")
    );
    let unreadable = unreadable(&target, &places).await;
    assert!(unreadable.is_empty(), "what could be read cannot be read any more:\n{}", unreadable.join("\n"));
}

/// A person's text that is in the copy.
struct LeftText<'a> {
    place: &'a Place,
    kind: &'a str,
    text: &'a str,
    found: &'a Value,
    how: &'static str,
}

impl LeftText<'_> {
    /// Whether the sheet names where it was found.
    fn is_told(&self, sheet: &Sheet) -> bool {
        let column = format!("public.{}.{}", self.found.table, self.found.column);
        let names = |named: &str, rows: &Option<String>| {
            named == column
                && match (&self.found.key, rows) {
                    (Some(key), Some(rows)) => rows.ends_with(&format!(" = {key}")),
                    _ => true,
                }
        };
        sheet
            .columns
            .iter()
            .any(|line| line.treatment == railstage::masking::Treatment::Left && names(&line.column, &line.rows))
            || sheet.suspects.iter().any(|suspect| names(&suspect.column, &suspect.rows))
            || sheet.proof.iter().any(|proof| {
                proof.residue.iter().any(|line| names(&line.column, &line.rows))
                    || proof.apart.iter().any(|line| names(&line.column, &line.rows))
            })
    }
}

impl std::fmt::Display for LeftText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (found, place) = (self.found, self.place);
        let key = found.key.as_ref().map(|key| format!(" [{key}]")).unwrap_or_default();
        let text: String = found.text.chars().take(120).collect();
        write!(
            f,
            "{}: {} `{}` {} in {}.{}{key}: {text:?}",
            place.place, self.kind, self.text, self.how, found.table, found.column
        )
    }
}

/// What of the persons is anywhere, but for what may stay at its own place.
fn left_in<'a>(values: &'a [Value], places: &'a [Place]) -> Vec<LeftText<'a>> {
    let mut left = Vec::new();
    let spelled: Vec<_> = values.iter().map(|value| spellings::of(&value.text)).collect();
    let whole: String = spelled.iter().flatten().flat_map(|(_, text)| [text.as_str(), "\n"]).collect();
    for place in places {
        for (kind, text) in &place.holds {
            let needles = spellings::needles(kind, text);
            if !needles.iter().any(|needle| memchr::memmem::find(whole.as_bytes(), needle.as_bytes()).is_some()) {
                continue;
            }
            for (value, spelled) in values.iter().zip(&spelled) {
                let found = spelled.iter().find(|(_, text)| needles.iter().any(|needle| text.contains(needle)));
                // A text of one column may stand within that of another column of the place.
                let is_own =
                    |own: &&Place| own.place == place.place && value.table == own.table && value.column == own.column;
                let may_stay = places.iter().find(is_own).is_some_and(|own| own.may_stay.is_some());
                if let Some((how, _)) = found.filter(|_| !may_stay) {
                    left.push(LeftText { place, kind, text, found: value, how });
                }
            }
        }
    }
    left
}

/// All texts of all tables; names of tables and columns are not a person's.
async fn all_values(client: &Client) -> Vec<Value> {
    let tables = super::texts(client, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").await;
    let mut values = Vec::new();
    for table in tables {
        for message in client.simple_query(&format!("SELECT * FROM \"{table}\"")).await.unwrap() {
            let SimpleQueryMessage::Row(row) = message else { continue };
            let key = row.columns().iter().position(|column| matches!(column.name(), "meta_key" | "option_name"));
            let key = key.and_then(|key| row.get(key)).map(str::to_owned);
            for (i, column) in row.columns().iter().enumerate() {
                if let Some(text) = row.get(i).filter(|text| text.bytes().any(|b| !b.is_ascii_digit())) {
                    let (table, column) = (table.clone(), column.name().to_owned());
                    values.push(Value { table, column, key: key.clone(), text: text.to_owned() });
                }
            }
        }
    }
    values
}

/// The places whose values are in the copy and do not read as they did.
async fn unreadable(client: &Client, places: &[Place]) -> Vec<String> {
    let mut unreadable = Vec::new();
    for place in places {
        let (Some(how), Some(row)) = (&place.parses, &place.row) else { continue };
        let holds = |(column, value): (&String, &serde_json::Value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("\"{column}\"::text = '{}'", value.replace('\'', "''"))
        };
        let conditions: Vec<_> = row.iter().map(holds).collect();
        let sql = format!("SELECT \"{}\" FROM \"{}\" WHERE {}", place.column, place.table, conditions.join(" AND "));
        for message in client.simple_query(&sql).await.unwrap() {
            let SimpleQueryMessage::Row(row) = message else { continue };
            let Some(text) = row.get(0).filter(|text| !text.is_empty()) else { continue };
            if let Err(why) = readable::read(text, how) {
                unreadable.push(format!("{} [{:?}] as {how}: {why}: {text:?}", place.place, place.key));
            }
        }
    }
    unreadable
}
