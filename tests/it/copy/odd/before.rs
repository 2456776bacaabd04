//! What will fail, or cannot come along, is found and told before anything starts.

use std::time::Duration;

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking, RulesFile};
use railstage::postgres::{Endpoint, dry_run, inspect};

use super::{Odd, printed};
use crate::copy::{copy, run, texts};

impl Odd {
    /// What a dry run says that would fail.
    async fn foreseen(&self, name: &str, options: &CopyOptions) -> Vec<String> {
        let [source, target] = [self.source_url(name), self.target_url(name)].map(|url| Endpoint::parse(&url).unwrap());
        dry_run(&source, &target, options).await.unwrap().problems
    }

    /// Options with these masking rules.
    fn masking(&self, rules: &str) -> CopyOptions {
        let rules = RulesFile::read(&format!("rules: [{rules}]")).unwrap();
        CopyOptions { masking: Some(Masking { rules, ..Masking::new(Key::random()) }), ..self.options() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unlogged_is_named_on_a_standby_and_the_rest_comes() {
    let mut odd = Odd::start().await;
    let sql = "CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1), (2);
        CREATE UNLOGGED TABLE cached (id int GENERATED ALWAYS AS IDENTITY, kept int REFERENCES kept, word text);
        INSERT INTO cached (kept, word) VALUES (1, 'a');
        CREATE UNLOGGED SEQUENCE numbers; SELECT nextval('numbers'); CREATE SEQUENCE others; SELECT nextval('others')";
    odd.load("standby", sql).await;
    run(&odd.source.connect("postgres").await.unwrap(), "CHECKPOINT").await;
    odd.source.crash().unwrap();
    std::fs::write(odd.source.folder().join("data/standby.signal"), "").unwrap();
    odd.source.start_again().await.unwrap();
    let is_standby = texts(&odd.source.connect("standby").await.unwrap(), "SELECT pg_is_in_recovery()").await;
    assert_eq!(is_standby, ["t"]);

    let told = inspect(&Endpoint::parse(&odd.source_url("standby")).unwrap()).await.unwrap();
    let report = odd.copy("standby", &odd.options()).await.unwrap();
    for skipped in [told.skipped, report.skipped] {
        for object in
            ["rows of public.cached", "value of sequence public.numbers", "value of sequence public.cached_id_seq"]
        {
            let found = skipped.iter().find(|skipped| skipped.object == object);
            assert!(found.is_some_and(|found| found.reason.contains("primary")), "{object}: {skipped:?}");
        }
    }
    let target = odd.target.connect("standby").await.unwrap();
    let counts = "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM cached), (SELECT last_value FROM others)";
    assert_eq!(texts(&target, counts).await, ["2|0|1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_masks_one_side_of_a_key_masks_the_other_or_is_refused() {
    let odd = Odd::start().await;
    odd.load_file("xe").await;
    for rule in
        ["{table: accounts, column: email, transformer: email}", "{table: orders, column: account, transformer: email}"]
    {
        let report = odd.copy("xe", &odd.masking(rule)).await.unwrap();
        let target = odd.target.connect("xe").await.unwrap();
        let joined = "SELECT count(*) FROM orders JOIN accounts ON email = account";
        let real = "SELECT (SELECT count(*) FROM accounts WHERE email LIKE '%x.example'), (SELECT count(*) FROM orders WHERE account LIKE '%x.example')";
        assert_eq!(
            (texts(&target, joined).await, texts(&target, real).await),
            (vec!["1".to_owned()], vec!["0|0".to_owned()])
        );
        let columns: Vec<_> = report.masking.unwrap().columns.into_iter().map(|line| line.column).collect();
        assert_eq!(columns, ["public.accounts.email", "public.orders.account"]);
    }
    for (rules, words) in [
        (
            "{table: accounts, column: email, transformer: email}, {table: orders, column: account, transformer: login}",
            "masked in two ways",
        ),
        (
            "{table: accounts, column: email, transformer: email}, {table: orders, column: account, transformer: keep}",
            "only the first is masked",
        ),
        (
            "{table: accounts, column: email, transformer: email, when: {column: nick, in: [ann]}}",
            "must hold in all rows",
        ),
        ("{table: accounts, column: email, transformer: id}", "differ in case"),
    ] {
        let problems = odd.foreseen("xe", &odd.masking(rules)).await;
        assert!(
            matches!(problems.as_slice(), [one] if one.contains(words) && one.contains("orders_account_fkey")),
            "{rules}: {problems:?}"
        );
        let error = odd.copy("xe", &odd.masking(rules)).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error:#}");
    }
}

const CONNECTED: &str = "
    CREATE DOMAIN code AS varchar(12) CHECK (VALUE ~ '^[A-Z]{3}-[0-9]+$');
    CREATE DOMAIN short_code AS code CHECK (length(VALUE) < 9);
    CREATE TABLE people (code short_code PRIMARY KEY, chief varchar(12) REFERENCES people, login varchar(40) UNIQUE, name text NOT NULL);
    CREATE TABLE parts (person text NOT NULL, country text NOT NULL, PRIMARY KEY (person, country)) PARTITION BY LIST (country);
    CREATE TABLE parts_no PARTITION OF parts FOR VALUES IN ('no');
    CREATE TABLE parts_se PARTITION OF parts FOR VALUES IN ('se');
    CREATE TABLE firsts (id int, email text) PARTITION BY LIST (lower(left(email, 1)));
    CREATE TABLE firsts_a PARTITION OF firsts FOR VALUES IN ('a');
    CREATE TABLE notes (id int, person text, country text, who varchar(20) REFERENCES people (login), FOREIGN KEY (person, country) REFERENCES parts);
    INSERT INTO people VALUES ('ABC-1', NULL, 'zoe@x.example', 'Zoe'), ('ABC-2', 'ABC-1', 'ann', 'Ann');
    INSERT INTO parts VALUES ('Zoe', 'no'), ('Ann', 'se'); INSERT INTO notes VALUES (1, 'Zoe', 'no', 'ann'), (2, 'Ann', 'se', 'zoe@x.example');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_partitions_of_several_columns_and_to_oneself_hold_and_what_moves_a_row_is_refused() {
    let odd = Odd::start().await;
    odd.load("connected", CONNECTED).await;
    let rules = "{table: people, column: code, transformer: id}, {table: notes, column: person, transformer: name}, {table: people, column: login, transformer: login}";
    odd.copy("connected", &odd.masking(rules)).await.unwrap();
    let target = odd.target.connect("connected").await.unwrap();
    let joined = "SELECT (SELECT count(*) FROM notes JOIN parts USING (person, country)), (SELECT count(*) FROM notes JOIN people ON login = who),
                         (SELECT count(*) FROM people AS a JOIN people AS b ON a.chief = b.code),
                         (SELECT count(*) FROM notes WHERE person IN ('Zoe', 'Ann') OR who IN ('ann', 'zoe@x.example')),
                         (SELECT count(*) FROM people WHERE code IN ('ABC-1', 'ABC-2') OR code !~ '^[A-Z]{3}-[0-9]$')";
    assert_eq!(texts(&target, joined).await, ["2|2|1|0|0"]);

    let problems = odd.foreseen("connected", &odd.masking("{table: parts, column: country, transformer: city}")).await;
    assert!(problems[0].contains("column `country` of `public.parts` decides in which partition"), "{problems:?}");
    let problems = odd.foreseen("connected", &odd.masking("{table: firsts, column: email, transformer: email}")).await;
    assert!(problems[0].contains("column `email` of `public.firsts` decides in which partition"), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masked_values_pass_their_checks_or_are_refused_before() {
    let odd = Odd::start().await;
    odd.load_file("xe").await;
    let fits =
        "{table: accounts, column: phone, transformer: phone}, {table: accounts, column: nick, transformer: name}";
    odd.copy("xe", &odd.masking(fits)).await.unwrap();
    let target = odd.target.connect("xe").await.unwrap();
    let real = "SELECT count(*) FROM accounts WHERE phone ~ '^999[0-9]{7}$' AND nick NOT IN ('ann', 'bob')";
    assert_eq!(texts(&target, real).await, ["2"]);

    let sets = "{table: accounts, column: phone, transformer: set, value: none}";
    let problems = odd.foreseen("xe", &odd.masking(sets)).await;
    let words = "what `set` makes of `phone` in `public.accounts` does not pass the check `accounts_phone_check`";
    assert!(matches!(problems.as_slice(), [one] if one.contains(words)), "{problems:?}");

    odd.load(
        "checks",
        "CREATE FUNCTION ours(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN $1 <> ''x''; END';
         CREATE TABLE people (first text, last text, CHECK (first <> last AND length(first || last) < 40), odd text CHECK (ours(odd)), mail text CHECK (mail LIKE '%@corp.example'));
         INSERT INTO people VALUES ('Ann', 'Bee', 'y', 'ann@corp.example'), (NULL, 'Bee', NULL, NULL);
         ALTER DATABASE railway SET track_functions = 'all'",
    )
    .await;
    let fits = "{table: people, column: first, transformer: name}, {table: people, column: odd, transformer: name}";
    // No stranger's address passes the check of `mail`, and none of somebody's comes along unsaid.
    let error = format!("{:#}", odd.copy("checks", &odd.masking(fits)).await.unwrap_err());
    assert!(error.contains("e-mail addresses in 1 value of public.people.mail"), "{error}");
    let kept = "{table: people, column: mail, transformer: keep, because: the firm's own}";
    odd.copy("checks", &odd.masking(&format!("{fits}, {kept}"))).await.unwrap();
    let mail = "{table: people, column: mail, transformer: email}";
    let problems = odd.foreseen("checks", &odd.masking(mail)).await;
    assert!(problems[0].contains("`people_mail_check`"), "{problems:?}");
    let called = texts(
        &odd.source.connect("checks").await.unwrap(),
        "SELECT count(*) FROM pg_stat_user_functions WHERE calls > 0 AND funcname = 'ours'",
    )
    .await;
    assert_eq!(called, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_refer_to_nothing_are_found_by_a_thorough_dry_run() {
    let odd = Odd::start().await;
    odd.load_file("xc").await;
    let thorough = CopyOptions { search_rows_for: Some(Duration::from_secs(20)), ..odd.options() };
    assert!(odd.foreseen("xc", &odd.options()).await.is_empty());
    let problems = odd.foreseen("xc", &thorough).await;
    for words in [
        "`children_parent_fkey` of `public.children` (parent) to `public.parents`",
        "1 row refers to nothing",
        "--exclude-table-data public.children",
    ] {
        assert!(matches!(problems.as_slice(), [one] if one.contains(words)), "{words}: {problems:?}");
    }
    let output = odd.copy_db("xc", &["--dry-run", "--thorough"]).await;
    assert!(
        printed(&output).contains("would fail: foreign key `children_parent_fkey`") && output.status.code() == Some(2),
        "{output:?}"
    );
    let left_out = CopyOptions { exclude_table_data: vec!["children".to_owned()], ..thorough.clone() };
    assert!(odd.foreseen("xc", &left_out).await.is_empty());
    odd.copy("xc", &left_out).await.unwrap();

    odd.load(
        "orphans",
        "CREATE EXTENSION citext; CREATE TABLE \"Wholes\" (a int, b citext, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
         CREATE TABLE w1 PARTITION OF \"Wholes\" FOR VALUES FROM (0) TO (9); CREATE TABLE w2 PARTITION OF \"Wholes\" FOR VALUES FROM (9) TO (99);
         CREATE TABLE parts (id bigint, x bigint, \"y z\" citext, FOREIGN KEY (x, \"y z\") REFERENCES \"Wholes\") PARTITION BY LIST (id);
         CREATE TABLE p1 PARTITION OF parts FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF parts FOR VALUES IN (2)",
    )
    .await;
    let source = odd.source.connect("orphans").await.unwrap();
    run(&source, "INSERT INTO \"Wholes\" VALUES (1, 'A'), (10, 'b'); INSERT INTO parts VALUES (1, 1, 'a'), (2, 10, 'B'), (1, NULL, 'q')").await;
    assert!(odd.foreseen("orphans", &thorough).await.is_empty());
    run(&source, "SET session_replication_role = replica; INSERT INTO parts VALUES (2, 11, 'x'), (1, 1, 'b')").await;
    let problems = odd.foreseen("orphans", &thorough).await;
    assert!(matches!(problems.as_slice(), [one] if one.contains("2 rows refer to nothing")), "{problems:?}");

    let hurried = CopyOptions { max_mb_per_s: Some(0.000_001), ..thorough };
    let [from, to] = [odd.source_url("orphans"), odd.target_url("orphans")].map(|url| Endpoint::parse(&url).unwrap());
    let plan = dry_run(&from, &to, &hurried).await.unwrap();
    assert!(
        plan.problems.is_empty() && plan.not_searched.len() == 1 && plan.not_searched[0].contains("`parts_x_y z_fkey`"),
        "{plan:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_indexes_call_by_bare_names_is_told_before_a_copy_to_17() {
    let odd = Odd::start().await;
    let more = "
        CREATE SCHEMA \"Tools\"; CREATE TABLE \"Tools\".lookup (a int, b int); INSERT INTO \"Tools\".lookup VALUES (1, 2);
        CREATE FUNCTION looked(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT b FROM lookup WHERE a = $1); END';
        CREATE FUNCTION sound(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT b FROM \"Tools\".lookup WHERE a = abs($1)); END';
        CREATE FUNCTION pathed(int) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = \"Tools\" AS 'SELECT b FROM lookup WHERE a = $1';
        CREATE TABLE numbers (n int); CREATE INDEX ON numbers (sound(n)); CREATE INDEX ON numbers (pathed(n));";
    let sql = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/odd/xd.sql")).unwrap();
    odd.load("bare", &(sql.replace("CREATE INDEX words_plain ON words (plain(word));", "") + more)).await;
    assert!(odd.foreseen("bare", &odd.options()).await.is_empty());
    // The server itself refuses to make these once it is of that version, but keeps those that it was upgraded with.
    let source = odd.source.connect("bare").await.unwrap();
    run(
        &source,
        "SET search_path = public, \"Tools\"; TRUNCATE words;
         CREATE OR REPLACE FUNCTION plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'; CREATE INDEX words_plain ON words (plain(word));
         CREATE OR REPLACE FUNCTION plain(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT unaccent($1)'; CREATE INDEX ON numbers (looked(n))",
    )
    .await;
    let problems = odd.foreseen("bare", &odd.options()).await;
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].contains("public.numbers_looked_idx")
            && problems[0].contains("SET search_path = \"Tools\", pg_temp"),
        "{problems:?}"
    );
    assert!(
        problems[1].contains("public.words_plain") && problems[1].contains("SET search_path = public, pg_temp"),
        "{problems:?}"
    );
    run(&source, "ALTER FUNCTION public.plain(text) SET search_path = public, pg_temp; ALTER FUNCTION public.looked(integer) SET search_path = \"Tools\", pg_temp").await;
    assert!(odd.foreseen("bare", &odd.options()).await.is_empty());
    odd.copy("bare", &odd.options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trigger_that_writes_at_logins_hears_nothing_of_us_or_is_told_with_the_way_past() {
    let odd = Odd::start().await;
    odd.load_file("xh").await;
    let source = odd.source.connect("xh").await.unwrap();
    run(
        &source,
        "ALTER EVENT TRIGGER note_logins DISABLE; TRUNCATE logins;
         CREATE ROLE reader LOGIN PASSWORD 'canary-cluster-password'; GRANT pg_read_all_data TO reader;
         ALTER TABLE logins ADD COLUMN session text DEFAULT current_setting('railstage.session', true)",
    )
    .await;
    run(&source, "ALTER EVENT TRIGGER note_logins ENABLE").await;
    let ours = "SELECT count(*) FROM logins WHERE session IS NOT NULL";
    odd.copy("xh", &odd.options()).await.unwrap();
    let as_reader = odd.source_url("xh").replace("//postgres:", "//reader:");
    let reader = Endpoint::parse(&as_reader).unwrap();
    let error = railstage::error::describe("copy-db", &inspect(&reader).await.unwrap_err());
    assert!(
        error.contains("event trigger of `xh` on logins fails")
            && error.contains("GRANT SET ON PARAMETER event_triggers TO \"reader\""),
        "{error}"
    );
    run(&source, "CREATE OR REPLACE FUNCTION note_login() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public
         AS 'BEGIN INSERT INTO logins (who) VALUES (session_user); END'").await;
    let error = railstage::error::describe("copy-db", &inspect(&reader).await.unwrap_err());
    assert!(error.contains("fails in a session that only reads"), "{error}");
    run(&source, "GRANT SET ON PARAMETER event_triggers TO reader").await;
    copy(&as_reader, &odd.target_url("xh"), &odd.options()).await.unwrap();
    assert_eq!(texts(&source, ours).await, ["0"]);
    assert_eq!(texts(&source, "SELECT count(*) FROM logins WHERE who = 'reader'").await, ["0"]);
}
