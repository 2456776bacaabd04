//! A copy is searched at any later time, and what was found stands on a page that somebody can sign.

use railstage::copying::CopyOptions;
use railstage::masking::{Identifier, Key, Masking, RulesFile};
use railstage::postgres::{Endpoint, audit};

use super::super::{Ends, run, texts};
use crate::golden::called;
use crate::stage::binary;

/// Members of whom each row is masked, and a table with a name like no other.
const MEMBERS: &str = r#"
    CREATE TABLE members (id serial PRIMARY KEY, mail text, name text, phone text, "<b>odd</b>" text);
    INSERT INTO members (mail, name, phone) VALUES
        ('zoe.quill@people.example.net', 'Zoë Quillfeather', '+44 20 7946 0123'),
        ('otto@people.example.net', 'Ottoline Brambleworth', '020 7946 0456');
    CREATE TABLE notes (meta_key text, body text);"#;

const RULES: &str = "
rules:
  - {table: members, column: mail, transformer: email}
  - {table: members, column: name, transformer: name}
  - {table: members, column: phone, transformer: phone}
";

fn masking() -> Masking {
    Masking { rules: RulesFile::read(RULES).unwrap(), ..Masking::new(Key::random()) }
}

async fn copied() -> Ends {
    let ends = Ends::start().await;
    run(&ends.source().await, MEMBERS).await;
    ends.copy(&CopyOptions { masking: Some(masking()), ..ends.options() }).await.unwrap();
    ends
}

