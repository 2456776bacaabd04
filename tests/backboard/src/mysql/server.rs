//! One running server with a data directory, a port and, where that is wanted, a certificate of its own.

use super::home::{Family, MysqlHome};
use crate::cache::copy_folder;
use crate::ports::Port;
use crate::postgres::account::Account;
use crate::postgres::spawn::spawn_bound;
use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const START_DEADLINE: Duration = Duration::from_mins(1);
const STOP_DEADLINE: Duration = Duration::from_secs(30);

/// What a server is to be; the default has `root` and the app's `railway`, both with a password, and the database `railway`.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Of `root`.
    pub password: String,
    /// Empty: none.
    pub database: String,
    /// The app's login with its password, which owns the database and nothing else.
    pub user: Option<(String, String)>,
    /// With a certificate of ours where the server makes none itself: plain connections stay possible.
    pub tls: bool,
    /// Options of the server, such as `--max-connections=20`.
    pub settings: Vec<String>,
    /// Where the server's folder is made; default: the temporary folder.
    pub parent: Option<PathBuf>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            password: "canary-server-password".to_owned(),
            database: "railway".to_owned(),
            user: Some(("railway".to_owned(), "canary-server-password".to_owned())),
            tls: true,
            settings: Vec::new(),
            parent: None,
        }
    }
}

/// A running server; dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    home: MysqlHome,
    /// Held while the server is down, too.
    port: Port,
    server: Child,
    folder: TempDir,
}

impl Server {
    pub async fn start(home: &MysqlHome, options: ServerOptions) -> Result<Server> {
        let home = home.clone();
        tokio::task::spawn_blocking(move || Server::launch(&home, options)).await?
    }

    fn launch(home: &MysqlHome, options: ServerOptions) -> Result<Server> {
        let account = Account::find()?;
        let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix(&crate::leftovers::prefix()).tempdir_in(&parent);
        let folder = folder.with_context(|| format!("create a folder in `{}`", parent.display()))?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
        account.own(folder.path())?;
        let data = folder.path().join("data");
        copy_folder(&home.template(account)?, &data)?;
        renew_identity(&data)?;
        if options.tls && home.family() == Family::MariaDb && home.number() < (11, 4) {
            write_certificate(account, folder.path())?;
        }
        let port = Port::take()?;
        let server = serve(home, &options, account, folder.path(), port.number())?;
        let mut server = Server { options, home: home.clone(), port, server, folder };
        server.await_ready()?;
        server.set_up().context("set up logins and database")?;
        Ok(server)
    }

    /// Ends the server at once, as a crash does: nothing is written out.
    pub fn crash(&mut self) -> Result<()> {
        self.end(Signal::SIGKILL)
    }

    /// Starts the server again, on the same port; it is ready to be connected to.
    pub fn start_again(&mut self) -> Result<()> {
        let account = Account::find()?;
        self.server = serve(&self.home, &self.options, account, self.folder.path(), self.port.number())?;
        self.await_ready()
    }

    /// Stops the server as an operator does and starts it again, on the same port; whoever is connected is cut off.
    pub(crate) fn restart(mut self) -> Result<Server> {
        self.end(Signal::SIGTERM)?;
        self.start_again().map(|()| self)
    }

