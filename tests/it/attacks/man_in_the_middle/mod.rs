//! Somebody answers in a database's place, on the way to it, and wants its password or its rows.

pub(crate) mod middle;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use backboard::{ExtraService, WorldOptions};
use middle::{Middle, Trick};
use railstage::copying::{CopyOptions, Progress};
use railstage::error::{Exit, describe};
use railstage::postgres::{Endpoint, copy_database, inspect, inspect_target};
use serde_json::json;
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;

use crate::copy::{DATABASE, Ends, PASSWORD, run, texts};
use crate::stage::Stage;

/// Where steps look for a database that is behind this port.
fn behind(port: u16) -> Endpoint {
    Endpoint::of_proxy("localhost", port, "postgres", PASSWORD, DATABASE)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stands_in_between_is_found_out_and_hears_no_password() {
    let ends = Ends::start().await;
    for trick in Trick::ALL {
        let middle = Middle::start(ends.source.port(), trick).await;
        let (code, words) = match trick {
            Trick::Relays => (Exit::Outside, "somebody stands between here and the server"),
            Trick::Strips | Trick::AsksForPassword => {
                (Exit::Invalid, "the server does not prove that it knows the password")
            }
            Trick::HasNoTls => (Exit::Invalid, "the server has no TLS"),
        };
        let refused = [
            inspect(&behind(middle.port)).await.map(drop).unwrap_err(),
            inspect_target(&behind(middle.port)).await.map(drop).unwrap_err(),
        ];
        for error in refused {
            let told = describe("copy", &error);
            assert!(told.contains(words) && Exit::of(&error) == code, "{trick:?}: {told}");
        }
        assert!(!middle.has_heard(PASSWORD), "{trick:?}");
        assert!(!middle.has_heard("SELECT"), "{trick:?}");
    }
    assert_eq!(inspect(&behind(ends.source.port())).await.unwrap().problems, Vec::<String>::new());
}

/// What these lines used to be: proof that the tricks are ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_proof_he_is_told_the_password() {
    let ends = Ends::start().await;
    for (trick, mode) in [(Trick::AsksForPassword, "require"), (Trick::HasNoTls, "prefer")] {
        let middle = Middle::start(ends.source.port(), trick).await;
        let url = format!("postgresql://postgres:{PASSWORD}@localhost:{}/{DATABASE}?sslmode={mode}", middle.port);
        inspect(&Endpoint::parse(&url).unwrap()).await.map(drop).unwrap_err();
        assert!(middle.has_heard(PASSWORD), "{trick:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pg_dump_gives_itself_away_to_nobody_either() {
    let ends = Ends::start().await;
    run(&ends.source().await, "CREATE TABLE t AS SELECT 1 AS x").await;
    let copy = async |options: CopyOptions| {
        let (source, target) = (behind(ends.source.port()), behind(ends.target.port()));
        let (progress, cancel) = (Arc::new(Progress::default()), CancellationToken::new());
        copy_database(&source, &target, &options, &progress, &cancel).await
    };
    // Our own sessions reach the server, and `pg_dump` alone is led astray.
    let astray = ends.source.folder().join("pg_dump_astray");
    for trick in Trick::ALL {
        let middle = Middle::start(ends.source.port(), trick).await;
        let pg_dump = ends.bin.program("pg_dump");
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *--version*) ;; *) export PGPORT={};; esac\nexec '{}' \"$@\"\n",
            middle.port,
            pg_dump.display()
        );
        fs::write(&astray, script).unwrap();
        fs::set_permissions(&astray, fs::Permissions::from_mode(0o755)).unwrap();
        let options = CopyOptions { pg_dump: astray.clone(), attempts: 1, ..ends.options() };
        let told = describe("copy", &copy(options).await.unwrap_err());
        let words = if trick == Trick::HasNoTls { "SSL" } else { "channel binding" };
        assert!(told.contains("pg_dump") && told.contains(words), "{trick:?}: {told}");
        assert!(!middle.has_heard(PASSWORD), "{trick:?}");
    }
    copy(ends.options()).await.unwrap();
    assert_eq!(texts(&ends.target().await, "SELECT x FROM t").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_with_an_old_verifier_is_refused_with_what_mends_it() {
    let ends = Ends::start().await;
    let source = ends.source().await;
    let hba = texts(&source, "SHOW hba_file").await.remove(0);
    fs::write(hba, "local all all trust\nhost all all 127.0.0.1/32 md5\n").unwrap();
    let anew = |how: &str| {
        format!("SET password_encryption = '{how}'; ALTER ROLE postgres PASSWORD '{PASSWORD}'; SELECT pg_reload_conf()")
    };
    run(&source, &anew("md5")).await;
    crate::stage::eventually("the verifier is refused", async || {
        let told = inspect(&behind(ends.source.port())).await.map_err(|error| describe("validate", &error));
        told.is_err_and(|told| {
            told.contains("the server does not prove that it knows the password")
                && told.contains("has an MD5 verifier")
        })
    })
    .await;
    run(&source, &anew("scram-sha-256")).await;
    inspect(&behind(ends.source.port())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_tls_is_copied_only_where_the_owner_says_so() {
    let options = WorldOptions { extra_services: vec![ExtraService::Postgis], ..WorldOptions::prompt() };
    let mut stage = Stage::of(options).await;
    let variable = |name: &str| stage.world.variable("production", "Places", name).unwrap().unwrap();
    let (port, password) = (variable("RAILWAY_TCP_PROXY_PORT"), variable("POSTGRES_PASSWORD"));
    let url = format!("postgresql://postgres:{password}@localhost:{port}/postgres");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    run(&client, "CREATE TABLE places AS SELECT generate_series(1, 7) AS id").await;
    let request = stage.request(json!({"environment_name": "places"}));

    let refused = stage.step("validate", "places", &request).await;
    let told = refused.expect(2).error();
    assert!(told.contains("`Places`") && told.contains("the server has no TLS"), "{told}");
    assert!(told.contains("name the service in `weak_lines` of the policy") && !told.contains("`Postgres`"), "{told}");

    stage.policy["weak_lines"] = json!(["Places"]);
    let copied = stage.steps_until("sync-db", "places", &request).await.outputs();
    let places = copied["databases"].as_array().unwrap().iter().find(|one| one["service"] == "Places").unwrap();
    assert_eq!(places["rows"], 7, "{copied}");
}
