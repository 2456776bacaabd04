//! Every supported version as source, with itself and every newer one as target; unless all is asked for, the oldest
//! and the newest only.

use std::collections::BTreeMap;

use backboard::postgres::{Cluster, ClusterOptions, PgBin};
use railstage::copying::CopyOptions;
use railstage::error::Exit;

use super::shapes::{assert_equal, dump, shapes};
use super::{DATABASE, OLD, copy, run, texts, told};
use crate::asked;

/// A server of one version with all that it can hold in its database.
struct Holder {
    major: u32,
    cluster: Cluster,
    dump: Vec<String>,
}

/// One server of each version that is tried.
async fn holders(newest: &PgBin) -> Vec<Holder> {
    let mut holders = Vec::new();
    let mut bins = PgBin::all().unwrap();
    if !asked::all() {
        bins = vec![bins.remove(0), newest.clone()];
    }
    for bin in bins {
        let cluster = Cluster::start(&bin, ClusterOptions::default()).await.unwrap();
        run(&cluster.connect(DATABASE).await.unwrap(), &shapes(bin.major())).await;
        let dump = dump(newest, &cluster, DATABASE);
        holders.push(Holder { major: bin.major(), cluster, dump });
    }
    let majors: Vec<_> = holders.iter().map(|holder| holder.major).collect();
    assert_eq!(majors, if asked::all() { &[14, 15, 16, 17, 18][..] } else { &[14, 18] }, "run tests/setup");
    holders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_is_copied_into_itself_and_every_newer_one() {
    let newest = PgBin::all().unwrap().pop().unwrap();
    let holders = holders(&newest).await;
    let mut digests: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for target in &holders {
        for source in &holders {
            if !asked::all() && target.major == source.major {
                continue;
            }
            let pair = format!("{} to {}", source.major, target.major);
            let name = format!("of_{}", source.major);
            let create = format!("CREATE DATABASE {name}");
            run(&target.cluster.connect("postgres").await.unwrap(), &create).await;
            run(&target.cluster.connect(&name).await.unwrap(), OLD).await;
            let url = target.cluster.url().replace(&format!("/{DATABASE}"), &format!("/{name}"));
            // Text from every other version, and binary from the rest.
            let binary_from_bytes = if source.major % 2 == 0 { u64::MAX } else { 0 };
            let options =
                CopyOptions { pg_dump: newest.program("pg_dump"), binary_from_bytes, ..CopyOptions::default() };
            let copied = copy(&source.cluster.url(), &url, &options).await;
            if target.major < source.major {
                assert_eq!(Exit::of(copied.as_ref().unwrap_err()), Exit::Invalid, "{pair}");
                let told = told(copied);
                assert!(
                    told.contains(&format!("use a target of PostgreSQL {} or newer", source.major)),
                    "{pair}: {told}"
                );
                let client = target.cluster.connect(&name).await.unwrap();
                assert_eq!(texts(&client, "SELECT word FROM old").await, ["as it was"], "{pair}");
                continue;
            }
            let report = copied.unwrap_or_else(|error| panic!("{pair}: {error:#}"));
            assert_equal(&source.dump, &dump(&newest, &target.cluster, &name), &pair);
            digests.entry(source.major).or_default().push(report.digest);
        }
    }
    not_on_newer_servers(&holders, &newest).await;
    if asked::all() {
        a_locale_of_the_server(&holders, &newest).await;
    }
    let counted: Vec<_> = digests.iter().map(|(major, digests)| (*major, digests.len())).collect();
    let all = [(14, 5), (15, 4), (16, 3), (17, 2), (18, 1)];
    assert_eq!(counted, if asked::all() { &all[..] } else { &[(14, 1)] });
    for (major, digests) in digests {
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{major}: {digests:?}");
    }
}

/// A setting that a newer version does not know is named; an extension that it does not have is found before anything.
async fn not_on_newer_servers(holders: &[Holder], newest: &PgBin) {
    let (oldest, last) = (&holders[0], &holders[holders.len() - 1]);
    let source = oldest.cluster.connect(DATABASE).await.unwrap();
    run(&source, "ALTER EVENT TRIGGER no_ddl DISABLE; ALTER DATABASE railway SET force_parallel_mode = off").await;
    let url = last.cluster.url().replace(&format!("/{DATABASE}"), "/of_14");
    let options = CopyOptions {
        pg_dump: newest.program("pg_dump"),
        exclude_table_data: vec!["*".to_owned()],
        ..CopyOptions::default()
    };
    let report = copy(&oldest.cluster.url(), &url, &options).await.unwrap();
    let setting = report.skipped.iter().find(|s| s.object == "setting force_parallel_mode of the site's sessions");
    assert!(setting.is_some_and(|s| s.reason.contains("does not know it")), "{:?}", report.skipped);

    run(&source, "CREATE EXTENSION adminpack").await;
    let told = told(copy(&oldest.cluster.url(), &url, &options).await);
    assert!(told.contains("lacks extensions of the source: adminpack"), "{told}");
}

/// The server's own locales, which came with 17, stay what they are.
async fn a_locale_of_the_server(holders: &[Holder], newest: &PgBin) {
    let [.., source, target] = holders else { panic!("two versions") };
    let create = "CREATE DATABASE own TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'";
    run(&source.cluster.connect("postgres").await.unwrap(), create).await;
    run(&target.cluster.connect("postgres").await.unwrap(), "CREATE DATABASE own").await;
    let url = |cluster: &Cluster| cluster.url().replace(&format!("/{DATABASE}"), "/own");
    let options = CopyOptions { pg_dump: newest.program("pg_dump"), ..CopyOptions::default() };
    copy(&url(&source.cluster), &url(&target.cluster), &options).await.unwrap();
    let locale = "SELECT datlocprovider, datlocale, datcollate FROM pg_database WHERE datname = 'own'";
    let target = target.cluster.connect("postgres").await.unwrap();
    assert_eq!(texts(&target, locale).await, ["b|C.UTF-8|C"]);
}