async fn audited(ends: &Ends) -> railstage::copying::AuditReport {
    let [source, copy] = [ends.source.url(), ends.target.url()].map(|url| Endpoint::parse(&url).unwrap());
    audit(&source, &copy, &masking()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_came_into_a_copy_behind_maskings_back_is_found() {
    let ends = copied().await;
    let report = audited(&ends).await;
    assert!(report.is_clean(), "{}", report.summary());
    assert!(report.snapshot_at.is_some());
    assert_eq!((report.proof.people, report.proof.rows, report.proof.residue.len()), (2, 2, 0));
    let forms = [
        ("plain", "Zoë Quillfeather", Identifier::Name),
        ("small", "zoe quillfeather", Identifier::Name),
        ("cells", "\"1\";\"Quillfeather\";\"Zoë\"", Identifier::Name),
        ("json", r#"{"a":"{\"b\":\"zoe.quill\\u0040people.example.net\"}"}"#, Identifier::Email),
        ("base64", "eyJtIjoiem9lLnF1aWxsQHBlb3BsZS5leGFtcGxlLm5ldCJ9", Identifier::Email),
        ("hex", "7a6f652e7175696c6c4070656f706c652e6578616d706c652e6e6574", Identifier::Email),
        ("percent", "to=ZOE.quill%40people.example.net", Identifier::Email),
        ("entities", "zoe.quill&#64;people&#x2e;example.net", Identifier::Email),
        ("phone", "call (020) 7946-0123", Identifier::Phone),
        ("abroad", "0044 20 7946.0456", Identifier::Phone),
        ("iban", "GB82 WEST 1234 5698 7654 32", Identifier::Iban),
    ];
    let target = ends.target().await;
    for (key, body, _) in forms {
        run(&target, &format!("INSERT INTO notes VALUES ('{key}', '{}')", body.replace('\'', "''"))).await;
    }
    let report = audited(&ends).await;
    let found: Vec<_> = report.proof.residue.iter().map(|line| (line.rows.as_deref(), line.identifier)).collect();
    for (key, _, identifier) in forms {
        let rows = format!("meta_key = {key}");
        assert!(found.contains(&(Some(rows.as_str()), identifier)), "{key} in {found:?}");
    }
    let told = report.summary().to_lowercase();
    assert!(!report.is_clean() && !told.contains("quill") && !told.contains("7946"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_says_whether_people_have_changed_since_even_when_they_are_as_many() {
    let ends = Ends::start().await;
    run(&ends.source().await, MEMBERS).await;
    let more = "INSERT INTO members (mail, name) SELECT 'member' || n || '@people.example.net', 'Zoë Quill' || repeat('a', n) FROM generate_series(1, 9) AS n";
    run(&ends.source().await, more).await;
    let sheet = ends.copy(&CopyOptions { masking: Some(masking()), ..ends.options() }).await.unwrap().masking.unwrap();
    let digest = sheet.proof.unwrap().people_digest.unwrap();
    // The key of an audit is another one, and nothing else of anybody is told.
    let same = audited(&ends).await;
    assert_eq!((same.people_changed, same.proof.people_digest.as_deref()), (Some(false), Some(digest.as_str())));
    assert!(!same.summary().contains("people have changed"), "{}", same.summary());
    run(&ends.source().await, "UPDATE members SET name = 'Isolde Larkspurr' WHERE id = 3").await;
    let changed = audited(&ends).await;
    assert_eq!((changed.people_changed, changed.proof.people), (Some(true), same.proof.people));
    assert!(changed.summary().contains("people have changed since"), "{}", changed.summary());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_few_that_they_could_be_guessed_have_no_digest() {
    let ends = copied().await;
    let report = audited(&ends).await;
    assert_eq!((report.people_changed, report.proof.people_digest, report.people_then), (None, None, Some(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_writes_nothing_and_says_by_its_exit_whether_anything_is_left() {
    let ends = copied().await;
    let folder = tempfile::tempdir().unwrap();
    let [page, json, rules] = ["sheet.html", "sheet.json", "rules.yaml"].map(|name| folder.path().join(name));
    std::fs::write(&rules, RULES).unwrap();
    let between = || {
        let mut command = binary();
        command.env("SOURCE_DATABASE_URL", ends.source.url()).env("TARGET_DATABASE_URL", ends.target.url());
        command
    };
    let sheets = ["--sheet", page.to_str().unwrap(), "--sheet", json.to_str().unwrap()];
    let audit = [&["audit-db", "--rules", rules.to_str().unwrap()], &sheets[..]].concat();
    let clean = called(between(), &audit).await;
    assert_eq!(clean.code, 0, "{}{}", clean.stdout, clean.stderr);
    assert!(clean.stdout.contains("of 2 people") && clean.stdout.contains("found none"), "{}", clean.stdout);
    run(&ends.target().await, "INSERT INTO notes VALUES ('left', 'otto@people.example.net')").await;
    let left = called(between(), &audit).await;
    assert_eq!(left.code, 1, "{}{}", left.stdout, left.stderr);
    let warned = called(between(), &[&audit[..], &["--residue", "warn", "--json"]].concat()).await;
    assert_eq!(warned.code, 0);
    for text in [
        &left.stdout,
        &warned.stdout,
        &std::fs::read_to_string(&page).unwrap(),
        &std::fs::read_to_string(&json).unwrap(),
    ] {
        assert!(text.contains("meta_key = left") && !text.contains("otto@"), "{text}");
    }
    assert_eq!(texts(&ends.target().await, "SELECT count(*) FROM notes").await, ["1"]);
    let nowhere = called(between(), &["audit-db", "--sheet", "/no/such/folder/sheet.html"]).await;
    assert_eq!(nowhere.code, 2, "{}", nowhere.stderr);
    let wrong = called(between(), &["audit-db", "--sheet", "sheet.pdf"]).await;
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("neither a page nor JSON"), "{}", wrong.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sheet_of_a_copy_is_a_page_that_names_every_column_and_no_value() {
    let ends = Ends::start().await;
    run(&ends.source().await, MEMBERS).await;
    run(
        &ends.source().await,
        "ALTER TABLE members ADD short text GENERATED ALWAYS AS (left(name, 3)) STORED, ADD photo bytea",
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let [page, json, rules] = ["sheet.html", "sheet.json", "rules.yaml"].map(|name| folder.path().join(name));
    std::fs::write(&rules, RULES).unwrap();
    let mut command = binary();
    command.env("SOURCE_DATABASE_URL", ends.source.url()).env("TARGET_DATABASE_URL", ends.target.url());
    let sheets = ["--sheet", page.to_str().unwrap(), "--sheet", json.to_str().unwrap()];
    let copy =
        called(command, &[&["copy-db", "--anonymize", "--rules", rules.to_str().unwrap()], &sheets[..]].concat()).await;
    assert_eq!(copy.code, 0, "{}{}", copy.stdout, copy.stderr);
    let page = std::fs::read_to_string(&page).unwrap();
    for told in [
        "public.members.mail",
        "public.members.&lt;b&gt;odd&lt;/b&gt;",
        "public.members.short",
        "public.members.photo",
        "Signature",
        "computed by the database",
    ] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(
        (&json["databases"][0]["sheet"]["masked"], &json["databases"][0]["sheet"]["proof"]["people"]),
        (&"full".into(), &2.into())
    );
    for text in [&page, &json.to_string(), &copy.stdout] {
        assert!(!text.contains("people.example") && !text.contains("7946") && !text.contains("Quill"), "{text}");
    }
}
