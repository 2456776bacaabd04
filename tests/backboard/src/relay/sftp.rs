//! Files by SFTP, version 3, as they are in the target's container.
//!
//! A thread of its own goes into the container and does what it is asked, one request after the other; so a path means there what it
//! means to a command, links included, and nothing outside can be named.

use super::container::Container;
use super::journal::Deed;
use crate::backend::Backend;
use anyhow::{Context, Result};
use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::Mode;
use nix::unistd::{chroot, fchdir};
use russh::Channel;
use russh::server::Msg;
use russh_sftp::protocol::{
    Attrs, Data, File as Entry, FileAttributes, Handle, Name, OpenFlags, Status, StatusCode, Version,
};
use russh_sftp::server::StatusReply;
use std::collections::HashMap;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::oneshot;

/// How many names a folder is told in at once.
const NAMES: usize = 128;

/// The most that one read is answered with.
const MOST: usize = 256 << 10;

pub(super) fn serve(
    backend: Arc<Backend>,
    place: Option<(String, String)>,
    container: Arc<Container>,
    channel: Channel<Msg>,
) {
    std::thread::spawn(move || {
        // Whoever does not get in hears nothing more on this channel, as of a relay that has lost its way.
        let served = enter(&container).and_then(|()| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (ended, end) = oneshot::channel();
            let files = Files { backend, place, open: HashMap::new(), count: 0, _ended: ended };
            runtime.block_on(async {
                russh_sftp::server::run(channel.into_stream(), files).await;
                end.await.ok();
                // The channel is closed by a task of its own.
                tokio::task::yield_now().await;
            });
            Ok(())
        });
        if let Err(error) = served {
            eprintln!("backboard: SFTP: {error:#}");
        }
    });
}

/// Takes this thread, and no other, into a container.
fn enter(container: &Container) -> Result<()> {
    let process = format!("/proc/{}", container.first_process()?);
    let look = |what: &str| open(format!("{process}/{what}").as_str(), OFlag::O_RDONLY, Mode::empty());
    let (namespace, root) = (look("ns/mnt")?, look("root")?);
    unshare(CloneFlags::CLONE_FS).context("leave the other threads' folder")?;
    setns(namespace, CloneFlags::CLONE_NEWNS).context("enter the container")?;
    fchdir(root)?;
    chroot(".").context("enter the container")?;
    Ok(())
}

enum Open {
    File(File),
    Folder(fs::ReadDir),
}

struct Files {
    backend: Arc<Backend>,
    place: Option<(String, String)>,
    open: HashMap<String, Open>,
    count: u64,
    /// Dropped with the session.
    _ended: oneshot::Sender<()>,
}

fn refused(error: &io::Error) -> StatusReply {
    let code = match error.kind() {
        ErrorKind::NotFound => StatusCode::NoSuchFile,
        ErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        _ => StatusCode::Failure,
    };
    code.with_message(error.to_string())
}

fn done(id: u32, result: io::Result<()>) -> Result<Status, StatusReply> {
    result.map_err(|error| refused(&error))?;
    Ok(Status { id, status_code: StatusCode::Ok, error_message: "Ok".to_owned(), language_tag: "en-US".to_owned() })
}

fn attributes(of: &Metadata) -> FileAttributes {
    let time = |secs: i64| u32::try_from(secs).unwrap_or_default();
    FileAttributes {
        size: Some(of.len()),
        uid: Some(of.uid()),
        gid: Some(of.gid()),
        permissions: Some(of.mode()),
        atime: Some(time(of.atime())),
        mtime: Some(time(of.mtime())),
        ..FileAttributes::empty()
    }
}

impl Files {
    fn note(&self, what: &'static str, path: &str) {
        self.backend.relayed.note(self.place.clone(), Deed::File { what, path: path.to_owned() });
    }

    fn keep(&mut self, id: u32, open: Open) -> Handle {
        self.count += 1;
        let handle = self.count.to_string();
        self.open.insert(handle.clone(), open);
        Handle { id, handle }
    }

    fn file(&self, handle: &str) -> Result<&File, StatusReply> {
        match self.open.get(handle) {
            Some(Open::File(file)) => Ok(file),
            _ => Err(StatusCode::Failure.with_message("no such handle")),
        }
    }

    fn set(path: &str, wanted: &FileAttributes) -> io::Result<()> {
        if let Some(mode) = wanted.permissions {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o7777))?;
        }
        if wanted.uid.is_some() || wanted.gid.is_some() {
            std::os::unix::fs::chown(path, wanted.uid, wanted.gid)?;
        }
        if wanted.size.is_none() && wanted.mtime.is_none() {
            return Ok(());
        }
        Self::set_open(&OpenOptions::new().write(true).open(path)?, wanted)
    }

    fn set_open(file: &File, wanted: &FileAttributes) -> io::Result<()> {
        if let Some(size) = wanted.size {
            file.set_len(size)?;
        }
        if let Some(secs) = wanted.mtime {
            file.set_modified(UNIX_EPOCH + Duration::from_secs(secs.into()))?;
        }
        Ok(())
    }
}

