//! What a site has beside WordPress, on its volume: a theme and a plug-in of its own, uploads, and what a copy has no use for.

use super::image::{CONTENT, FOLDER, Image, PLUGIN};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

const MAKE: &str = include_str!("../../../wordpress/files.php");
const THEME: [(&str, &str); 3] = [
    ("style.css", include_str!("../../../wordpress/theme/style.css")),
    ("functions.php", include_str!("../../../wordpress/theme/functions.php")),
    ("index.php", include_str!("../../../wordpress/theme/index.php")),
];

/// The picture on each page.
pub const PICTURE: &str = "wp-content/uploads/2026/11/harbour.png";

/// What a copy has no use for.
pub const PRIVATE: [&str; 5] = [
    "wp-content/debug.log",
    "wp-content/.env",
    "wp-content/backup.sql",
    "wp-content/cache/page.html",
    "wp-content/uploads/2026/11/invoice-117.pdf",
];

/// Has a site show itself in its own theme.
pub(crate) const USE_THEME: &str =
    "UPDATE wp_options SET option_value = 'acme' WHERE option_name IN ('template', 'stylesheet')";

/// Where production's WordPress has its volume. On it are its theme and plug-in, which the image has not, 500 uploads, and five
/// files that should stay behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteFiles {
    /// At `/var/www/html`: WordPress itself is on it as well.
    InHtml,
    /// At `/var/www/html/wp-content`.
    InContent,
}

impl SiteFiles {
    pub(crate) fn mount_path(self) -> &'static str {
        match self {
            SiteFiles::InHtml => FOLDER,
            SiteFiles::InContent => CONTENT,
        }
    }

    /// Fills a volume.
    pub(crate) fn fill(self, volume: &Path) -> Result<()> {
        let content = match self {
            SiteFiles::InHtml => volume.join("wp-content"),
            SiteFiles::InContent => volume.to_owned(),
        };
        let (theme, plugin) = (content.join("themes/acme"), content.join("plugins/acme-shop"));
        fs::create_dir_all(&theme)?;
        fs::create_dir_all(&plugin)?;
        fs::write(plugin.join("acme-shop.php"), PLUGIN)?;
        for (name, text) in THEME {
            fs::write(theme.join(name), text)?;
        }
        let script = tempfile::NamedTempFile::new()?;
        fs::write(script.path(), MAKE)?;
        let output = Image::find()?.php().arg(script.path()).arg(&content).output().context("run PHP")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success() && said.is_empty(), "make the site's files: {said}");
        Ok(())
    }
}
