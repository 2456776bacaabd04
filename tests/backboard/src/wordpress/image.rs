//! What is in the image: PHP, the core and its theme out of Debian's packages, and a plug-in of ours.

use crate::cache;
use crate::versions;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONFIG: &str = include_str!("../../../wordpress/wp-config.php");
const ROUTER: &str = include_str!("../../../wordpress/router.php");
const PLUGIN: &str = include_str!("../../../wordpress/acme-shop.php");

/// Where the image has its site, in a container of its own.
pub(crate) const FOLDER: &str = "/var/www/html";

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
    /// entry point does.
    pub(super) fn unpack(&self, folder: &Path, site: &Path) -> Result<()> {
        write(&folder.join("router.php"), ROUTER)?;
        if !site.join("index.php").exists() {
            cache::copy_folder(&self.home.join("www/."), site)?;
            let plugin = site.join("wp-content/plugins/acme-shop");
            fs::create_dir_all(&plugin)?;
            fs::create_dir_all(site.join("wp-content/uploads"))?;
            write(&plugin.join("acme-shop.php"), PLUGIN)?;
        }
        let config = site.join("wp-config.php");
        if config.exists() { Ok(()) } else { write(&config, CONFIG) }
    }
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
