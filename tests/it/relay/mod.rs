//! The private way to a database: through Railway's SSH relay, by a key that is gone when the step is.

mod asked;
mod faults;
mod keys;
mod mysql;
mod postgres;
mod socket;

use backboard::{Deed, WorldOptions};

use crate::stage::Stage;

/// The one command that may ever be sent to a container.
const MARKER: &str = "printf 'railstage-%s\\n' is-here";

/// A world whose relay the policy knows.
async fn with_relay(options: WorldOptions) -> Stage {
    let mut stage = Stage::of(options).await;
    stage.know_relay();
    stage
}

/// The same, where production's database has no Public Access.
async fn closed() -> Stage {
    let stage = with_relay(WorldOptions::prompt()).await;
    stage.world.set_tcp_proxy("production", false).unwrap();
    stage
}

/// How often something was done by way of the relay.
fn count(stage: &Stage, is_it: impl Fn(&Deed) -> bool) -> usize {
    stage.world.relayed().iter().filter(|relayed| is_it(&relayed.deed)).count()
}

/// All that may be done at the relay in production: our marker, and a way to the database's own port.
fn assert_gentle(stage: &Stage) {
    let production = stage.world.environment_id("production").unwrap();
    for done in stage.world.relayed().iter().filter(|done| done.environment_id.as_ref() == Some(&production)) {
        match &done.deed {
            Deed::Command { text, .. } => assert_eq!(text, MARKER),
            Deed::Forward { host, port, .. } => assert!(host == "127.0.0.1" && [3306, 5432].contains(port), "{done:?}"),
            Deed::File { .. } => panic!("{done:?}"),
            Deed::KeyRegistered { .. } | Deed::KeyRemoved { .. } | Deed::Login { .. } | Deed::Refused { .. } => {}
        }
    }
}

/// Whether a change has ever asked for a TCP proxy.
fn opened_proxies(stage: &Stage) -> bool {
    let asks = |entry: &backboard::Entry| entry.is_mutation() && entry.arguments.to_string().contains("tcpProxies");
    stage.world.journal().iter().any(asks)
}
