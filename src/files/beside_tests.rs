//! The text that swaps trees, under the shells and programs of Debian's and of Alpine's images, and killed wherever it can be.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::container::{BESIDE, spelt};
use super::texts_tests::{HOSTILE, Image, images};

const RUN: &str = "0123456789abcdef";
const OWN: &str = ".railstage-0123456789abcdef";

fn beside(image: &Image, root: &Path, todo: &str, run: &str, fed: &[u8]) -> String {
    let told = format!("railstage-beside\n{todo}\n{}\n{run}\n", spelt(root.as_os_str().as_bytes()));
    String::from_utf8(image.run(BESIDE, &[told.as_bytes(), fed].concat())).unwrap()
}

#[track_caller]
fn does(image: &Image, root: &Path, todo: &str, standing: &str) {
    let said = beside(image, root, todo, RUN, b"");
    assert_eq!(said, format!("railstage-standing {standing}\nrailstage-wrote 0\n"), "{todo} under {}", image.shell);
}

type Tree = BTreeMap<Vec<u8>, (u32, Vec<u8>)>;

fn tree(folder: &Path) -> Tree {
    let (mut tree, mut pending) = (Tree::new(), vec![folder.to_owned()]);
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let holds = match meta.file_type() {
                kind if kind.is_symlink() => fs::read_link(&path).unwrap().into_os_string().into_vec(),
                kind if kind.is_dir() => {
                    pending.push(path.clone());
                    Vec::new()
                }
                _ => fs::read(&path).unwrap(),
            };
            let name = path.strip_prefix(folder).unwrap().as_os_str().as_bytes().to_vec();
            tree.insert(name, (meta.permissions().mode(), holds));
        }
    }
    tree
}

/// Writes files, and folders of one file each where a name ends with a slash.
fn write(root: &Path, names: &[&[u8]], contents: &str) {
    for name in names {
        match name.strip_suffix(b"/") {
            Some(folder) => {
                fs::create_dir(root.join(OsStr::from_bytes(folder))).unwrap();
                fs::write(root.join(OsStr::from_bytes(folder)).join("inside"), contents).unwrap();
            }
            None => fs::write(root.join(OsStr::from_bytes(name)), contents).unwrap(),
        }
    }
}

/// A volume with an old tree and a new one beside it, and what each of them is.
fn volume(image: &Image) -> (TempDir, Tree, Tree) {
    let volume = TempDir::new().unwrap();
    let root = volume.path();
    write(root, &[b"both/", b"only-old/", b"file", b"was-folder/", b"was-file", b".htaccess", HOSTILE[2]], "old");
    symlink("/etc/passwd", root.join("link")).unwrap();
    fs::set_permissions(root.join("both"), fs::Permissions::from_mode(0o750)).unwrap();
    let old = tree(root);
    does(image, root, "begin", "built");
    let new = root.join(OWN).join("new");
    write(
        &new,
        &[b"both/", b"only-new/", b"file", b"was-folder", b"was-file/", b"..more", HOSTILE[2], HOSTILE[4]],
        "new",
    );
    symlink("both", new.join("link")).unwrap();
    let tree = tree(&new);
    (volume, old, tree)
}

/// The same image with an `mv` that does something at its so manieth call.
fn with_mv(image: &Image, folder: &Path, at: usize, deed: &str) -> Image {
    let mv = std::env::split_paths(&image.path).map(|path| path.join("mv")).find(|path| path.exists()).unwrap();
    let text = format!(
        "#!/bin/sh\nn=$(($(cat {count}) + 1)); echo $n >{count}\n[ $n != {at} ] || {deed}\nexec {mv} \"$@\"\n",
        count = folder.join("count").display(),
        mv = mv.display()
    );
    fs::write(folder.join("count"), "0").unwrap();
    fs::write(folder.join("mv"), text).unwrap();
    fs::set_permissions(folder.join("mv"), fs::Permissions::from_mode(0o755)).unwrap();
    image.with_path(format!("{}:{}", folder.display(), image.path))
}

