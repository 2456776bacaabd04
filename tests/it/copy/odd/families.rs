//! Families of tables: what is said of a parent holds for all that inherit from it, as of a whole for its partitions.

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking, RulesFile};

use super::Odd;
use crate::copy::texts;

const FAMILY: &str = "
    CREATE SCHEMA crm;
    CREATE TABLE people (id int, email text);
    CREATE TABLE crm.clients (contract text) INHERITS (people);
    CREATE TABLE crm.partners () INHERITS (crm.clients);
    CREATE TABLE \"Staff\" () INHERITS (people);
    CREATE TABLE visits (id int, visitor text, at date) PARTITION BY RANGE (at);
    CREATE TABLE visits_24 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (id);
    CREATE TABLE visits_24_1 PARTITION OF visits_24 FOR VALUES IN (1);
    INSERT INTO people VALUES (1, 'parent@people.example.net');
    INSERT INTO crm.clients VALUES (2, 'client@people.example.net', 'a');
    INSERT INTO crm.partners VALUES (3, 'partner@people.example.net', 'b');
    INSERT INTO \"Staff\" VALUES (4, 'staff@people.example.net');
    INSERT INTO visits VALUES (1, 'visitor@people.example.net', '2024-05-06');";

/// Whom a rule was about; no other keeps an address either.
const RULED: &str = "SELECT id FROM people WHERE email = 'ruled' OR email LIKE '%@people.example.net' ORDER BY id";

fn masking(rules: &str) -> Masking {
    Masking { rules: RulesFile::read(rules).unwrap(), ..Masking::new(Key::random()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_of_a_parent_means_its_children_and_only_means_it_alone() {
    let odd = Odd::start().await;
    odd.load("family", FAMILY).await;
    let ids = async |rules: &str| {
        let options = CopyOptions { masking: Some(masking(rules)), ..odd.options() };
        let sheet = odd.copy("family", &options).await.unwrap().masking.unwrap();
        let lines: Vec<_> = sheet.columns.iter().map(|line| (line.column.clone(), line.values)).collect();
        (texts(&odd.target.connect("family").await.unwrap(), RULED).await, lines, sheet.suspects)
    };
    let visits = "{table: visits, column: visitor, transformer: email}";
    let (ruled, lines, suspects) =
        ids(&format!("rules: [{{table: people, column: email, transformer: set, value: ruled}}, {visits}]")).await;
    assert_eq!(ruled, ["1", "2", "3", "4"]);
    assert_eq!(lines, [("public.people.email".to_owned(), 4), ("public.visits.visitor".to_owned(), 1)]);
    assert!(suspects.is_empty(), "{suspects:?}");

    let (ruled, lines, suspects) =
        ids(&format!("rules: [{{table: \"only:people\", column: email, transformer: set, value: ruled}}, {visits}]"))
            .await;
    assert_eq!((ruled, lines[0].1), (vec!["1".to_owned()], 1));
    // The nets are about the rest.
    assert!(suspects.is_empty(), "{suspects:?}");

    let (ruled, lines, _) =
        ids("rules: [{table: crm.clients, column: email, transformer: set, value: ruled}, {table: \"only:crm.partners\", column: contract, transformer: keep}]").await;
    assert_eq!(ruled, ["2", "3"]);
    assert_eq!(lines, [("public.people.email".to_owned(), 2), ("crm.partners.contract".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_left_out_by_the_name_of_a_parent_or_of_one_table_alone() {
    let odd = Odd::start().await;
    odd.load("family", FAMILY).await;
    let ids = async |globs: &[&str]| {
        let exclude_table_data = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let options = CopyOptions { exclude_table_data, ..odd.options() };
        let report = odd.copy("family", &options).await.unwrap();
        let all = "SELECT id FROM people UNION ALL SELECT 10 * id FROM visits ORDER BY 1";
        (texts(&odd.target.connect("family").await.unwrap(), all).await, report.skipped)
    };
    assert_eq!(ids(&["people"]).await.0, ["10"]);
    let (left, skipped) = ids(&["only:public.people", "crm.cli*"]).await;
    assert_eq!(left, ["4", "10"]);
    let rows = |table: &str| skipped.iter().any(|skipped| skipped.object == format!("rows of {table}"));
    assert!(rows("public.people") && rows("crm.clients") && rows("crm.partners") && !rows("public.Staff"));
    assert_eq!(ids(&["only:visits"]).await.0, ["1", "2", "3", "4", "10"]);
    assert_eq!(ids(&["visits_24"]).await.0, ["1", "2", "3", "4"]);
}
