//! The key by which the relay lets us in: made for one step and kept in memory alone, or one in a file that only we can read.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;

use crate::error::{Exit, Failure};
use crate::external::process_env::ProcessEnv;

/// Names a file with a key whose public half the account has.
pub(super) const KEY_FILE_VARIABLE: &str = "RAILSTAGE_SSH_KEY";

/// Larger is no key.
const LARGEST: u64 = 64 << 10;

/// A private key. Its `Debug` shows the public half.
#[derive(Clone)]
pub(crate) struct RelayKey {
    pub(super) private: Arc<PrivateKey>,
    /// Whether it was made by us, and so has been registered a moment ago.
    pub(super) is_fresh: bool,
}

impl RelayKey {
    /// A new Ed25519 key, which no disk ever has.
    pub(crate) fn fresh() -> Self {
        let pair = Ed25519Keypair::from_seed(&rand::random());
        Self { private: Arc::new(PrivateKey::from(pair)), is_fresh: true }
    }

    /// The key in the file that `RAILSTAGE_SSH_KEY` names, if it names one.
    ///
    /// # Errors
    /// Invalid input for a file that others may read, or that holds no key that can be used without a passphrase.
    pub(crate) fn of_file(env: &ProcessEnv) -> Result<Option<Self>> {
        let Some(path) = env.text(KEY_FILE_VARIABLE) else { return Ok(None) };
        let read = read(Path::new(path)).with_context(|| format!("read `{KEY_FILE_VARIABLE}`"))?;
        Ok(Some(Self { private: Arc::new(read), is_fresh: false }))
    }

    /// The public half, as Railway takes it.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub(crate) fn public(&self) -> Result<String> {
        self.private.public_key().to_openssh().context("write the public key")
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.private.public_key().fingerprint(russh::keys::HashAlg::Sha256).to_string())
    }
}

fn read(path: &Path) -> Result<PrivateKey> {
    let told = path.display();
    let file = File::open(path)
        .map_err(|error| Failure::new(Exit::Program, format!("the key `{told}` cannot be opened: {error}")))?;
    // Of the file that was opened, whatever the name leads to by now.
    let found = file.metadata().context("look at the key")?;
    ensure!(found.is_file(), Failure::invalid(format!("`{told}` is no file")));
    let ours = rustix::process::geteuid().as_raw();
    let is_open = found.mode() & 0o077 != 0;
    ensure!(
        !is_open && found.uid() == ours,
        Failure::invalid(format!("the key `{told}` can be read by others, or is another account's"))
            .hint(format!("chmod 600 {told}"))
    );
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).context("read the key")?;
    let Ok(key) = PrivateKey::from_openssh(&text) else {
        bail!(
            Failure::invalid(format!("`{told}` holds no private key of OpenSSH"))
                .hint("make one with `ssh-keygen -t ed25519`")
        );
    };
    ensure!(
        !key.is_encrypted(),
        Failure::invalid(format!("the key `{told}` has a passphrase, which nobody is here to type")).hint(format!(
            "give {KEY_FILE_VARIABLE} a key without one, or leave it out: then a key is made for each step"
        ))
    );
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use russh::keys::ssh_key::LineEnding;

    use super::*;

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = RelayKey::fresh();
        std::fs::write(&path, key.private.to_openssh(LineEnding::LF).unwrap()).unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let env = ProcessEnv::new([(KEY_FILE_VARIABLE.into(), path.clone().into_os_string())]);
        for open in [0o644, 0o640, 0o604] {
            mode(open);
            let told = format!("{:#}", RelayKey::of_file(&env).unwrap_err());
            assert!(told.contains("can be read by others"), "{told}");
        }
        mode(0o600);
        let read = RelayKey::of_file(&env).unwrap().unwrap();
        assert_eq!(read.public().unwrap(), key.public().unwrap());
        assert!(!read.is_fresh);
        std::fs::write(&path, "no key").unwrap();
        assert!(format!("{:#}", RelayKey::of_file(&env).unwrap_err()).contains("no private key"));
    }

    #[test]
    fn a_fresh_key_shows_its_public_half_alone_and_is_another_each_time() {
        let (one, other) = (RelayKey::fresh(), RelayKey::fresh());
        assert!(one.public().unwrap().starts_with("ssh-ed25519 AAAA"));
        assert_ne!(one.public().unwrap(), other.public().unwrap());
        assert!(format!("{one:?}").starts_with("SHA256:"));
        assert!(RelayKey::of_file(&ProcessEnv::default()).unwrap().is_none());
    }
}
