//! What railstage knows of WordPress data: which of it holds URLs and must be rewritten, and which never may be.

/// Columns that are left as they are: a post's `guid` is its identity for feed readers, `user_pass` is a hash, and
/// `option_name` and `meta_key` are what plugins look their values up by.
pub fn is_never_rewritten(column: &str) -> bool {
    ["guid", "user_pass", "option_name", "meta_key"].iter().any(|name| column.eq_ignore_ascii_case(name))
}

/// Columns that name what the row's value is.
pub fn is_key_column(column: &str) -> bool {
    ["option_name", "meta_key"].iter().any(|name| column.eq_ignore_ascii_case(name))
}

/// Values that must keep production's URL: WooCommerce Subscriptions knows by it that it runs in a copy, and would
/// charge customers if it named the copy.
pub fn is_never_rewritten_value(key: &[u8]) -> bool {
    key == b"wc_subscriptions_siteurl"
}
