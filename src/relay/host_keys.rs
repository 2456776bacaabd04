//! Which relay is the right one: its host key is one of those that the owner has pinned.

use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{HashAlg, PublicKeyOrCertificate};

/// The host keys that the relay may have, as `SHA256:…`.
#[derive(Clone, Debug)]
pub(super) struct HostKeys(Arc<[String]>);

impl HostKeys {
    pub(super) fn pinned(keys: &[String]) -> Self {
        Self(keys.iter().map(|key| key.trim().trim_end_matches('=').to_owned()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Judges the key that one connection meets.
    pub(super) fn judge(&self) -> Judge {
        Judge { keys: self.clone(), met: Arc::default() }
    }
}

/// Sees the host key of one connection, whose proof that it has the private half has been checked by then.
#[derive(Clone)]
pub(super) struct Judge {
    keys: HostKeys,
    met: Arc<Mutex<Option<String>>>,
}

impl Judge {
    /// The key that was met.
    pub(super) fn met(&self) -> Option<String> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_right(&self, key: &PublicKeyOrCertificate) -> bool {
        // Who signs a certificate is nobody that we know.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return false };
        let met = key.fingerprint(HashAlg::Sha256).to_string();
        let is_right = self.keys.0.contains(&met);
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(met);
        is_right
    }
}

impl russh::client::Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(self.is_right(key))
    }
}
