//! Where a WordPress site keeps what everyone can read.

use std::borrow::Cow;

use roaring::RoaringTreemap;

use super::known::{KnownPeople, Published};
use crate::data::tables::Table;

/// A table of texts that everyone can read, where what stands in `when` is true.
pub(crate) struct Place {
    /// Its name without the site's prefix.
    pub(crate) table: &'static str,
    texts: &'static [&'static str],
    /// Columns, and what may stand in each.
    pub(crate) when: &'static [(&'static str, &'static [&'static str])],
    /// The column of the ids by which it is known what is published.
    id: Option<&'static str>,
    /// Of a larger table only so many bytes are looked through, those that were written last.
    pub(crate) most_bytes: Option<u64>,
    /// Whether a text may be somebody's name as a whole.
    is_name: bool,
}

/// All there are.
pub(crate) const PLACES: &[Place] = &[
    Place {
        table: "posts",
        texts: &["post_title", "post_content", "post_excerpt"],
        when: &[("post_status", &["publish"]), ("post_password", &[""]), ("post_type", &["page"])],
        id: Some("ID"),
        most_bytes: None,
        is_name: false,
    },
    // Pages hold the imprint and are few; all that was ever posted may be most of the database.
    Place {
        table: "posts",
        texts: &["post_title", "post_content", "post_excerpt"],
        when: &[("post_status", &["publish"]), ("post_password", &[""])],
        id: Some("ID"),
        most_bytes: Some(8 << 20),
        is_name: false,
    },
    Place {
        table: "options",
        texts: &["option_value"],
        when: &[("option_name", SHOWN)],
        id: None,
        most_bytes: None,
        is_name: true,
    },
];

/// Settings that every visitor sees.
const SHOWN: &[&str] = &[
    "blogname",
    "blogdescription",
    "woocommerce_store_address",
    "woocommerce_store_address_2",
    "woocommerce_email_from_name",
    "woocommerce_email_from_address",
    "woocommerce_email_footer_text",
    "woocommerce_demo_store_notice",
];

impl Place {
    /// The columns to read: the texts, and what tells that they are published.
    pub(crate) fn columns(&self, table: &Table) -> Option<Vec<usize>> {
        self.texts
            .iter()
            .copied()
            .chain(self.when.iter().map(|(column, _)| *column))
            .chain(self.id)
            .map(|name| table.column(name))
            .collect()
    }

    /// Notes who is named in a row of these columns; of posts these are `published`.
    pub(crate) fn note<'r>(
        &self,
        people: &KnownPeople,
        noted: &mut Published,
        published: &RoaringTreemap,
        value: impl Fn(usize) -> Option<Cow<'r, [u8]>>,
    ) {
        // The source may not have been asked for these rows alone.
        let is_published = self.when.iter().enumerate().all(|(at, (_, values))| {
            value(self.texts.len() + at).is_some_and(|value| values.iter().any(|one| one.as_bytes() == &*value))
        });
        let id = || std::str::from_utf8(&value(self.texts.len() + self.when.len())?).ok()?.parse().ok();
        if !is_published || self.id.is_some() && !id().is_some_and(|id| published.contains(id)) {
            return;
        }
        for text in (0..self.texts.len()).filter_map(&value) {
            match std::str::from_utf8(&text) {
                Ok(text) if self.is_name => people.note_published_value(noted, text),
                Ok(text) => people.note_published(noted, text),
                Err(_) => {}
            }
        }
    }
}