impl russh_sftp::server::Handler for Files {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusCode::OpUnsupported.into()
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, StatusReply> {
        Ok(Version::new())
    }

    async fn open(
        &mut self,
        id: u32,
        path: String,
        flags: OpenFlags,
        _: FileAttributes,
    ) -> Result<Handle, StatusReply> {
        self.note(if flags.contains(OpenFlags::WRITE) { "write" } else { "read" }, &path);
        let file = OpenOptions::from(flags).open(path).map_err(|error| refused(&error))?;
        Ok(self.keep(id, Open::File(file)))
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, StatusReply> {
        let closed = self.open.remove(&handle).ok_or(ErrorKind::InvalidInput.into());
        done(id, closed.map(drop))
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Result<Data, StatusReply> {
        let mut data = vec![0; usize::try_from(len).unwrap_or(MOST).min(MOST)];
        let read = self.file(&handle)?.read_at(&mut data, offset).map_err(|error| refused(&error))?;
        if read == 0 {
            return Err(StatusCode::Eof.into());
        }
        data.truncate(read);
        Ok(Data { id, data })
    }

    async fn write(&mut self, id: u32, handle: String, offset: u64, data: Vec<u8>) -> Result<Status, StatusReply> {
        done(id, self.file(&handle)?.write_all_at(&data, offset))
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        let found = fs::symlink_metadata(path).map_err(|error| refused(&error))?;
        Ok(Attrs { id, attrs: attributes(&found) })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusReply> {
        let found = fs::metadata(path).map_err(|error| refused(&error))?;
        Ok(Attrs { id, attrs: attributes(&found) })
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, StatusReply> {
        let found = self.file(&handle)?.metadata().map_err(|error| refused(&error))?;
        Ok(Attrs { id, attrs: attributes(&found) })
    }

    async fn setstat(&mut self, id: u32, path: String, attrs: FileAttributes) -> Result<Status, StatusReply> {
        self.note("change", &path);
        done(id, Self::set(&path, &attrs))
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attrs: FileAttributes) -> Result<Status, StatusReply> {
        done(id, Self::set_open(self.file(&handle)?, &attrs))
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusReply> {
        self.note("list", &path);
        let folder = fs::read_dir(path).map_err(|error| refused(&error))?;
        Ok(self.keep(id, Open::Folder(folder)))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, StatusReply> {
        let Some(Open::Folder(folder)) = self.open.get_mut(&handle) else {
            return Err(StatusCode::Failure.with_message("no such handle"));
        };
        // What vanishes meanwhile is passed over.
        let entries = folder.filter_map(|entry| {
            let entry = entry.ok()?;
            let attributes = attributes(&entry.metadata().ok()?);
            Some(Entry::new(entry.file_name().to_string_lossy(), attributes))
        });
        let files: Vec<Entry> = entries.take(NAMES).collect();
        if files.is_empty() { Err(StatusCode::Eof.into()) } else { Ok(Name { id, files }) }
    }

    async fn remove(&mut self, id: u32, path: String) -> Result<Status, StatusReply> {
        self.note("remove", &path);
        done(id, fs::remove_file(path))
    }

    async fn mkdir(&mut self, id: u32, path: String, _: FileAttributes) -> Result<Status, StatusReply> {
        self.note("make", &path);
        done(id, fs::create_dir(path))
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Result<Status, StatusReply> {
        self.note("remove", &path);
        done(id, fs::remove_dir(path))
    }

    async fn rename(&mut self, id: u32, from: String, to: String) -> Result<Status, StatusReply> {
        self.note("rename", &from);
        self.note("write", &to);
        // The protocol's own rename replaces nothing.
        let free = if fs::symlink_metadata(&to).is_ok() { Err(ErrorKind::AlreadyExists.into()) } else { Ok(()) };
        done(id, free.and_then(|()| fs::rename(from, to)))
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusReply> {
        let path = if path.is_empty() { "." } else { &path };
        let found = fs::canonicalize(path).map_err(|error| refused(&error))?;
        Ok(Name { id, files: vec![Entry::dummy(found.to_string_lossy())] })
    }

    async fn readlink(&mut self, id: u32, path: String) -> Result<Name, StatusReply> {
        let target = fs::read_link(path).map_err(|error| refused(&error))?;
        Ok(Name { id, files: vec![Entry::dummy(target.to_string_lossy())] })
    }

    async fn symlink(&mut self, id: u32, path: String, target: String) -> Result<Status, StatusReply> {
        self.note("make", &path);
        done(id, std::os::unix::fs::symlink(target, path))
    }
}