    fn await_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            // What listens on the socket may still be at work on what a crash left; it then refuses whoever comes.
            let refused = match UnixStream::connect(self.socket()) {
                Ok(_) => match self.sql("SELECT 1") {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error.into(),
            };
            if let Some(status) = self.server.try_wait()? {
                bail!("the server ended with {status}\n{}", self.log().trim_end());
            }
            if Instant::now() > deadline {
                return Err(refused.context("the server does not come up"));
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Railway's templates have a `root` that may do all; MariaDB's has a login beside it that owns the database and nothing else.
    fn set_up(&self) -> Result<()> {
        let ServerOptions { password, database, user, .. } = &self.options;
        if self.home.family() == Family::MariaDb {
            // What comes from here is not to be taken for somebody without a password.
            self.sql("DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'; FLUSH PRIVILEGES")?;
        }
        let literal = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
        let ident = |text: &str| format!("`{}`", text.replace('`', "``"));
        let mut statements = format!(
            "CREATE USER root@'%' IDENTIFIED BY {}; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;",
            literal(password)
        );
        if !database.is_empty() {
            statements += &format!("CREATE DATABASE IF NOT EXISTS {};", ident(database));
        }
        if let Some((user, password)) = user {
            statements += &format!("CREATE USER {}@'%' IDENTIFIED BY {};", literal(user), literal(password));
            if !database.is_empty() {
                let pattern = ident(&database.replace('_', "\\_"));
                statements += &format!("GRANT ALL ON {pattern}.* TO {}@'%';", literal(user));
            }
        }
        self.sql(&statements).map(drop)
    }

    /// The URL of `root`, by TCP.
    pub fn url(&self) -> String {
        self.url_of("root")
    }

    /// The URL of another login with the same password.
    pub fn url_of(&self, user: &str) -> String {
        let ServerOptions { password, database, .. } = &self.options;
        let scheme = if self.home.family() == Family::MariaDb { "mariadb" } else { "mysql" };
        format!("{scheme}://{user}:{password}@localhost:{}/{database}", self.port())
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn home(&self) -> &MysqlHome {
        &self.home
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The options that it was started with.
    pub fn options(&self) -> &ServerOptions {
        &self.options
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Runs statements as `root` through the socket, in the server's own database if it is there.
    pub fn sql(&self, statements: &str) -> Result<Vec<String>> {
        self.sql_in(&self.options.database, statements)
    }

    /// Runs statements as `root` through the socket, in a database if it is there; the rows of all answers, their fields with tabs
    /// between and escaped as the client does it.
    pub fn sql_in(&self, database: &str, statements: &str) -> Result<Vec<String>> {
        let mut command = Command::new(self.home.client()?);
        command.args([
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
            "--user=root",
        ]);
        command.arg(format!("--socket={}", self.socket().display())).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = command.spawn().context("run the server's client")?;
        let mut stdin = client.stdin.take().context("write to the client")?;
        let is_there = !database.is_empty() && self.folder.path().join("data").join(database).is_dir();
        let statements = match is_there {
            true => format!("USE `{}`;\n{statements}", database.replace('`', "``")),
            false => statements.to_owned(),
        };
        let feeding = std::thread::spawn(move || stdin.write_all(statements.as_bytes()).ok());
        let output = client.wait_with_output()?;
        feeding.join().ok();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the client ended with {}: {}", output.status, said.trim_end());
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }

    fn end(&mut self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.server.id().cast_signed());
        let deadline = Instant::now() + STOP_DEADLINE;
        if self.server.try_wait()?.is_none() {
            kill(pid, signal).context("stop the server")?;
        }
        while self.server.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.server.kill()?;
                bail!("the server did not stop within {} s and was killed", STOP_DEADLINE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The data is thrown away, so there is nothing to write out first.
        self.end(Signal::SIGKILL).ok();
    }
}

fn serve(home: &MysqlHome, options: &ServerOptions, account: Account, folder: &Path, port: u16) -> Result<Child> {
    let log = File::options().append(true).create(true).open(folder.join("log"))?;
    let mut command = home.server(&folder.join("data"));
    command.arg(format!("--socket={}", folder.join("socket").display())).arg(format!("--port={port}"));
    // A server that starts removes the tables that others have put aside where it puts its own.
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary)?;
    account.own(&temporary)?;
    command.arg(format!("--tmpdir={}", temporary.display()));
    command.arg(format!("--pid-file={}", folder.join("pid").display()));
    command.args(["--bind-address=127.0.0.1", "--skip-name-resolve"]);
    // A server lives for minutes and is thrown away.
    command.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--max-connections=60"]);
    match home.family() {
        // As Railway's template starts it: neither a log of changes nor the tables of what the server does may be counted on.
        Family::MySql => {
            command.args(["--disable-log-bin", "--performance-schema=0", "--innodb-use-native-aio=0", "--mysqlx=0"])
        }
        Family::MariaDb => command.args(["--innodb-use-native-aio=0", "--innodb-log-file-size=32M"]),
    };
    if folder.join("server.crt").exists() {
        command.arg(format!("--ssl-cert={}", folder.join("server.crt").display()));
        command.arg(format!("--ssl-key={}", folder.join("server.key").display()));
    } else if !options.tls {
        command.arg(if home.family() == Family::MariaDb { "--skip-ssl" } else { "--tls-version=" });
    }
    command.args(&options.settings);
    command.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    account.apply(&mut command);
    spawn_bound(command, Signal::SIGKILL).context("start the server")
}

/// Takes out of a copied data directory what a server makes when it has none: its id, and its certificates.
fn renew_identity(data: &Path) -> Result<()> {
    for entry in fs::read_dir(data)? {
        let path = entry?.path();
        if path.ends_with("auto.cnf") || path.extension().is_some_and(|extension| extension == "pem") {
            fs::remove_file(&path).with_context(|| format!("remove `{}`", path.display()))?;
        }
    }
    Ok(())
}

fn write_certificate(account: Account, folder: &Path) -> Result<()> {
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).context("make a certificate")?;
    let (crt, key) = (folder.join("server.crt"), folder.join("server.key"));
    fs::write(&crt, certificate.cert.pem())?;
    fs::write(&key, certificate.signing_key.serialize_pem())?;
    fs::set_permissions(&key, Permissions::from_mode(0o600))?;
    account.own(&key)
}
