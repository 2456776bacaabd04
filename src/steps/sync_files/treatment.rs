//! What becomes of the files of one volume on their way into a copy.

use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use rand::distr::{Alphanumeric, SampleString as _};

use super::volumes::Production;
use crate::contract::files_request::FilesMode;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::environment::file_volumes::FileVolume;
use crate::environment::guard::Target;
use crate::environment::hosts;
use crate::error::{Exit, Failure, counted};
use crate::files::guard_plugin::{self, GuardPlugin};
use crate::files::wp_config::{self, WpConfigValues};
use crate::files::{Choice, OwnFile, OwnFiles, Places, Treatment, places, shown, texts};
use crate::masking;
use crate::rewriting::Rewriter;

/// How many files that name production are told.
const MOST_NAMED: usize = 20;

/// What becomes of the files of one volume.
pub(in crate::steps) struct OfVolume<'a> {
    pub(super) choice: Choice,
    mount_path: String,
    /// Production's URLs and the copy's; none where they stay.
    urls: Option<Rewriter>,
    production: &'a Production,
    /// What its guard plug-in knows of the copy; none where nobody wants one.
    guard: Option<GuardPlugin>,
    /// Files that name production still.
    named: Mutex<Vec<String>>,
}

impl<'a> OfVolume<'a> {
    /// # Errors
    /// When the copy has no domain yet; invalid input for a glob that cannot be read.
    pub(super) fn new(
        policy: &Policy,
        target: &Target,
        request: &CloneRequest,
        volume: &FileVolume<'_>,
        production: &'a Production,
        missing_uploads: Option<String>,
    ) -> Result<Self> {
        let (include, exclude) =
            volume.asked.map_or((&[][..], &[][..]), |asked| (asked.include.as_slice(), asked.exclude.as_slice()));
        let urls = match request.wordpress_url_replace {
            true => Some(Rewriter::new(&hosts::map(target, request, &[])?)),
            false => None,
        };
        let choice = Choice::new(volume.mount_path, include, exclude, request.anonymize)?;
        let leaves_uploads = volume.mode == FilesMode::Production;
        Ok(Self {
            choice: if leaves_uploads { choice.without_uploads() } else { choice },
            mount_path: volume.mount_path.to_owned(),
            urls,
            production,
            guard: request.is_guarded().then(|| guard(policy, target, request, missing_uploads)),
            named: Mutex::default(),
        })
    }

    /// Files that name production, at most [`MOST_NAMED`] of them.
    pub(super) fn named(&self) -> Vec<String> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn name(&self, path: &[u8], why: &str) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let told = format!("{}: {why}", shown(path));
        if named.len() < MOST_NAMED && !named.contains(&told) {
            named.push(told);
        }
    }

    /// A `wp-config.php` with the copy's addresses and fresh keys in it.
    fn config(&self, path: &[u8], contents: &[u8]) -> Result<Option<Vec<u8>>> {
        let none = Rewriter::new(&[]);
        let values = WpConfigValues {
            db: self.production.own.as_ref(),
            urls: self.urls.as_ref().unwrap_or(&none),
            salt: &|_| Alphanumeric.sample_string(&mut rand::rng(), 64),
            old_database_hosts: &self.production.hosts,
            old_passwords: &self.production.passwords,
            is_live: &|text| !masking::live_in(text).is_empty(),
        };
        let made = wp_config::rewrite(contents, &values);
        let told: Vec<_> = made.standing.iter().map(ToString::to_string).collect();
        ensure!(
            told.is_empty(),
            Failure::new(Exit::Failed, format!("`{}` cannot come into a copy as it is: {}", shown(path), told.join("; ")))
                .hint("have the file read such values from variables (`getenv`), which are the copy's own there, and start a new run; or leave it out (`files` with `exclude`)")
        );
        Ok((made.bytes != contents).then_some(made.bytes))
    }
}

impl Treatment for OfVolume<'_> {
    fn is_left(&self, path: &[u8], is_folder: bool) -> bool {
        // Another copy's guard.
        guard_plugin::is_one(&self.mount_path, path) || self.choice.is_left(path, is_folder)
    }

    fn may_change(&self, path: &[u8]) -> bool {
        wp_config::is_wp_config(path) || self.urls.is_some() && texts::is_rewritten(&self.mount_path, path)
    }

    fn treat(&self, path: &[u8], contents: &[u8]) -> Result<Option<Vec<u8>>> {
        if wp_config::is_wp_config(path) {
            return self.config(path, contents);
        }
        let Some(rewritten) = self.urls.as_ref().and_then(|urls| texts::rewritten(contents, urls)) else {
            return Ok(None);
        };
        if let Some(left) = rewritten.left {
            self.name(path, left);
        }
        Ok((rewritten.bytes != contents).then_some(rewritten.bytes))
    }

    fn look(&self, path: &[u8], contents: &[u8]) {
        let count = self.urls.as_ref().map_or(0, |urls| texts::names_production(path, contents, urls));
        if count > 0 {
            self.name(path, &format!("names production in {}, and stays as it is", counted(count, "place", "places")));
        }
    }

    fn own(&self, paths: &mut dyn Iterator<Item = &[u8]>) -> Result<OwnFiles> {
        let Some(guard) = &self.guard else { return Ok(OwnFiles::default()) };
        let Places { mu_plugins, finding } = places(&self.mount_path, paths);
        let contents = guard.text()?;
        let modified = guard.copied_at.as_second();
        let file =
            |folder: Vec<u8>| OwnFile { path: guard_plugin::path(&folder), contents: contents.clone(), modified };
        Ok(OwnFiles { files: mu_plugins.into_iter().map(file).collect(), finding })
    }
}

/// What the plug-in of a copy has to know of it.
fn guard(policy: &Policy, target: &Target, request: &CloneRequest, missing_uploads: Option<String>) -> GuardPlugin {
    let own = target.environment().hosts().chain(request.custom_domain.as_deref());
    let hosts = own.chain(policy.allowed_hosts.iter().map(String::as_str)).map(str::to_owned).collect();
    GuardPlugin {
        environment_id: target.environment().id.to_string(),
        copied_from: target.record.source_name.clone(),
        copied_at: target.record.created_at,
        hosts,
        missing_uploads,
    }
}
