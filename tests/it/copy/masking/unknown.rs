//! What no rule speaks of: tables, columns and languages that nobody has thought of, in databases that are no WordPress.

use railstage::copying::{CopyOptions, CopyReport};
use railstage::masking::{Masking, Unknown};

use super::super::{Ends, run, texts, told};
use super::{masked, masking};

/// A shop that somebody made up, in three languages.
const SHOP: &str = r#"
    CREATE TABLE kunden (kunden_id bigserial PRIMARY KEY, vorname text, nachname text, email text UNIQUE, bemerkung text);
    INSERT INTO kunden (vorname, nachname, email, bemerkung) VALUES ('Zoë', 'Quillfeather', 'zoe@people.example.net', 'Ruft immer abends an');
    CREATE TABLE reklamationen (id bigserial PRIMARY KEY, kunden_id bigint REFERENCES kunden, text_der_klage text, dringlichkeit text,
        verlauf jsonb, foto_pfad text, farbe text, betrag text, code varchar(8) UNIQUE CHECK (code ~ '^[A-Z]{2}[0-9]{4}$'));
    INSERT INTO reklamationen (kunden_id, text_der_klage, dringlichkeit, verlauf, foto_pfad, farbe, betrag, code)
        SELECT 1, 'Quillfeather sagt, die Lampe sei kaputt ' || i, (ARRAY['Hoch', 'Mittel', 'Niedrig'])[1 + i % 3],
            jsonb_build_object('schritte', jsonb_build_array(jsonb_build_object('wer', 'Ottoline Brambleworth', 'status', 'offen', 'am', '2024-05-06', 'zahl', 7))),
            '/uploads/2024/' || i || '.jpg', '#ff9900', '12.50 EUR', 'AB' || lpad(i::text, 4, '0') FROM generate_series(1, 400) AS i;
    CREATE TABLE notas (id bigserial PRIMARY KEY, cliente_id bigint, nota text, html text);
    INSERT INTO notas (cliente_id, nota, html) VALUES (1, 'Isolde Fennimoor no quiere llamadas', '<p class="aviso">Isolde <b>Fennimoor</b></p>');
    CREATE TABLE produkte (id bigserial PRIMARY KEY, sku text, name text, beschreibung text, slug text);
    INSERT INTO produkte (sku, name, beschreibung, slug) SELECT 'L-' || i, 'Blue Lamp', 'A lamp that lights the whole room.', 'blue-lamp-' || i FROM generate_series(1, 300) AS i;
    CREATE TABLE uebersetzungen (id bigserial PRIMARY KEY, locale text, wort text, satz text);
    INSERT INTO uebersetzungen (locale, wort, satz) VALUES ('de', 'Warenkorb', 'Lege die Lampe in den Warenkorb.');
    CREATE TABLE ereignisse (id int PRIMARY KEY, art text, inhalt text);
    INSERT INTO ereignisse SELECT i, 'Bericht', CASE i WHEN 90000 THEN 'Frag thaddeus@people.example.net' ELSE 'nichts von Belang' END FROM generate_series(1, 100000) AS i;
    CREATE TABLE einzeln (id int, patient_id int, befund text); INSERT INTO einzeln VALUES (1, 1, 'Hat Angst vor Lampen');
    CREATE TABLE besuche (id int, tag date, ip text, user_agent text) PARTITION BY RANGE (tag);
    CREATE TABLE besuche_1 PARTITION OF besuche FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    INSERT INTO besuche VALUES (1, '2024-05-06', '203.0.113.9', 'Mozilla/5.0');
    CREATE TABLE briefe (id int, am date, member_id int, wortlaut text) PARTITION BY RANGE (am);
    CREATE TABLE briefe_1 PARTITION OF briefe FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    INSERT INTO briefe VALUES (1, '2024-05-06', 1, 'Cosmo Larkspurr zieht um');
    ANALYZE;"#;

async fn with_shop() -> Ends {
    let ends = Ends::start().await;
    run(&ends.source().await, SHOP).await;
    let wide: Vec<_> = (0..900).map(|i| format!("c{i} text")).collect();
    let wide = format!(
        "CREATE TABLE breit (id int, contact_id int, {}); INSERT INTO breit (id, c899) VALUES (1, 'Marigold Yarrowdale wohnt hier')",
        wide.join(", ")
    );
    run(&ends.source().await, &wide).await;
    ends
}

