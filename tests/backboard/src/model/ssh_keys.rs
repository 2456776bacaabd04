//! Public keys by which the relay knows who comes: an account's, or a workspace's.

use super::{Answer, Model};
use jiff::Timestamp;
use russh::keys::{HashAlg, PublicKey};
use std::time::Instant;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct SshKey {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// As it was registered.
    pub(crate) text: String,
    pub(crate) key: PublicKey,
    pub(crate) created_at: Timestamp,
    /// Whether it is the workspace's; else it is the account's.
    pub(crate) of_workspace: bool,
    /// The relay does not know it before this.
    pub(crate) accepted_at: Instant,
}

impl SshKey {
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }
}

pub(crate) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

impl Model {
    /// Registers a key; a key is in one place only, of all that there are.
    pub(crate) fn register_key(
        &mut self,
        name: &str,
        text: &str,
        of_workspace: bool,
        accepted_at: Instant,
    ) -> Answer<Uuid> {
        let key = PublicKey::from_openssh(text.trim()).map_err(|_| "Invalid SSH public key")?;
        if self.ssh_keys.iter().any(|known| known.key.key_data() == key.key_data()) {
            return Err("SSH key is already registered".into());
        }
        let (id, created_at) = (Uuid::new_v4(), Timestamp::now());
        let (name, text) = (name.to_owned(), text.to_owned());
        self.ssh_keys.push(SshKey { id, name, text, key, created_at, of_workspace, accepted_at });
        Ok(id)
    }

    pub(crate) fn remove_key(&mut self, id: Uuid, may_touch_personal: bool) -> Answer<()> {
        let mine = |key: &SshKey| key.id == id && (key.of_workspace || may_touch_personal);
        let position = self.ssh_keys.iter().position(mine).ok_or("SSH key not found")?;
        self.ssh_keys.remove(position);
        Ok(())
    }

    /// The key that somebody shows, if it is registered, whether or not the relay knows it already.
    pub(crate) fn registered_key(&self, shown: &PublicKey) -> Option<&SshKey> {
        self.ssh_keys.iter().find(|known| known.key.key_data() == shown.key_data())
    }
}
