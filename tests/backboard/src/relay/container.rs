//! The inside of a container: a file system, processes and variables of its own, made of this machine's programs.
//!
//! It is a mount namespace and a process namespace (`unshare`), whose root is an empty file system with `/usr`, `/etc` and their
//! like of this machine in it, read only, and each volume at its mount path. So a command that names `/var/www/html` means what it
//! means at Railway, nobody outside sees the mounts, and what a container has not in a volume is gone with it. Its loopback is this
//! machine's: which of its ports are the container's is decided in `forward.rs`.

use crate::model::variables::Variables;
use crate::postgres::spawn::spawn_bound;
use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use tempfile::TempDir;

/// Makes the file system and becomes the container's first process: its start command, where that is a shell's, else one that
/// waits for nothing.
const INSIDE: &str = include_str!("container.sh");

/// Whether a start command is run as it stands: it is a shell's. Of all others the programs are not here.
pub(crate) fn is_of_shell(start_command: &str) -> bool {
    ["sh ", "/bin/sh "].iter().any(|shell| start_command.starts_with(shell))
}

/// Enters it: the words are the folder to work in, and the command, as a login shell gets it.
const ENTER: &str = r#"cd "$1" 2>/dev/null; exec /bin/sh -c "$2""#;

/// What a container is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inside {
    pub(crate) variables: Variables,
    /// Mount paths, and the folders that are seen there.
    pub(crate) volumes: Vec<(String, PathBuf)>,
    /// How many bytes a volume holds that is of this container alone, in the place of the folders.
    pub(crate) limit: Option<u64>,
    /// Whose commands are, where not root's.
    pub(crate) user: Option<u32>,
    /// Whether busybox is all that it has of programs.
    pub(crate) only_busybox: bool,
    /// Where commands run.
    pub(crate) working_folder: String,
    pub(crate) start_command: Option<String>,
}

/// A running service's container, whose inside is made when somebody first wants to go there.
pub(crate) struct Container {
    inside: Inside,
    parent: PathBuf,
    running: Mutex<Option<Running>>,
    /// How many bytes its commands were fed.
    pub(crate) fed: AtomicU64,
}

struct Running {
    /// Ends the whole namespace with it.
    keeper: Child,
    first_process: u32,
    _root: TempDir,
}

impl Container {
    pub(crate) fn new(inside: Inside, parent: PathBuf) -> Arc<Container> {
        Arc::new(Container { inside, parent, running: Mutex::default(), fed: AtomicU64::new(0) })
    }

    /// The process of this machine that is the container's first; one that has ended is started again, as Railway does it.
    pub(crate) fn first_process(&self) -> Result<u32> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &mut *running
            && running.keeper.try_wait()?.is_none()
        {
            return Ok(running.first_process);
        }
        let started = Running::start(&self.inside, &self.parent)?;
        Ok(running.insert(started).first_process)
    }

    /// Ends all that runs in it.
    pub(crate) fn end(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether its first process is this one still.
    pub(crate) fn is_running(&self, first_process: u32) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let still = running.as_mut().filter(|running| running.first_process == first_process);
        still.is_some_and(|running| running.keeper.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// A command that runs in it, beside its first process.
    pub(crate) fn command(&self, text: &[u8]) -> Result<(Command, u32)> {
        let first_process = self.first_process()?;
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--pid", "--root", "--wdns=/"]);
        if !nix::unistd::geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        if let Some(user) = self.inside.user {
            command.arg(format!("--setuid={user}")).arg(format!("--setgid={user}"));
        }
        command.arg(format!("--target={first_process}")).args(["/bin/sh", "-c", ENTER, "sh"]);
        command.arg(&self.inside.working_folder).arg(OsStr::from_bytes(text));
        command.env_clear().envs(&self.inside.variables).envs(STANDARD);
        Ok((command, first_process))
    }
}

/// What a container has whatever its service's variables are.
const STANDARD: [(&str, &str); 2] =
    [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("HOME", "/root")];

impl Running {
    fn start(inside: &Inside, parent: &Path) -> Result<Running> {
        if let Err(why) = &*POSSIBLE {
            bail!("no container can be made on this machine: {why}");
        }
        let root = tempfile::Builder::new().prefix("root-").tempdir_in(parent)?;
        let mut command = unshare();
        command.args(["/bin/sh", "-c", INSIDE, "container"]).arg(root.path());
        command.arg(if inside.only_busybox { which("busybox")? } else { PathBuf::new() });
        command.arg(inside.start_command.as_deref().filter(|command| is_of_shell(command)).unwrap_or_default());
        for (path, folder) in &inside.volumes {
            match inside.limit {
                None => command.arg(path).arg(folder),
                Some(bytes) => command.arg(path).arg(format!("size={bytes}")),
            };
        }
        command.env_clear().envs(&inside.variables).envs(STANDARD).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = spawn_bound(command, Signal::SIGKILL).context("run `unshare`")?;
        let up = keeper.stdout.take().and_then(|told| BufReader::new(told).lines().next());
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", keeper.id())).unwrap_or_default();
        let first_process = children.split_whitespace().next().and_then(|pid| pid.parse().ok());
        match (up, first_process) {
            (Some(Ok(_)), Some(first_process)) => Ok(Running { keeper, first_process, _root: root }),
            _ => {
                keeper.kill().ok();
                let output = keeper.wait_with_output()?;
                bail!("make a container: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.keeper.kill().ok();
        self.keeper.wait().ok();
    }
}

fn which(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).map(|folder| folder.join(program));
    all.into_iter().find(|file| file.is_file()).with_context(|| format!("`{program}` is missing: run tests/setup"))
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--propagation=private"]);
    if !nix::unistd::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
}

/// Whether this machine lets us make containers, else why not.
pub(crate) static POSSIBLE: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let tried = || {
        let mount = "mount -t tmpfs none /mnt && mount -t proc none /mnt";
        let output = unshare().args(["/bin/sh", "-c", mount]).output().context("run `unshare`")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(())
    };
    tried().map_err(|error: anyhow::Error| format!("{error:#}"))
});
