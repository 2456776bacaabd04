//! What will fail, or cannot come along, is found and told before anything starts.

use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking, RulesFile};
use railstage::postgres::{Endpoint, dry_run, inspect};

use super::Odd;
use crate::copy::{run, texts};

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
    odd.copy("checks", &odd.masking(fits)).await.unwrap();
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
