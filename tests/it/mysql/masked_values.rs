//! Values of people in whatever character set they are kept, in columns with whatever room: what is not changed comes byte for byte,
//! and what is becomes what its readers can read.

use backboard::mysql::Family;
use railstage::copying::CopyOptions;
use railstage::masking::{Key, Masking, RulesFile};
use railstage::rewriting::UrlPair;

use super::ends::Ends;
use super::told;

/// Two people: one as latin1 is meant, and one as old sites have written it, UTF-8 into a column that calls it latin1.
const PEOPLE: &str = r#"
    SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00';
    CREATE TABLE members (id int PRIMARY KEY, email varchar(40) CHARACTER SET latin1 UNIQUE, name varchar(30) CHARACTER SET latin1,
      note tinytext CHARACTER SET latin1, page text CHARACTER SET latin1, town varchar(30) CHARACTER SET gbk, street char(20) CHARACTER SET utf8mb3,
      nick varchar(20) CHARACTER SET utf8mb3, bio tinytext CHARACTER SET utf8mb4, js json, code varchar(12), kind enum('café', 'b') CHARACTER SET latin1, born date, seen datetime(3), since timestamp(6) NULL DEFAULT NULL,
      CONSTRAINT form CHECK (code REGEXP '^[A-Z]{3}-[0-9]+$'));
    INSERT INTO members VALUES
      (1, 'zoe@people.example.net', 'Zoë Quillfeather', 'Zoë € note', 'café https://shop.example.com/a', '北京', 'Quill Row 1', 'zoë',
       'Zoë Quillfeather writes to zoe@people.example.net', '{"mail": "zoe@people.example.net", "name": "Zoë Quillfeather", "n": 1}', 'ABC-123', 'café', '1984-07-23', '1984-07-23 10:11:12.345', '1970-05-05 00:00:00'),
      (2, 'otto@people.example.net', CONVERT(_binary'Søren Ødegård' USING latin1), CONVERT(_binary'Søren ☕ note' USING latin1),
       CONVERT(_binary'a:1:{s:1:"u";s:32:"café https://shop.example.com/b";}' USING latin1), '上海', 'Brambleworth 2', '', '', NULL, 'XYZ-9', 'b', '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'),
      (3, NULL, 'plain', 'back\\slash	tab
line', 'https://shop.example.com/c', 'x', 'Row\0 3', '\\N', NULL, '[]', NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE untouched (a varchar(20) CHARACTER SET latin1, b varchar(20) CHARACTER SET latin1);
    INSERT INTO untouched VALUES (CONVERT(_binary'Ünïcode' USING latin1), 'Ünïcode'), (X'FF81', X'80')"#;

const RULES: &str = "
rules:
  - {table: members, column: email, transformer: email}
  - {table: members, column: name, transformer: name}
  - {table: members, column: note, transformer: text}
  - {table: members, column: town, transformer: set, value: '上é😀'}
  - {table: members, column: street, transformer: set, value: 'ends with blanks  '}
  - {table: members, column: nick, transformer: set, value: 'é😀'}
  - {table: members, column: bio, transformer: contacts}
  - {table: members, column: js, transformer: inside}
  - {table: members, column: code, transformer: postcode}
  - {table: members, column: kind, transformer: keep}
  - {table: members, column: born, transformer: date}
  - {table: members, column: seen, transformer: date}
  - {table: members, column: since, transformer: date}
  - {table: members, column: page, transformer: keep}
  - {table: untouched, transformer: keep}
";

fn masking() -> Masking {
    Masking { rules: RulesFile::read(RULES).unwrap(), ..Masking::new(Key::random()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_masked_and_rewritten_in_the_letters_of_their_columns() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source.sql(PEOPLE).unwrap();
        let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://staging.example.net").unwrap()];
        let options = CopyOptions { rewrite: rewrite.clone(), ..Ends::options() };
        let report = ends.copy(&options).await.unwrap_or_else(|error| panic!("{family:?}: {error:?}"));
        assert_eq!(report.rewritten_values, 3, "{family:?} {report:?}");
        let same = "SELECT id, HEX(email), HEX(name), HEX(note), HEX(town), HEX(street), HEX(nick), HEX(bio), js, code, kind+0 FROM members ORDER BY id;
                    SELECT HEX(a), HEX(b) FROM untouched ORDER BY 1";
        assert_eq!(ends.target.sql(same).unwrap(), ends.source.sql(same).unwrap(), "{family:?}");
        let hex = |text: &str, of: &dyn Fn(&str) -> Vec<u8>| data_encoding::HEXUPPER.encode(&of(text));
        let latin = |text: &str| text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        let utf8 = |text: &str| text.as_bytes().to_vec();
        let pages = [
            hex("café https://staging.example.net/a", &latin),
            hex("a:1:{s:1:\"u\";s:35:\"café https://staging.example.net/b\";}", &utf8),
            hex("https://staging.example.net/c", &latin),
        ];
        assert_eq!(ends.target.sql("SELECT HEX(page) FROM members ORDER BY id").unwrap(), pages, "{family:?}");

        let options = CopyOptions { copy_id: "run-2".to_owned(), masking: Some(masking()), ..options };
        let report = ends.copy(&options).await.unwrap_or_else(|error| panic!("{family:?}: {error:?}"));
        let proof = report.masking.unwrap().proof.unwrap();
        assert!(proof.rows == 5 && proof.people == 2 && proof.residue.is_empty(), "{family:?} {proof:?}");
        let rest = "SELECT town, CONCAT('<', street, '>'), nick FROM members WHERE id = 1";
        assert_eq!(ends.target.sql(rest).unwrap(), ["???\t<ends with blanks>\té?"], "{family:?}");
        let times = "SET time_zone = '+00:00'; SELECT born, seen, since FROM members WHERE id < 3 ORDER BY id";
        let nobodys = "0000-00-00\t0000-00-00 00:00:00.000\t0000-00-00 00:00:00.000000";
        let times = ends.target.sql(times).unwrap();
        assert_eq!(times[0], "1984-01-01\t1984-01-01 00:00:00.000\t1970-01-01 00:00:01.000000", "{family:?}");
        assert_eq!(times[1].replace("0000-01-01", "0000-00-00"), nobodys, "{family:?}");
        let all = "SELECT CONCAT_WS('|', CAST(email AS BINARY), CAST(name AS BINARY), CAST(note AS BINARY), bio, js) FROM members";
        let all = ends.target.sql(all).unwrap().join("\n").to_lowercase();
        for text in ["zoë", "quill", "søren", "degård", "people.example"] {
            assert!(!all.contains(text), "{family:?} {text}: {all}");
        }
        let codes = ends.target.sql("SELECT code FROM members WHERE code REGEXP '^[A-Z]{3}-[0-9]+$'").unwrap();
        assert!(codes.len() == 2 && !codes.contains(&"ABC-123".to_owned()), "{family:?} {codes:?}");
        assert_eq!(ends.target.sql("SELECT HEX(page) FROM members ORDER BY id").unwrap(), pages, "{family:?}");
        let same = "SELECT HEX(a), HEX(b) FROM untouched ORDER BY 1";
        assert_eq!(ends.target.sql(same).unwrap(), ends.source.sql(same).unwrap(), "{family:?}");
        ends.assert_nothing_is_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_masked_is_refused_by_name_and_nothing_is_made() {
    let ends = Ends::of(Family::MySql).await;
    ends.source
        .sql(
            "CREATE TABLE t (id int, mail varchar(40), PRIMARY KEY (id, mail)) PARTITION BY KEY (mail) PARTITIONS 2;
             INSERT INTO t VALUES (1, 'zoe@people.example.net');
             CREATE TABLE long_one (id int PRIMARY KEY, mail longtext); INSERT INTO long_one VALUES (7, REPEAT('x', 17000000))",
        )
        .unwrap();
    let with = |rules: &str| {
        let masking = Masking { rules: RulesFile::read(rules).unwrap(), ..Masking::new(Key::random()) };
        CopyOptions { masking: Some(masking), ..Ends::options() }
    };
    let keep = "{table: long_one, transformer: keep}";
    for (rules, words) in [
        (
            format!("rules: [{{table: t, column: mail, transformer: email}}, {keep}]"),
            "decides in which partition a row is",
        ),
        (format!("rules: [{{table: t, column: nail, transformer: email}}, {keep}]"), "has no column `nail`"),
        ("rules: [{table: long_one, column: mail, transformer: email}]".to_owned(), "row `7` has more than 16 MiB"),
    ] {
        let told = told(ends.copy(&with(&rules)).await);
        assert!(told.contains(words), "{told}");
        ends.assert_nothing_is_left();
    }
    let rewrite =
        vec![UrlPair::parse("https://shop.example.com", "https://a-much-longer-name.staging.example.net").unwrap()];
    ends.source
        .sql("DROP TABLE t, long_one; CREATE TABLE s (id int PRIMARY KEY, u varchar(26)); INSERT INTO s VALUES (1, 'https://shop.example.com/')")
        .unwrap();
    let told = self::told(ends.copy(&CopyOptions { rewrite, fail_on_left: true, ..Ends::options() }).await);
    assert!(
        told.contains("URLs of the source are left in the copy") && told.contains("too long for the column"),
        "{told}"
    );
    ends.assert_nothing_is_left();
}

const SCHEMA: &str = "
    CREATE TABLE notes (id int PRIMARY KEY, u varchar(60) DEFAULT 'https://shop.example.com/it''s' COMMENT 'ask zoe@people.example.net',
      e enum('https://shop.example.com') DEFAULT NULL);
    CREATE VIEW v AS SELECT 'https://shop.example.com/v' AS u;
    CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW SET NEW.u = CONCAT(NEW.u, ' https://shop.example.com/t');
    INSERT INTO notes (id) VALUES (1)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_schema_says_is_told_and_rewritten_where_that_is_asked_for() {
    for family in [Family::MariaDb, Family::MySql] {
        let ends = Ends::of(family).await;
        ends.source.sql(SCHEMA).unwrap();
        let rewrite = vec![UrlPair::parse("https://shop.example.com", "https://s.example.net").unwrap()];
        let masking = Some(Masking::new(Key::random()));
        let options = CopyOptions { rewrite, masking, ..Ends::options() };
        let told = |report: &railstage::copying::CopyReport| {
            let line = |text: &railstage::copying::SchemaText| {
                format!("{}: {} {} {}", text.object, text.hosts, text.addresses, text.rewritten)
            };
            report.schema_texts.iter().map(line).collect::<Vec<_>>()
        };
        let report = ends.copy(&options).await.unwrap();
        let as_they_are = ["table notes: 2 1 0", "trigger t: 1 0 0", "view v: 1 0 0"];
        assert_eq!(told(&report), as_they_are, "{family:?}");
        assert_eq!(ends.target.sql("SELECT u FROM v").unwrap(), ["https://shop.example.com/v"], "{family:?}");

        let options = CopyOptions { rewrite_schema: true, copy_id: "run-2".to_owned(), ..options };
        let report = ends.copy(&options).await.unwrap();
        let rewritten = ["table notes: 1 0 2", "trigger t: 0 0 1", "view v: 0 0 1"];
        assert_eq!(told(&report), rewritten, "{family:?}");
        let there =
            "INSERT INTO notes (id) VALUES (2); SELECT CONCAT_WS(' ', (SELECT u FROM notes WHERE id = 2), v.u) FROM v";
        let all = "https://s.example.net/it's https://s.example.net/t https://s.example.net/v";
        assert_eq!(ends.target.sql(there).unwrap(), [all], "{family:?}");
        ends.assert_nothing_is_left();
    }
}
