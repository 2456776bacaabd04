//! Values that are one word and tell nothing by it: tokens, handles, numbers of somebody's things, in a shop whose columns
//! nobody has a list of. They become others of the same form, and whatever refers to them still does; the words of a program,
//! of which there are few, and the numbers of goods stay.

use railstage::copying::CopyOptions;
use railstage::masking::{Masking, Unknown};

use super::super::{Ends, run, texts, told};
use super::{masked, masking};

/// A shop in Polish, by a mapper that writes names as its classes do, and that makes no foreign keys.
const SHOP: &str = r#"
    CREATE FUNCTION word(i bigint, kind text, len int) RETURNS text LANGUAGE sql AS $$ SELECT substr(translate(md5(kind || i), '0123456789', 'ghijklmnop'), 1, len) $$;
    CREATE FUNCTION cuid(i bigint, kind text) RETURNS text LANGUAGE sql AS $$ SELECT 'c' || substr(md5(kind || i) || md5(i || kind), 1, 24) $$;
    CREATE TABLE "Uzytkownik" ("id" text PRIMARY KEY, "adres" text UNIQUE, "nazwaWyswietlana" text, "kodZaproszenia" varchar(10) UNIQUE CHECK ("kodZaproszenia" ~ '^[a-z]{4}-[0-9]{4}$'),
        "tokenUrzadzenia" varchar(64) UNIQUE CHECK ("tokenUrzadzenia" ~ '^[0-9a-f]{32}$'), "polecenie" text CHECK ("polecenie" LIKE 'pl%'), "jezyk" text, "ostatnioWidziany" text, "awatar" text);
    INSERT INTO "Uzytkownik" SELECT cuid(i, 'u'), word(i, 'mail', 7) || '@poczta.example.org', word(i, 'nazwa', 6 + (i % 3)::int), word(i, 'kod', 4) || '-' || lpad((i * 7 % 10000)::text, 4, '0'),
        md5('tok' || i), 'pl' || word(i, 'pol', 8), (ARRAY['pl_PL', 'en_GB'])[1 + i % 2], '2024-05-06T10:11:12Z', '/awatary/' || i || '.png' FROM generate_series(1, 600) AS i;
    CREATE TABLE "Urzadzenie" ("id" text PRIMARY KEY, "uzytkownikId" text, "numerSeryjny" text UNIQUE, "system" text, "wersja" text);
    INSERT INTO "Urzadzenie" SELECT cuid(i, 'd'), cuid(i, 'u'), upper(word(i, 'ser', 4)) || i || word(i, 'ser2', 3), (ARRAY['android', 'ios'])[1 + i % 2], '14.' || i % 9 FROM generate_series(1, 600) AS i;
    CREATE TABLE "Przeglad" ("id" serial PRIMARY KEY, "urzadzenieId" text, "numerSeryjny" text, "etap" text);
    INSERT INTO "Przeglad" ("urzadzenieId", "numerSeryjny", "etap") SELECT cuid(i, 'd'), upper(word(i, 'ser', 4)) || i || word(i, 'ser2', 3), (ARRAY['nowy', 'gotowy'])[1 + i % 2] FROM generate_series(1, 40) AS i, generate_series(1, 5);
    CREATE TABLE "Produkt" ("id" text PRIMARY KEY, "kodProduktu" text UNIQUE, "nazwa" text, "slug" text UNIQUE, "opis" text);
    INSERT INTO "Produkt" SELECT cuid(i, 'p'), word(i, 'prod', 8), 'Lampa ' || initcap(word(i, 'n', 5)), 'lampa-' || word(i, 'n', 9), 'Lampa z mosiądzu, ręcznie robiona.' FROM generate_series(1, 1500) AS i;
    CREATE TABLE "Zamowienie" ("id" text PRIMARY KEY, "uzytkownikId" text, "numer" text UNIQUE, "status" text, "listPrzewozowy" text);
    INSERT INTO "Zamowienie" SELECT cuid(i, 'z'), cuid(1 + i % 600, 'u'), 'zam-2024-' || lpad(i::text, 5, '0'), (ARRAY['nowe', 'oplacone', 'wyslane'])[1 + i % 3], word(i, 'list', 10) FROM generate_series(1, 1200) AS i;
    CREATE TABLE "Pozycja" ("id" text PRIMARY KEY, "zamowienieId" text, "uzytkownikId" text, "kodProduktu" text, "ilosc" int);
    INSERT INTO "Pozycja" SELECT cuid(i, 'poz'), cuid(i, 'z'), cuid(1 + i % 600, 'u'), word(i, 'prod', 8), 1 FROM generate_series(1, 1200) AS i;
    CREATE TABLE "Zgoda" ("id" serial PRIMARY KEY, "adres" text, "znacznik" text, "zrodlo" text);
    INSERT INTO "Zgoda" ("adres", "znacznik", "zrodlo") SELECT word(i, 'mail', 7) || '@poczta.example.org', word(i, 'zn', 12), (ARRAY['stopka', 'kasa'])[1 + i % 2] FROM generate_series(1, 500) AS i;
    ANALYZE;"#;

