//! Paths inside a container.

use std::fmt;

/// An absolute path in a container, without `.`, `..` and doubled slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runner) struct FilePath {
    /// The original spelling of the path.
    written: String,
    segments: Vec<String>,
    /// A Windows path, which is case-insensitive.
    is_windows: bool,
}

impl FilePath {
    /// Parses a path. A relative one is resolved from the root.
    pub(in crate::runner) fn parse(written: &str) -> Self {
        let is_windows = is_windows(written);
        let segments = segments(written, is_windows);
        let written = match is_windows {
            true => written.to_owned(),
            false => format!("/{}", segments.join("/")),
        };
        Self {
            written,
            segments,
            is_windows,
        }
    }

    /// Reads a path that may be relative to this folder.
    pub(in crate::runner) fn join(&self, path: &str) -> Self {
        let is_absolute = path.starts_with('/') || is_windows(path);
        if is_absolute {
            return Self::parse(path);
        }
        let slash = if self.is_windows { '\\' } else { '/' };
        let folder = self.written.trim_end_matches(['/', '\\']);
        Self::parse(&format!("{folder}{slash}{path}"))
    }

    /// The path of something below this folder.
    pub(super) fn child(&self, relative: &[String]) -> Self {
        let mut path = self.clone();
        path.segments.extend_from_slice(relative);
        let slash = if self.is_windows { "\\" } else { "/" };
        if !relative.is_empty() {
            let folder = self.written.trim_end_matches(['/', '\\']);
            path.written = format!("{folder}{slash}{}", relative.join(slash));
        }
        path
    }

    /// The last segment.
    pub(super) fn name(&self) -> &str {
        self.segments.last().map_or("", String::as_str)
    }

    /// The folder that the path is in.
    pub(super) fn parent(&self) -> Self {
        let mut segments = self.segments.clone();
        segments.pop();
        let slash = if self.is_windows { "\\" } else { "/" };
        Self {
            written: format!("{slash}{}", segments.join(slash)),
            segments,
            is_windows: self.is_windows,
        }
    }

    /// The segments below the root.
    pub(super) fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The segments below a folder; `None` when the path is not in it. The folder itself has none.
    pub(in crate::runner) fn below(&self, folder: &Self) -> Option<&[String]> {
        let (above, below) = self.segments.split_at_checked(folder.segments.len())?;
        let ignores_case = self.is_windows || folder.is_windows;
        same(above, &folder.segments, ignores_case).then_some(below)
    }

    /// Whether both paths are the same file.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.below(other).is_some_and(<[String]>::is_empty)
    }

    /// Whether the path is case-insensitive.
    pub(super) fn ignores_case(&self) -> bool {
        self.is_windows
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Whether two lists of segments are one path.
pub(super) fn same(left: &[String], right: &[String], ignores_case: bool) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            left == right || ignores_case && left.to_lowercase() == right.to_lowercase()
        })
}

/// The segments of a path. The drive `C:` is left out: on Windows, `/etc` is `C:\etc`.
pub(super) fn segments(path: &str, is_windows: bool) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    let separators: &[char] = if is_windows { &['/', '\\'] } else { &['/'] };
    for segment in path.split(separators) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            drive if is_windows && drive.eq_ignore_ascii_case("c:") => {}
            segment => segments.push(segment.to_owned()),
        }
    }
    segments
}

fn is_windows(path: &str) -> bool {
    let mut chars = path.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    drive || path.starts_with('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_many_paths() {
        for (left, right, expected) in [
            ("/etc/gitlab-runner/", "/etc//gitlab-runner", true),
            ("/etc/x/../gitlab-runner/./a", "/etc/gitlab-runner/a", true),
            ("/etc/Gitlab", "/etc/gitlab", false),
            (
                r"C:\GitLab-Runner\config.toml",
                "c:/gitlab-runner/CONFIG.toml",
                true,
            ),
            (r"C:\GitLab-Runner", "/gitlab-runner", true),
            (r"D:\GitLab-Runner", "/gitlab-runner", false),
            (r"\GitLab-Runner", "/gitlab-runner", true),
        ] {
            let same = FilePath::parse(left).is(&FilePath::parse(right));
            assert_eq!(same, expected, "{left} {right}");
        }
    }

    #[test]
    fn a_folder_is_whole_segments() {
        let path = FilePath::parse("/etc/gitlab-runner/config.toml");
        let below = |folder: &str| path.below(&FilePath::parse(folder)).map(<[String]>::len);
        assert_eq!(below("/etc/gitlab"), None);
        assert_eq!(below("/etc/gitlab-runner/"), Some(1));
        assert_eq!(below("/"), Some(3));
        assert_eq!(path.parent().to_string(), "/etc/gitlab-runner");
        assert_eq!(path.parent().join("../x").segments, ["etc", "x"]);
    }
}
