//! What a world is made of and how it behaves.

use crate::wordpress::SiteFiles;
use std::path::PathBuf;
use std::time::Duration;

/// A world's make-up; the default is the mild everyday form of Railway's habits and a shop of a few rows.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// Size of production's database in bytes, about; 0 gives a few rows of everything.
    pub fixture_bytes: u64,
    /// How long reads go on showing the state before a write; service instances of a new environment take up to
    /// three times as long.
    pub lag: Duration,
    /// How long a deployment takes from `INITIALIZING` to its end.
    pub deploy_time: Duration,
    /// The same for a service that was deployed before in its environment, and whose image is there; else it is made again.
    pub redeploy_time: Option<Duration>,
    /// How long a deleted environment can still be seen.
    pub delete_time: Duration,
    /// How long the name of a deleted environment stays taken after that.
    pub name_reserved: Duration,
    /// Whether a copy of an environment gets TCP proxies of its own where the source has them.
    pub clone_tcp_proxies: bool,
    /// Settings of services, such as `deploy.region`, that a copy of an environment does not get.
    pub copy_forgets: Vec<&'static str>,
    /// Whether a TCP proxy that was taken away goes on answering until the service's next deployment.
    pub stubborn_proxies: bool,
    /// Services beside `Postgres`, `web`, `worker` and `nightly`.
    pub extra_services: Vec<ExtraService>,
    /// What production's WordPress has on its volume, and where that is mounted. Default: the shop's plug-in is in the image, and the
    /// volume holds what the image puts there.
    pub site_files: Option<SiteFiles>,
    /// A second project, `globex`, that the same token sees.
    pub second_project: bool,
    /// Folder with `postgres` and `initdb`; default: `RAILSTAGE_PG_BIN`, else the one in the cache.
    pub pg_bin: Option<PathBuf>,
    /// Where database clusters live; default: a temporary folder.
    pub data_dir: Option<PathBuf>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        WorldOptions {
            fixture_bytes: 0,
            lag: Duration::from_millis(150),
            deploy_time: Duration::from_millis(600),
            redeploy_time: None,
            delete_time: Duration::from_millis(400),
            name_reserved: Duration::from_secs(2),
            clone_tcp_proxies: false,
            copy_forgets: Vec::new(),
            stubborn_proxies: false,
            extra_services: Vec::new(),
            site_files: None,
            second_project: false,
            pg_bin: None,
            data_dir: None,
        }
    }
}

impl WorldOptions {
    /// No lag and no waiting: for tests whose subject is something else.
    pub fn prompt() -> Self {
        WorldOptions {
            lag: Duration::ZERO,
            deploy_time: Duration::from_millis(30),
            delete_time: Duration::ZERO,
            name_reserved: Duration::ZERO,
            ..WorldOptions::default()
        }
    }
}

/// A service that tests ask for when they need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraService {
    /// `uploaded`: its source came by `railway up`.
    Upload,
    /// `media`: an app with a volume.
    Media,
    /// `Redis`: an image that is not a database we copy.
    Redis,
    /// `Analytics`: a second Postgres.
    SecondDatabase,
    /// `MariaDB`: as the template makes it, with a login of its own for the app.
    MariaDb,
    /// `wordpress`: a real WordPress with the data of a site that was lived in, in `MariaDB`, which must stand before it.
    WordPress,
    /// The same with a second site, in a network of two.
    WordPressNetwork,
    /// `Legacy`: MariaDB 10.11, whose image makes no certificate, so that it has no TLS.
    OldMariaDb,
    /// `MySQL`: as Railway's template makes it.
    Mysql,
    /// `Places`: `PostGIS`, deployed by hand with a password, a volume and a TCP proxy, and without TLS.
    Postgis,
}
