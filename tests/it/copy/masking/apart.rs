//! What may stay is told apart with who says so; what nobody says may stay fails the copy, as a rule that is pasted mends.

use railstage::copying::CopyOptions;
use railstage::masking::{Apart, Identifier, KeepUsers, Key, Masked, Masking, RulesFile, Sheet, Stays};

use super::super::{Ends, run, texts};

/// A site whose owner logs in with an address, whose imprint tells of her, and that keeps people where nothing can be changed.
const SITE: &str = r#"
    CREATE TABLE wp_users ("ID" bigint PRIMARY KEY, user_login text, user_pass text, user_nicename text, user_email text, display_name text);
    INSERT INTO wp_users VALUES
        (1, 'ida@people.example.net', '$2y$10$InventedInventedInventedInventedInventedInventedInven', 'ida', 'ida@people.example.net', 'Ida Keeper'),
        (2, 'zquill84', '$2y$10$InventedInventedInventedInventedInventedInventedInvex', 'zquill84', 'zoe@people.example.net', 'Zoë Quillfeather'),
        (3, 'olla', 'x', 'olla', 'olla@people.example.net', 'Ottoline Brambleworth');
    CREATE TABLE wp_usermeta (umeta_id bigint PRIMARY KEY, user_id bigint, meta_key text, meta_value text);
    INSERT INTO wp_usermeta VALUES (1, 1, 'wp_capabilities', 'a:1:{s:13:"administrator";b:1;}'),
        (2, 2, 'billing_phone', '020 7946 0123'), (3, 2, 'billing_address_1', '12 Thistledown Lane'), (4, 2, 'hotline', 'zoe@people.example.net');
    CREATE TABLE wp_options (option_id bigint PRIMARY KEY, option_name text, option_value text);
    INSERT INTO wp_options VALUES (1, 'siteurl', 'https://shop.example.com');
    CREATE TABLE wp_posts ("ID" bigint PRIMARY KEY, post_title text, post_content text, post_excerpt text, post_status text, post_type text, post_password text);
    INSERT INTO wp_posts VALUES
        (1, 'Imprint', 'Ottoline Brambleworth, olla@people.example.net, 192.0.2.77, GB82 WEST 1234 5698 7654 32', '', 'publish', 'page', ''),
        (2, 'Draft', 'Ottoline Brambleworth, olla@people.example.net', '', 'draft', 'page', '');
    CREATE TABLE wp_terms (term_id bigint PRIMARY KEY, name text, slug text);
    INSERT INTO wp_terms VALUES (1, 'Lamps', 'lamps');
    CREATE TABLE members (mail text PRIMARY KEY, names text[], scan bytea);
    INSERT INTO members VALUES ('zoe@people.example.net', ARRAY['Zoë Quillfeather', '+44 20 7946 0123'], convert_to('12 Thistledown Lane', 'UTF8'));"#;

async fn with_site() -> Ends {
    let ends = Ends::start().await;
    run(&ends.source().await, SITE).await;
    ends
}

fn masking(rules: &str) -> Masking {
    Masking { rules: RulesFile::read(rules).unwrap(), ..Masking::new(Key::random()) }
}

async fn sheet(ends: &Ends, masking: Masking) -> Sheet {
    let report = ends.copy(&CopyOptions { masking: Some(masking), ..ends.options() }).await;
    report.unwrap_or_else(|error| panic!("{error:#}")).masking.unwrap()
}