/// Kills the script before its so manieth renaming; whether it came so far.
fn killed(image: &Image, root: &Path, todo: &str, at: usize) -> bool {
    let folder = TempDir::new().unwrap();
    let said = beside(&with_mv(image, folder.path(), at, "{ kill -9 $PPID; exit 1; }"), root, todo, RUN, b"");
    assert!(said.is_empty() || said.ends_with("railstage-wrote 0\n"), "{said}");
    said.is_empty()
}

/// What an app does that finds its folders gone.
fn disturb(root: &Path) {
    for name in ["both", "file", "only-old"] {
        let path = root.join(name);
        if fs::symlink_metadata(&path).is_err() {
            fs::create_dir(&path).unwrap();
            fs::write(path.join("made-by-the-app"), "").unwrap();
        }
    }
}

#[test]
fn a_swap_that_is_killed_anywhere_is_taken_back_or_finished() {
    for image in images() {
        let mut moments = 0;
        for at in 1.. {
            let (volume, old, new) = volume(&image);
            let root = volume.path();
            let was_killed = killed(&image, root, "swap", at);
            if !was_killed {
                does(&image, root, "standing", "swapped");
                does(&image, root, "drop", "none");
                assert_eq!(tree(root), new, "{}", image.shell);
                break;
            }
            moments += 1;
            does(&image, root, "standing", "swapping");
            assert!(
                beside(&image, root, "drop", RUN, b"").ends_with("railstage-wrote 1\n"),
                "the old tree was dropped"
            );
            disturb(root);
            if at % 2 == 0 {
                does(&image, root, "swap", "swapped");
                let with_app = tree(root);
                assert!(new.iter().all(|(path, told)| with_app.get(path) == Some(told)), "{} at {at}", image.shell);
                assert!(!with_app.contains_key(&b"only-old"[..]));
            }
            does(&image, root, "undo", "over");
            does(&image, root, "drop", "none");
            assert_eq!(tree(root), old, "{} at {at}", image.shell);
        }
        assert!(moments > 10, "{} was killed {moments} times", image.shell);
    }
}

#[test]
fn a_taking_back_that_is_killed_anywhere_is_done_again() {
    for image in images() {
        let mut moments = 0;
        for at in 1.. {
            let (volume, old, _) = volume(&image);
            let root = volume.path();
            does(&image, root, "swap", "swapped");
            fs::remove_file(root.join("..more")).unwrap();
            fs::remove_dir_all(root.join("both")).unwrap();
            if !killed(&image, root, "undo", at) {
                break;
            }
            moments += 1;
            does(&image, root, "standing", "swapping");
            assert!(beside(&image, root, "swap", RUN, b"").ends_with("railstage-wrote 1\n"), "it went on all the same");
            disturb(root);
            does(&image, root, "undo", "over");
            does(&image, root, "undo", "over");
            does(&image, root, "drop", "none");
            assert_eq!(tree(root), old, "{} at {at}", image.shell);
        }
        assert!(moments > 10, "{} was killed {moments} times", image.shell);
    }
}

#[test]
fn what_another_run_has_left_is_settled_before_anything_is_begun() {
    for image in images() {
        // By half: the old tree comes back. In its place: the new one stays.
        for (at, is_in_place) in [(5, false), (1000, true)] {
            let (volume, old, new) = volume(&image);
            let root = volume.path();
            killed(&image, root, "swap", at);
            let another = "fedcba9876543210";
            let said = beside(&image, root, "begin", another, b"");
            assert_eq!(said, "railstage-standing built\nrailstage-wrote 0\n", "{}", image.shell);
            fs::remove_dir_all(root.join(format!(".railstage-{another}"))).unwrap();
            assert_eq!(tree(root), if is_in_place { new } else { old }, "{}", image.shell);
        }
    }
}

