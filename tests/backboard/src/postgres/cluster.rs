//! One running server with a data directory, a port and a certificate of its own.

use super::account::Account;
use super::template::{PgBin, TEMPLATE_DATABASE_USER, run_as};
use super::{identity, spawn::spawn_bound};
use crate::cache::copy_folder;
use crate::ports::Port;
use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_postgres::{Client, Config, NoTls};

const START_DEADLINE: Duration = Duration::from_mins(1);
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// What a cluster is to be; the default has the user `postgres`, a password, TLS and the database `railway`.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    pub user: String,
    /// Without one, everybody on the loopback is let in.
    pub password: Option<String>,
    pub database: String,
    /// With a self-signed certificate for `localhost`; plain connections stay possible.
    pub tls: bool,
    /// Lines for `postgresql.conf`, such as `("max_connections", "20")`.
    pub settings: Vec<(String, String)>,
    /// A cleanly stopped data directory to start from, in place of an empty one.
    pub copy_of: Option<PathBuf>,
    /// Where the cluster's folder is made; default: the temporary folder.
    pub parent: Option<PathBuf>,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        ClusterOptions {
            user: TEMPLATE_DATABASE_USER.to_owned(),
            password: Some("canary-cluster-password".to_owned()),
            database: "railway".to_owned(),
            tls: true,
            settings: Vec::new(),
            copy_of: None,
            parent: None,
        }
    }
}

/// A running Postgres; dropping it stops the server and removes its folder.
#[derive(Debug)]
pub struct Cluster {
    options: ClusterOptions,
    bin: PgBin,
    /// Held while the server is down, too.
    port: Port,
    server: Child,
    folder: TempDir,
}

impl Cluster {
    pub async fn start(bin: &PgBin, options: ClusterOptions) -> Result<Cluster> {
        let (bin, wanted) = (bin.clone(), options.clone());
        let cluster = tokio::task::spawn_blocking(move || Cluster::launch(&bin, wanted)).await??;
        let mut cluster = cluster;
        let client = cluster.await_ready().await?;
        cluster.set_up(client).await.context("set up user and database")?;
        Ok(cluster)
    }

    fn launch(bin: &PgBin, options: ClusterOptions) -> Result<Cluster> {
        let account = Account::find()?;
        let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix(&crate::leftovers::prefix()).tempdir_in(&parent);
        let folder = folder.with_context(|| format!("create a folder in `{}`", parent.display()))?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
        let data = folder.path().join("data");
        let source = match &options.copy_of {
            Some(source) => source.clone(),
            None => bin.template(account)?,
        };
        copy_folder(&source, &data)?;
        identity::renew(&data)?;
        let mut reset = Command::new(bin.program("pg_resetwal"));
        reset.arg("--force").arg(&data);
        run_as(account, reset)?;
        let port = Port::take()?;
        write_settings(account, folder.path(), &options, port.number())?;
        let server = serve(bin, account, folder.path())?;
        Ok(Cluster { options, bin: bin.clone(), port, server, folder })
    }

    /// Ends the server at once, as a crash does: nothing is written out.
    pub fn crash(&mut self) -> Result<()> {
        self.end(Signal::SIGQUIT)
    }

    /// Starts the server again after a crash, on the same port; it is ready to be connected to.
    pub async fn start_again(&mut self) -> Result<()> {
        self.server = serve(&self.bin, Account::find()?, self.folder.path())?;
        self.await_ready().await.map(drop)
    }

    /// Stops the server as an operator does and starts it again, on the same port; whoever is connected is cut off.
    pub(crate) async fn restart(mut self) -> Result<Cluster> {
        let mut stopped = tokio::task::spawn_blocking(move || self.end(Signal::SIGINT).map(|()| self)).await??;
        stopped.start_again().await?;
        Ok(stopped)
    }

