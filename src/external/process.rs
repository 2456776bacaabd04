//! The only place that starts a child program; it knows nothing of what the program means.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::error::{Exit, Failure};
use crate::external::process_env::ProcessEnv;

/// Variables of our own environment that every child gets; all others are cleared.
const PASS: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What a child may print, unless it is told otherwise.
const MOST_BYTES: u64 = 64 << 20;

/// How many of a child's last lines an error shows.
const LINES_IN_ERROR: usize = 20;

/// One call of an outside program.
pub(crate) struct Child {
    program: PathBuf,
    args: Vec<OsString>,
    inherited: ProcessEnv,
    env: Vec<(String, OsString)>,
    stdin: Option<Vec<u8>>,
    cwd: Option<PathBuf>,
    deadline: Duration,
}

/// What a child left behind: its status and both streams, whole.
pub(crate) struct ChildOutput {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Child {
    /// A call of `program` that gets `deadline` to end.
    pub(crate) fn new(program: impl Into<PathBuf>, inherited: &ProcessEnv, deadline: Duration) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            inherited: inherited.clone(),
            env: Vec::new(),
            stdin: None,
            cwd: None,
            deadline,
        }
    }

    /// Adds arguments; never a secret, they are visible to the whole machine.
    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable for the child.
    pub(crate) fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), OsString::from(value.into())));
        self
    }

    /// Passes these variables of our own environment on, where they are set and not empty.
    pub(crate) fn pass(mut self, names: &[&str]) -> Self {
        for name in names {
            if let Some(value) = self.inherited.text(name) {
                self.env.push(((*name).to_owned(), value.into()));
            }
        }
        self
    }

    /// Feeds `bytes` to the child's standard input; without this it is null.
    pub(crate) fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Runs the child in `dir`.
    pub(crate) fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Runs the child to its end; dropping the future kills it.
    ///
    /// # Errors
    /// [`Exit::Program`] when it cannot be started, [`Exit::Deadline`] when it takes too long. Its exit status is for the caller to judge.
    pub(crate) async fn run(self) -> Result<ChildOutput> {
        let name = self.name();
        let deadline = self.deadline;
        tokio::time::timeout(deadline, self.run_to_end()).await.unwrap_or_else(|_| {
            Err(Failure::deadline(format!("`{name}` did not end within {} s", deadline.as_secs())).into())
        })
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned()
    }

    async fn run_to_end(self) -> Result<ChildOutput> {
        let name = self.name();
        let mut child =
            self.command().spawn().map_err(|e| Failure::new(Exit::Program, format!("start `{name}`: {e}")))?;
        let mut stdout = child.stdout.take().context("take the child's stdout")?;
        let mut stderr = child.stderr.take().context("take the child's stderr")?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let feed = async {
            if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), &self.stdin) {
                pipe.write_all(bytes).await?;
                pipe.shutdown().await?;
            }
            io::Result::Ok(())
        };
        // One byte more tells that there is more.
        let mut all = (&mut stdout).take(MOST_BYTES + 1);
        let reading = async {
            let read = all.read_to_end(&mut out).await;
            if out.len() as u64 > MOST_BYTES { Err(ErrorKind::FileTooLarge.into()) } else { read }
        };
        let fed = async { io::Result::Ok(feed.await) };
        let read = tokio::try_join!(fed, reading, stderr.read_to_end(&mut err));
        let (fed, ..) = read.map_err(|error| match error.kind() {
            ErrorKind::FileTooLarge => anyhow::Error::from(Failure::invalid(format!(
                "`{name}` prints more than {} MiB, which is not held",
                MOST_BYTES >> 20
            ))),
            _ => anyhow::Error::from(error).context(format!("read what `{name}` prints")),
        })?;
        let status = child.wait().await.with_context(|| format!("wait for `{name}`"))?;
        let finished = ChildOutput { status, stdout: out, stderr: err };
        // A child that ends badly often stops reading first; its own message is the one that helps.
        if finished.status.success() {
            fed.with_context(|| format!("write to `{name}`"))?;
        }
        Ok(finished)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // In a group of its own, Ctrl-C at a terminal reaches us and not the child: we decide when it ends.
        command.args(&self.args).env_clear().kill_on_drop(true).process_group(0);
        command.envs(PASS.iter().filter_map(|name| Some((name, self.inherited.raw(name)?))));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl ChildOutput {
    /// The last lines of stderr, or of stdout when stderr is empty, for an error.
    pub(crate) fn last_words(&self) -> String {
        let stream = if self.stderr.trim_ascii().is_empty() { &self.stdout } else { &self.stderr };
        let lines: Vec<_> = stream.trim_ascii().split(|b| *b == b'\n').collect();
        let kept = &lines[lines.len().saturating_sub(LINES_IN_ERROR)..];
        kept.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}
