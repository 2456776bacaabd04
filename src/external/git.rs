//! The `git` program: asks one host which commit a name stands for, and checks one commit out; it obeys no setting of this machine, runs nothing
//! of the repository, and is told its secret in a file that only our account can read.

mod contained;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use self::contained::{ensure_contained, within};
use crate::error::Failure;
use crate::external::addresses::{is_public, resolved};
use crate::external::privacy::{self, PrivateFolder};
use crate::external::process::{Child, ChildOutput};
use crate::external::process_env::ProcessEnv;
use crate::inert::one_line;
use crate::secret::Secret;

/// How long the host may take to say what its names stand for.
const LIST: Duration = Duration::from_mins(1);

/// How long one commit may take to come.
const FETCH: Duration = Duration::from_mins(8);

/// A repository at one host.
pub(crate) struct Remote {
    program: PathBuf,
    env: ProcessEnv,
    url: String,
    /// With git's settings, the secret among them.
    settings: PrivateFolder,
}

/// One commit's files, without any history.
pub(crate) struct CheckedOut {
    /// Gone when dropped.
    folder: PrivateFolder,
}

impl CheckedOut {
    /// Where its files are.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join(FILES)
    }
}

const FILES: &str = "files";

impl Remote {
    /// A repository by its `https://` URL, with the secret that opens it. Its host is looked up once, and that address is what is connected to;
    /// a proxy of ours looks it up by itself.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`] when its host is at a private address and may not be; [`crate::error::Exit::Program`] when there is no `git`.
    pub(crate) async fn at(env: &ProcessEnv, url: &str, token: Option<&Secret>, may_be_private: bool) -> Result<Self> {
        let parsed = Url::parse(url).with_context(|| Failure::invalid(format!("`{url}` is no address")))?;
        let host = parsed.host().with_context(|| Failure::invalid(format!("`{url}` names no host")))?;
        let (name, port) = (host.to_string(), parsed.port_or_known_default().unwrap_or(443));
        let mut network = String::new();
        if is_proxied(env, &name) {
            let is_private = name.trim_matches(['[', ']']).parse().is_ok_and(|address| !is_public(address));
            ensure!(!is_private || may_be_private, private(&name));
        } else {
            let found = resolved(&host, port).await.with_context(|| Failure::outside(format!("reach `{name}`")))?;
            let address = found
                .iter()
                .find(|found| is_public(found.ip()) || may_be_private)
                .with_context(|| private(&name))?
                .ip();
            let all_public = found.iter().all(|found| is_public(found.ip()));
            ensure!(all_public || may_be_private, private(&name));
            network = format!("\tproxy = \"\"\n\tcurloptResolve = \"{name}:{port}:{address}\"\n");
        }
        let settings = privacy::private_folder()?;
        let header = token.map_or(String::new(), |token| {
            format!("[http \"https://{name}:{port}/\"]\n\textraHeader = \"Authorization: Basic {}\"\n", login(token))
        });
        privacy::write_secret(
            settings.path(),
            "gitconfig",
            &Secret::new(format!("{SETTINGS}[http]\n{NO_REDIRECTS}{network}{header}")),
        )?;
        Ok(Self { program: env.find("git")?, env: env.clone(), url: url.to_owned(), settings })
    }

    /// The commit that a branch, a tag or a whole name such as `refs/pull/7/head` stands for now; without one, the main branch's.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`] when there is no such name, or a branch and a tag of it that are not one commit; [`crate::error::Exit::Outside`] when the host does not say.
    pub(crate) async fn commit(&self, name: Option<&str>) -> Result<String> {
        let wanted = match name {
            None => vec!["HEAD".to_owned()],
            Some(whole) if whole.starts_with("refs/") => vec![whole.to_owned()],
            Some(name) => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
        };
        let peeled = wanted.iter().map(|name| format!("{name}^{{}}"));
        let asked: Vec<_> = wanted.iter().cloned().chain(peeled).collect();
        let listed = self
            .git(LIST, ["ls-remote", "--quiet", "--", &self.url].into_iter().chain(asked.iter().map(String::as_str)));
        let listed = self.done(listed.run().await?, "ask which commit is meant")?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let of = |name: &str| {
            text.lines().find_map(|line| line.split_once('\t').filter(|(_, of)| *of == name).map(|(hash, _)| hash))
        };
        let mut found: Vec<_> =
            wanted.iter().filter_map(|name| of(&format!("{name}^{{}}")).or_else(|| of(name))).collect();
        found.dedup();
        let told = name.unwrap_or("HEAD");
        match found[..] {
            [commit] if is_commit(commit) => Ok(commit.to_owned()),
            [] => bail!(Failure::invalid(format!("`ref`: the repository has no `{told}`"))),
            [_] => bail!(Failure::outside(format!("the repository tells no commit for `{told}`"))),
            _ => bail!(
                Failure::invalid(format!("`ref`: `{told}` is a branch and a tag, of different commits"))
                    .hint(format!("name `refs/heads/{told}` or `refs/tags/{told}`"))
            ),
        }
    }

