//! What is masked in a WordPress database without being asked for: the rules of `preset.yaml`, for each site that is
//! found, and before them those for plugins' switches.

use std::sync::LazyLock;

use super::switches;
use crate::masking::{MaskingRule, RulesFile};

/// Stands in a condition for the ids of the users who keep their login.
pub(crate) const KEPT_USERS: &str = "@kept_users";

static RULES: LazyLock<Vec<MaskingRule>> = LazyLock::new(|| {
    let preset = RulesFile::read(include_str!("preset.yaml")).expect("our own preset is valid");
    switches::rules().chain(preset).collect()
});

/// The preset's rules; their tables have no prefix.
pub(crate) fn rules() -> &'static [MaskingRule] {
    &RULES
}
