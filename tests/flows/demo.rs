//! `tests/demo`: what it prints, what its lines for another shell do, and that nothing of it is left, however it ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Longer than the demo is silent, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_mins(5);

/// A demo under way, with a folder of its own for all that is temporary.
struct Demo {
    process: Child,
    lines: Receiver<String>,
    folder: TempDir,
}

impl Demo {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Its servers run as another user.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let mut process = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo"))
            .args(["--size", "1M"])
            .args(more)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines, folder }
    }

    /// The lines up to the first that begins so.
    fn until(&self, begin: &str) -> Vec<String> {
        let told = self.read(|line| line.starts_with(begin));
        assert!(told.last().is_some_and(|line| line.starts_with(begin)), "no `{begin}` in {told:#?}");
        told
    }

    /// The lines up to one that is the last, or to the end.
    fn read(&self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let mut told: Vec<String> = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => told.push(line),
                Err(RecvTimeoutError::Disconnected) => return told,
                Err(RecvTimeoutError::Timeout) => panic!("nothing comes after {told:#?}"),
            }
            if is_last(told.last().unwrap()) {
                return told;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    /// How it ended and what it complained of, once it has; and that nothing is left.
    fn ended(mut self) -> (ExitStatus, String) {
        self.read(|_| false);
        let status = self.process.wait().unwrap();
        let mut errors = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        let left: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{left:?} is left; {errors}");
        assert_eq!(of_folder(self.folder.path()), Vec::<(Pid, String)>::new());
        (status, errors)
    }
}

/// Nothing of it outlives a test that fails.
impl Drop for Demo {
    fn drop(&mut self) {
        if self.process.try_wait().unwrap().is_none() {
            self.signal(Signal::SIGTERM);
            self.process.wait().unwrap();
        }
    }
}

/// The programs that know a folder, by their arguments or variables.
fn of_folder(folder: &Path) -> Vec<(Pid, String)> {
    let folder = folder.to_str().unwrap();
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let known = |name: String| {
        let pid = Pid::from_raw(name.parse().ok()?);
        let read = |what: &str| std::fs::read(format!("/proc/{name}/{what}")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let knows = arguments.contains(folder) || String::from_utf8_lossy(&read("environ")).contains(folder);
        knows.then_some((pid, arguments))
    };
    processes.filter_map(known).collect()
}

/// The flows that the README says the demo runs.
fn flows() -> Vec<String> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let about = readme.split("\nThe demo plans").nth(1).expect("what the README says of the demo");
    let about = about.split("\n\n").next().unwrap();
    about.split('`').filter(|word| is_flow(word)).map(str::to_owned).collect()
}

fn is_flow(word: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kestra").join(word).with_extension("yaml").exists()
}

fn count(text: &str) -> usize {
    text.chars().count()
}

#[test]
fn the_demo_tells_each_flow_of_the_readme_in_one_line() {
    let demo = Demo::start(&[]);
    let told = demo.read(|_| false);
    let wide: Vec<_> = told.iter().filter(|line| count(line) > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let of_flows: Vec<_> = told.iter().filter(|line| line.split(' ').next().is_some_and(is_flow)).collect();
    let mut names: Vec<_> = of_flows.iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    // It deploys, and goes back.
    names.dedup();
    assert_eq!(names, flows(), "{told:#?}");
    for line in of_flows {
        assert!(line.ends_with(" s") && line.contains(|c: char| c.is_ascii_digit()), "{line}");
    }
    let text = told.join("\n");
    for words in [
        "  production: not a copy\n  └─ staging-demo-",
        "Production was not written: ",
        "\n  told to a receiver: railstage.account, evt_",
        "\n  its page: theme Acme Harbour, 500 uploads, a picture of its own volume\n",
        "\n  left behind: debug.log, .env, backup.sql, page.html, invoice-117.pdf\n",
        // Both sites, beside each other.
        "\n  customers        2000                                   2000\n",
        "\n  environment type staging                                production\n",
        "\n  uploads          500                                    500\n",
        "\n  private files    0                                      5\n",
        "\nDone in ",
    ] {
        assert!(text.contains(words), "`{words}` is not in {text}");
    }
    let (status, errors) = demo.ended();
    assert!(status.success() && errors.is_empty(), "{status}: {errors}");
}

#[test]
fn what_a_kept_demo_prints_can_be_pasted_and_ctrl_c_ends_it() {
    let demo = Demo::start(&["--keep"]);
    let mut told = demo.until("Kestra's SDK");
    told.extend(demo.until("END"));
    let pictures = told.iter().find_map(|line| line.strip_prefix("Both as Chromium shows them: "));
    let pictures = pictures.unwrap_or_else(|| panic!("no pictures in {told:#?}"));
    let (first, second) = pictures.split_once(", ").unwrap();
    for path in [Path::new(first), &Path::new(first).with_file_name(second)] {
        let picture = std::fs::read(path).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "{}: {}", path.display(), picture.len());
    }
    // A shell that knows nothing else.
    let home = tempfile::tempdir().unwrap();
    let variables: Vec<_> = told.iter().filter(|line| line.starts_with("export ")).cloned().collect();
    let pasted = |lines: &[String]| {
        let script = [&variables, lines].concat().join("\n");
        let mut shell = Command::new("bash");
        shell.args(["-euc", &script]).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home.path());
        let output = shell.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{errors}");
        String::from_utf8(output.stdout).unwrap()
    };
    // A command goes on where its line ends in a backslash.
    let command = |begin: &str| -> Vec<_> {
        let from = told.iter().position(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no `{begin}`"));
        let more = told[from..].iter().take_while(|line| line.ends_with('\\')).count();
        told[from..=from + more].to_vec()
    };
    let listed = pasted(&command("railstage list-envs"));
    assert!(listed.contains("  staging-demo-") && listed.contains("ready"), "{listed}");
    assert!(pasted(&command("railstage plan")).contains("+ web"));
    assert!(pasted(&["railway list".to_owned()]).contains("acme"));
    let searched = pasted(&command("curl -sS \"$KESTRA_URL"));
    assert!(searched.contains(" plan-staging SUCCESS\n"), "{searched}");
    let started = pasted(&command("curl -sS -w"));
    assert!(started.contains("\"flowId\":\"clone-staging\""), "{started}");
    // In the middle of that clone.
    demo.signal(Signal::SIGINT);
    let (status, errors) = demo.ended();
    assert!(status.success() && errors.is_empty(), "{status}: {errors}");
}

#[test]
fn a_demo_that_is_stopped_or_whose_step_fails_ends_as_failed_and_leaves_nothing() {
    let stopped = Demo::start(&[]);
    stopped.until("plan-staging");
    stopped.signal(Signal::SIGINT);
    let (status, errors) = stopped.ended();
    assert_eq!((status.code(), errors.as_str()), (Some(130), ""));

    let failing = Demo::start(&[]);
    failing.until("plan-staging");
    let railway =
        of_folder(failing.folder.path()).into_iter().find(|(_, arguments)| arguments.contains("/backboard serve"));
    kill(railway.expect("the stand-in").0, Signal::SIGTERM).unwrap();
    let (status, errors) = failing.ended();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.starts_with("tests/demo: "), "{errors}");
}