    async fn await_ready(&mut self) -> Result<Client> {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let refused = match self.local(TEMPLATE_DATABASE_USER, "postgres").await {
                Ok(client) => return Ok(client),
                Err(refused) => refused,
            };
            if let Some(status) = self.server.try_wait()? {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("`postgres` ended with {status}\n{}", log.trim_end());
            }
            if Instant::now() > deadline {
                return Err(refused.context("`postgres` does not come up"));
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Connects through the socket in the cluster's own folder, where no password is asked.
    async fn local(&self, user: &str, database: &str) -> Result<Client> {
        let mut config = Config::new();
        config.host_path(self.folder.path()).port(self.port()).user(user).dbname(database);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn set_up(&self, client: Client) -> Result<()> {
        let options = &self.options;
        let user = quoted(&options.user, '"');
        if options.user != TEMPLATE_DATABASE_USER {
            client.batch_execute(&format!("CREATE ROLE {user} SUPERUSER LOGIN")).await?;
        }
        if let Some(password) = &options.password {
            client.batch_execute(&format!("ALTER ROLE {user} PASSWORD {}", quoted(password, '\''))).await?;
        }
        let known = client.query("SELECT FROM pg_database WHERE datname = $1", &[&options.database]).await?;
        if known.is_empty() {
            let database = quoted(&options.database, '"');
            client.batch_execute(&format!("CREATE DATABASE {database} OWNER {user}")).await?;
        }
        Ok(())
    }

    /// The login in the options, by TCP.
    pub fn url(&self) -> String {
        let ClusterOptions { user, password, database, .. } = &self.options;
        let password = password.as_ref().map(|password| format!(":{password}")).unwrap_or_default();
        format!("postgresql://{user}{password}@localhost:{}/{database}", self.port())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The server's self-signed certificate, as a CA file for `verify-full`.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("server.crt")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A superuser's connection to one of the cluster's databases, without a password.
    pub async fn connect(&self, database: &str) -> Result<Client> {
        self.local(TEMPLATE_DATABASE_USER, database).await
    }

    /// Stops the server and removes its folder.
    pub fn stop(self) {
        drop(self);
    }

    /// Stops the server cleanly and moves its data directory, so that it can be copied.
    pub(crate) fn keep_data(mut self, to: &Path) -> Result<()> {
        self.end(Signal::SIGINT)?;
        copy_folder(&self.folder.path().join("data"), to)
    }

    fn end(&mut self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.server.id().cast_signed());
        let deadline = Instant::now() + STOP_DEADLINE;
        if self.server.try_wait()?.is_none() {
            kill(pid, signal).context("stop `postgres`")?;
        }
        while self.server.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.server.kill()?;
                bail!("`postgres` did not stop within {} s and was killed", STOP_DEADLINE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The data is thrown away, so there is nothing to write out first.
        if self.end(Signal::SIGQUIT).is_err() {
            self.server.kill().ok();
            self.server.wait().ok();
        }
    }
}

fn serve(bin: &PgBin, account: Account, folder: &Path) -> Result<Child> {
    let log = File::create(folder.join("log"))?;
    let mut command = Command::new(bin.program("postgres"));
    command.arg("-D").arg(folder.join("data"));
    command.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    account.apply(&mut command);
    spawn_bound(command, Signal::SIGQUIT).context("start `postgres`")
}

fn quoted(text: &str, quote: char) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
}

fn write_settings(account: Account, folder: &Path, options: &ClusterOptions, port: u16) -> Result<()> {
    let data = folder.join("data");
    let method = if options.password.is_some() { "scram-sha-256" } else { "trust" };
    // As in the official image, whoever comes from the container's own loopback is let in; that is 127.0.0.2 here (`relay/forward.rs`).
    let who = format!("local all all trust\nhost all all 127.0.0.2/32 trust\nhost all all 127.0.0.1/32 {method}\n");
    fs::write(data.join("pg_hba.conf"), who)?;
    let mut settings: Vec<(&str, String)> = vec![
        ("listen_addresses", "127.0.0.1".into()),
        ("port", port.to_string()),
        ("unix_socket_directories", folder.display().to_string()),
        ("password_encryption", "scram-sha-256".into()),
        ("shared_buffers", "64MB".into()),
        ("max_connections", "60".into()),
        ("max_wal_size", "2GB".into()),
        // A world lives for minutes and is thrown away.
        ("fsync", "off".into()),
        ("synchronous_commit", "off".into()),
        ("full_page_writes", "off".into()),
        // Tests compare transaction ids and row counters of a database that nobody may write.
        ("autovacuum", "off".into()),
    ];
    if options.tls {
        let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])
            .context("make a certificate")?;
        let (crt, key) = (folder.join("server.crt"), folder.join("server.key"));
        fs::write(&crt, certificate.cert.pem())?;
        fs::write(&key, certificate.signing_key.serialize_pem())?;
        fs::set_permissions(&key, Permissions::from_mode(0o600))?;
        account.own(&key)?;
        settings.push(("ssl", "on".into()));
        settings.push(("ssl_cert_file", crt.display().to_string()));
        settings.push(("ssl_key_file", key.display().to_string()));
    }
    let more = options.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let lines: String =
        settings.into_iter().chain(more).map(|(name, value)| format!("{name} = {}\n", quoted(&value, '\''))).collect();
    fs::write(data.join("postgresql.auto.conf"), lines).context("write the server's settings")?;
    account.own(folder)
}
