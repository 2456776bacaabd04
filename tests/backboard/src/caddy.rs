//! A service that runs Caddy's image: the real program, started as Railway starts an image with a start command.

use crate::backend::Backend;
use crate::cache;
use crate::forward;
use crate::model::variables::Variables;
use crate::private_network::PrivateNetwork;
use anyhow::{Context, Result, bail, ensure};
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use uuid::Uuid;

/// How long the program may take until it listens.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);

/// The port that Railway has an app listen on which is told none.
const PORT: &str = "8080";

/// A running container.
pub(crate) struct Caddy {
    child: Child,
    /// The port by which it is known in its environment, and the one that stands for it on this machine.
    pub(crate) ports: (i64, u16),
    _network: PrivateNetwork,
}

/// Whether an image is Caddy's.
pub(crate) fn is_caddy(image: &str) -> bool {
    let name = image.split(['@', ':']).next().unwrap_or_default();
    name.rsplit('/').next() == Some("caddy")
}

impl Caddy {
    /// Runs a start command, which is no shell's: its words, quotes aside, are a program's arguments.
    pub(crate) async fn start(
        backend: &Arc<Backend>,
        environment: Uuid,
        start_command: &str,
        mut variables: Variables,
    ) -> Result<Caddy> {
        let words = words(start_command);
        let (program, arguments) = words.split_first().context("the start command is empty")?;
        let network = PrivateNetwork::open(backend, environment).await?;
        let port = variables.get("PORT").map_or(PORT, String::as_str).parse().context("PORT is no number")?;
        // All containers share this machine's ports.
        let own = backend.current().ports.reserve();
        variables.insert("PORT".to_owned(), own.to_string());
        let home = tempfile::Builder::new().prefix("caddy-").tempdir_in(&backend.runtime.folder)?.keep();
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(variables);
        command.env("PATH", format!("{}:/usr/bin:/bin", cache::caddy()?.display()));
        command.env("HOME", home).env("HTTP_PROXY", network.url());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("exec `{program}`"))?;
        let mut caddy = Caddy { child, ports: (port, own), _network: network };
        caddy.listens().await?;
        Ok(caddy)
    }

    async fn listens(&mut self) -> Result<()> {
        let end = Instant::now() + LISTENS_WITHIN;
        while TcpStream::connect(("127.0.0.1", self.ports.1)).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                let mut said = String::new();
                if let Some(mut stderr) = self.child.stderr.take() {
                    stderr.read_to_string(&mut said).await?;
                }
                bail!("the container ended with {status}: {}", said.lines().last().unwrap_or_default());
            }
            ensure!(Instant::now() < end, "nobody listens on PORT");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        // Whoever reads nothing of it stops the program once the pipe is full.
        if let Some(mut stderr) = self.child.stderr.take() {
            tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
        }
        Ok(())
    }

    pub(crate) fn stop(mut self) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group {
            killpg(Pid::from_raw(group), Signal::SIGKILL).ok();
        }
        self.child.start_kill().ok();
    }
}

/// Sends a request on to a container, as Railway's edge does.
pub(crate) async fn respond(port: u16, host: &str, mut request: Request<Body>) -> Response {
    let headers = request.headers_mut();
    for (name, value) in [("x-forwarded-proto", "https"), ("x-forwarded-host", host), ("x-real-ip", "203.0.113.7")] {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    forward::request(port, request).await
}

/// The words of a command line, quotes taken off.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_command_is_words_and_no_shells_business() {
        assert_eq!(words("/bin/sh -c 'a | b \"c\"' d"), ["/bin/sh", "-c", "a | b \"c\"", "d"]);
        assert!(is_caddy("caddy@sha256:1") && is_caddy("docker.io/library/caddy:2") && !is_caddy("acme/caddy-ui"));
    }
}
