//! What is refused before anything is done, in words that say what to change.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use backboard::Port;
use backboard::postgres::Cluster;
use nix::unistd::{User, geteuid};
use railstage::copying::CopyOptions;
use railstage::error::Exit;

use super::proxy::{Proxy, Way, through};
use super::{DATABASE, Ends, PASSWORD, copy, eventually, run, texts, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_database_is_refused_however_it_is_spelled() {
    let ends = Ends::with_rows().await;
    let url = ends.target.url();
    let port = ends.target.port();
    let proxy = Proxy::harmless(port).await;
    let socket = format!("postgresql://postgres@/{DATABASE}?host={}&port={port}", ends.target.folder().display());
    for other in [url.replace("localhost", "127.0.0.1"), through(&url, port, &proxy), socket] {
        let error = copy(&other, &url, &ends.options()).await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Invalid);
        assert!(format!("{error:#}").contains("source and target are the same database"), "{error:#}");
    }
    ends.assert_target_is_old().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_databases_of_one_server_may_be_copied() {
    let ends = Ends::with_rows().await;
    let target = ends.source.url().replace(&format!("/{DATABASE}"), "/twin");
    run(&ends.source.connect("postgres").await.unwrap(), "CREATE DATABASE twin").await;
    let report = copy(&ends.source.url(), &target, &ends.options()).await.unwrap();
    assert_eq!((report.tables, report.rows), (2, 20002));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_logins_hosts_and_names_are_told_apart() {
    let ends = Ends::start().await;
    let (source, target) = (ends.source.url(), ends.target.url());
    let cases = [
        (source.replace(PASSWORD, "wrong-password"), target.clone(), Exit::Outside, "password authentication failed"),
        (source.replace("localhost", "no-such-host.invalid"), target.clone(), Exit::Outside, "no-such-host.invalid"),
        (
            source.replace(&format!("/{DATABASE}"), "/nothing"),
            target.clone(),
            Exit::Outside,
            "\"nothing\" does not exist",
        ),
        (source.clone(), target.replace(&format!("/{DATABASE}"), "/nothing"), Exit::Invalid, "no database `nothing`"),
    ];
    for (source, target, exit, words) in cases {
        let result = copy(&source, &target, &ends.options()).await;
        assert_eq!(Exit::of(result.as_ref().unwrap_err()), exit);
        let told = told(result);
        assert!(told.contains(words), "{told}");
        // What an unknown host is meant to be, nobody knows.
        assert_eq!(told.contains("hint: "), words != "no-such-host.invalid", "{told}");
        assert!(!told.contains(PASSWORD) && !told.contains("wrong-password"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_is_refused_with_the_name_of_the_variable_to_use() {
    let ends = Ends::with_rows().await;
    // Told to ignore `options`, it lets a session begin; else it refuses one.
    for ignored in ["extra_float_digits", "extra_float_digits, options"] {
        for is_source in [true, false] {
            let server = if is_source { &ends.source } else { &ends.target };
            let pooler = Pooler::start(server, ignored).await;
            let pooled = format!("postgresql://postgres@127.0.0.1:{}/{DATABASE}?sslmode=disable", pooler.port.number());
            let urls = if is_source { (pooled, ends.target.url()) } else { (ends.source.url(), pooled) };
            let error = copy(&urls.0, &urls.1, &ends.options()).await.unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Invalid, "{error:#}");
            let told = told::<()>(Err(error));
            assert!(told.contains("pooler") && told.contains("DATABASE_UNPOOLED_URL"), "{told}");
            ends.assert_target_is_old().await;
        }
    }
}

/// A PgBouncer that hands one server session to many clients, a transaction at a time.
struct Pooler {
    port: Port,
    _folder: tempfile::TempDir,
    _child: tokio::process::Child,
}

impl Pooler {
    async fn start(server: &Cluster, ignored: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::take().unwrap();
        let number = port.number();
        let settings = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {number}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\nignore_startup_parameters = {ignored}\n",
            server.folder().display(),
            server.port()
        );
        let settings = settings.replace("* = ", "* = user=postgres ");
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mut command = tokio::process::Command::new("/usr/sbin/pgbouncer");
        command.arg("--quiet").arg(&file).kill_on_drop(true).stderr(Stdio::null());
        // Like Postgres it refuses to run as root.
        if let (true, Some(user)) = (geteuid().is_root(), User::from_name("postgres").unwrap()) {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let child = command.spawn().expect("start `pgbouncer` (run tests/setup)");
        eventually("the pooler listens", async || tokio::net::TcpStream::connect(("127.0.0.1", number)).await.is_ok())
            .await;
        Self { port, _folder: folder, _child: child }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_checked_as_sslmode_says() {
    let ends = Ends::with_rows().await;
    let (right, wrong) = (ends.source.ca_file(), ends.target.ca_file());
    let url = |more: &str| format!("{}?{more}", ends.source.url());
    let full = url(&format!("sslmode=verify-full&sslrootcert={}", right.display()));
    copy(&full, &format!("{}?sslmode=require", ends.target.url()), &ends.options()).await.unwrap();
    let ca = url(&format!("sslmode=verify-ca&sslrootcert={}", right.display()));
    let options = CopyOptions { copy_id: "run-2".to_owned(), ..ends.options() };
    copy(&ca, &format!("{}?sslmode=require", ends.target.url()), &options).await.unwrap();
    let options = CopyOptions { copy_id: "run-3".to_owned(), ..ends.options() };
    let told = told(
        copy(&url(&format!("sslmode=verify-full&sslrootcert={}", wrong.display())), &ends.target.url(), &options).await,
    );
    assert!(told.contains("certificate"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn left_out_rows_must_not_be_referred_to() {
    let ends = Ends::with_rows().await;
    run(&ends.source().await, "CREATE TABLE smaller (id int REFERENCES small); CREATE TABLE loose (id int)").await;
    run(&ends.source().await, "ALTER TABLE loose ADD FOREIGN KEY (id) REFERENCES big NOT VALID").await;
    let mut options = CopyOptions { exclude_table_data: vec!["b?g".to_owned()], ..ends.options() };
    let told = told(ends.copy(&options).await);
    let (first, second) = ("`public.small` (its key `small_id_fkey` refers to `public.big`)", "`smaller_id_fkey`");
    assert!(told.contains(first) && told.contains(second) && !told.contains("loose"), "{told}");
    assert!(told.ends_with("hint: leave their data out as well: public.small, public.smaller"), "{told}");
    ends.assert_target_is_old().await;
    run(&ends.source().await, "DROP TABLE smaller, loose").await;

    options.exclude_table_data = vec!["*.big".to_owned(), "small".to_owned()];
    let report = ends.copy(&options).await.unwrap();
    assert_eq!((report.tables, report.rows), (0, 0));
    let skipped: Vec<_> = report.skipped.iter().map(|s| s.object.as_str()).collect();
    assert_eq!(skipped, ["rows of public.big", "rows of public.small"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_extension_that_the_target_lacks_is_found_first() {
    let ends = Ends::with_rows().await;
    let source = ends.source().await;
    run(&source, "CREATE EXTENSION hstore; UPDATE pg_extension SET extname = 'nowhere' WHERE extname = 'hstore'").await;
    let told = told(ends.copy(&ends.options()).await);
    assert!(told.contains("lacks extensions of the source: nowhere"), "{told}");
    ends.assert_target_is_old().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_superuser_can_make_is_left_out_and_named() {
    let ends = Ends::with_rows().await;
    let login = "CREATE ROLE app LOGIN CREATEDB PASSWORD 'canary-app'; ALTER DATABASE railway OWNER TO app";
    for server in [&ends.source, &ends.target] {
        run(&server.connect(DATABASE).await.unwrap(), login).await;
    }
    let source = ends.source().await;
    run(&source, "ALTER TABLE big OWNER TO app; ALTER TABLE small OWNER TO app; CREATE EXTENSION hstore").await;
    run(&source, "CREATE PUBLICATION everything FOR ALL TABLES; COMMENT ON PUBLICATION everything IS 'all'").await;
    run(&source, "CREATE PUBLICATION whole FOR TABLES IN SCHEMA public").await;
    run(&source, "CREATE FUNCTION nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'").await;
    run(&source, "CREATE EVENT TRIGGER quiet ON ddl_command_end EXECUTE FUNCTION nothing()").await;
    run(&source, "COMMENT ON EVENT TRIGGER quiet IS 'nothing'; ALTER DATABASE railway SET log_statement = 'all'").await;
    let as_app = |cluster: &Cluster| cluster.url().replace(&format!("postgres:{PASSWORD}"), "app:canary-app");
    let report = copy(&as_app(&ends.source), &as_app(&ends.target), &ends.options()).await.unwrap();
    let skipped: Vec<_> = report.skipped.iter().map(|s| format!("{}: {}", s.object, s.reason)).collect();
    for expected in [
        "event trigger quiet: only a superuser can make it",
        "publication everything: only a superuser can make it",
        "publication tables in schema public.whole public: only a superuser can make it",
        "setting log_statement of the site's sessions: the login of the target may not set it",
        "ownership by role postgres (",
    ] {
        assert!(skipped.iter().any(|s| s.starts_with(expected)), "{expected} is not in {skipped:#?}");
    }
    assert_eq!(report.rows, 20002);
    let owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'railway'";
    assert_eq!(texts(&ends.target().await, owner).await, ["app"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_extension_holds_arrives_or_is_named() {
    let ends = Ends::with_rows().await;
    for server in [&ends.source, &ends.target] {
        let folder = server.folder().join("extension");
        std::fs::create_dir(&folder).unwrap();
        let version = if server.port() == ends.source.port() { "1.0" } else { "1.1" };
        std::fs::write(folder.join("jobs.control"), format!("default_version = '{version}'\n")).unwrap();
        for version in ["1.0", "1.1"] {
            std::fs::write(folder.join(format!("jobs--{version}.sql")), JOBS).unwrap();
        }
        let path = format!("ALTER SYSTEM SET extension_control_path = '$system:{}'", server.folder().display());
        let client = server.connect(DATABASE).await.unwrap();
        run(&client, &path).await;
        run(&client, "SELECT pg_reload_conf()").await;
    }
    eventually("the extension is there", async || {
        let there = "SELECT 1 FROM pg_available_extensions WHERE name = 'jobs'";
        let (source, target) = (ends.source().await, ends.target().await);
        !texts(&source, there).await.is_empty() && !texts(&target, there).await.is_empty()
    })
    .await;
    run(&ends.source().await, "CREATE EXTENSION jobs; INSERT INTO job (command) VALUES ('mine'), ('also mine')").await;
    run(&ends.source().await, "INSERT INTO job_log VALUES ('ran')").await;
    let report = ends.copy(&ends.options()).await.unwrap();
    let target = ends.target().await;
    assert_eq!(texts(&target, "SELECT id, command FROM job ORDER BY id").await, ["1|theirs", "2|mine", "3|also mine"]);
    assert_eq!(texts(&target, "SELECT nextval('job_id_seq')").await, ["4"]);
    let skipped: Vec<_> = report.skipped.iter().map(|s| format!("{}: {}", s.object, s.reason)).collect();
    for expected in [
        "changes to public.job_log of extension jobs: the extension does not say that they are the user's",
        "version 1.0 of extension jobs: the target's server has 1.1",
    ] {
        assert!(skipped.iter().any(|s| s == expected), "{expected} is not in {skipped:#?}");
    }
}

const JOBS: &str = "
    CREATE TABLE job (id serial PRIMARY KEY, command text);
    INSERT INTO job (command) VALUES ('theirs');
    SELECT pg_catalog.pg_extension_config_dump('job', 'WHERE id > 1');
    SELECT pg_catalog.pg_extension_config_dump('job_id_seq', '');
    CREATE TABLE job_log (line text);";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_held_for_too_long_is_given_up() {
    let ends = Ends::with_rows().await;
    let proxy = Proxy::start(ends.source.port(), Way::FromServer, 3_000_000).await;
    let source = through(&ends.source.url(), ends.source.port(), &proxy);
    let options = CopyOptions { snapshot_max_age: Duration::from_secs(10), ..ends.options() };
    let error = copy(&source, &ends.target.url(), &options).await.unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Deadline, "{error:#}");
    let told = told::<()>(Err(error));
    assert!(told.contains("snapshot was held for 10 s") && told.contains("copy from a replica"), "{told}");
    assert_eq!(proxy.struck(), 1, "it was tried again");
    ends.assert_target_is_old().await;
    ends.assert_source_is_let_go().await;
}
