//! What an enemy, a stranger or bad weather would try: each a promise that was broken once, or could have been.

mod addresses;
mod clock;
mod cut_off;
mod domains;
mod granted;
mod hostile_source;
mod interleaved;
mod isolated;
mod live;
pub(crate) mod man_in_the_middle;
mod nothing_made;
mod ownership;
mod pinned;
mod printed;
mod readiness;
mod same_key;
mod same_machine;
mod scrubbed;
mod told_before;
mod twice;
mod weather;
