//! Folders of worlds whose process was killed before it could tidy up.

use std::path::Path;

/// Names our temporary folders after this process.
pub(crate) fn prefix() -> String {
    format!("backboard-{}-", std::process::id())
}

/// Removes the folders in `parent` whose process no longer exists.
pub(crate) fn remove(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix("backboard-")?.split('-').next());
        if let Some(pid) = owner.and_then(|pid| pid.parse::<u32>().ok())
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            // Another world may be doing the same; whoever is second has nothing left to do.
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}
