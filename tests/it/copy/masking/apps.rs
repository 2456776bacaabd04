//! Other apps than WordPress, on the tables and columns that they have: nothing of the invented people of
//! `tests/fixtures/masking/apps` is in a copy, what acts or lets somebody in is left behind and told, and what a program needs is
//! there byte for byte. Each file begins with what is expected of it.

use std::collections::BTreeSet;

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking, Sheet};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::super::odd::Odd;
use super::canary::spellings;
use super::{run, texts};

/// Of a hundred values that are nobody's so many may be another.
const MOST_CHANGED_PERCENT: usize = 1;

/// What the lines at the beginning of a file say of its copy.
#[derive(Default)]
struct Expected {
    /// Table and column of what stays.
    stays: Vec<(String, String)>,
    /// Tables that come without rows.
    empty: Vec<String>,
    /// Texts of people that are nowhere.
    gone: Vec<String>,
}

impl Expected {
    fn of(sql: &str) -> Self {
        let mut expected = Self::default();
        let trimmed = |list: &str, sign: &str| list.split(sign).map(|one| one.trim().to_owned()).collect::<Vec<_>>();
        for line in sql.lines().filter_map(|line| line.strip_prefix("-- ")) {
            if let Some((table, columns)) = line.strip_prefix("stays: ").and_then(|line| line.split_once(": ")) {
                expected.stays.extend(trimmed(columns, ",").into_iter().map(|column| (table.to_owned(), column)));
            } else if let Some(tables) = line.strip_prefix("empty: ") {
                expected.empty.extend(trimmed(tables, ","));
            } else if let Some(people) = line.strip_prefix("gone: ") {
                expected.gone.extend(trimmed(people, " | ").into_iter().map(|text| text.to_lowercase()));
            }
        }
        assert!(!expected.gone.is_empty(), "a file without people tries nothing");
        expected
    }
}

/// All rows of a query, each value as text.
async fn rows(client: &Client, sql: &str) -> Vec<Vec<(String, Option<String>)>> {
    let messages = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{error:?} in {sql}"));
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => {
            let value = |(i, column): (usize, &tokio_postgres::SimpleColumn)| {
                (column.name().to_owned(), row.get(i).map(str::to_owned))
            };
            Some(row.columns().iter().enumerate().map(value).collect())
        }
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}

/// Where a text of somebody is, as `table.column: text in value`.
async fn left(client: &Client, gone: &[String]) -> Vec<String> {
    let mut left = BTreeSet::new();
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
                   WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
    for table in texts(client, tables).await {
        for (column, value) in rows(client, &format!("SELECT * FROM {table}")).await.into_iter().flatten() {
            let Some(value) = value else { continue };
            for (_, spelled) in spellings::of(&value) {
                let found = gone.iter().filter(|text| spelled.contains(text.as_str()));
                left.extend(found.map(|text| format!("{table}.{column}: `{text}` in {value:.160}")));
            }
        }
    }
    left.into_iter().collect()
}

/// Copies an app with its people masked, and compares.
async fn compare(name: &str, sql: &str) -> Sheet {
    let expected = Expected::of(sql);
    let odd = Odd::start().await;
    odd.load(name, sql).await;
    let options = CopyOptions { masking: Some(Masking::new(Key::random())), ..odd.options() };
    let report = odd.copy(name, &options).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
    let sheet = report.masking.unwrap();
    let (source, target) = (odd.source.connect(name).await.unwrap(), odd.target.connect(name).await.unwrap());

    let before = left(&source, &expected.gone).await.join("\n");
    for text in &expected.gone {
        assert!(before.contains(&format!("`{text}`")), "{name}: nothing holds `{text}`, so it is not tried");
    }
    let left = left(&target, &expected.gone).await;
    assert!(left.is_empty(), "{name}: {} values hold somebody:\n{}", left.len(), left.join("\n"));

    for table in &expected.empty {
        let count = format!("SELECT count(*) FROM {table}");
        assert_ne!(texts(&source, &count).await, ["0"], "{name}: {table} is not tried");
        assert_eq!(texts(&target, &count).await, ["0"], "{name}: {table} came along");
        let plain = format!("public.{}", table.replace('"', ""));
        let is_told = sheet.emptied.iter().any(|line| line.table == plain)
            || report
                .queues
                .iter()
                .any(|line| line.table == plain && line.done != railstage::masking::QueueTreatment::Left);
        assert!(is_told, "{name}: {table} is left behind untold");
    }

    let (mut all, mut changed) = (0_usize, Vec::new());
    for (table, column) in &expected.stays {
        let sql = format!("SELECT {column}::text AS value FROM {table} ORDER BY ctid");
        let sorted = async |client: &Client| {
            let mut values: Vec<_> = rows(client, &sql).await.into_iter().flatten().map(|(_, value)| value).collect();
            values.sort_unstable();
            values
        };
        let (before, after) = (sorted(&source).await, sorted(&target).await);
        assert_eq!(before.len(), after.len(), "{name}: rows of {table}");
        all += before.len();
        let differ = before.iter().zip(&after).filter(|(before, after)| before != after);
        changed.extend(differ.map(|(before, after)| format!("{table}.{column}: {before:?} became {after:?}")));
    }
    let told = format!("{name}: {} of {all} values are not as they were:\n{}", changed.len(), changed.join("\n"));
    println!("{told}");
    assert!(changed.len() * 100 <= all * MOST_CHANGED_PERCENT, "{told}");
    sheet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_laravel_comes_without_its_people_and_with_all_else() {
    compare("laravel", include_str!("../../../fixtures/masking/apps/laravel.sql")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_rails_comes_without_its_people_and_with_all_else() {
    compare("spree", include_str!("../../../fixtures/masking/apps/rails.sql")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sites_on_django_come_without_their_people_and_with_all_else() {
    compare("saleor", include_str!("../../../fixtures/masking/apps/django.sql")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_on_node_come_without_their_people_and_with_all_else() {
    compare("node", include_str!("../../../fixtures/masking/apps/node.sql")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn communities_and_offices_come_without_their_people_and_with_all_else() {
    compare("social", include_str!("../../../fixtures/masking/apps/social.sql")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_aside_is_masked_as_its_twin() {
    let ends = super::with_shop().await;
    let aside = "CREATE TABLE wp_users_backup_2023 AS SELECT * FROM wp_users;
                 CREATE TABLE old_wp_wc_orders AS SELECT * FROM wp_wc_orders;
                 CREATE TABLE wp_woocommerce_sessions_bak AS SELECT * FROM wp_woocommerce_sessions;";
    run(&ends.source().await, aside).await;
    super::masked(&ends, Masking::new(Key::random())).await;
    let target = ends.target().await;
    for (none, sql) in [
        ("a password", "SELECT count(*) FROM wp_users_backup_2023 WHERE user_pass <> '!'"),
        ("an address", "SELECT count(*) FROM wp_users_backup_2023 WHERE user_email NOT LIKE '%@example.invalid'"),
        ("a login that is kept", "SELECT count(*) FROM wp_users_backup_2023 WHERE user_login = 'owner'"),
        (
            "an order's address",
            "SELECT count(*) FROM old_wp_wc_orders WHERE billing_email NOT LIKE '%@example.invalid'",
        ),
        ("a session", "SELECT count(*) FROM wp_woocommerce_sessions_bak"),
    ] {
        assert_eq!(texts(&target, sql).await, ["0"], "{none} came along");
    }
}
