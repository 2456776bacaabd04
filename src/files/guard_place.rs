//! Where in a volume a guard plug-in goes: into `mu-plugins` of each WordPress that has its content there, found by the layout of files.

use std::collections::BTreeSet;

/// What of a site's content tells its folder.
const CHILDREN: &[&[u8]] = &[b"mu-plugins", b"plugins", b"themes", b"uploads"];

/// How deep in a volume a site may lie, folders; whatever is deeper is a site's own business.
const DEEPEST: usize = 6;

/// Where a guard plug-in goes in a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// The folders, by their paths in the volume; they may have to be made. Several where several sites lie in it, none where none does.
    pub(crate) mu_plugins: Vec<Vec<u8>>,
    /// Why a site in it gets none; absent where no site is to be seen.
    pub(crate) finding: Option<String>,
}

/// Looks for sites in the volume that is mounted at `mount_path`, by the paths of its files and folders, which begin at its root without
/// a slash.
pub(crate) fn places<'p>(mount_path: &str, paths: impl IntoIterator<Item = &'p [u8]>) -> Places {
    match below_content(mount_path).as_deref() {
        Some([]) => return Places::of([b"mu-plugins".to_vec()]),
        Some(["mu-plugins"]) => return Places::of([Vec::new()]),
        Some([part, ..]) => {
            let finding =
                format!("the volume holds only `{part}` of the site's content, so that no guard can be written");
            return Places { finding: Some(finding), ..Places::default() };
        }
        None => {}
    }
    let mut seen = Seen::default();
    paths.into_iter().for_each(|path| seen.look(path));
    let mut contents: Vec<&Vec<u8>> = seen.contents.iter().filter(|content| seen.is_of_site(content)).collect();
    if let ([], true, 1) = (contents.as_slice(), seen.cores.is_empty(), seen.contents.len()) {
        contents.extend(seen.contents.iter().filter(|content| is_named(content, b"wp-content")));
    }
    let is_within = |path: &[u8], of: &[u8]| path.strip_prefix(of).is_some_and(|rest| rest.starts_with(b"/"));
    let outer: Vec<_> = contents.iter().filter(|one| !contents.iter().any(|of| is_within(one, of))).collect();
    if outer.is_empty() && !seen.cores.is_empty() {
        let finding = "a WordPress lies in the volume and its content elsewhere, so that no guard can be written";
        return Places { finding: Some(finding.to_owned()), ..Places::default() };
    }
    Places::of(outer.into_iter().map(|content| join(content, b"mu-plugins")))
}

impl Places {
    fn of(mu_plugins: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { mu_plugins: mu_plugins.into_iter().collect(), finding: None }
    }
}

/// What a mount path has below a site's `wp-content`, or below the `web/app` of a Bedrock; none where it is not within one.
fn below_content(mount_path: &str) -> Option<Vec<&str>> {
    let parts: Vec<_> = mount_path.split('/').filter(|part| !part.is_empty()).collect();
    let is_content = |n: usize| parts[n] == "wp-content" || (n > 0 && parts[n - 1] == "web" && parts[n] == "app");
    let content = (0..parts.len()).find(|n| is_content(*n))?;
    Some(parts[content + 1..].to_vec())
}

/// What the paths of a volume have shown.
#[derive(Default)]
struct Seen {
    /// Folders with a WordPress's own files.
    cores: BTreeSet<Vec<u8>>,
    /// Folders that look like a site's content.
    contents: BTreeSet<Vec<u8>>,
}

impl Seen {
    fn look(&mut self, path: &[u8]) {
        let core = path.strip_suffix(b"wp-includes/version.php".as_slice());
        if let Some(core) = core.filter(|core| core.is_empty() || core.ends_with(b"/")) {
            self.cores.insert(core.strip_suffix(b"/").unwrap_or(core).to_vec());
        }
        let mut end = 0;
        let mut parts = path.split(|b| *b == b'/').take(DEEPEST + 1).peekable();
        while let Some(part) = parts.next() {
            end += part.len();
            if [b"wp-content".as_slice(), b"app"].contains(&part)
                && parts.peek().is_some_and(|next| CHILDREN.contains(next))
            {
                if !self.contents.contains(&path[..end]) {
                    self.contents.insert(path[..end].to_vec());
                }
                return;
            }
            end += 1;
        }
    }

    /// Whether a WordPress lies beside such a folder, or in a folder beside it.
    fn is_of_site(&self, content: &[u8]) -> bool {
        let parent = parent(content);
        let is_beside = is_named(content, b"wp-content") && self.cores.contains(parent);
        is_beside || self.cores.iter().any(|core| !core.is_empty() && self::parent(core) == parent)
    }
}

fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|b| *b == b'/').map_or(b"", |end| &path[..end])
}

fn is_named(path: &[u8], name: &[u8]) -> bool {
    path.rsplit(|b| *b == b'/').next() == Some(name)
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    [folder, b"/", name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(mount_path: &str, paths: &[&str]) -> Places {
        places(mount_path, paths.iter().map(|path| path.as_bytes()))
    }

    fn put(mount_path: &str, paths: &[&str]) -> Vec<String> {
        let places = found(mount_path, paths);
        assert_eq!(places.finding, None, "{mount_path}: {paths:?}");
        places.mu_plugins.into_iter().map(|path| String::from_utf8(path).unwrap()).collect()
    }

    #[test]
    fn each_layout_of_a_site_is_known() {
        let core = "wp-includes/version.php";
        assert_eq!(put("/var/www/html", &[core, "wp-content/themes/x/style.css"]), ["wp-content/mu-plugins"]);
        assert_eq!(
            put("/var/www", &["html/wp-includes/version.php", "html/wp-content/uploads"]),
            ["html/wp-content/mu-plugins"]
        );
        let own_folder = ["wp/wp-includes/version.php", "wp/wp-content/themes/x.css", "wp-content/plugins/a.php"];
        assert_eq!(put("/srv", &own_folder), ["wp-content/mu-plugins", "wp/wp-content/mu-plugins"]);
        let bedrock = ["web/wp/wp-includes/version.php", "web/app/themes/x/style.css", "config/application.php"];
        assert_eq!(put("/app", &bedrock), ["web/app/mu-plugins"]);
        assert_eq!(put("/app/web", &["wp/wp-includes/version.php", "app/plugins/x.php"]), ["app/mu-plugins"]);
        for mount in ["/var/www/html/wp-content", "/var/www/html/wp-content/", "/app/web/app", "/app//web/app/"] {
            assert_eq!(put(mount, &["uploads/a.png"]), ["mu-plugins"]);
            assert_eq!(put(mount, &[]), ["mu-plugins"]);
        }
        assert_eq!(put("/var/www/html/wp-content/mu-plugins", &["x.php"]), [""]);
        // The core is in the image, and the content is linked to.
        assert_eq!(put("/data", &["wp-content/plugins/x.php", "wp-content/uploads/a.png"]), ["wp-content/mu-plugins"]);
    }

    #[test]
    fn of_two_sites_in_one_volume_each_is_guarded_and_one_within_the_content_of_another_is_none() {
        let paths = [
            "wp-includes/version.php",
            "wp-content/themes/x/style.css",
            "wp-content/backups/old/wp-includes/version.php",
            "wp-content/backups/old/wp-content/themes/x/style.css",
            "blog/wp-includes/version.php",
            "blog/wp-content/plugins/x.php",
        ];
        assert_eq!(put("/var/www/html", &paths), ["blog/wp-content/mu-plugins", "wp-content/mu-plugins"]);
    }

    #[test]
    fn a_site_that_has_its_content_elsewhere_is_told() {
        for (mount, paths) in [
            ("/var/www/html/wp-content/uploads", &["2026/a.png"][..]),
            ("/app/web/app/uploads", &["wp-includes/version.php", "wp-content/themes/x.css"]),
            ("/var/www/html/wp-content/mu-plugins/deeper", &[]),
            ("/var/www/html", &["wp-includes/version.php", "content/themes/x.css"]),
            // A link to elsewhere.
            ("/var/www/html", &["wp-includes/version.php", "wp-content"]),
        ] {
            let places = found(mount, paths);
            assert!(places.mu_plugins.is_empty() && places.finding.is_some(), "{mount}: {places:?}");
        }
    }

    #[test]
    fn whatever_is_no_site_gets_nothing_and_no_finding() {
        for paths in [
            &["uploads/a.png", "app/uploads/x", "plugins/a", "themes/b"][..],
            &["my-wp-content/plugins/x", "wp-content-old/plugins/x", "xwp-includes/version.php"],
            &["a/wp-content/plugins/x", "b/wp-content/plugins/x"],
            &["a/b/c/d/e/f/wp-content/plugins/x"],
            &[],
        ] {
            assert_eq!(found("/data", paths), Places::default(), "{paths:?}");
        }
        let bytes: [&[u8]; 2] = [b"\xff/wp-includes/version.php", b"\xff/wp-content/themes/\xfe"];
        assert_eq!(places("/data", bytes).mu_plugins, [b"\xff/wp-content/mu-plugins".to_vec()]);
    }
}
