//! What environments use: what Railway measures, and what volumes hold.

use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// Of environments that are gone as well.
    pub(crate) used: Vec<Used>,
    /// How many MB a volume holds, by the id of its instance; the others are empty.
    pub(crate) volume_mb: BTreeMap<Uuid, f64>,
}

/// Some use of one thing that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    pub(crate) project: Uuid,
    pub(crate) environment: Uuid,
    pub(crate) service: Option<Uuid>,
    pub(crate) measurement: String,
    pub(crate) value: f64,
}
