//! Files in the format of `tar`, as GNU's, busybox's and BSD's programs write and read it.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tar::{EntryType, Header, PaxExtensions};

use super::container::Heard;
use super::listing::{Entry, Kind};
use super::path::{self, Path};
use crate::copying::transient::Transient;
use crate::error::{Exit, Failure};

const BLOCK: usize = 512;
/// No name or list of attributes is longer.
const LONGEST_EXTENSION: u64 = 64 << 10;

/// A file, link or folder of an archive, whose contents come next.
pub(super) struct Member {
    pub(super) path: Path,
    pub(super) kind: Kind,
    pub(super) leads_to: Vec<u8>,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) modified: i64,
}

/// The next member; `None` at the end.
///
/// # Errors
/// When it is none, or the archive breaks off.
pub(super) async fn next(heard: &mut Heard) -> Result<Option<Member>> {
    let (mut long_path, mut long_link, mut long_size, mut modified) = (None, None, None, None);
    loop {
        let block = heard.exactly(BLOCK).await?;
        if block.is_empty() || block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        ensure!(block.len() == BLOCK, Transient(format!("an archive from {} broke off", heard.place())));
        let header = Header::from_byte_slice(&block);
        ensure!(is_header(header), Failure::new(Exit::Failed, format!("{} sends what is no archive", heard.place())));
        let size = header.entry_size().context("read the size of a file in an archive")?;
        match header.entry_type() {
            kind
            @ (EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader | EntryType::XGlobalHeader) => {
                ensure!(
                    size <= LONGEST_EXTENSION,
                    Failure::new(Exit::Failed, format!("{} sends a name that is too long", heard.place()))
                );
                let data = heard.exactly(usize::try_from(size)?).await?;
                heard.skip(padding(size)).await?;
                match kind {
                    EntryType::GNULongName => long_path = Some(without_end(&data)),
                    EntryType::GNULongLink => long_link = Some(without_end(&data)),
                    EntryType::XHeader => {
                        for extension in PaxExtensions::new(&data) {
                            let extension = extension.context("read the attributes of a file in an archive")?;
                            let value = extension.value_bytes().to_vec();
                            let number = || {
                                std::str::from_utf8(&value).ok().and_then(|text| text.split('.').next()?.parse().ok())
                            };
                            match extension.key_bytes() {
                                b"path" => long_path = Some(value),
                                b"linkpath" => long_link = Some(value),
                                b"size" => long_size = number().and_then(|size: i64| u64::try_from(size).ok()),
                                b"mtime" => modified = number(),
                                _ => {}
                            }
                        }
                    }
                    _ => {}
                }
            }
            kind => {
                let told = long_path.unwrap_or_else(|| header.path_bytes().into_owned());
                // A folder's name ends with a slash.
                let told = told.strip_suffix(b"/").unwrap_or(&told);
                let kind = match kind {
                    EntryType::Regular | EntryType::Continuous => Kind::File,
                    EntryType::Directory => Kind::Folder,
                    EntryType::Symlink => Kind::Link,
                    _ => Kind::Special,
                };
                return Ok(Some(Member {
                    path: path::of_listing(told)?,
                    kind,
                    leads_to: long_link
                        .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
                        .unwrap_or_default(),
                    size: if kind == Kind::File { long_size.unwrap_or(size) } else { 0 },
                    mode: header.mode()? & 0o7777,
                    uid: u32::try_from(header.uid()?)?,
                    gid: u32::try_from(header.gid()?)?,
                    modified: modified.unwrap_or_else(|| header.mtime().map_or(0, u64::cast_signed)),
                }));
            }
        }
    }
}

fn is_header(header: &Header) -> bool {
    let bytes = header.as_bytes();
    let sum: u32 =
        bytes.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum();
    header.cksum().is_ok_and(|told| told == sum)
}

fn without_end(name: &[u8]) -> Vec<u8> {
    name.strip_suffix(b"\0").unwrap_or(name).to_vec()
}

/// How much follows contents of this size until the next header.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

/// What ends an archive.
pub(super) fn end() -> Bytes {
    Bytes::from_static(&[0; 2 * BLOCK])
}

/// What a member is written as: the attributes of its entry, whatever else it becomes.
pub(super) enum As<'a> {
    /// A file of this size, whose contents come next.
    File(u64),
    Folder,
    LinkTo(&'a [u8]),
    /// One more name of what has this one already.
    NameOf(&'a [u8]),
}

/// The headers of a member.
pub(super) fn member(entry: &Entry, mode: u32, what: &As<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut header = Header::new_gnu();
    header.set_mode(mode);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    // Older than 1970 is nothing in a volume; `tar` would not know it.
    header.set_mtime(u64::try_from(entry.modified).unwrap_or(0));
    let (kind, size) = match what {
        As::File(size) => (EntryType::Regular, *size),
        As::Folder => (EntryType::Directory, 0),
        As::LinkTo(_) => (EntryType::Symlink, 0),
        As::NameOf(_) => (EntryType::Link, 0),
    };
    header.set_entry_type(kind);
    header.set_size(size);
    let mut name = path::in_container(&entry.path);
    if matches!(what, As::Folder) {
        name.push(b'/');
    }
    let link = match what {
        As::LinkTo(leads_to) => leads_to.to_vec(),
        As::NameOf(other) => path::in_container(other),
        As::File(_) | As::Folder => Vec::new(),
    };
    put(&mut bytes, &mut header, EntryType::GNULongLink, &link, 157..257);
    put(&mut bytes, &mut header, EntryType::GNULongName, &name, 0..100);
    header.set_cksum();
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

/// Puts a name into its field, or before the header where it has no room there.
fn put(bytes: &mut Vec<u8>, header: &mut Header, long: EntryType, name: &[u8], field: std::ops::Range<usize>) {
    let room = field.len();
    if name.len() <= room {
        header.as_mut_bytes()[field][..name.len()].copy_from_slice(name);
        return;
    }
    header.as_mut_bytes()[field].copy_from_slice(&name[..room]);
    let mut before = Header::new_gnu();
    before.as_mut_bytes()[..13].copy_from_slice(b"././@LongLink");
    before.set_entry_type(long);
    before.set_size(name.len() as u64 + 1);
    before.set_cksum();
    bytes.extend_from_slice(before.as_bytes());
    bytes.extend_from_slice(name);
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
}
