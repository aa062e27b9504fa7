//! The routes of the command line and of a folder.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str;

use thiserror::Error;

use crate::folder::{self, Files, FolderError};
use crate::route::{Host, Route, RouteError};

/// Consistent routes, and where they come from.
#[derive(Clone, Debug)]
pub struct Routes {
    all: Vec<Route>,
    source: Source,
    /// The files that they were read from.
    files: Files,
}

/// Where routes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    arguments: Vec<Route>,
    pub(crate) folder: Option<PathBuf>,
}

/// The position of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the command line.
    Argument,
    /// In a line of a file.
    Line(PathBuf, usize),
}

/// Why there are no routes.
#[derive(Debug, Error)]
pub enum RoutesError {
    /// The folder or a file in it cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A line is not text.
    #[error("{0}: this line is not UTF-8")]
    Encoding(Place),
    /// A line is not a route.
    #[error("{0}: {1}; a route is HOST=NAMESPACE/SELECTOR:PORT")]
    Route(Place, RouteError),
    /// Two routes have the same host, and lead to the newest pod.
    #[error("{place}: there is already a route for {host}, {other}")]
    Duplicate {
        /// The second route.
        place: Place,
        /// Their host.
        host: String,
        /// The first route.
        other: Place,
    },
    /// Two routes with the same wildcard lead to the same pods, at different ports.
    #[error("{place}: the route {other} has the same pods for {host} with another port")]
    TwoPorts {
        /// The second route.
        place: Place,
        /// Their host.
        host: String,
        /// The first route.
        other: Place,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => formatter.write_str("--route"),
            Self::Line(path, line) => write!(formatter, "{}:{line}", path.display()),
        }
    }
}

impl Routes {
    /// Takes the routes of the command line, and reads those of a folder.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, a line is not a route, or two routes contradict each other.
    pub fn load(arguments: Vec<Route>, folder: Option<PathBuf>) -> Result<Self, RoutesError> {
        let source = Source { arguments, folder };
        let files = source.read()?;
        Ok(Self {
            all: source.combine(&files)?,
            source,
            files,
        })
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Route> {
        self.all.iter()
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }
}

impl Source {
    /// Reads the files of the folder, if there is one.
    pub(crate) fn read(&self) -> Result<Files, FolderError> {
        match &self.folder {
            Some(folder) => folder::read(folder),
            None => Ok(Files::new()),
        }
    }

