//! What must stay does: what shops of several frameworks say to everybody, and how they are set up, comes along byte for
//! byte but for URLs, while their people do not.

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};
use railstage::rewriting::UrlPair;
use serde::Deserialize;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::odd::Odd;
use super::texts;

/// Two hosts of one length, so that no count changes: what is left of a difference is masking's.
const OLD: &str = "shop.example.com";
const NEW: &str = "copy.example.com";

/// Of a hundred values so many may be another.
const MOST_CHANGED_PERCENT: usize = 1;

/// Which values of a database are whose.
#[derive(Deserialize)]
struct Manifest {
    stays: Vec<Staying>,
    people: Vec<Personal>,
}

/// Values that must be as they were.
#[derive(Deserialize)]
struct Staying {
    table: String,
    columns: Vec<String>,
    r#where: String,
}

/// Values none of which may be as it was.
#[derive(Deserialize)]
struct Personal {
    table: String,
    column: String,
    r#where: String,
}

/// The values of some columns, by row and column; rows that are gone have none.
async fn values(client: &Client, table: &str, columns: &[String], condition: &str) -> Vec<Vec<Option<String>>> {
    let key = "SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                WHERE i.indisprimary AND i.indrelid = ";
    let key = texts(client, &format!("{key}'{table}'::regclass ORDER BY a.attnum")).await;
    let quoted = |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {} FROM {table} WHERE {condition} ORDER BY {}", quoted(columns), quoted(&key));
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect()),
        _ => None,
    };
    let messages = client.simple_query(&sql).await.unwrap_or_else(|error| panic!("{error:?} in {sql}"));
    messages.into_iter().filter_map(row).collect()
}

/// Copies a shop with its people masked, and measures what else was changed.
async fn measure(name: &str, sql: &str, manifest: &str) {
    let manifest: Manifest = serde_json::from_str(manifest).unwrap();
    let odd = Odd::start().await;
    odd.load(name, sql).await;
    let rewrite = vec![UrlPair::parse(&format!("https://{OLD}"), &format!("https://{NEW}")).unwrap()];
    let options = CopyOptions { masking: Some(Masking::new(Key::random())), rewrite, ..odd.options() };
    let report = odd.copy(name, &options).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
    // No false alarm: not even of what is only told.
    let proof = report.masking.and_then(|sheet| sheet.proof).unwrap();
    assert!(proof.rows > 0 && proof.residue.is_empty(), "{name}: {:#?}", proof.residue);
    let (source, target) = (odd.source.connect(name).await.unwrap(), odd.target.connect(name).await.unwrap());

    for Personal { table, column, r#where } in &manifest.people {
        let columns = std::slice::from_ref(column);
        let before = values(&source, table, columns, r#where).await;
        let after = values(&target, table, columns, r#where).await;
        assert!(!before.is_empty(), "{name}: {table}.{column} is not tried");
        let is_known =
            |row: &Vec<Option<String>>| row[0].as_ref().is_some_and(|value| !value.is_empty()) && before.contains(row);
        let known: Vec<_> = after.iter().filter(|row| is_known(row)).collect();
        assert!(known.is_empty(), "{name}: {table}.{column} came along: {known:?}");
    }

    let (mut all, mut changed) = (0_usize, Vec::new());
    for Staying { table, columns, r#where } in &manifest.stays {
        let before = values(&source, table, columns, r#where).await;
        let after = values(&target, table, columns, r#where).await;
        assert!(!before.is_empty(), "{name}: {table} is not tried");
        if before.len() != after.len() {
            changed.push(format!("{table}: {} of {} rows", after.len(), before.len()));
            continue;
        }
        for (before, after) in before.iter().zip(&after) {
            for (column, (before, after)) in columns.iter().zip(before.iter().zip(after)) {
                let Some(before) = before else { continue };
                all += 1;
                let expected = before.replace(OLD, NEW);
                let after = after.as_deref().unwrap_or("NULL");
                if after != expected {
                    changed.push(format!("{table}.{column}: {}", difference(&expected, after)));
                }
            }
        }
    }
    let count = changed.len();
    let told = format!("{name}: {count} of {all} values are not as they were:\n{}", changed.join("\n"));
    println!("{told}");
    assert!(count * 100 <= all * MOST_CHANGED_PERCENT, "{told}");
}

/// The first place where two texts differ, with some of what is around it.
fn difference(expected: &str, found: &str) -> String {
    let at = expected.char_indices().zip(found.char_indices()).find(|(a, b)| a.1 != b.1);
    let at = at.map_or(expected.len().min(found.len()), |((at, _), _)| at);
    let around = |text: &str| {
        let before = text[..at].char_indices().rev().take(24).last().map_or(0, |(at, _)| at);
        text[before..].chars().take(64).collect::<String>()
    };
    format!("{:?} became {:?}", around(expected), around(found))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_rails_says_what_it_said() {
    let manifest = include_str!("../../fixtures/masking/stays/rails.json");
    measure("rails", include_str!("../../fixtures/masking/stays/rails.sql"), manifest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_django_says_what_it_said() {
    let manifest = include_str!("../../fixtures/masking/stays/django.json");
    measure("django", include_str!("../../fixtures/masking/stays/django.sql"), manifest).await;
}
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_wordpress_says_what_it_said() {
    let manifest = include_str!("../../fixtures/masking/stays/wordpress.json");
    measure("wordpress", include_str!("../../fixtures/masking/stays/wordpress.sql"), manifest).await;
}
