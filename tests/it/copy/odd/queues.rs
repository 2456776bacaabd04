//! What would act in a copy is emptied or switched off, and told.

use railstage::copying::{CopyOptions, CopyReport};
use railstage::masking::{Key, Masking, QueueTreatment};

use super::super::texts;
use super::{Odd, printed};

/// What else is told of a table, and what was done.
fn told(report: &CopyReport, table: &str) -> (u64, QueueTreatment) {
    let line = report.queues.iter().find(|line| line.table == table);
    let line = line.unwrap_or_else(|| panic!("{table} is not told: {:?}", report.queues));
    (line.rows, line.done)
}

/// Queues of frameworks and others, and what refers to them.
const SHOP: &str = r#"
    CREATE SCHEMA work;
    CREATE TABLE work.solid_queue_jobs (id bigserial PRIMARY KEY, queue_name text NOT NULL, class_name text NOT NULL, arguments text, created_at timestamp DEFAULT now());
    CREATE TABLE work.solid_queue_ready_executions (id bigserial PRIMARY KEY, job_id bigint NOT NULL REFERENCES work.solid_queue_jobs, created_at timestamp DEFAULT now());
    CREATE TABLE jobs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), queue text, payload text, attempts int, available_at int) PARTITION BY HASH (id);
    CREATE TABLE jobs_1 PARTITION OF jobs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE jobs_2 PARTITION OF jobs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE imports (id int PRIMARY KEY, job_id uuid REFERENCES jobs, word text);
    CREATE TABLE job_notes (id int PRIMARY KEY, job_id uuid NOT NULL REFERENCES jobs, note text);
    CREATE TABLE "OutboxMessage" ("Id" text PRIMARY KEY, "Payload" text, "ProcessedAt" timestamptz);
    CREATE TABLE letters (id int PRIMARY KEY, tenant int NOT NULL, outbox text REFERENCES "OutboxMessage", UNIQUE (tenant, id));
    CREATE TABLE django_celery_beat_periodictask (id int PRIMARY KEY, name text, task text, enabled boolean NOT NULL DEFAULT true);
    CREATE TABLE campaigns (id int PRIMARY KEY, title text, status text, send_at timestamptz);
    CREATE TABLE kept_queue (id int PRIMARY KEY, payload text, status text);
    CREATE TABLE vacancies_jobs (id int PRIMARY KEY, title text, status text);
    INSERT INTO work.solid_queue_jobs (queue_name, class_name) VALUES ('mail', 'Reminder'), ('mail', 'Charge');
    INSERT INTO work.solid_queue_ready_executions (job_id) VALUES (1), (2);
    INSERT INTO jobs (queue, payload, attempts, available_at) SELECT 'default', '{}', 0, 0 FROM generate_series(1, 20);
    INSERT INTO imports SELECT n, j.id, 'word ' || n FROM (SELECT id, row_number() OVER () AS n FROM jobs) AS j;
    INSERT INTO job_notes SELECT n, j.id, 'note' FROM (SELECT id, row_number() OVER () AS n FROM jobs) AS j;
    INSERT INTO "OutboxMessage" VALUES ('a', '{}', NULL);
    INSERT INTO letters VALUES (1, 7, 'a'), (2, 7, NULL);
    INSERT INTO django_celery_beat_periodictask VALUES (1, 'nightly', 'shop.charge', true), (2, 'old', 'shop.old', false);
    INSERT INTO campaigns VALUES (1, 'spring', 'planned', now());
    INSERT INTO kept_queue VALUES (1, '{}', 'new');
    INSERT INTO vacancies_jobs VALUES (1, 'baker', 'open');"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_a_queue_acts_in_a_copy_masked_or_not() {
    let odd = Odd::start().await;
    for (name, masking) in [("plain", None), ("masked", Some(Masking::new(Key::random())))] {
        odd.load(name, SHOP).await;
        let keep_queues = vec!["kept_*".to_owned()];
        let options = CopyOptions { defuse: true, masking, keep_queues, ..odd.options() };
        let report = odd.copy(name, &options).await.unwrap();
        let target = odd.target.connect(name).await.unwrap();
        for (table, rows) in [
            ("work.solid_queue_jobs", 2),
            ("work.solid_queue_ready_executions", 2),
            ("public.jobs", 20),
            ("public.OutboxMessage", 1),
        ] {
            assert_eq!(told(&report, table), (rows, QueueTreatment::Emptied));
            let (schema, bare) = table.split_once('.').unwrap();
            assert_eq!(texts(&target, &format!("SELECT count(*) FROM {schema}.\"{bare}\"")).await, ["0"], "{table}");
        }
        assert_eq!(told(&report, "public.job_notes"), (20, QueueTreatment::Followed));
        assert_eq!(texts(&target, "SELECT count(*) FROM job_notes").await, ["0"]);
        for (table, left) in [("public.imports", "20|0"), ("public.letters", "2|0")] {
            assert_eq!(told(&report, table).1, QueueTreatment::Unlinked);
            let column = if table.ends_with("letters") { "outbox" } else { "job_id" };
            assert_eq!(texts(&target, &format!("SELECT count(*), count({column}) FROM {table}")).await, [left]);
        }
        assert_eq!(texts(&target, "SELECT word FROM imports WHERE id = 3").await, ["word 3"]);
        assert_eq!(told(&report, "public.django_celery_beat_periodictask").1, QueueTreatment::SwitchedOff);
        let tasks = "SELECT name, enabled FROM django_celery_beat_periodictask ORDER BY 1";
        assert_eq!(texts(&target, tasks).await, ["nightly|f", "old|f"]);
        // What only looks as if it acted may be about people.
        let (campaigns, left) =
            if name == "masked" { (QueueTreatment::Emptied, "0") } else { (QueueTreatment::Left, "1") };
        for (table, treatment, left) in [("campaigns", campaigns, left), ("kept_queue", QueueTreatment::Left, "1")] {
            assert_eq!(told(&report, &format!("public.{table}")), (1, treatment));
            assert_eq!(texts(&target, &format!("SELECT count(*) FROM {table}")).await, [left]);
        }
        assert!(!report.queues.iter().any(|line| line.table.contains("vacancies")), "{:?}", report.queues);
        let summary = report.summary();
        for words in
            ["work.solid_queue_jobs", "Solid Queue", "public.campaigns", "public.OutboxMessage", "public.imports"]
        {
            assert!(summary.contains(words), "{words} is not in\n{summary}");
        }
        if let Some(sheet) = report.masking {
            let emptied: Vec<_> = sheet.emptied.iter().map(|line| (line.table.as_str(), line.rows)).collect();
            assert!(
                emptied.contains(&("work.solid_queue_jobs", 2)) && emptied.contains(&("public.jobs", 20)),
                "{emptied:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_by_hand_defuses_where_it_is_asked_to() {
    let odd = Odd::start().await;
    odd.load_file("xa").await;
    let count = "SELECT (SELECT count(*) FROM oban_jobs), (SELECT count(*) FROM scheduled_messages)";
    for (arguments, left) in [
        (&[][..], "2|1"),
        (&["--defuse", "--json"][..], "0|0"),
        (&["--anonymize"][..], "0|0"),
        (&["--anonymize", "--keep-queue", "oban_*"][..], "2|0"),
    ] {
        let output = odd.copy_db("xa", arguments).await;
        let printed = printed(&output);
        assert!(output.status.success(), "{printed}");
        assert_eq!(texts(&odd.target.connect("xa").await.unwrap(), count).await, [left], "{arguments:?}: {printed}");
        let is_told = ["public.oban_jobs", "public.scheduled_messages"].iter().all(|table| printed.contains(table));
        assert!(is_told || arguments.is_empty(), "{arguments:?}: {printed}");
    }
    let planned = printed(&odd.copy_db("xa", &["--defuse", "--dry-run"]).await);
    assert!(
        planned.contains(
            "would act, and would be left behind: public.oban_jobs, 2 rows (what is in it would run in the copy (Oban))"
        ),
        "{planned}"
    );
    assert!(planned.contains("public.scheduled_messages"), "{planned}");
}
