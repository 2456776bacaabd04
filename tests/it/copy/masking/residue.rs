//! Whatever masking leaves over is found before the copy takes the old one's place.

use railstage::copying::{CopyOptions, Verify};
use railstage::masking::{Identifier, Key, Masked, Masking, OnResidue, RulesFile, Sheet, Stays};

use super::super::{Ends, run, texts};

/// Notes of which a rule masks less than all.
const NOTES: &str = r"
    CREATE TABLE notes (id serial PRIMARY KEY, meta_key text, body text);
    INSERT INTO notes (meta_key, body) VALUES ('plain', 'nothing here'), ('hex', 'x');";

/// A rule whose writer thought of telephones alone, and would rather not have looked at.
const RULES: &str = "rules: [{table: notes, column: body, transformer: contacts}]";

/// What somebody is called in a form that this rule does not read.
const HEX: &str = "7a6f652e717569406578616d706c652e6e6574";

async fn with_notes(body: &str) -> Ends {
    let ends = Ends::start().await;
    run(&ends.source().await, NOTES).await;
    run(&ends.source().await, &format!("UPDATE notes SET body = '{body}' WHERE meta_key = 'hex'")).await;
    run(&ends.target().await, "CREATE TABLE as_before (n int)").await;
    ends
}

fn options(ends: &Ends, residue: OnResidue) -> CopyOptions {
    let rules = RulesFile::read(RULES).unwrap();
    CopyOptions { masking: Some(Masking { rules, residue, ..Masking::new(Key::random()) }), ..ends.options() }
}

async fn sheet(ends: &Ends, options: &CopyOptions) -> Sheet {
    ends.copy(options).await.unwrap().masking.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_left_over_fails_the_copy_and_the_target_is_as_it_was() {
    let ends = with_notes(HEX).await;
    let error = ends.copy(&options(&ends, OnResidue::Fail)).await.unwrap_err();
    let failure = railstage::error::failure(&error).unwrap();
    assert_eq!(failure.exit, railstage::error::Exit::Invalid);
    assert_eq!(
        failure.message,
        "the copy still holds people or secrets of the source: e-mail addresses in 1 value of public.notes.body where meta_key = hex"
    );
    let hint = failure.hint.as_ref().unwrap();
    let (_, rules) = hint.split_once("lets it pass:\n").unwrap();
    let mended = RulesFile::read(rules).unwrap();
    assert!(!format!("{error:#} {hint}").contains("example.net"));
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(texts(&ends.target().await, tables).await, ["as_before"]);
    let databases = "SELECT count(*) FROM pg_database WHERE datname LIKE '%railstage%'";
    assert_eq!(texts(&ends.target().await, databases).await, ["0"]);

    let mut options = options(&ends, OnResidue::Fail);
    options.masking.as_mut().unwrap().rules.splice(0..0, mended);
    let sheet = sheet(&ends, &options).await;
    let proof = sheet.proof.unwrap();
    assert_eq!((sheet.masked, proof.rows, proof.residue), (Masked::Full, 2, vec![]));
    assert_eq!(
        texts(&ends.target().await, "SELECT body FROM notes ORDER BY id").await,
        ["nothing here", "Masked text."]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_with_something_left_over_passes_where_that_is_asked_for_and_is_not_called_full() {
    let ends = with_notes(HEX).await;
    let sheet = sheet(&ends, &options(&ends, OnResidue::Warn)).await;
    let proof = sheet.proof.clone().unwrap();
    assert_eq!((sheet.masked, proof.residue.len()), (Masked::Partial, 1));
    let line = &proof.residue[0];
    assert_eq!((line.identifier, line.values, line.rows.as_deref()), (Identifier::Email, 1, Some("meta_key = hex")));
    let told = sheet.lines().join("\n");
    assert!(
        told.contains("left over: e-mail addresses in 1 value of public.notes.body where meta_key = hex"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_not_read_back_is_masked_in_part() {
    let ends = with_notes("x").await;
    for verify in [Verify::Count, Verify::Off] {
        let sheet = sheet(&ends, &CopyOptions { verify, ..options(&ends, OnResidue::Fail) }).await;
        assert_eq!((sheet.masked, sheet.proof), (Masked::Partial, None));
        assert!(sheet.partial_because[0].contains("not read back"), "{:?}", sheet.partial_because);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_keeps_and_what_cannot_be_changed_is_told_apart() {
    let ends = Ends::start().await;
    let zoe = "zoe@people.example.net";
    run(
        &ends.source().await,
        &format!(
            "CREATE TABLE members (mail text PRIMARY KEY, imprint text, tags text[], photo bytea, note bytea);
             CREATE TABLE scans (id int PRIMARY KEY, scan bytea);
             INSERT INTO scans SELECT 1, convert_to(repeat('0123456789', 2000000), 'UTF8');
             SELECT lo_from_bytea(0, 'x');
             INSERT INTO members VALUES ('{zoe}', '{zoe}', ARRAY['{zoe}'], '\\x89504e470d0a1a0a00ff', convert_to('{zoe}', 'UTF8'))"
        ),
    )
    .await;
    let rules = "rules: [{table: members, column: imprint, transformer: keep, because: it stands on the page}]";
    let masking = Masking { rules: RulesFile::read(rules).unwrap(), ..Masking::new(Key::random()) };
    let sheet = sheet(&ends, &CopyOptions { masking: Some(masking), ..ends.options() }).await;
    let proof = sheet.proof.unwrap();
    assert_eq!(proof.residue, []);
    let mut apart: Vec<_> =
        proof.apart.iter().map(|line| (line.column.as_str(), line.stays, line.because.as_str())).collect();
    apart.sort_unstable();
    assert_eq!(
        apart,
        [
            ("public.members.imprint", Stays::Rule, "it stands on the page"),
            ("public.members.mail", Stays::Unwritable, "part of a key, which is not changed"),
            ("public.members.note", Stays::Unwritable, "of type bytea: bytes are not changed"),
            ("public.members.tags", Stays::Unwritable, "of type _text: lists are not changed"),
        ]
    );
    let unread: Vec<_> = proof.unread.iter().map(|line| (line.place.as_str(), line.values)).collect();
    assert_eq!(unread, [("public.members.photo", 1), ("public.scans", 1), ("large objects", 1)]);
    assert_ne!(sheet.masked, Masked::Full);
}
