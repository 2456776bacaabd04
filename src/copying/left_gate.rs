//! The gate of a copy in which no old host may be left: it shuts when a table has arrived in which one is. All rows come
//! then, so that all places are told at once, but nothing is made of them in vain.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};

use super::left_urls;
use super::loaded::LoadedRows;
use super::report::LeftUrl;
use crate::error::{Failure, listed};

/// What is left in the tables that have arrived.
#[derive(Debug)]
pub(crate) struct LeftGate {
    /// Whether anything may be left.
    is_lenient: bool,
    refused: Mutex<Vec<LeftUrl>>,
}

impl LeftGate {
    /// An open gate, which only that of a copy that is to fail shuts.
    pub(crate) fn new(fail_on_left: bool) -> Self {
        Self { is_lenient: !fail_on_left, refused: Mutex::default() }
    }

    /// Sees tables that have arrived as a whole.
    pub(crate) fn see(&self, loaded: &[LoadedRows<'_>]) {
        if self.is_lenient {
            return;
        }
        let refused = left_in(loaded).into_iter().filter(|left| !left_urls::is_fine(&left.reason));
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).extend(refused);
    }

    pub(crate) fn is_shut(&self) -> bool {
        !self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Refuses a copy in which an old host is left that need not be.
    ///
    /// # Errors
    /// Invalid input, naming each place.
    pub(crate) fn ensure_open(&self) -> Result<()> {
        let mut left: Vec<_> =
            self.refused.lock().unwrap_or_else(PoisonError::into_inner).iter().map(LeftUrl::to_string).collect();
        left.sort();
        let hint = "leave the rows out, mask or set the values by a rule, rewrite guids as well, or ask for no failure";
        ensure!(
            left.is_empty(),
            Failure::invalid(format!("URLs of the source are left in the copy: {}", listed(&left))).hint(hint)
        );
        Ok(())
    }
}

/// The old hosts that are left in tables, by table, column, key and reason.
pub(crate) fn left_in(loaded: &[LoadedRows<'_>]) -> Vec<LeftUrl> {
    let mut left: BTreeMap<(String, String, Option<String>, String), u64> = BTreeMap::new();
    for line in loaded.iter().flat_map(|done| done.counts.left.told(done.table)) {
        *left.entry((line.table, line.column, line.key, line.reason)).or_default() += line.values;
    }
    left.into_iter()
        .map(|((table, column, key, reason), values)| LeftUrl { table, column, key, values, reason })
        .collect()
}
