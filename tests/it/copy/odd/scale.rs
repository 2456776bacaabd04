//! Databases of very many tables: what a copy asks of the source grows with them, and not with their square.

use std::time::Instant;

use backboard::postgres::{ClusterOptions, PgBin};
use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking};

use super::{Odd, printed};
use crate::asked;
use crate::copy::{run, texts};

/// A schema for each of so many tenants, ten tables in each, with keys and no rows at all.
fn tenants(tenants: u32) -> String {
    format!(
        "SELECT format('CREATE SCHEMA tenant_%s; CREATE TABLE tenant_%1$s.t0 (id int PRIMARY KEY); ', n)
             || string_agg(format('CREATE TABLE tenant_%s.t%s (id int PRIMARY KEY, owner int REFERENCES tenant_%1$s.t0, a int CHECK (a > 0), b serial, c int, d int, e text, f text, g varchar(9), h text, i jsonb, j text); CREATE INDEX ON tenant_%1$s.t%2$s (lower(e)); ', n, t), '')
           FROM generate_series(1, {tenants}) AS n, generate_series(1, 9) AS t GROUP BY n \\gexec\n"
    )
}

/// How many rows of its catalog a copy makes the source look at. Its statistics are counted when a session ends.
async fn looked_at(odd: &Odd, name: &str, options: &CopyOptions) -> i64 {
    let postgres = odd.source.connect("postgres").await.unwrap();
    let sql = format!("SELECT tup_returned + tup_fetched FROM pg_stat_database WHERE datname = '{name}'");
    let before: i64 = texts(&postgres, &sql).await[0].parse().unwrap();
    odd.copy(name, options).await.unwrap();
    let after: i64 = texts(&postgres, &sql).await[0].parse().unwrap();
    after - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_times_the_tables_are_four_times_the_work_for_the_source() {
    let odd = Odd::start().await;
    // The worst that a planner can be told: nothing.
    for sql in ["ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"] {
        run(&odd.source.connect("postgres").await.unwrap(), sql).await;
    }
    odd.load("few", &tenants(8)).await;
    odd.load("many", &tenants(32)).await;
    let masked = CopyOptions { masking: Some(Masking::new(Key::random())), ..odd.options() };
    for options in [&odd.options(), &masked] {
        let (few, many) = (looked_at(&odd, "few", options).await, looked_at(&odd, "many", options).await);
        assert!(many < 6 * few, "{few} rows were looked at for 80 tables, and {many} for 320");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_tables_are_copied_between_servers_as_they_come() {
    let (count, most_secs) = if asked::all() { (500, 60) } else { (50, 20) };
    let odd = Odd::start().await;
    odd.load("tenants", &tenants(count)).await;
    let began = Instant::now();
    let report = odd.copy("tenants", &odd.options()).await.unwrap();
    assert_eq!((report.tables, report.attempts), (u64::from(count) * 10, 1));
    assert!(began.elapsed().as_secs() < most_secs, "{report:?}");
    let tables = "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'i', 'S') AND oid >= 16384";
    let (source, target) = (odd.source.connect("tenants").await.unwrap(), odd.target.connect("tenants").await.unwrap());
    assert_eq!(texts(&source, tables).await, texts(&target, tables).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_tables_than_a_server_can_lock_are_refused_with_the_setting_to_raise() {
    let few = || {
        let settings = [("max_locks_per_transaction", "10"), ("max_connections", "30")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        ClusterOptions { settings, ..ClusterOptions::default() }
    };
    let bin = PgBin::find().unwrap();
    let odd = Odd::of(&bin, few(), &bin, few()).await;
    odd.load("tables", &tenants(12)).await;
    let parts: String =
        (0..100).map(|part| format!("CREATE TABLE p{part} PARTITION OF p FOR VALUES IN ({part});")).collect();
    odd.load("parts", &format!("CREATE TABLE p (id int) PARTITION BY LIST (id); {parts}")).await;
    for (name, ends) in [("tables", &["source"][..]), ("parts", &["source", "target"])] {
        let dry = odd.copy_db(name, &["--dry-run"]).await;
        let said = printed(&dry);
        assert_eq!(dry.status.code(), Some(2), "{said}");
        for end in ends {
            let told = format!(
                "the {end}'s server has room for 300 locks: its `max_locks_per_transaction` must be 64 or more, and is 10"
            );
            assert!(said.contains(&told), "{said}");
        }
        let copied = odd.copy(name, &odd.options()).await.unwrap_err();
        assert!(format!("{copied:#}").contains("`max_locks_per_transaction` must be 64 or more"), "{copied:#}");
    }
}