    /// Fetches one commit alone and checks it out: files, and links that stay within.
    ///
    /// # Errors
    /// [`crate::error::Exit::Invalid`] when it is larger than `most` bytes or holds a link that leads out of it; [`crate::error::Exit::Outside`] when it cannot be had.
    pub(crate) async fn check_out(&self, commit: &str, most: u64) -> Result<CheckedOut> {
        let folder = privacy::folder_on_disk()?;
        // Whoever packs the files heeds such lists of the folders above as well, and there they may be anybody's.
        for name in [".ignore", ".railwayignore"] {
            std::fs::write(folder.path().join(name), "!*\n").context("keep lists of others away")?;
        }
        let (git_dir, files) = (folder.path().join("git"), folder.path().join(FILES));
        std::fs::create_dir(&files).context("make a folder for the files")?;
        let git = |args: &[&str]| {
            self.git(FETCH, args.iter().copied())
                .cwd(&files)
                .env("GIT_DIR", git_dir.to_string_lossy())
                .env("GIT_WORK_TREE", files.to_string_lossy())
        };
        self.done(git(&["init", "--quiet", "--template="]).run().await?, "make a repository")?;
        let fetch = git(&[
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--",
            &self.url,
            commit,
        ]);
        self.done(within(fetch, folder.path(), most).await?, "fetch the commit")?;
        let check_out =
            git(&["-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", "--detach", commit, "--"]);
        // What is packed may become much larger.
        self.done(within(check_out, folder.path(), most.saturating_mul(2)).await?, "check the commit out")?;
        std::fs::remove_dir_all(&git_dir).context("remove the repository")?;
        let root = files.canonicalize().context("find the files")?;
        ensure_contained(&root, most)?;
        Ok(CheckedOut { folder })
    }

    fn git<'a>(&self, deadline: Duration, args: impl IntoIterator<Item = &'a str>) -> Child {
        let settings = self.settings.path();
        let child = Child::new(&self.program, &self.env, deadline)
            .args(args)
            .cwd(settings)
            .env("HOME", settings.to_string_lossy())
            .env("GIT_CONFIG_GLOBAL", settings.join("gitconfig").to_string_lossy())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_ALLOW_PROTOCOL", "https")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "/bin/false")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("LC_ALL", "C")
            // Whether a proxy is asked is decided here, and not once more by other rules.
            .env("NO_PROXY", "")
            .env("no_proxy", "");
        let certificates = [("SSL_CERT_FILE", "GIT_SSL_CAINFO"), ("SSL_CERT_DIR", "GIT_SSL_CAPATH")];
        certificates.iter().fold(child, |child, (ours, gits)| match self.env.text(ours) {
            Some(path) => child.env(*gits, path),
            None => child,
        })
    }

    fn done(&self, output: ChildOutput, what: &str) -> Result<ChildOutput> {
        if output.status.success() {
            return Ok(output);
        }
        let words = output.last_words();
        let mut failure = Failure::outside(format!("{what} of {}: `git` says: {}", self.url, one_line(&words)));
        if words.contains("not our ref")
            || words.contains("couldn't find remote ref")
            || words.contains("no such remote ref")
        {
            failure = Failure::invalid(format!("`ref`: {} has no such commit", self.url));
        } else if words.contains("Authentication failed")
            || words.contains("could not read Username")
            || words.contains("terminal prompts disabled")
        {
            failure = failure.hint("the policy's `deploy.tokens` says which secret opens the repositories of a host");
        }
        bail!(failure)
    }
}

fn private(host: &str) -> Failure {
    Failure::invalid(format!("`repository`: `{host}` is at a private address"))
        .hint("the policy's `deploy.private_hosts` names hosts that may be")
}

/// What `git` sends to be let in; a secret that names no user is a token, for which any will do.
fn login(token: &Secret) -> String {
    let text = token.expose();
    let pair = if text.contains(':') { text.to_owned() } else { format!("x-access-token:{text}") };
    let encoded = STANDARD.encode(pair);
    Secret::new(encoded.clone());
    encoded
}

/// Settings in the place of the machine's: nothing but `https`, nothing that runs another program.
const SETTINGS: &str = "\
[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tprotectHFS = true
\tprotectNTFS = true
[protocol]
\tallow = never
[protocol \"https\"]
\tallow = always
[credential]
\thelper =
[submodule]
\trecurse = false
[transfer]
\tfsckObjects = true
\tbundleURI = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
";

const NO_REDIRECTS: &str = "\tfollowRedirects = false\n\tlowSpeedLimit = 1000\n\tlowSpeedTime = 60\n\tcookieFile =\n";

/// Whether this process reaches a host by a proxy.
fn is_proxied(env: &ProcessEnv, host: &str) -> bool {
    let is_set = |names: &[&str]| names.iter().any(|name| env.text(name).is_some());
    let spared = ["NO_PROXY", "no_proxy"].iter().filter_map(|name| env.text(name)).flat_map(|list| list.split(','));
    let is_spared = |entry: &str| {
        let entry = entry.trim().trim_start_matches("*.").trim_start_matches('.');
        entry == "*" || (!entry.is_empty() && (host == entry || host.ends_with(&format!(".{entry}"))))
    };
    is_set(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) && !spared.into_iter().any(is_spared)
}

/// Whether a text is a commit by its whole hash.
pub(crate) fn is_commit(hash: &str) -> bool {
    hash.len() == 40 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_asked_for_what_it_is_meant_for() {
        let env = |pairs: &[(&str, &str)]| ProcessEnv::new(pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())));
        let proxied = |more: &[(&str, &str)], host: &str| {
            is_proxied(&env(&[&[("HTTPS_PROXY", "http://p:1")], more].concat()), host)
        };
        assert!(proxied(&[], "github.com") && proxied(&[("NO_PROXY", "hub.com,localhost")], "github.com"));
        assert!(
            !proxied(&[("no_proxy", "github.com")], "github.com") && !proxied(&[("NO_PROXY", ".com")], "github.com")
        );
        assert!(!proxied(&[("NO_PROXY", "*")], "github.com") && !is_proxied(&env(&[]), "github.com"));
    }
}
