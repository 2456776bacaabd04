//! People in MariaDB and MySQL: what is hidden in a copy is what is hidden in a copy of the same data in Postgres, value by value.

use std::collections::BTreeMap;

use backboard::mysql::{Family, carried};
use railstage::copying::{CopyOptions, CopyReport};
use railstage::masking::{Key, Masking, OnResidue, RulesFile};
use railstage::rewriting::UrlPair;
use tokio_postgres::Client;

use super::ends::{Database, Ends};
use crate::copy::{self, masking as of_postgres};

/// The rows of each table, their columns as text.
type Contents = BTreeMap<String, Vec<String>>;

/// The columns whose values are the same text in every server, by table.
type Alike = BTreeMap<String, Vec<Column>>;

struct Column {
    name: String,
    type_name: String,
}

async fn alike(client: &Client) -> Alike {
    let sql = "SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
                 FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
                  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY c.relname, a.attnum";
    let mut alike = Alike::new();
    for row in copy::texts(client, sql).await {
        let [table, name, type_name] = <[&str; 3]>::try_from(row.splitn(3, '|').collect::<Vec<_>>()).unwrap();
        let columns = alike.entry(table.to_owned()).or_default();
        let is_alike = ["text", "character varying", "character", "bigint", "integer", "smallint", "date", "numeric"];
        if is_alike.contains(&type_name) || type_name.starts_with("timestamp") {
            columns.push(Column { name: name.to_owned(), type_name: type_name.to_owned() });
        }
    }
    alike
}

/// The rows of a Postgres database.
async fn in_postgres(client: &Client, alike: &Alike) -> Contents {
    let mut contents = Contents::new();
    for (table, columns) in alike.iter().filter(|(_, columns)| !columns.is_empty()) {
        let column = |Column { name, type_name }: &Column| match type_name.as_str() {
            "numeric" => format!("round(\"{name}\", 2)::text"),
            "character" => format!("rtrim(\"{name}\")"),
            time if time.starts_with("timestamp") => format!("to_char(\"{name}\", 'YYYY-MM-DD HH24:MI:SS')"),
            _ => format!("\"{name}\"::text"),
        };
        let columns: Vec<_> = columns.iter().map(|name| format!("coalesce({}, '~')", column(name))).collect();
        let rows = format!(
            "SELECT encode(convert_to(concat_ws('|', {}), 'UTF8'), 'hex') FROM \"{table}\"",
            columns.join(", ")
        );
        let mut rows: Vec<_> = copy::texts(client, &rows).await.iter().map(|row| unhex(row)).collect();
        rows.sort();
        contents.insert(table.clone(), rows);
    }
    contents
}

/// The same of a MariaDB or MySQL database.
fn in_mysql(database: &Database, alike: &Alike) -> Contents {
    let mut contents = Contents::new();
    for (table, columns) in alike.iter().filter(|(_, columns)| !columns.is_empty()) {
        let column = |Column { name, type_name }: &Column| match type_name.as_str() {
            "numeric" => format!("CAST(ROUND(`{name}`, 2) AS CHAR)"),
            time if time.starts_with("timestamp") => format!("DATE_FORMAT(`{name}`, '%Y-%m-%d %H:%i:%s')"),
            _ => format!("CAST(`{name}` AS CHAR)"),
        };
        let columns: Vec<_> = columns.iter().map(|name| format!("COALESCE({}, '~')", column(name))).collect();
        let rows = database.sql(&format!("SELECT HEX(CONCAT_WS('|', {})) FROM `{table}`", columns.join(", "))).unwrap();
        let mut rows: Vec<_> = rows.iter().map(|row| unhex(row)).collect();
        rows.sort();
        contents.insert(table.clone(), rows);
    }
    contents
}

