//! What becomes of the files of one volume on their way into a copy.

use anyhow::Result;

use crate::contract::request::CloneRequest;
use crate::environment::file_volumes::FileVolume;
use crate::environment::guard::Target;
use crate::files::Treatment;

/// What becomes of the files of one volume.
pub(super) struct OfVolume;

impl OfVolume {
    pub(super) fn new(_target: &Target, _request: &CloneRequest, _volume: &FileVolume<'_>) -> Result<Self> {
        Ok(Self)
    }
}

impl Treatment for OfVolume {
    fn is_left(&self, _path: &[u8], _is_folder: bool) -> bool {
        false
    }

    fn may_change(&self, _path: &[u8]) -> bool {
        false
    }

    fn treat(&self, _path: &[u8], _contents: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
}