async fn copied(unknown: Unknown) -> (Ends, CopyReport) {
    let ends = with_shop().await;
    let report = masked(&ends, Masking { unknown, ..masking("rules: []") }).await;
    (ends, report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_a_made_up_shop_do_not_come_along_and_its_wares_do() {
    let (ends, _) = copied(Unknown::Mask).await;
    let names = "Quillfeather|Zoë|Ottoline|Brambleworth|Isolde|Fennimoor|Cosmo|Larkspurr|Marigold|Yarrowdale|thaddeus@|zoe@|Angst|abends|llamadas";
    let found = super::found(&ends, names).await;
    assert_eq!(found, Vec::<String>::new());
    let (source, target) = (ends.source().await, ends.target().await);
    for same in [
        "SELECT * FROM produkte ORDER BY id",
        "SELECT * FROM uebersetzungen",
        "SELECT art, count(*) FROM ereignisse GROUP BY 1",
        "SELECT id, dringlichkeit, foto_pfad, farbe, betrag FROM reklamationen ORDER BY id",
        "SELECT verlauf #> '{schritte,0,status}', verlauf #> '{schritte,0,am}', verlauf #> '{schritte,0,zahl}' FROM reklamationen ORDER BY id",
        "SELECT count(DISTINCT code) FROM reklamationen",
    ] {
        assert_eq!(texts(&source, same).await, texts(&target, same).await, "{same}");
    }
    let html = "SELECT html LIKE '<p class=\"aviso\">%<b>%</b></p>' FROM notas";
    assert_eq!(texts(&target, html).await, ["t"]);
    assert_eq!(texts(&target, "SELECT count(*) FROM besuche").await, ["0"], "a log of visits came along");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_rule_speaks_of_may_be_kept_or_refused() {
    let (ends, report) = copied(Unknown::Keep).await;
    assert_eq!(report.masking.unwrap().masked, railstage::masking::Masked::Partial);
    let target = ends.target().await;
    assert_eq!(texts(&target, "SELECT befund FROM einzeln").await, ["Hat Angst vor Lampen"]);
    assert_eq!(texts(&target, "SELECT count(*) FROM kunden WHERE email LIKE '%@people.example.net'").await, ["0"]);
    let refuse = Masking { unknown: Unknown::Refuse, ..masking("rules: []") };
    let error =
        told(ends.copy(&CopyOptions { masking: Some(refuse), copy_id: "run-2".to_owned(), ..ends.options() }).await);
    for words in [
        "`public.einzeln.befund`",
        "`public.briefe.wortlaut`",
        r#"{table: "public.notas", column: "nota", transformer: text}"#,
    ] {
        assert!(error.contains(words), "{words} is not in\n{error}");
    }
    assert!(!error.contains("produkte") && !error.contains("dringlichkeit"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_of_another_kind_is_masked_without_a_rule() {
    let ends = Ends::start().await;
    let rails = r#"
        CREATE TABLE users (id bigserial PRIMARY KEY, email varchar UNIQUE NOT NULL, encrypted_password varchar NOT NULL, reset_password_token varchar UNIQUE, current_sign_in_ip varchar, name varchar);
        INSERT INTO users (email, encrypted_password, reset_password_token, current_sign_in_ip, name) VALUES
            ('zoe@people.example.net', '$2a$12$canarycanarycanarycanaryu', 'canary-reset-1', '203.0.113.9', 'Zoë Quillfeather'),
            ('bo@people.example.net', '$2a$12$canarycanarycanarycanaryv', 'canary-reset-2', '203.0.113.9', 'Bo Quillfeather');
        CREATE TABLE sessions (id bigserial PRIMARY KEY, session_id varchar UNIQUE, data text); INSERT INTO sessions (session_id, data) VALUES ('canary', 'canary');
        CREATE TABLE versions (id bigserial, item_type varchar, item_id bigint, event varchar, whodunnit varchar, object jsonb);
        INSERT INTO versions VALUES (1, 'User', 1, 'update', 'canary', '{"name": "Zoë Quillfeather"}');
        CREATE TABLE oauth_access_tokens (id bigserial PRIMARY KEY, resource_owner_id bigint REFERENCES users, token varchar UNIQUE, expires_in int);
        INSERT INTO oauth_access_tokens (resource_owner_id, token) VALUES (1, 'canary-token');
        CREATE TABLE active_storage_blobs (id bigserial PRIMARY KEY, key varchar UNIQUE, filename varchar, content_type varchar, metadata text);
        INSERT INTO active_storage_blobs (key, filename, content_type) VALUES ('abc123', 'lamp.png', 'image/png');
        CREATE TABLE spree_products (id bigserial PRIMARY KEY, name varchar, description text, slug varchar UNIQUE, meta_title varchar);
        INSERT INTO spree_products (name, description, slug) VALUES ('Blue Lamp', 'A lamp that lights the room.', 'blue-lamp');
        CREATE TABLE schema_migrations (version varchar PRIMARY KEY); INSERT INTO schema_migrations VALUES ('20240506101112');"#;
    run(&ends.source().await, rails).await;
    let report = masked(&ends, masking("rules: []")).await;
    let found = super::found(&ends, "canary|Quillfeather|people.example.net|Zoë|203.0.113.9").await;
    assert_eq!(found, Vec::<String>::new());
    let (source, target) = (ends.source().await, ends.target().await);
    for same in [
        "SELECT * FROM spree_products",
        "SELECT * FROM active_storage_blobs",
        "SELECT * FROM schema_migrations",
        "SELECT count(*) FROM users",
    ] {
        assert_eq!(texts(&source, same).await, texts(&target, same).await, "{same}");
    }
    let sheet = report.masking.unwrap();
    assert!(sheet.masked_values > 0 && sheet.emptied.len() >= 3, "{}", sheet.lines().join("\n"));
}