#[test]
fn nobody_is_followed_who_has_put_something_of_that_name_there() {
    for image in images() {
        let (volume, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let root = volume.path();
        for folder in ["new", "old", "names"] {
            fs::create_dir(outside.path().join(folder)).unwrap();
            fs::write(outside.path().join(folder).join("mine"), "mine").unwrap();
        }
        fs::write(outside.path().join("swapping"), "").unwrap();
        fs::write(root.join("mine"), "the volume's").unwrap();
        symlink(outside.path(), root.join(OWN)).unwrap();
        symlink(outside.path(), root.join(".railstage-x")).unwrap();
        fs::write(root.join(".railstage-\n'$(touch was-here)"), "").unwrap();
        let before = tree(outside.path());
        for todo in ["swap", "undo", "drop"] {
            beside(&image, root, todo, RUN, b"");
        }
        assert_eq!(
            image.read(root, "list", &[]).split(|byte| *byte == b'\n').count(),
            4,
            "it is no file of the site's"
        );
        if rustix::process::geteuid().is_root() {
            let planted = root.join(".railstage-planted");
            fs::create_dir_all(planted.join("names")).unwrap();
            fs::write(planted.join("names/mine"), "").unwrap();
            fs::write(planted.join("swapping"), "").unwrap();
            symlink(outside.path(), planted.join("old")).unwrap();
            std::os::unix::fs::chown(&planted, Some(1234), Some(1234)).unwrap();
        }
        does(&image, root, "begin", "built");
        does(&image, root, "drop", "none");
        assert_eq!(tree(outside.path()), before, "{}", image.shell);
        assert_eq!(tree(root).into_keys().collect::<Vec<_>>(), [b"mine"], "{}", image.shell);
    }
}

#[test]
fn a_script_whose_line_was_cut_is_waited_for() {
    for image in images() {
        let (volume, old, _) = volume(&image);
        let root: PathBuf = volume.path().to_owned();
        let folder = TempDir::new().unwrap();
        let slow = with_mv(&image, folder.path(), 3, "sleep 2");
        std::thread::scope(|scope| {
            scope.spawn(|| beside(&slow, &root, "swap", RUN, b""));
            while !root.join(OWN).join("old").join("both").exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            does(&image, &root, "undo", "over");
        });
        does(&image, &root, "drop", "none");
        assert_eq!(tree(&root), old, "{}", image.shell);
    }
}

#[test]
fn files_are_taken_over_as_copies_whatever_they_are_called() {
    for image in images() {
        let volume = TempDir::new().unwrap();
        let root = volume.path();
        write(root, &HOSTILE, "contents");
        does(&image, root, "begin", "built");
        assert_eq!(fs::metadata(root.join(OWN)).unwrap().permissions().mode() & 0o777, 0o700);
        let names: Vec<u8> =
            HOSTILE.iter().chain([&&b"gone"[..]]).flat_map(|name| [b"./", *name, b"\0"].concat()).collect();
        let said = beside(&image, root, "reuse", RUN, &names);
        assert_eq!(said, "railstage-standing built\nrailstage-wrote 0\n", "{}", image.shell);
        // Whatever is written into the old file is not in the new one.
        for name in HOSTILE {
            fs::write(root.join(OsStr::from_bytes(name)), "changed").unwrap();
            assert_eq!(fs::read(root.join(OWN).join("new").join(OsStr::from_bytes(name))).unwrap(), b"contents");
        }
        assert!(!root.join("was-here").exists());
    }
}

#[test]
fn one_that_is_told_nonsense_does_nothing() {
    let volume = TempDir::new().unwrap();
    for image in images() {
        for run in ["", "..", "x/../../y", "0123 45", "$(id)", "ABC"] {
            assert_eq!(beside(&image, volume.path(), "begin", run, b""), "", "{run}");
        }
        assert!(beside(&image, volume.path(), "what", RUN, b"").ends_with("railstage-wrote 1\n"));
        assert_eq!(beside(&image, Path::new("/nowhere"), "begin", RUN, b""), "");
        assert!(image.run(BESIDE, b"railstage-writer\nbegin\n/tmp\n0\n").is_empty());
    }
    assert_eq!(fs::read_dir(volume.path()).unwrap().count(), 0);
}
