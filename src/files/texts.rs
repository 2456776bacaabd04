//! Texts among a site's files: those that a site has made of its data are rewritten on their way, others that name production are only told.

use crate::rewriting::{Left, Rewriter};

/// What page builders and themes write into uploads, of what they have in the database: style sheets, scripts, and their settings. What
/// else lies there was uploaded by somebody, and stays as it was.
const MADE: &[&str] = &["css", "js", "json"];

/// Texts in which a site's owner may have written an address.
const READ: &[&str] = &[
    "conf",
    "css",
    "htaccess",
    "htm",
    "html",
    "ini",
    "js",
    "json",
    "php",
    "toml",
    "txt",
    "webmanifest",
    "xml",
    "yaml",
    "yml",
];

/// The largest text that is looked into, bytes: whoever writes an address by hand writes no more.
const LARGEST_READ: usize = 1 << 20;

/// A file as the copy has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RewrittenText {
    pub bytes: Vec<u8>,
    /// How many times it named production, URL-encoded addresses aside.
    pub named: u64,
    /// Why it does still, where it does.
    pub left: Option<&'static str>,
}

/// Whether a file is rewritten, by its path in the volume that is mounted at `mount_path`.
pub(crate) fn is_rewritten(mount_path: &str, path: &[u8]) -> bool {
    let is_mounted_within = mount_path.split('/').any(|part| part == "uploads");
    let mut folders = path.split(|b| *b == b'/').rev().skip(1);
    // Divi's lie beside uploads where it is older.
    (is_mounted_within || folders.any(|part| part == b"uploads" || part == b"et-cache")) && has_ending(path, MADE)
}

/// A file with the copy's URLs in the place of production's; none where it names none, or is no text.
pub(crate) fn rewritten(bytes: &[u8], urls: &Rewriter) -> Option<RewrittenText> {
    if !is_text(bytes) {
        return None;
    }
    let new = urls.rewrite(bytes)?;
    let left = new.left.filter(|left| *left != Left::Mail).map(Left::reason);
    Some(RewrittenText { named: urls.count(bytes), bytes: new.value, left })
}

/// How many times a file that is not rewritten names production; 0 where it is no text that somebody writes.
pub(crate) fn names_production(path: &[u8], bytes: &[u8], urls: &Rewriter) -> u64 {
    let is_read = bytes.len() <= LARGEST_READ && has_ending(path, READ) && is_text(bytes);
    if is_read { urls.count(bytes) } else { 0 }
}

/// What has no NUL byte in it: neither UTF-16 nor a picture with a wrong name.
fn is_text(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes).is_none()
}

/// The file's ending, or all of the name where it begins with a dot.
fn has_ending(path: &[u8], endings: &[&str]) -> bool {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let ending = name.iter().rposition(|b| *b == b'.').map(|dot| &name[dot + 1..]);
    ending.is_some_and(|ending| endings.iter().any(|known| ending.eq_ignore_ascii_case(known.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewriting::UrlPair;

    fn urls() -> Rewriter {
        Rewriter::new(&[UrlPair::parse("https://shop.example.com", "https://copy-of-shop.example.net").unwrap()])
    }

    #[test]
    fn what_was_made_of_data_is_rewritten_and_what_was_uploaded_is_not() {
        for path in [
            "wp-content/uploads/elementor/css/post-12.css",
            "wp-content/et-cache/12/et-core.CSS",
            "web/app/uploads/bricks/x.js",
            "wp-content/uploads/sites/2/elementor/kit.json",
        ] {
            assert!(is_rewritten("/var/www/html", path.as_bytes()), "{path}");
        }
        for path in [
            "wp-content/themes/x/style.css",
            "uploads.css",
            "wp-content/uploads/2026/list.csv",
            "uploads/x.css.gz",
            "uploads/css",
        ] {
            assert!(!is_rewritten("/var/www/html", path.as_bytes()), "{path}");
        }
        assert!(is_rewritten("/var/www/html/wp-content/uploads", b"elementor/css/\xff.css"));
        assert!(!is_rewritten("/var/www/uploads-old", b"a.css"));
    }

    #[test]
    fn a_style_sheet_has_the_copys_addresses_in_whatever_form() {
        let css = b"@import url(//shop.example.com/a.css);a{background:url(\"https://shop.example.com/x.png\")}\n\
            /* {\"u\":\"https:\\/\\/shop.example.com\\/y\",\"e\":\"https%3A%2F%2Fshop.example.com%2Fz\"} my.shop.example.com.evil \xff";
        let new = rewritten(css, &urls()).unwrap();
        let text = String::from_utf8_lossy(&new.bytes);
        for part in [
            "url(//copy-of-shop.example.net/a.css)",
            "url(\"https://copy-of-shop.example.net/x.png\")",
            r"https:\/\/copy-of-shop.example.net\/y",
            "https%3A%2F%2Fcopy-of-shop.example.net%2Fz",
            "my.shop.example.com.evil",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        // What is URL-encoded is rewritten, and not counted.
        assert_eq!((new.named, new.bytes.last()), (3, Some(&0xff)));
    }

    #[test]
    fn what_is_no_text_or_names_nobody_stays_and_counts_for_nothing() {
        assert_eq!(rewritten(b"a{color:red}", &urls()), None);
        assert_eq!(rewritten(b"\0https://shop.example.com", &urls()), None);
    }

    #[test]
    fn a_text_that_somebody_wrote_is_looked_into_and_nothing_else_is() {
        let named = |path: &str, bytes: &[u8]| names_production(path.as_bytes(), bytes, &urls());
        let htaccess = b"RewriteCond %{HTTP_HOST} ^shop\\.example\\.com$\nRewriteRule ^ https://shop.example.com/";
        for path in ["a/.htaccess", "robots.txt", ".user.ini", "INDEX.PHP"] {
            assert!(named(path, htaccess) > 0, "{path}");
        }
        for path in ["a.png", "htaccess", "a.php/b", "x.txt.gz"] {
            assert_eq!(named(path, htaccess), 0, "{path}");
        }
        assert_eq!(named("a.txt", b"\0https://shop.example.com"), 0);
        assert_eq!(named("a.txt", b"https://shop.example.community"), 0);
    }
}