    /// Combines the routes of the command line and those of these files.
    pub(crate) fn combine(&self, files: &Files) -> Result<Vec<Route>, RoutesError> {
        let arguments = self.arguments.iter();
        let mut placed: Vec<(Place, Route)> = arguments
            .map(|route| (Place::Argument, route.clone()))
            .collect();
        for (path, content) in files {
            parse_file(path, content, &mut placed)?;
        }
        check(placed)
    }
}

/// Parses a route from each line. A comment starts with `#`, which no route contains.
fn parse_file(
    path: &Path,
    content: &[u8],
    routes: &mut Vec<(Place, Route)>,
) -> Result<(), RoutesError> {
    for (index, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let place = || Place::Line(path.to_owned(), index.saturating_add(1));
        let line = str::from_utf8(line).map_err(|_| RoutesError::Encoding(place()))?;
        let line = line.split('#').next().unwrap_or_default();
        let line = line.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() {
            let route = line.parse();
            let route = route.map_err(|error| RoutesError::Route(place(), error))?;
            routes.push((place(), route));
        }
    }
    Ok(())
}

/// Checks that no two routes contradict each other, and removes duplicates.
fn check(placed: Vec<(Place, Route)>) -> Result<Vec<Route>, RoutesError> {
    let mut seen = HashMap::new();
    let mut routes = Vec::new();
    for (place, route) in placed {
        let selection = match route.host() {
            Host::Wildcard(_) => Some(route.selection().clone()),
            Host::Name(_) | Host::Any => None,
        };
        let is_wildcard = selection.is_some();
        let host = route.name();
        match seen.entry((host.clone(), selection)) {
            Entry::Vacant(entry) => {
                entry.insert((place, route.port()));
                routes.push(route);
            }
            Entry::Occupied(entry) => {
                let (other, port) = entry.get();
                let other = other.clone();
                if !is_wildcard {
                    return Err(RoutesError::Duplicate { place, host, other });
                }
                if *port != route.port() {
                    return Err(RoutesError::TwoPorts { place, host, other });
                }
            }
        }
    }
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combined(arguments: &[&str], files: &[(&str, &[u8])]) -> Result<Vec<String>, String> {
        let arguments = arguments.iter().map(|text| text.parse().unwrap());
        let source = Source {
            arguments: arguments.collect(),
            folder: None,
        };
        let files = files
            .iter()
            .map(|(path, content)| (path.into(), content.to_vec()));
        let routes = source.combine(&files.collect());
        let shown =
            |route: &Route| format!("{}={}:{}", route.name(), route.selection(), route.port());
        match routes {
            Ok(routes) => Ok(routes.iter().map(shown).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_file_has_a_route_a_line() {
        let file = "\u{feff}# Team A\r\n\r\n  a.example.com=ci/app=a:8093  # its runner\r\n\
                    *.example.com=ci/tier in (a, b):8094\n";
        let routes = combined(
            &["*=ci/app=c:1"],
            &[("team-a", file.as_bytes()), ("empty", b"")],
        );
        let expected = [
            "*=ci/app=c:1",
            "a.example.com=ci/app=a:8093",
            "*.example.com=ci/tier in (a, b):8094",
        ];
        assert_eq!(routes.unwrap(), expected);
        assert_eq!(combined(&[], &[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_mistake_is_told_with_its_file_and_line() {
        let good = b"# One\na.b=ci/x=y:1\n";
        for (arguments, content, expected) in [
            (
                &[][..],
                &b"\na.b\n"[..],
                "r/b:2: there is no = after the host; a route is HOST=",
            ),
            (
                &[],
                b"a.b=ci/x=y:0",
                "r/b:1: the port is none of 1 to 65535; a route is",
            ),
            (&[], b"# \xff", "r/b:1: this line is not UTF-8"),
            (
                &[],
                b"\n\nA.B.=ci/x=z:2",
                "r/b:3: there is already a route for a.b, r/a:2",
            ),
            (
                &["*=ci/x=y:1"],
                b"*=ci/x=y:1",
                "r/b:1: there is already a route for *, --route",
            ),
            (
                &["*.b=ci/x=y:1"],
                b"*.b=ci/x=y:2",
                "r/b:1: the route --route has the same pods for *.b with another port",
            ),
        ] {
            let error = combined(arguments, &[("r/a", good), ("r/b", content)]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn routes_may_share_a_wildcard() {
        let file = b"*.b=ci/x=y:1\n*.b=ci/x=z:2\n*.b=other/x=y:1\n*.b=ci/x=y:1";
        // The last one is a duplicate.
        assert_eq!(combined(&[], &[("a", file)]).unwrap().len(), 3);
    }

    #[test]
    fn a_folder_is_read_without_what_begins_with_a_dot() {
        let folder = std::env::temp_dir().join(format!("relay-routes-{}", std::process::id()));
        let inner = folder.join("..2026");
        std::fs::create_dir_all(inner.join("nested")).unwrap();
        std::fs::create_dir_all(folder.join("folder")).unwrap();
        std::fs::write(inner.join("a"), "a.b=ci/x=y:1").unwrap();
        std::fs::write(folder.join(".b"), "nonsense").unwrap();
        #[cfg(unix)]
        {
            let _ = std::fs::remove_file(folder.join("a"));
            std::os::unix::fs::symlink("..2026/a", folder.join("a")).unwrap();
        }
        #[cfg(not(unix))]
        std::fs::copy(inner.join("a"), folder.join("a")).unwrap();
        let load = || Routes::load(Vec::new(), Some(folder.clone()));
        assert_eq!(load().unwrap().iter().len(), 1);

        std::fs::write(folder.join("large"), vec![b'#'; (1 << 20) + 1]).unwrap();
        let error = load().unwrap_err().to_string();
        assert!(error.contains("large: it is larger than 1 MiB"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
        let error = load().unwrap_err().to_string();
        assert!(error.starts_with("cannot read "), "{error}");
    }
}