async fn with_shop() -> Ends {
    let ends = Ends::start().await;
    run(&ends.source().await, SHOP).await;
    ends
}

/// Values of a column that both ends have, and how many differ at each.
async fn shared(ends: &Ends, table: &str, column: &str) -> (usize, usize, usize) {
    let sql = format!(r#"SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL"#);
    let (source, target) = (texts(&ends.source().await, &sql).await, texts(&ends.target().await, &sql).await);
    assert!(!source.is_empty(), "{table}.{column} is not tried");
    (source.len(), target.len(), target.iter().filter(|value| source.contains(value)).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_are_somebody_s_become_others_of_the_same_form() {
    let ends = with_shop().await;
    masked(&ends, masking("rules: []")).await;
    for (table, column, form) in [
        ("Uzytkownik", "nazwaWyswietlana", "^[a-z]{6,8}$"),
        ("Uzytkownik", "kodZaproszenia", "^[a-z]{4}-[0-9]{4}$"),
        ("Uzytkownik", "tokenUrzadzenia", "^[0-9a-f]{32}$"),
        ("Urzadzenie", "numerSeryjny", "^[A-Z]{4}[0-9]+[a-z]{3}$"),
        ("Przeglad", "numerSeryjny", "^[A-Z]{4}[0-9]+[a-z]{3}$"),
        ("Zamowienie", "listPrzewozowy", "^[a-z]{10}$"),
        ("Zgoda", "znacznik", "^[a-z]{12}$"),
        ("Uzytkownik", "adres", "^user-[0-9a-f]{16}@example.invalid$"),
        ("Zgoda", "adres", "^user-[0-9a-f]{16}@example.invalid$"),
    ] {
        let (before, after, same) = shared(&ends, table, column).await;
        assert_eq!((after, same), (before, 0), "{table}.{column}");
        let other = format!(r#"SELECT "{column}" FROM "{table}" WHERE "{column}" !~ '{form}' LIMIT 3"#);
        assert_eq!(texts(&ends.target().await, &other).await, Vec::<String>::new(), "{table}.{column}");
    }
    let (source, target) = (ends.source().await, ends.target().await);
    for joined in [
        r#"SELECT count(*) FROM "Przeglad" JOIN "Urzadzenie" USING ("numerSeryjny")"#,
        r#"SELECT count(*) FROM "Urzadzenie" AS u JOIN "Uzytkownik" AS o ON o."id" = u."uzytkownikId""#,
        r#"SELECT count(*) FROM "Zgoda" JOIN "Uzytkownik" USING ("adres")"#,
        r#"SELECT count(*) FROM "Pozycja" JOIN "Produkt" USING ("kodProduktu")"#,
        r#"SELECT count(*) FROM "Pozycja" AS p JOIN "Zamowienie" AS z ON z."id" = p."zamowienieId""#,
    ] {
        let rows = texts(&target, joined).await;
        assert_eq!(texts(&source, joined).await, rows, "{joined}");
        assert_ne!(rows, ["0"], "{joined}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_a_program_and_numbers_of_goods_stay() {
    let ends = with_shop().await;
    masked(&ends, masking("rules: []")).await;
    let (source, target) = (ends.source().await, ends.target().await);
    for same in [
        r#"SELECT * FROM "Produkt" ORDER BY "id""#,
        r#"SELECT "id", "jezyk", "ostatnioWidziany", "awatar" FROM "Uzytkownik" ORDER BY "id""#,
        r#"SELECT "id", "uzytkownikId", "system", "wersja" FROM "Urzadzenie" ORDER BY "id""#,
        r#"SELECT "id", "urzadzenieId", "etap" FROM "Przeglad" ORDER BY "id""#,
        r#"SELECT "id", "uzytkownikId", "numer", "status" FROM "Zamowienie" ORDER BY "id""#,
        r#"SELECT * FROM "Pozycja" ORDER BY "id""#,
        r#"SELECT "id", "zrodlo" FROM "Zgoda" ORDER BY "id""#,
    ] {
        assert_eq!(texts(&source, same).await, texts(&target, same).await, "{same}");
    }
    // A word of another form would not pass its check, and fail the copy.
    let passing = r#"SELECT count(*) FROM "Uzytkownik" WHERE "polecenie" LIKE 'pl%'"#;
    assert_eq!(texts(&target, passing).await, ["600"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn such_words_are_refused_where_the_unknown_is() {
    let ends = with_shop().await;
    let refuse = Masking { unknown: Unknown::Refuse, ..masking("rules: []") };
    let error = told(ends.copy(&CopyOptions { masking: Some(refuse), ..ends.options() }).await);
    for column in ["Urzadzenie.numerSeryjny", "Uzytkownik.nazwaWyswietlana", "Zgoda.znacznik"] {
        assert!(error.contains(&format!("`public.{column}`")), "{column} is not in\n{error}");
    }
    assert!(!error.contains("kodProduktu") && !error.contains("jezyk"), "{error}");
}

/// Lines of orders, and a column of choices of which one is none.
const LINES: &str = r#"
    CREATE TABLE wp_users ("ID" bigserial PRIMARY KEY, user_login text, user_pass text, user_nicename text, user_email text, user_url text, user_registered text, user_activation_key text, user_status int, display_name text);
    CREATE TABLE wp_usermeta (umeta_id bigserial PRIMARY KEY, user_id bigint, meta_key text, meta_value text);
    CREATE TABLE wp_options (option_id bigserial PRIMARY KEY, option_name text, option_value text, autoload text);
    INSERT INTO wp_options (option_name, option_value) VALUES ('siteurl', 'https://shop.example.com'), ('home', 'https://shop.example.com'),
        ('woocommerce_flat_rate_1_settings', 'a:2:{s:5:"title";s:14:"Doręczenie dom";s:4:"cost";s:1:"5";}');
    CREATE TABLE wp_posts ("ID" bigserial PRIMARY KEY, post_title text, post_content text, post_excerpt text, post_status text, post_type text, post_password text, post_parent bigint, guid text);
    INSERT INTO wp_posts (post_title, post_content, post_excerpt, post_status, post_type, post_password, post_parent) VALUES
        ('Lampa Mosiężna Duża', '', '', 'publish', 'product', '', 0), ('Kubek Bronisławy Qzxwek', '', '', 'draft', 'product', '', 0);
    CREATE TABLE wp_postmeta (meta_id bigserial PRIMARY KEY, post_id bigint, meta_key text, meta_value text);
    CREATE TABLE wp_woocommerce_order_items (order_item_id bigserial PRIMARY KEY, order_item_name text NOT NULL, order_item_type varchar(200) NOT NULL, order_id bigint NOT NULL);
    INSERT INTO wp_woocommerce_order_items (order_item_name, order_item_type, order_id)
        SELECT name, type, i FROM generate_series(1, 300) AS i, (VALUES ('Lampa Mosiężna Duża', 'line_item'), ('Doręczenie dom', 'shipping'), ('PL-VAT-1', 'tax')) AS v(name, type)
        UNION ALL SELECT name, type, 999 FROM (VALUES ('Karta dla Bronisławy Qzxwek', 'line_item'), ('kubek bronisławy qzxwek', 'line_item'), ('Na chrzciny Qzxwek', 'fee')) AS v(name, type);
    CREATE TABLE zgloszenia (id serial PRIMARY KEY, klient_id int, dzial text);
    INSERT INTO zgloszenia (klient_id, dzial) SELECT i, (ARRAY['Serwis', 'Zwroty', 'Faktury'])[1 + i % 3] FROM generate_series(1, 30000) AS i;
    UPDATE zgloszenia SET dzial = 'Bronisława Qzxwek' WHERE id = 15000;
    ANALYZE;"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_published_or_was_seen_as_a_choice_stays() {
    let ends = Ends::start().await;
    run(&ends.source().await, LINES).await;
    masked(&ends, masking("rules: []")).await;
    assert_eq!(super::found(&ends, "qzxwek|Bronisław|chrzciny").await, Vec::<String>::new());
    let (source, target) = (ends.source().await, ends.target().await);
    for same in [
        "SELECT order_item_name, order_item_type, count(*) FROM wp_woocommerce_order_items WHERE order_id < 999 GROUP BY 1, 2 ORDER BY 1",
        "SELECT dzial, count(*) FROM zgloszenia WHERE id <> 15000 GROUP BY 1 ORDER BY 1",
    ] {
        assert_eq!(texts(&source, same).await, texts(&target, same).await, "{same}");
    }
}

/// What is rare stands at the end of a table that nobody has analyzed.
const LARGE: &str = "
    CREATE TABLE notatki (klucz text, wartosc text, klient_id int);
    INSERT INTO notatki SELECT 'kolor', (ARRAY['rot', 'blau'])[1 + i % 2], i FROM generate_series(1, 200000) AS i;
    INSERT INTO notatki SELECT 'uchwyt', translate(md5('u' || i), '0123456789', 'ghijklmnop'), i FROM generate_series(1, 9000) AS i;
    CREATE TABLE ustawienia_osob (kod text PRIMARY KEY, name text, value text, member_id int);
    INSERT INTO ustawienia_osob SELECT 'w' || i, 'theme', (ARRAY['dark', 'light'])[1 + i % 2], i FROM generate_series(1, 100000) AS i;
    INSERT INTO ustawienia_osob SELECT 'x' || i, 'chat', translate(md5('c' || i), '0123456789', 'ghijklmnop'), i FROM generate_series(1, 3000) AS i;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rare_keys_anywhere_in_a_large_table_are_judged_by_themselves() {
    let ends = Ends::start().await;
    run(&ends.source().await, LARGE).await;
    masked(&ends, masking("rules: []")).await;
    let (source, target) = (ends.source().await, ends.target().await);
    for same in [
        "SELECT wartosc, count(*) FROM notatki WHERE klucz = 'kolor' GROUP BY 1 ORDER BY 1",
        "SELECT value, count(*) FROM ustawienia_osob WHERE name = 'theme' GROUP BY 1 ORDER BY 1",
    ] {
        assert_eq!(texts(&source, same).await, texts(&target, same).await, "{same}");
    }
    for words in
        ["SELECT value FROM ustawienia_osob WHERE name = 'chat'", "SELECT wartosc FROM notatki WHERE klucz = 'uchwyt'"]
    {
        let (before, after) = (texts(&source, words).await, texts(&target, words).await);
        assert_eq!(before.len(), after.len());
        assert!(after.iter().all(|word| !before.contains(word)), "{words}");
    }
}
