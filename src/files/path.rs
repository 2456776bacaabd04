//! Paths in a volume: bytes as a container has them, without a beginning `./`; none of them leads out.

use std::sync::Arc;

use anyhow::{Result, ensure};

use crate::error::{Exit, Failure};
use crate::inert::one_line;

/// A path in a volume; the volume itself is the empty one. Many hold the same one, of which there may be hundreds of thousands.
pub(crate) type Path = Arc<[u8]>;

/// A path as `find` tells it, once it is proven to lead nowhere else.
///
/// # Errors
/// [`crate::error::Exit::Failed`] for one that does, which only a container can tell that lies.
pub(super) fn of_listing(told: &[u8]) -> Result<Path> {
    if told == b"." {
        return Ok(Path::default());
    }
    let inner = told.strip_prefix(b"./").unwrap_or_default();
    let is_plain = inner.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."));
    ensure!(
        is_plain && !inner.contains(&0),
        Failure::new(Exit::Failed, format!("the source names `{}`, which is no path in its volume", shown(told)))
    );
    Ok(inner.into())
}

/// The path as it is asked for in a container: no option of a program begins like this.
pub(super) fn in_container(path: &[u8]) -> Vec<u8> {
    [b"./", path].concat()
}

/// The folder that a path is in; the volume itself is in none.
pub(super) fn parent(path: &[u8]) -> Option<&[u8]> {
    if path.is_empty() {
        return None;
    }
    Some(path.iter().rposition(|byte| *byte == b'/').map_or(&[][..], |at| &path[..at]))
}

/// A path for people, on one line that nothing obeys.
pub(crate) fn shown(path: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(path))
}

/// Whether a symbolic link at `path` of a volume at `mount_path` leads out of the volume, were all folders on its way no links.
pub(super) fn leads_out(path: &[u8], leads_to: &[u8], mount_path: &str) -> bool {
    let mount: Vec<_> = parts(mount_path.as_bytes()).collect();
    let mut at: Vec<_> = mount.clone();
    if leads_to.first() == Some(&b'/') {
        at.clear();
    } else {
        at.extend(parts(parent(path).unwrap_or_default()));
    }
    for part in parts(leads_to) {
        match part {
            b".." => drop(at.pop()),
            part => at.push(part),
        }
        // Whatever is out there may lead anywhere.
        if leads_to.first() != Some(&b'/') && !at.starts_with(&mount) {
            return true;
        }
    }
    !at.starts_with(&mount)
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_cannot_name_what_is_outside() {
        assert_eq!(&*of_listing(b".").unwrap(), b"");
        assert_eq!(&*of_listing(b"./a/-b\n\xff").unwrap(), b"a/-b\n\xff");
        for told in [&b"/etc/passwd"[..], b"./../x", b"./a/../../x", b"./a//b", b"./", b"", b"./a\0b", b"a", b"./a/."] {
            assert!(of_listing(told).is_err(), "{told:?}");
        }
    }

    #[test]
    fn links_that_lead_out_are_known_without_following_them() {
        let out = |path: &str, to: &str| leads_out(path.as_bytes(), to.as_bytes(), "/var/www/html");
        for (path, to) in [("a", "b"), ("a/b", "../c"), ("a", "/var/www/html/x"), ("a/b/c", ".././../d"), ("a", ".")] {
            assert!(!out(path, to), "{path} -> {to}");
        }
        for (path, to) in [
            ("a", "../x"),
            ("a", "/etc/passwd"),
            ("a/b", "../../html/x"),
            ("a", "/var/www/html/../x"),
            ("a", "/var/www/htmlx"),
        ] {
            assert!(out(path, to), "{path} -> {to}");
        }
    }
}
