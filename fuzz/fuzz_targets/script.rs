//! Any text may stand in a dump: cutting it into its entries must not panic, and makes no text of its own.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| railstage::postgres::any_bytes::read_script(bytes));
