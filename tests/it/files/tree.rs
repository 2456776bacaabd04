//! A folder with all that is in it, to be compared with another.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// What a path is: its kind and mode, owners, time, size, what it leads to or holds, and how many names it has.
pub(crate) type Tree = BTreeMap<Vec<u8>, (u32, (u32, u32), i64, u64, Vec<u8>, u64)>;

/// All that is in `folder`, by paths in it. Times are those of files: folders are changed by what is put into them later.
pub(crate) fn of(folder: &Path) -> Tree {
    let (mut tree, mut pending) = (Tree::new(), vec![folder.to_owned()]);
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let holds = if meta.is_symlink() {
                fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
            } else if meta.is_file() {
                Sha256::digest(fs::read(&path).unwrap()).to_vec()
            } else {
                Vec::new()
            };
            let names = if meta.is_file() { meta.nlink() } else { 0 };
            let size = if meta.is_dir() { 0 } else { meta.len() };
            let told = (meta.mode(), (meta.uid(), meta.gid()), meta.mtime(), size, holds, names);
            tree.insert(path.strip_prefix(folder).unwrap().as_os_str().as_bytes().to_vec(), told);
            if meta.is_dir() {
                pending.push(path);
            }
        }
    }
    tree
}

/// Fills a volume with what breaks a careless copy.
pub(super) fn fill(volume: &Path) {
    use std::ffi::OsStr;
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let long = "long/".repeat(40);
    let folders = ["2026/11", "empty/deep", "read-only", &long, "-rf", "a b'\"$(touch was-here)"];
    for folder in folders {
        fs::create_dir_all(volume.join(folder)).unwrap();
    }
    let files: [&[u8]; 9] = [
        b"2026/11/photo.jpg",
        b"-rf/--help",
        b"new\nline",
        b"\xff\xfe\x01",
        b"back\\0101slash\\n",
        b"glob*?[x]",
        b"a b'\"$(touch was-here)/`id`",
        b"read-only/inside",
        b"empty-file",
    ];
    for (n, name) in files.iter().enumerate() {
        let contents = if n == 8 { Vec::new() } else { format!("contents {n}\0").repeat(n * 1000 + 1).into_bytes() };
        fs::write(volume.join(OsStr::from_bytes(name)), contents).unwrap();
    }
    fs::write(volume.join(&long).join("x".repeat(250)), "at a long path").unwrap();
    // Larger than what goes in one piece, and no multiple of anything.
    let large: Vec<u8> = (0..(21 << 20) + 77u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    fs::write(volume.join("2026/large.bin"), large).unwrap();
    let sparse = fs::File::create(volume.join("sparse.img")).unwrap();
    sparse.set_len(60 << 20).unwrap();
    std::os::unix::fs::FileExt::write_at(&sparse, b"in the middle", 33 << 20).unwrap();
    symlink("photo.jpg", volume.join("2026/11/latest")).unwrap();
    symlink("../../empty", volume.join("2026/11/folder")).unwrap();
    symlink("nowhere", volume.join("dangling")).unwrap();
    symlink("/app/uploads/2026", volume.join("absolute")).unwrap();
    fs::hard_link(volume.join("2026/11/photo.jpg"), volume.join("another-name.jpg")).unwrap();
    fs::hard_link(volume.join("2026/large.bin"), volume.join("-rf/large-too")).unwrap();
    let mode = |path: &str, mode| fs::set_permissions(volume.join(path), fs::Permissions::from_mode(mode)).unwrap();
    mode("empty-file", 0o4711);
    mode("-rf/--help", 0o600);
    mode("empty", 0o1777);
    chown(volume.join("2026"), Some(33), Some(33)).unwrap();
    chown(volume.join("2026/11/photo.jpg"), Some(1234), Some(4321)).unwrap();
    mode("read-only", 0o555);
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_234_567_890);
    fs::File::options().append(true).open(volume.join("glob*?[x]")).unwrap().set_modified(old).unwrap();
}
