//! Git repositories at hosts of the world, served over the edge's TLS by git's own `git-http-backend`.

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The hosts that have repositories, each a folder.
pub(crate) struct Git {
    folder: PathBuf,
    /// The login without which a host shows nothing, as `user:password` in base64.
    logins: Mutex<HashMap<String, String>>,
}

impl Git {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Git { folder, logins: Mutex::default() }
    }

    /// Where the repositories of a host are, if it has any.
    fn of(&self, host: &str) -> Option<PathBuf> {
        let folder = self.folder.join(host);
        (!host.contains('/') && folder.is_dir()).then_some(folder)
    }

    pub(crate) fn has(&self, host: &str) -> bool {
        self.of(host).is_some()
    }

    pub(crate) fn close(&self, host: &str, login: &str) {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), login.to_owned());
    }

    /// Makes the repository where there is none, and commits these files, and links by what they lead to, to a branch.
    pub(crate) fn commit(
        &self,
        (host, path): (&str, &str),
        branch: &str,
        files: &[(&str, &str)],
        links: &[(&str, &str)],
    ) -> Result<String> {
        let bare = self.folder.join(host).join(format!("{path}.git"));
        if !bare.is_dir() {
            std::fs::create_dir_all(&bare)?;
            git(&bare, &["init", "--quiet", "--bare", "--initial-branch=main", "."])?;
        }
        let work = tempfile::tempdir_in(&self.folder)?;
        for (name, content) in files {
            let at = work.path().join(name);
            std::fs::create_dir_all(at.parent().context("name a file")?)?;
            std::fs::write(at, content)?;
        }
        for (name, target) in links {
            std::os::unix::fs::symlink(target, work.path().join(name))?;
        }
        let (of, at) = (format!("--git-dir={}", bare.display()), format!("--work-tree={}", work.path().display()));
        git(work.path(), &[&of, &at, "add", "--all", "--force", "."])?;
        let tree = git(work.path(), &[&of, "write-tree"])?;
        let name = format!("refs/heads/{branch}");
        let parent = git(work.path(), &[&of, "rev-parse", "--verify", "--quiet", &name]).ok();
        let mut commit = vec![of.as_str(), "commit-tree", "-m", "A commit", &tree];
        if let Some(parent) = &parent {
            commit.extend(["-p", parent]);
        }
        let commit = git(work.path(), &commit)?;
        git(work.path(), &[&of, "update-ref", &name, &commit])?;
        Ok(commit)
    }

    /// Has a name, such as a tag, stand for a commit.
    pub(crate) fn name(&self, (host, path): (&str, &str), name: &str, commit: &str) -> Result<()> {
        git(&self.folder.join(host).join(format!("{path}.git")), &["update-ref", name, commit]).map(|_| ())
    }

    pub(crate) async fn answer(&self, host: &str, request: Request<Incoming>) -> Response {
        let Some(folder) = self.of(host) else { return StatusCode::NOT_FOUND.into_response() };
        let wanted = self.logins.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned();
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if wanted.is_some_and(|login| given != Some(&format!("Basic {login}"))) {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")]).into_response();
        }
        match served(&folder, request).await {
            Ok(response) => response,
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("backboard: git: {error:#}")).into_response(),
        }
    }
}

/// Runs git's CGI program on a request.
async fn served(folder: &Path, request: Request<Incoming>) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let text =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", text("git-protocol"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("start git")?;
    let mut stdin = child.stdin.take().context("feed git")?;
    let feed = async move {
        // Git may answer before it has read everything.
        stdin.write_all(&body).await.ok();
        drop(stdin);
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output?.stdout;
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").context("git sent no headers")?;
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("status") {
            response = response.status(value.trim().get(..3).unwrap_or("500"));
        } else {
            response = response.header(name, value.trim());
        }
    }
    Ok(response.body(Body::from(output[end + 4..].to_vec()))?)
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        std::process::Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|who| {
                [(format!("GIT_{who}_NAME"), "Acme"), (format!("GIT_{who}_EMAIL"), "ops@acme.example")]
            }))
            .output()
            .context("start git")?;
    ensure!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