/// What of somebody is told apart in a column, by whom, and why.
fn apart<'s>(sheet: &'s Sheet, column: &str) -> Vec<(Identifier, Stays, &'s str)> {
    let lines = sheet.proof.as_ref().unwrap().apart.iter().filter(|line| line.column == column);
    lines.map(|Apart { identifier, stays, because, .. }| (*identifier, *stays, because.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_reason_to_stay_is_told_and_no_residue() {
    use Identifier::{Email, Iban, Ip, Name, PasswordHash, Phone, Street};
    let ends = with_site().await;
    let rules = "
rules:
  - {table: wp_usermeta, column: meta_value, when: {column: meta_key, in: [hotline]}, transformer: keep, because: it is on the door}";
    let sheet = sheet(&ends, masking(rules)).await;
    let proof = sheet.proof.as_ref().unwrap();
    assert_eq!(proof.residue, [], "{}", sheet.lines().join("\n"));
    let of_user = |what| vec![(what, Stays::KeepUsers, "of a user who keeps the login")];
    assert_eq!(apart(&sheet, "public.wp_users.user_login"), of_user(Email));
    assert_eq!(apart(&sheet, "public.wp_users.user_pass"), of_user(PasswordHash));
    let hotline = &proof.apart.iter().find(|line| line.column == "public.wp_usermeta.meta_value").unwrap();
    assert_eq!((hotline.rows.as_deref(), hotline.stays), (Some("meta_key = hotline"), Stays::Rule));
    assert_eq!((hotline.because.as_str(), hotline.values), ("it is on the door", 1));
    // Whoever is published is nobody's secret, so that the name is not even searched for.
    let imprint = apart(&sheet, "public.wp_posts.post_content");
    assert_eq!(
        imprint.iter().map(|(what, stays, _)| (*what, *stays)).collect::<Vec<_>>(),
        [(Email, Stays::Public), (Iban, Stays::Public), (Ip, Stays::Public)]
    );
    assert!(proof.published > 0);
    let unwritable = |what, because| (what, Stays::Unwritable, because);
    assert_eq!(apart(&sheet, "public.members.mail"), [unwritable(Email, "part of a key, which is not changed")]);
    let list = "of type _text: lists are not changed";
    assert_eq!(apart(&sheet, "public.members.names"), [unwritable(Phone, list), unwritable(Name, list)]);
    assert_eq!(apart(&sheet, "public.members.scan"), [unwritable(Street, "of type bytea: bytes are not changed")]);
    assert_eq!(sheet.masked, Masked::Partial);
    let target = ends.target().await;
    let draft = texts(&target, "SELECT post_content FROM wp_posts WHERE \"ID\" = 2").await;
    assert!(!draft[0].contains("Bramble") && !draft[0].contains("olla@"), "{draft:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_keeps_a_login_where_that_is_asked_for_and_nothing_is_told_apart_for_it() {
    let ends = with_site().await;
    let keep_users = KeepUsers::parse(&["none".to_owned()]);
    let sheet = sheet(&ends, Masking { keep_users, ..masking("rules: []") }).await;
    assert!(sheet.proof.unwrap().apart.iter().all(|line| line.stays != Stays::KeepUsers));
    let left = "SELECT count(*) FROM wp_users WHERE user_login ~ '@people' OR user_pass ~ 'Invented'";
    assert_eq!(texts(&ends.target().await, left).await, ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coarse_rule_leaves_finer_ones_in_force_unless_it_stands_instead_of_them() {
    let ends = with_site().await;
    let rule = |instead: bool| {
        format!(
            "rules: [{{table: wp_usermeta, column: meta_value, transformer: keep, because: it is a test, instead: {instead}}}]"
        )
    };
    let phones = "SELECT count(*) FROM wp_usermeta WHERE meta_value = '020 7946 0123'";
    let finer = sheet(&ends, masking(&rule(false))).await;
    assert_eq!(texts(&ends.target().await, phones).await, ["0"]);
    let told =
        |sheet: &Sheet| apart(sheet, "public.wp_usermeta.meta_value").iter().map(|line| line.0).collect::<Vec<_>>();
    assert_eq!(told(&finer), [Identifier::Email]);
    let coarse = sheet(&ends, masking(&rule(true))).await;
    assert_eq!(texts(&ends.target().await, phones).await, ["1"]);
    // Whom a rule keeps nobody learns, so that they are searched for nowhere.
    assert_eq!(told(&coarse), [Identifier::Email]);
    assert!(coarse.columns.iter().any(|line| line.because.as_deref() == Some("it is a test") && line.values == 4));
    let because = apart(&coarse, "public.wp_usermeta.meta_value");
    assert!(
        because.iter().all(|(_, stays, because)| (*stays, *because) == (Stays::Rule, "it is a test")),
        "{because:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_neither_a_rule_nor_a_net_reaches_fails_the_copy_and_a_reason_lets_it_pass() {
    let ends = Ends::start().await;
    // What a CHECK lets pass is what a net must not change.
    run(
        &ends.source().await,
        "CREATE TABLE gadgets (id int PRIMARY KEY, mail text CHECK (mail LIKE '%@people.example.net'), what text);
         INSERT INTO gadgets VALUES (1, 'zoe@people.example.net', 'lamp');",
    )
    .await;
    let error = ends.copy(&CopyOptions { masking: Some(masking("rules: []")), ..ends.options() }).await.unwrap_err();
    let failure = railstage::error::failure(&error).unwrap();
    let place = "e-mail addresses in 1 value of public.gadgets.mail";
    assert!(failure.message.contains(place), "{place} is not in {}", failure.message);
    let hint = failure.hint.clone().unwrap();
    assert!(hint.contains("table") && !format!("{error:#}{hint}").contains("zoe@"), "{hint}");
    let rule = "rules: [{table: gadgets, column: mail, transformer: keep, because: addresses of machines}]";
    let sheet = sheet(&ends, masking(rule)).await;
    assert_eq!(sheet.proof.as_ref().unwrap().residue, []);
    assert_eq!(apart(&sheet, "public.gadgets.mail"), [(Identifier::Email, Stays::Rule, "addresses of machines")]);
    assert_eq!(sheet.masked, Masked::Full, "{:?}", sheet.partial_because);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_of_computers_official_numbers_and_hashes_that_are_left_are_told() {
    let ends = Ends::start().await;
    let table = "CREATE TABLE logbook (id int PRIMARY KEY, body text);";
    run(&ends.source().await, table).await;
    for (id, body) in [(1, "from 203.0.113.77"), (2, "SSN 219-09-9999"), (3, "version 3.18.40.1, 198.18.0.9")] {
        // A form that `contacts`, which looks for addresses and telephones, does not read.
        run(&ends.source().await, &format!("INSERT INTO logbook VALUES ({id}, encode('{body}', 'hex'))")).await;
    }
    let contacts = "rules: [{table: logbook, column: body, transformer: contacts}]";
    let told = sheet(&ends, masking(contacts)).await;
    let found: Vec<_> =
        told.proof.as_ref().unwrap().residue.iter().map(|line| (line.identifier, line.values)).collect();
    assert_eq!(found, [(Identifier::Ip, 1), (Identifier::OfficialNumber, 1)]);
    assert_eq!(told.masked, Masked::Partial);
    let hash = "$2y$10$InventedInventedInventedInventedInventedInventedInven";
    run(&ends.source().await, &format!("INSERT INTO logbook VALUES (4, encode('{hash}', 'hex'))")).await;
    let options = CopyOptions { masking: Some(masking(contacts)), copy_id: "hash".to_owned(), ..ends.options() };
    let error = ends.copy(&options).await.unwrap_err();
    assert!(format!("{error:#}").contains("hashes of passwords in 1 value of public.logbook.body"), "{error:#}");
    let options = CopyOptions { masking: Some(masking("rules: []")), copy_id: "nets".to_owned(), ..ends.options() };
    let masked = ends.copy(&options).await.unwrap().masking.unwrap();
    assert_eq!(masked.proof.unwrap().residue, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_stays_says_why_and_in_which_rows() {
    let ends = with_site().await;
    run(
        &ends.source().await,
        "CREATE TABLE lamps (id int PRIMARY KEY, title text); INSERT INTO lamps VALUES (1, 'A lamp')",
    )
    .await;
    let sheet = sheet(&ends, masking("rules: []")).await;
    let stays = |column: &str| {
        let line = sheet.searched.iter().find(|line| line.column == column);
        line.unwrap_or_else(|| panic!("{column} is not in {:?}", sheet.searched)).stays.join("; ")
    };
    assert_eq!(
        stays("public.wp_posts.post_content"),
        "production shows it to everyone, where the post is published, of a public type and without a password"
    );
    assert!(stays("public.wp_terms.name").starts_with("names of categories, tags and attributes"));
    assert_eq!(stays("public.wp_options.option_value"), "settings of the site");
    assert!(stays("public.lamps.title").contains("its table is not about people"));
    assert_eq!(stays("public.wp_usermeta.meta_value"), "");
}
