//! What is in the image: PHP, the core and its theme out of Debian's packages, and a plug-in of ours.

use crate::cache;
use crate::versions;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use uuid::Uuid;

pub(super) const PLUGIN: &str = include_str!("../../../wordpress/acme-shop.php");
const CONFIG: &str = include_str!("../../../wordpress/wp-config.php");
const ROUTER: &str = include_str!("../../../wordpress/router.php");

/// Where the image has its site, in a container of its own.
pub(crate) const FOLDER: &str = "/var/www/html";

/// Where its plug-ins, themes and uploads are.
pub(crate) const CONTENT: &str = "/var/www/html/wp-content";

/// What a `wp-config.php` of the image has where a key or salt is to be.
const PHRASE: &str = "put your unique phrase here";

/// Where the image looks for each part of a site by itself.
const PARTS: &[&str] = &["wp-content/plugins", "wp-content/themes"];

/// Whether an image is WordPress's own.
pub(crate) fn is_wordpress(image: &str) -> bool {
    let name = image.split(['@', ':']).next().unwrap_or_default();
    name.rsplit('/').next() == Some("wordpress")
}

/// The PHP that is in the image, for code of a site that is to be read or run by itself.
pub fn php() -> Result<Command> {
    Ok(Image::find()?.php())
}

/// What `tests/setup` has unpacked.
pub(super) struct Image {
    home: PathBuf,
}

impl Image {
    pub(super) fn find() -> Result<Self> {
        let home = cache::folder()?.join(format!("wordpress-{}", versions::of("WORDPRESS_RELEASE")));
        ensure!(home.join("done").exists(), "no WordPress in `{}`: run tests/setup", home.display());
        Ok(Image { home })
    }

    /// Changes with the image; whatever is made by it is made anew then.
    pub(super) fn version(&self) -> Result<String> {
        let file = self.home.join("www/wp-includes/version.php");
        Ok(fs::read_to_string(file)? + CONFIG + PLUGIN)
    }

    /// PHP in the words of its own settings and of nothing else on this machine.
    pub(super) fn php(&self) -> Command {
        let mut command = Command::new(self.home.join("bin/php"));
        command.arg("-c").arg(self.home.join("php.ini")).env_clear().env("PHP_INI_SCAN_DIR", "");
        command.env("PATH", "/usr/bin:/bin");
        command
    }

    /// Unpacks the image: `router.php` into a folder, and the site to where it is served from, if there is none yet, as the image's own
    /// entry point does. What a volume has of plug-ins and themes stays as it is there, and nothing is put into them.
    pub(super) fn unpack(&self, folder: &Path, site: &Path, content: Option<&Path>, has_shop: bool) -> Result<()> {
        write(&folder.join("router.php"), ROUTER)?;
        if !site.join("index.php").exists() {
            fs::create_dir_all(site)?;
            if let Some(content) = content {
                symlink(content, site.join("wp-content")).context("mount `wp-content`")?;
            }
            add_what_lacks(&self.home.join("www"), site, PARTS)?;
            fs::create_dir_all(site.join("wp-content/uploads"))?;
            if has_shop {
                let plugin = site.join("wp-content/plugins/acme-shop");
                fs::create_dir_all(&plugin)?;
                write(&plugin.join("acme-shop.php"), PLUGIN)?;
            }
        }
        let config = site.join("wp-config.php");
        // As the entry point does: what stands there for each phrase would be the same in every site else.
        let salted = CONFIG.split(PHRASE).map(str::to_owned).reduce(|text, rest| {
            let phrase = format!("{}{}", Uuid::new_v4().simple(), &Uuid::new_v4().simple().to_string()[..8]);
            text + &phrase + &rest
        });
        if config.exists() { Ok(()) } else { write(&config, &salted.unwrap_or_default()) }
    }
}

/// Copies what is in one folder and not in another, whole; of the folders that lead to `parts`, and of these, what is in them.
fn add_what_lacks(from: &Path, to: &Path, parts: &[&'static str]) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("read `{}`", from.display()))? {
        let entry = entry?;
        let (name, there) = (entry.file_name(), to.join(entry.file_name()));
        let rest = |part: &&'static str| {
            part.strip_prefix(name.to_str()?).filter(|rest| matches!(rest.chars().next(), None | Some('/')))
        };
        let deeper: Vec<_> = parts.iter().filter_map(rest).map(|rest| rest.trim_start_matches('/')).collect();
        if !deeper.is_empty() {
            add_what_lacks(&entry.path(), &there, &deeper)?;
        } else if !there.exists() {
            cache::copy_folder(&entry.path(), &there)?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_known_by_its_name() {
        assert!(is_wordpress("wordpress") && is_wordpress("docker.io/library/wordpress:6-apache"));
        assert!(!is_wordpress("acme/wordpress-exporter:1") && !is_wordpress("wordpress/nginx"));
    }
}
