//! Which files of a volume come along: what a request says first, then the list of what stays behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Result, anyhow};
use globset::{Candidate, GlobMatcher, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::path::{Path, parent};
use crate::contract::files_request::read_glob;
use crate::error::Failure;

/// A sort of files that stay behind, as `left_behind.yaml` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    why: String,
    #[serde(default)]
    always: bool,
    #[serde(default)]
    code: bool,
    paths: Vec<String>,
    #[serde(default)]
    but: Vec<String>,
}

struct Rule {
    why: String,
    always: bool,
    code: bool,
    paths: GlobSet,
    but: GlobSet,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let lines: Vec<Line> = serde_yaml::from_str(include_str!("left_behind.yaml")).expect("the list of files reads");
    let set = |globs: &[String]| {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            set.add(read_glob(&format!("**/{glob}"), true).expect("a glob of the list reads"));
        }
        set.build().expect("the globs of the list build")
    };
    let rule = |line: Line| {
        let (paths, but) = (set(&line.paths), set(&line.but));
        Rule { why: line.why, always: line.always, code: line.code, paths, but }
    };
    lines.into_iter().map(rule).collect()
});

/// Folders of code, the outermost of which says what a place is; uploads hold none.
const CODE: [&[u8]; 6] = [b"plugins", b"themes", b"mu-plugins", b"wp-admin", b"wp-includes", b"vendor"];
const DATA: &[u8] = b"uploads";

/// Which files of one volume come along.
pub(crate) struct Choice {
    mount_path: String,
    include: Vec<GlobMatcher>,
    exclude: Vec<GlobMatcher>,
    /// Whether WordPress's uploads stay behind.
    without_uploads: bool,
    /// Whether people's files stay behind, and all else that a masked copy has no use for.
    is_strict: bool,
    /// What stays behind, by the reason: the outermost folders, and files.
    left: Mutex<BTreeMap<String, BTreeSet<Path>>>,
    /// Globs of the request's that something fitted.
    fitted: Mutex<BTreeSet<String>>,
}

impl Choice {
    /// For the volume at `mount_path`.
    ///
    /// # Errors
    /// Invalid input for a glob that cannot be read.
    pub(crate) fn new(mount_path: &str, include: &[String], exclude: &[String], is_strict: bool) -> Result<Self> {
        let read = |globs: &[String]| {
            let read = |glob: &String| read_glob(glob, false).map(|glob| glob.compile_matcher());
            globs.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|why| anyhow!(Failure::invalid(why)))
        };
        Ok(Self {
            mount_path: mount_path.trim_matches('/').to_owned(),
            include: read(include)?,
            exclude: read(exclude)?,
            without_uploads: false,
            is_strict,
            left: Mutex::default(),
            fitted: Mutex::default(),
        })
    }

    /// The same without WordPress's uploads.
    pub(crate) fn without_uploads(self) -> Self {
        Self { without_uploads: true, ..self }
    }

    /// Whether a file, or a folder with all that is in it, stays behind.
    pub(crate) fn is_left(&self, path: &[u8], is_folder: bool) -> bool {
        let why = self.why(path, is_folder);
        if let Some(why) = &why {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.entry(why.clone()).or_default().insert(path.into());
        }
        why.is_some()
    }

    /// What stays behind, by the reason.
    pub(crate) fn left(&self) -> BTreeMap<String, BTreeSet<Path>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The request's globs that fitted nothing.
    pub(crate) fn unmatched(&self) -> Vec<String> {
        let fitted = self.fitted.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.include.iter().chain(&self.exclude).map(|glob| glob.glob().glob().to_owned());
        all.filter(|glob| !fitted.contains(glob)).collect()
    }

    fn why(&self, path: &[u8], is_folder: bool) -> Option<String> {
        if self.fits(&self.exclude, path) {
            return Some("the request".to_owned());
        }
        if self.without_uploads && is_of_uploads(&[self.mount_path.as_bytes(), b"/", path].concat()) {
            return Some("uploads, which production shows".to_owned());
        }
        let is_included = self.fits(&self.include, path);
        let exactly = self.include.iter().any(|glob| glob.glob().glob().as_bytes() == path);
        let (rule, at) = self.rule(path)?;
        let comes = if rule.always { exactly } else { is_included };
        // A folder that is on the list is gone through where something in it may have been asked for.
        let is_gone_through = is_folder && !self.include.is_empty() && at == path && !rule.always;
        (!comes && !is_gone_through).then(|| rule.why.clone())
    }

    /// The first rule that has a path, or a folder that it is in, stay behind; and which of them.
    fn rule<'p>(&self, path: &'p [u8]) -> Option<(&'static Rule, &'p [u8])> {
        let mut at = Some(path);
        while let Some(part) = at.filter(|part| !part.is_empty()) {
            let whole = [self.mount_path.as_bytes(), b"/", part].concat();
            let candidate = Candidate::from_bytes(&whole);
            let is_code = is_code(&whole);
            let holds = |rule: &&Rule| {
                (rule.always || self.is_strict)
                    && (rule.code || !is_code)
                    && rule.paths.is_match_candidate(&candidate)
                    && !rule.but.is_match_candidate(&candidate)
            };
            if let Some(rule) = RULES.iter().find(holds) {
                return Some((rule, part));
            }
            at = parent(part);
        }
        None
    }

    fn fits(&self, globs: &[GlobMatcher], path: &[u8]) -> bool {
        let mut at = Some(path);
        let mut fits = false;
        while let Some(part) = at.filter(|part| !part.is_empty()) {
            let candidate = Candidate::from_bytes(part);
            for glob in globs.iter().filter(|glob| glob.is_match_candidate(&candidate)) {
                self.fitted.lock().unwrap_or_else(PoisonError::into_inner).insert(glob.glob().glob().to_owned());
                fits = true;
            }
            at = parent(part);
        }
        fits
    }
}