fn unhex(text: &str) -> String {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// By what is drawn of a table some of its values may be judged in another way; so many of one, at most, and none to its harm.
const MOST_JUDGED: usize = 20;

/// Copies the source of Postgres, and the same data in each family, and compares all that has come of it. The last copy, and where it is.
async fn assert_alike(ends: &copy::Ends, options: &CopyOptions) -> (CopyReport, Ends) {
    let source = ends.source().await;
    let (sql, alike) = (carried(&source).await.unwrap(), alike(&source).await);
    let there = ends.copy(options).await.unwrap();
    let (before, wanted) = (in_postgres(&source, &alike).await, in_postgres(&ends.target().await, &alike).await);
    let mut last = None;
    for family in [Family::MariaDb, Family::MySql] {
        let mysql = Ends::of(family).await;
        mysql.source.sql(&sql).unwrap();
        let report = mysql.copy(options).await.unwrap_or_else(|error| panic!("{family:?}: {error:?}"));
        let found = in_mysql(&mysql.target, &alike);
        for (table, wanted) in &wanted {
            let (found, before) = (&found[table], &before[table]);
            assert_eq!(found.len(), wanted.len(), "{family:?} {table}");
            let others: Vec<_> = found.iter().filter(|row| !wanted.contains(row)).collect();
            let left: Vec<_> = others.iter().filter(|row| before.contains(row)).collect();
            assert!(left.is_empty(), "{family:?} {table} has what Postgres hides: {left:#?}");
            assert!(others.len() <= MOST_JUDGED, "{family:?} {table}: {others:#?}");
        }
        mysql.assert_nothing_is_left();
        assert_eq!(told(&report, &mysql.source.name), told(&there, "public"), "{family:?}");
        last = Some((report, mysql));
    }
    last.unwrap()
}

/// What a report tells of queues, of who stayed behind, and of who was found.
fn told(report: &CopyReport, schema: &str) -> Vec<String> {
    let sheet = report.masking.as_ref().unwrap();
    let proof = sheet.proof.as_ref().unwrap();
    let mut told = vec![format!("{} {} {} {:?}", sheet.kept_users, sheet.dropped_rows, proof.people, sheet.masked)];
    told.extend(report.queues.iter().map(ToString::to_string));
    told.extend(sheet.emptied.iter().map(|line| format!("{line:?}")));
    told.extend(sheet.dropped.iter().map(|line| format!("{line:?}")));
    told.extend(proof.residue.iter().map(|line| format!("{line:?}")));
    told.iter().map(|line| line.replace(&format!("{schema}."), "")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_is_masked_as_it_is_in_postgres() {
    let ends = of_postgres::with_shop().await;
    let masking = Masking { rules: RulesFile::read(of_postgres::RULES).unwrap(), ..Masking::new(Key::random()) };
    let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://s-7.up.railway.app").unwrap()];
    let options = CopyOptions { masking: Some(masking), rewrite, ..ends.options() };
    let (report, mysql) = assert_alike(&ends, &options).await;
    let sheet = report.masking.unwrap();
    assert!(sheet.proof.unwrap().residue.is_empty() && sheet.kept_users == 1);
    // The administrator still gets in, and nobody else by an old password.
    let passwords = "SELECT COUNT(*) FROM wp_users WHERE user_pass LIKE '$P$BCanaryHash%'";
    assert_eq!(mysql.target.sql(passwords).unwrap(), ["1"]);
}

/// Whoever stands in any of these places of a site, and whatever would act in it, is looked for in Postgres, place by place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_anywhere_and_what_would_act_become_what_they_become_in_postgres() {
    for fixture in
        [include_str!("../../fixtures/masking/people.sql"), include_str!("../../fixtures/masking/switches.sql")]
    {
        let ends = copy::Ends::start().await;
        copy::run(&ends.source().await, fixture).await;
        copy::run(&ends.source().await, "ANALYZE").await;
        let masking = Masking { residue: OnResidue::Warn, ..Masking::new(Key::random()) };
        assert_alike(&ends, &CopyOptions { masking: Some(masking), ..ends.options() }).await;
    }
}
