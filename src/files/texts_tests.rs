//! The two texts under the shells and programs of Debian's and of Alpine's images.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::container::{READER, WRITER, spelt};

/// A shell, and where its programs are.
pub(super) struct Image {
    pub(super) shell: String,
    pub(super) path: String,
    _programs: Option<TempDir>,
}

pub(super) fn images() -> [Image; 3] {
    let programs = TempDir::new().unwrap();
    let list = Command::new("busybox").arg("--list").output().expect("Debian's package busybox is needed");
    for applet in String::from_utf8(list.stdout).unwrap().lines() {
        symlink(which::which("busybox").unwrap(), programs.path().join(applet)).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let of_debian = |shell: &str| Image { shell: shell.to_owned(), path: path.clone(), _programs: None };
    let alone = programs.path().display().to_string();
    [
        of_debian("dash"),
        of_debian("bash"),
        Image { shell: format!("{alone}/sh"), path: alone, _programs: Some(programs) },
    ]
}

impl Image {
    /// The same with its programs elsewhere.
    pub(super) fn with_path(&self, path: String) -> Self {
        Self { shell: self.shell.clone(), path, _programs: None }
    }

    pub(super) fn run(&self, text: &str, told: &[u8]) -> Vec<u8> {
        let mut command = Command::new(&self.shell);
        command.arg("-c").arg(text).env("PATH", &self.path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let told = told.to_vec();
        let feeding = std::thread::spawn(move || drop(stdin.write_all(&told)));
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap();
        output.stdout
    }

    pub(super) fn read(&self, root: &Path, todo: &str, names: &[&[u8]]) -> Vec<u8> {
        let words = [b"railstage-reader", todo.as_bytes(), root.as_os_str().as_bytes()];
        let told: Vec<_> = words.iter().chain(names).flat_map(|word| [word, &b"\0"[..]].concat()).collect();
        let said = self.run(READER, &told);
        said.strip_prefix(b"railstage-reads\n").expect("the marker").to_vec()
    }

    fn write(&self, root: &Path, todo: &str, name: &[u8], number: &str, fed: &[u8]) -> String {
        let root = spelt(root.as_os_str().as_bytes());
        let told = format!("railstage-writer\n{todo}\n{number}\n{root}\n{}\n", spelt(name));
        String::from_utf8(self.run(WRITER, &[told.as_bytes(), fed].concat())).unwrap()
    }
}

/// Names that break what is careless.
pub(super) const HOSTILE: [&[u8]; 7] =
    [b"-rf", b"a b", b"new\nline", b"quote'\"$(touch was-here)`", b"\xff\xfe", b"\\0101%n", b"glob*?[x]"];

fn volume() -> TempDir {
    let volume = TempDir::new().unwrap();
    for (n, name) in HOSTILE.iter().enumerate() {
        fs::write(volume.path().join(OsStr::from_bytes(name)), format!("contents {n}")).unwrap();
    }
    fs::create_dir(volume.path().join("lost+found")).unwrap();
    fs::write(volume.path().join("lost+found/x"), "").unwrap();
    symlink("/etc/passwd", volume.path().join("link")).unwrap();
    volume
}

#[test]
fn every_name_is_told_whatever_is_in_it_and_no_link_is_followed() {
    let volume = volume();
    for image in images() {
        let said = image.read(volume.path(), "list", &[]);
        let mut entries: Vec<_> = said.split(|byte| *byte == b'\n').collect();
        assert_eq!(entries.split_off(entries.len() - 2), [&b"railstage-end 0//"[..], b""], "{}", image.shell);
        for name in HOSTILE {
            let ends = [b" ./", name, b"//\n"].concat();
            assert!(memchr::memmem::find(&said, &ends).is_some(), "{}: {name:?}", image.shell);
        }
        assert!(memchr::memmem::find(&said, b"lost+found").is_none());
        assert!(memchr::memmem::find(&said, b"passwd").is_none());
    }
}

#[test]
fn files_come_as_an_archive_and_what_is_gone_is_left_out() {
    let volume = volume();
    let names: Vec<_> = HOSTILE.iter().map(|name| [b"./", *name].concat()).collect();
    let mut asked: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    asked.insert(2, b"./gone");
    for image in images() {
        let said = image.read(volume.path(), "files", &asked);
        let mut archive = tar::Archive::new(&said[..]);
        let members: Vec<_> =
            archive.entries().unwrap().map(|entry| entry.unwrap().path_bytes().into_owned()).collect();
        assert_eq!(members, names, "{}", image.shell);
        let said = image.read(volume.path(), "digests-apart", &asked[..2]);
        assert_eq!(String::from_utf8(said).unwrap().lines().count(), 2);
    }
    assert!(!volume.path().join("was-here").exists());
    assert!(!Path::new("was-here").exists());
}

#[test]
fn what_is_written_has_its_name_its_mode_and_its_place() {
    for image in images() {
        let volume = TempDir::new().unwrap();
        for (n, name) in HOSTILE.iter().enumerate() {
            let inside = [b"./", *name].concat();
            let entry = super::listing::Entry {
                path: (*name).into(),
                kind: super::listing::Kind::File,
                mode: 0o640,
                uid: rustix::process::geteuid().as_raw(),
                gid: rustix::process::getegid().as_raw(),
                size: 0,
                modified: 1_700_000_000,
                changed: 0,
                inode: 0,
                names: 1,
            };
            let mut archive = super::archive::member(&entry, 0o640, &super::archive::As::File(0));
            archive.extend_from_slice(&super::archive::end());
            assert_eq!(
                image.write(volume.path(), "archive", b"", "0", &archive),
                "railstage-wrote 0\n",
                "{}",
                image.shell
            );
            let size = 3_000_000 + n as u64;
            assert_eq!(image.write(volume.path(), "size", &inside, &size.to_string(), b""), "railstage-wrote 0\n");
            // Longer than what was read with the words before it.
            let block = vec![b'x'; 300_000];
            assert_eq!(image.write(volume.path(), "range", &inside, "1", &block), "railstage-wrote 0\n");
            assert_eq!(image.write(volume.path(), "touch", &inside, "202311142213.20", b""), "railstage-wrote 0\n");
            let path = volume.path().join(OsStr::from_bytes(name));
            let (meta, contents) = (fs::metadata(&path).unwrap(), fs::read(&path).unwrap());
            assert_eq!((meta.len(), meta.permissions().mode() & 0o7777), (size, 0o640), "{} {name:?}", image.shell);
            assert_eq!(meta.mtime(), 1_700_000_000, "{}", image.shell);
            assert!(contents[..1 << 20].iter().all(|byte| *byte == 0));
            assert_eq!(&contents[1 << 20..(1 << 20) + block.len()], block);
            let name = [&inside[..], b"\0"].concat();
            assert_eq!(image.write(volume.path(), "remove", b"", "0", &name), "railstage-wrote 0\n");
            assert!(!path.exists(), "{} {name:?}", image.shell);
        }
    }
    assert!(!Path::new("was-here").exists());
}

#[test]
fn a_writer_or_a_reader_that_is_told_nonsense_does_nothing() {
    let volume = volume();
    for image in images() {
        assert!(image.run(READER, b"other\0list\0/\0").is_empty());
        assert!(image.run(READER, b"").is_empty());
        assert_eq!(image.run(READER, b"railstage-reader\0list\0/nowhere\0"), b"railstage-refuses\n");
        assert!(image.run(WRITER, b"railstage-writer\nremove\n").is_empty());
        assert_eq!(image.write(volume.path(), "what", b"", "0", b""), "railstage-wrote 1\n");
    }
    assert_eq!(fs::read_dir(volume.path()).unwrap().count(), HOSTILE.len() + 2);
}
