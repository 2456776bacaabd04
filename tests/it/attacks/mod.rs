//! What an enemy, a stranger or bad weather would try: each a promise that was broken once, or could have been.

mod ownership;
mod readiness;
mod weather;
