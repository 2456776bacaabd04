//! One running container of WordPress.

use super::image::Image;
use crate::ports::Port;
use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// How long PHP may take until it listens.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);

/// How many requests are worked on at once.
const WORKERS: &str = "4";

/// Ends what it has started, and all that this has started, when nobody holds its standard input any more, and when that ends.
const KEEPER: &str = r#"("$@" </dev/null; kill -KILL 0) & read -r _; kill -KILL 0"#;

/// Takes the place of the program that mails are handed to.
const SENDMAIL: &str = "mail=$(mktemp \"${0%/*}/mail/XXXXXXXX\") && cat >\"$mail\"\n";

/// What a container is to be.
#[derive(Debug, Clone, Default)]
pub struct ContainerOptions {
    /// As the image reads them, `WORDPRESS_DB_HOST` a port of this machine.
    pub variables: BTreeMap<String, String>,
    /// Where what it asks of the world outside goes: an HTTP proxy, and whom its certificates are signed by; without one
    /// nobody answers.
    pub outside: Option<(String, String)>,
    /// What is at the image's own folder: a volume, filled by the image where there is no site in it. Default: nothing.
    pub site: Option<PathBuf>,
    /// What is at its `wp-content` alone, in the place of that.
    pub content: Option<PathBuf>,
    /// Whether the image is no more than WordPress, without the shop's plug-in in it.
    pub is_bare: bool,
    /// Where its folder is made; default: the temporary folder.
    pub parent: Option<PathBuf>,
}

/// A running container; dropping it ends it.
#[derive(Debug)]
pub struct Container {
    child: Child,
    port: Port,
    folder: TempDir,
}

impl Container {
    pub async fn start(options: ContainerOptions) -> Result<Container> {
        let mut container = tokio::task::spawn_blocking(move || Container::launch(options)).await??;
        container.listens().await?;
        Ok(container)
    }

    fn launch(options: ContainerOptions) -> Result<Container> {
        let image = Image::find()?;
        let parent = options.parent.unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::Builder::new().prefix(&crate::leftovers::prefix()).tempdir_in(&parent);
        let folder = folder.with_context(|| format!("create a folder in `{}`", parent.display()))?;
        let path = folder.path();
        let site = options.site.unwrap_or_else(|| path.join("www"));
        image.unpack(path, &site, options.content.as_deref(), !options.is_bare)?;
        fs::create_dir(path.join("mail"))?;
        fs::write(path.join("sendmail"), SENDMAIL)?;
        let port = Port::take()?;
        let mut php = image.php();
        php.args(["-d", &format!("sendmail_path=/bin/sh {}", path.join("sendmail").display())]);
        php.args(["-d", "opcache.enable_cli=1", "-d", "opcache.revalidate_freq=0", "-d", "log_errors=1"]);
        php.arg("-S").arg(format!("127.0.0.1:{}", port.number())).arg("-t").arg(&site);
        php.arg(path.join("router.php"));
        // A port on which nobody listens.
        let (proxy, ca) = options.outside.unwrap_or_else(|| ("http://127.0.0.1:9".to_owned(), String::new()));
        fs::write(site.join("wp-includes/certificates/ca-bundle.crt"), ca)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "container"]).arg(php.get_program()).args(php.get_args());
        command.env_clear().envs(&options.variables);
        command.envs(php.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PHP_CLI_SERVER_WORKERS", WORKERS).env("https_proxy", &proxy).env("http_proxy", &proxy);
        let log = fs::File::create(path.join("log"))?;
        command.current_dir(path).stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let child = command.spawn().context("run PHP")?;
        Ok(Container { child, port, folder })
    }

    async fn listens(&mut self) -> Result<()> {
        let end = Instant::now() + LISTENS_WITHIN;
        while TcpStream::connect(("127.0.0.1", self.port())).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the container ended with {status}: {}", self.log().lines().last().unwrap_or_default());
            }
            ensure!(Instant::now() < end, "nobody listens in the container");
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        Ok(())
    }

    /// Where it answers on this machine.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// What PHP has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The mails that it has sent.
    pub fn mails(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("mail")).into_iter().flatten().flatten();
        entries.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.child.id()) {
            killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
        }
        self.child.wait().ok();
    }
}
