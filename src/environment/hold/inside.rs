//! What runs in a container, asked of its own `/proc`: whether that is nothing but our waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::error::Failure;
use crate::relay::Line;

/// How long it may take to say so.
const WITHIN: Duration = Duration::from_secs(15);

/// Says which process it is itself, then of each its number, its parent's, whether it waits for us, and its name. It starts no program: an image may have
/// none, and a process of ours would be among those that are counted. The bracket keeps it from finding itself.
pub(super) const COMMAND: &str = r#"echo self $$; for p in /proc/[0-9]*; do n=; k=; v=; c=
while read -r k v; do case $k in Name:) n=$v;; PPid:) break;; esac; done 2>/dev/null <"$p/status"
[ "$k" = PPid: ] || continue
read -r c 2>/dev/null <"$p/cmdline"
case $c in "") t=none;; *railstage-[h]old*) t=hold;; *) t=other;; esac
echo "${p#/proc/} $v $t $n"; done"#;

/// What a container does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    OnlyWaits,
    /// These run in the place of our waiting, or beside it.
    Runs(Vec<String>),
}

/// Asks a container.
///
/// # Errors
/// When the line is cut, or nothing is said in time.
pub(super) async fn look(line: &Line) -> Result<Seen> {
    let asked = async {
        let mut command = line.run(COMMAND).await?;
        command.finish_feeding().await?;
        command.end().await
    };
    match tokio::time::timeout(WITHIN, asked).await {
        Ok(ended) => judge(&String::from_utf8_lossy(&ended?.said)),
        Err(_) => bail!(Failure::outside(format!("{line} does not say within {} s what runs in it", WITHIN.as_secs()))),
    }
}

/// A process of a container.
struct Process<'a> {
    parent: u32,
    kind: &'a str,
    name: &'a str,
}

type Processes<'a> = BTreeMap<u32, Process<'a>>;

/// What runs beside whoever asks and our waiting. What our waiting was started by only waits for it, such as an init of the image's.
fn judge(answer: &str) -> Result<Seen> {
    let mut lines = answer.lines();
    let Some(asker) = lines.next().and_then(|line| line.strip_prefix("self ")?.parse().ok()) else {
        bail!(Failure::outside("a container does not say what runs in it"))
    };
    let processes: Processes<'_> = lines.filter_map(process).collect();
    let waits: Vec<_> = processes.iter().filter(|(_, process)| process.kind == "hold").map(|(id, _)| *id).collect();
    let mut known: BTreeSet<u32> = line_of(&processes, asker).collect();
    known.extend(waits.iter().flat_map(|id| line_of(&processes, *id)));
    let is_child = |id: u32| line_of(&processes, id).any(|parent| parent == asker || waits.contains(&parent));
    // What has ended, and whose parent has not looked yet, has no command line.
    let others =
        processes.iter().filter(|(id, process)| process.kind != "none" && !known.contains(id) && !is_child(**id));
    let others: Vec<_> = others.map(|(_, process)| process.name.to_owned()).collect();
    Ok(if others.is_empty() && !waits.is_empty() { Seen::OnlyWaits } else { Seen::Runs(others) })
}

fn process(line: &str) -> Option<(u32, Process<'_>)> {
    let mut words = line.splitn(4, ' ');
    let (id, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((id, Process { parent, kind: words.next()?, name: words.next().unwrap_or_default() }))
}

/// A process, what started it, what started that, and so on.
fn line_of<'a>(processes: &'a Processes<'_>, id: u32) -> impl Iterator<Item = u32> + 'a {
    // None is its own ancestor, and each look may have met numbers that were given anew.
    std::iter::successors(Some(id), |id| processes.get(id).map(|process| process.parent)).take(processes.len() + 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::*;

    fn runs(names: &[&str]) -> Seen {
        Seen::Runs(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn only_our_waiting_and_what_waits_for_it_is_nothing() {
        let seen = |answer: &str| judge(answer).unwrap();
        assert_eq!(seen("self 7\n1 0 hold sh\n6 1 other sleep\n7 0 other sh\n"), Seen::OnlyWaits);
        // An init, an entry point that waits, an agent that has let us in, what has ended, and a child of ours.
        let more = "self 30\n1 0 other tini\n2 1 other entry.sh\n3 2 hold sh\n4 3 other sleep\n5 1 none sh\n20 0 other agent\n30 20 other sh\n31 30 other cat\n";
        assert_eq!(seen(more), Seen::OnlyWaits);
    }

    #[test]
    fn the_app_in_its_place_or_beside_it_is_named() {
        let seen = |answer: &str| judge(answer).unwrap();
        assert_eq!(
            seen("self 7\n1 0 other apache2\n3 1 other apache2 -k\n7 0 other sh\n"),
            runs(&["apache2", "apache2 -k"])
        );
        assert_eq!(seen("self 7\n1 0 other init\n2 1 hold sh\n3 1 other php-fpm\n7 0 other sh\n"), runs(&["php-fpm"]));
        assert_eq!(seen("self 7\n7 0 other sh\n"), runs(&[]));
        // Numbers that name each other in a circle.
        assert_eq!(seen("self 7\n1 2 other a\n2 1 other b\n"), runs(&["a", "b"]));
        for nothing in ["", "exec: no shell\n", "self\n"] {
            assert!(judge(nothing).is_err(), "{nothing:?}");
        }
    }

    /// How each shell that is there is asked to run a text.
    fn shells() -> Vec<Vec<&'static str>> {
        let all: [&[&str]; 3] = [&["dash", "-c"], &["bash", "-c"], &["busybox", "sh", "-c"]];
        let is_there = |shell: &&[&str]| {
            Command::new(shell[0]).args(&shell[1..]).arg(":").status().is_ok_and(|done| done.success())
        };
        all.into_iter().filter(is_there).map(<[_]>::to_vec).collect()
    }

    #[test]
    fn every_shell_finds_the_waiting_and_not_itself_and_the_waiting_ends_when_it_is_told_to() {
        let text = super::super::START_COMMAND.strip_prefix("sh -c '").unwrap().strip_suffix('\'').unwrap();
        assert!(shells().len() > 1);
        for waits in shells() {
            let mut waiting = Command::new(waits[0]).args(&waits[1..]).arg(text).process_group(0).spawn().unwrap();
            let hold = format!("{} ", waiting.id());
            for asks in shells() {
                // It begins as a process of ours still.
                let said = (0..100).find_map(|_| {
                    let output = Command::new(asks[0]).args(&asks[1..]).arg(COMMAND).output().unwrap();
                    assert_eq!(output.stderr, b"", "{asks:?}");
                    let said = String::from_utf8(output.stdout).unwrap();
                    said.lines().any(|line| line.starts_with(&hold) && line.contains(" hold ")).then_some(said)
                });
                let said = said.unwrap_or_else(|| panic!("{asks:?} does not find {waits:?}"));
                let asker = said.lines().next().unwrap().replace("self ", "");
                let itself = said.lines().find(|line| line.starts_with(&format!("{asker} "))).unwrap();
                assert!(itself.contains(" other "), "{asks:?}: {itself}");
            }
            let id = nix::unistd::Pid::from_raw(waiting.id().try_into().unwrap());
            nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
            assert!(waiting.wait().unwrap().success(), "{waits:?}");
            // In a container, what it waited with ends with it.
            nix::sys::signal::killpg(id, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
    }
}
