//! Starts Kestra's processes, with what the flows' tasks need around them.

use std::path::PathBuf;
use std::process::Stdio;

use backboard::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::engine::PATIENCE;
use crate::mailbox::Mailbox;

/// Who may use Kestra's API.
pub(crate) const USER: &str = "ops@example.net";
pub(crate) const PASSWORD: &str = "canary-kestra-password-5d";

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `tests/kestra/run` with the world, the secrets and the programs that tasks need.
pub(crate) fn program(world: &World, webhook_key: &str, mailbox: &Mailbox) -> Command {
    let mut command = Command::new(root().join("tests/kestra/run"));
    command.env("PATH", path()).envs(world.cli_env()).env_remove("RAILWAY_API_TOKEN");
    command.env("KENGINE_BASIC", format!("{USER}:{PASSWORD}"));
    command.env("SECRET_RAILWAY_API_TOKEN", STANDARD.encode(world.token()));
    command.env("SECRET_RAILSTAGE_RECORD_KEY", STANDARD.encode("canary-record-key-of-the-flows"));
    command.env("SECRET_RAILSTAGE_WEBHOOK_KEY", STANDARD.encode(webhook_key));
    command.env("SECRET_RAILSTAGE_NOTIFY_URL", STANDARD.encode(&mailbox.url));
    let key = format!("whsec_{}", STANDARD.encode("canary-key-that-signs-what-is-told"));
    command.env("SECRET_RAILSTAGE_NOTIFY_KEY", STANDARD.encode(key));
    command
}

/// The process once it does its work, and what it said then; it ends with us, and by `kill -9`: what it leaves is in `folder`.
pub(crate) async fn answered(mut command: Command, folder: &TempDir) -> (Child, Value) {
    command
        .arg("--until-eof")
        .env("TMPDIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut process = command.spawn().expect("start the engine");
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let ready = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("the engine starts in time");
    (process, serde_json::from_str(&ready.unwrap().expect("the engine's first line")).unwrap())
}

/// PATH with the binary, and the programs that `tests/setup` has put into the cache, before all others.
fn path() -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_railstage")).parent().unwrap().to_owned();
    let own = [binary].into_iter().chain(backboard::cache::programs().unwrap());
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(own.chain(std::env::split_paths(&inherited))).unwrap().into_string().unwrap()
}
