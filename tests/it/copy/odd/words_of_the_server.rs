//! What a server says of an error quotes rows, and rows are in no output.

use super::{Odd, printed};

const CANARY: &str = "canary.quill@example.com";

/// A database whose copy fails, the SQLSTATE and what else is told of it.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "orphan",
        "CREATE TABLE people (email text PRIMARY KEY);
         CREATE TABLE notes (of text CONSTRAINT of_somebody REFERENCES people);
         SET session_replication_role = replica;
         INSERT INTO notes VALUES ('canary.quill@example.com');",
        &["23503", "notes", "of_somebody"],
    ),
    (
        "raised",
        "CREATE FUNCTION key_of(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
            IF current_database() LIKE 'rs%' THEN RAISE EXCEPTION 'no key for %', t USING ERRCODE = 'check_violation', COLUMN = t; END IF;
            RETURN t; END$$;
         CREATE TABLE people (email text);
         CREATE INDEX people_key ON people (key_of(email));
         INSERT INTO people VALUES ('canary.quill@example.com');",
        &["23514", "people_key", "no key for %"],
    ),
    (
        "cast",
        "CREATE FUNCTION number_of(t text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
            IF current_database() LIKE 'rs%' THEN RETURN t::int; END IF;
            RETURN 1; END$$;
         CREATE TABLE people (email text);
         CREATE INDEX people_number ON people (number_of(email));
         INSERT INTO people VALUES ('canary.quill@example.com');",
        &["22P02", "people_number"],
    ),
    (
        "named",
        "CREATE FUNCTION oid_of(t text) RETURNS oid LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
            IF current_database() LIKE 'rs%' THEN RETURN t::regclass; END IF;
            RETURN 1; END$$;
         CREATE TABLE people (email text);
         CREATE INDEX people_oid ON people (oid_of(email));
         INSERT INTO people VALUES ('canary.quill@example.com');",
        &["people_oid"],
    ),
    (
        "checked",
        "CREATE FUNCTION is_here() RETURNS boolean LANGUAGE sql STABLE AS $$SELECT current_database() NOT LIKE 'rs%'$$;
         CREATE TABLE people (email text, CONSTRAINT is_one CHECK (is_here()));
         INSERT INTO people VALUES ('canary.quill@example.com');",
        &["23514", "people", "is_one"],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_row_is_quoted_from_what_a_server_says() {
    let odd = Odd::start().await;
    for (name, sql, told) in CASES {
        odd.load(name, sql).await;
        for arguments in [&["--json"][..], &[]] {
            let output = odd.copy_db(name, arguments).await;
            let printed = printed(&output);
            assert!(!output.status.success(), "{name}: {printed}");
            assert!(!printed.contains(CANARY) && !printed.contains("canary"), "{name}: {printed}");
            for words in *told {
                assert!(printed.contains(words), "{name}: `{words}` is not told in {printed}");
            }
        }
    }
}
