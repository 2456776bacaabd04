//! Any bytes may come from a server: reading them as the answer to a COPY must not panic, and neither must its rows.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| railstage::postgres::any_bytes::read_wire(bytes));
