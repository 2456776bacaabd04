//! A WordPress-shaped shop of any size, loaded once per size and copied from then on.

use crate::cache;
use crate::postgres::{Cluster, ClusterOptions, PgBin};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use tokio_postgres::Client;

/// The shop's schema and data, as SQL that reads its size from the setting `fixture.bytes`.
const SHOP: &str = include_str!("../../fixtures/shop.sql");

/// The database that the shop is loaded into.
pub const DATABASE: &str = "railway";

/// Loads the shop into the database that a client is connected to; about `bytes` large.
pub async fn load(client: &Client, bytes: u64) -> Result<()> {
    client.batch_execute(&format!("SET fixture.bytes = '{bytes}'")).await?;
    client.batch_execute(SHOP).await.context("load shop.sql")?;
    // Frozen and with its hint bits set, the data is not touched again by readers.
    client.batch_execute("VACUUM (FREEZE, ANALYZE)").await.context("vacuum the shop")
}

/// The data directory of a stopped server with the shop in it, made on first use.
pub(crate) async fn data_directory(bin: &PgBin, bytes: u64) -> Result<PathBuf> {
    let digest = Sha256::digest(format!("{}\n{SHOP}", bin.version()));
    let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let (bin, runtime) = (bin.clone(), tokio::runtime::Handle::current());
    let made = tokio::task::spawn_blocking(move || {
        cache::made_once(&format!("fixture-{bytes}-{hash}"), |folder| {
            let settings = [
                ("wal_level", "minimal"),
                ("max_wal_senders", "0"),
                ("work_mem", "64MB"),
                ("maintenance_work_mem", "256MB"),
            ];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let options = ClusterOptions { database: DATABASE.to_owned(), settings, ..ClusterOptions::default() };
            let cluster = runtime.block_on(async {
                let cluster = Cluster::start(&bin, options).await?;
                load(&cluster.connect(DATABASE).await?, bytes).await?;
                anyhow::Ok(cluster)
            })?;
            cluster.keep_data(folder)
        })
    });
    made.await?.context("make the fixture")
}
