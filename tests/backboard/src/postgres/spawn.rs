//! Starts children that the kernel ends when this process dies.

use anyhow::{Context, Result};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{LazyLock, Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// The kernel sends the death signal when the *thread* that made the child ends, so one thread that never ends
/// makes all of them.
static KEEPER: LazyLock<Mutex<Sender<Job>>> = LazyLock::new(|| {
    let (jobs, queue) = channel::<Job>();
    std::thread::spawn(move || queue.into_iter().for_each(|job| job()));
    Mutex::new(jobs)
});

/// Spawns a child that gets `on_our_death` should this process end without having stopped it.
pub(crate) fn spawn_bound(mut command: Command, on_our_death: Signal) -> Result<Child> {
    // SAFETY: prctl is async-signal-safe, and nothing else happens between fork and exec.
    #[expect(unsafe_code)]
    unsafe {
        command.pre_exec(move || set_pdeathsig(on_our_death).map_err(std::io::Error::from));
    }
    let (answer, spawned) = channel();
    let job = Box::new(move || drop(answer.send(command.spawn())));
    KEEPER.lock().unwrap_or_else(PoisonError::into_inner).send(job).ok().context("the spawning thread is gone")?;
    Ok(spawned.recv().context("the spawning thread is gone")??)
}