/// Whether a place holds code that a site would miss.
fn is_code(path: &[u8]) -> bool {
    let folders: Vec<_> = path.split(|byte| *byte == b'/').collect();
    let within = &folders[..folders.len() - 1];
    let outermost = within.iter().find(|folder| CODE.contains(folder) || **folder == DATA);
    outermost.is_some_and(|folder| *folder != DATA)
}

/// Whether a place is in the folder into which a WordPress, also one in Bedrock's layout, puts what is uploaded, or is that folder.
fn is_of_uploads(path: &[u8]) -> bool {
    let folders: Vec<_> = path.split(|byte| *byte == b'/').collect();
    folders.windows(2).any(|pair| matches!(pair[0], b"wp-content" | b"app") && pair[1] == DATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(mount: &str, include: &[&str], exclude: &[&str], is_strict: bool) -> Choice {
        let owned = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
        Choice::new(mount, &owned(include), &owned(exclude), is_strict).unwrap()
    }

    #[test]
    fn what_is_peoples_or_keys_stays_behind_and_code_comes_along() {
        let strict = choice("/var/www/html", &[], &[], true);
        for path in [
            "wp-content/cache/page/index.html",
            "wp-content/uploads/woocommerce_uploads/a.pdf",
            "wp-content/uploads/wpo_wcpdf/attachments/invoice-1.pdf",
            "wp-content/uploads/2026/11/Invoice-77.PDF",
            "wp-content/updraft/backup.zip",
            "wp-content/uploads/plugins/cache/x",
            "wp-content/debug.log",
            "wp-content/plugins/x/debug.log",
            "wp-content/plugins/x/.git/config",
            "wp-content/object-cache.php",
            "wp-content/plugins/x/id_rsa",
            ".env",
            ".env.production",
            "backup.sql.gz",
            "wp-content/uploads/wc-logs/fatal.log",
        ] {
            assert!(strict.is_left(path.as_bytes(), false), "{path}");
        }
        for path in [
            "index.php",
            "wp-config.php",
            "wp-content/plugins/woocommerce/includes/export/class-wc-exporter.php",
            "wp-content/plugins/x/cache/class-cache.php",
            "wp-content/plugins/x/object-cache.php",
            "wp-content/plugins/x/lib/cacert.pem",
            "wp-content/plugins/pdf-invoices/invoice.php",
            "wp-content/themes/shop/woocommerce/cart/cart.php",
            "wp-content/themes/shop/assets/private/x.css",
            "wp-includes/certificates/ca-bundle.crt",
            "wp-content/uploads/2026/11/photo.jpg",
            "wp-content/plugins/x/install.sql",
        ] {
            assert!(!strict.is_left(path.as_bytes(), false), "{path}");
        }
        let plain = choice("/var/www/html", &[], &[], false);
        assert!(plain.is_left(b".env", false) && plain.is_left(b"wp-content/object-cache.php", false));
        assert!(!plain.is_left(b"wp-content/uploads/woocommerce_uploads/a.pdf", false));
    }

    #[test]
    fn where_a_volume_is_mounted_counts_for_what_is_in_it() {
        assert!(choice("/var/www/html/wp-content", &[], &[], true).is_left(b"object-cache.php", false));
        assert!(!choice("/app/wp-content/plugins", &[], &[], true).is_left(b"x/cache/class.php", false));
        assert!(choice("/app/uploads", &[], &[], true).is_left(b"x/cache/class.php", false));
    }

    #[test]
    fn uploads_stay_behind_where_production_shows_them_and_nothing_else_does() {
        let choice = |mount| choice(mount, &[], &[], false).without_uploads();
        for (mount, path, is_left) in [
            ("/var/www/html", "wp-content/uploads", true),
            ("/var/www/html", "wp-content/uploads/2026/a.png", true),
            ("/app/web/app", "uploads/a.png", true),
            ("/var/www/html/wp-content/uploads", "a.png", true),
            ("/var/www/html", "wp-content/uploads-old/a.png", false),
            ("/var/www/html", "wp-content/themes/x/uploads/a.png", false),
            ("/var/www/html", "wp-content/plugins/a.php", false),
        ] {
            assert_eq!(choice(mount).is_left(path.as_bytes(), false), is_left, "{mount} {path}");
        }
    }

    #[test]
    fn a_request_goes_before_the_list_but_for_keys() {
        let asked = choice("/app", &["uploads/wpforms/**", "*.pem", "a.pem"], &["uploads/wpforms/x", "none/*"], true);
        assert!(!asked.is_left(b"uploads/wpforms", true), "what is in it would be left");
        assert!(!asked.is_left(b"uploads/wpforms/a.pdf", false));
        assert!(asked.is_left(b"uploads/wpforms/x", true) && asked.is_left(b"uploads/wpforms/x/y", false));
        assert!(asked.is_left(b"b.pem", false) && !asked.is_left(b"a.pem", false));
        assert_eq!(asked.unmatched(), ["none/*"]);
        assert!(asked.left()["the request"].contains(&b"uploads/wpforms/x"[..]));
    }

    #[test]
    fn names_in_any_bytes_are_judged() {
        let strict = choice("/app", &["\\*"], &[], true);
        for path in [&b"\xff/cache/\xfe"[..], b"new\nline/cache/x", b"-rf/.env"] {
            assert!(strict.is_left(path, false), "{path:?}");
        }
        for path in [&b"\xff\xfe"[..], b"new\nline", &b"x/".repeat(1000)[..1999]] {
            assert!(!strict.is_left(path, false));
        }
    }
}
