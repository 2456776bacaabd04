//! Materialized views that cannot be filled in the copy, and what is told of them and of indexes that cannot be made.

use backboard::postgres::PgBin;

use super::Odd;
use crate::copy::{run, texts, told};

/// Views of views of one that fails in the copy: its function asks whether it is in the source's database.
const HOME: &str = "
    CREATE TABLE posts (id int PRIMARY KEY, body text);
    INSERT INTO posts VALUES (1, 'red'), (2, 'green');
    CREATE FUNCTION at_home(id int) RETURNS int LANGUAGE plpgsql AS $$
        BEGIN IF current_database() <> 'home' THEN RAISE 'not at home' USING DETAIL = 'row ' || id; END IF; RETURN id; END $$;
    CREATE MATERIALIZED VIEW \"of home\" AS SELECT public.at_home(id) AS id FROM posts;
    CREATE UNIQUE INDEX ON \"of home\" (id);
    CREATE FUNCTION file_at_home() RETURNS text LANGUAGE sql AS
        $$ SELECT CASE WHEN current_database() = 'home' THEN 'read' ELSE pg_read_file('/nowhere') END $$;
    CREATE MATERIALIZED VIEW \"of a file\" AS SELECT public.file_at_home() AS text;
    CREATE VIEW between AS SELECT id FROM \"of home\";
    CREATE MATERIALIZED VIEW above AS SELECT id FROM between;
    CREATE MATERIALIZED VIEW beside AS SELECT count(*) FROM posts;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_cannot_be_filled_is_named_with_those_that_read_it_and_the_copy_is_whole() {
    let odd = Odd::start().await;
    odd.load("home", HOME).await;
    let report = odd.copy("home", &odd.options()).await.unwrap();
    let target = odd.target.connect("home").await.unwrap();
    let filled = "SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1";
    assert_eq!(texts(&target, filled).await, ["above|f", "beside|t", "of a file|f", "of home|f"]);
    assert_eq!(texts(&target, "SELECT count(*) FROM posts").await, ["2"]);
    let reason = |view: &str| {
        let object = format!("rows of materialized view {view}");
        report.skipped.iter().find(|skipped| skipped.object == object).map_or("", |skipped| &skipped.reason)
    };
    let of_home = reason("public.of home");
    assert!(of_home.contains("not at home") && !of_home.contains("row 1"), "{of_home}");
    assert!(of_home.contains("then REFRESH MATERIALIZED VIEW \"public\".\"of home\""), "{of_home}");
    assert!(reason("public.above").contains("has not been populated"), "{:?}", report.skipped);
    assert_eq!(reason("public.beside"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_by_bare_names_work_up_to_16_and_are_told_with_the_cure_from_17_on() {
    let bins = PgBin::all().unwrap();
    let bin = |major| bins.iter().find(|bin| bin.major() == major).unwrap();
    let odd = Odd::between(bin(15), bin(15)).await;
    for name in ["xd", "xd2"] {
        odd.copies_equal(name).await;
    }
    let odd = Odd::between(bin(15), bin(17)).await;
    odd.load_file("xd2").await;
    let report = odd.copy("xd2", &odd.options()).await.unwrap();
    let word_counts = report.skipped.iter().find(|skipped| skipped.object.contains("word_counts")).unwrap();
    assert!(word_counts.reason.contains("relation \"posts\" does not exist"), "{word_counts:?}");
    assert!(word_counts.reason.contains("search path `pg_catalog, pg_temp`"), "{word_counts:?}");
    odd.load_file("xd").await;
    let failed = told(odd.copy("xd", &odd.options()).await);
    assert!(
        failed.contains("make index public.words_plain on the target: function unaccent(text) does not exist"),
        "{failed}"
    );
    assert!(
        failed.contains("hint: ") && failed.contains("`pg_catalog, pg_temp`") && failed.contains("SET search_path"),
        "{failed}"
    );
    let cure = "ALTER FUNCTION plain(text) SET search_path = public";
    run(&odd.source.connect("xd").await.unwrap(), cure).await;
    odd.copy("xd", &odd.options()).await.unwrap();
    odd.assert_equal("xd").await;
}
