//! Draws the path of a terminal, based on the manifests that the function has written.
//!
//! ```
//! # let list = include_str!("../../../../tests/fixtures/session-server/address-known.yaml");
//! let outcome = runner_terminal::run(list.as_bytes());
//! let results: Vec<_> = outcome.results().iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
//! let diagram = view::diagram::Diagram::of(&outcome.text(), &results);
//! let stops = diagram.paths[0].stops.iter().map(|stop| stop.name.as_str());
//! assert_eq!(
//!     stops.collect::<Vec<_>>(),
//!     ["", "", "terminal.example.com", "ci/runner-session-server", "ci/runner"]
//! );
//! assert!(diagram.svg().starts_with("<svg "));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`said`] | reads the results of the functions |
//! | [`service`] | finds the Service in front of a runner, and says whether it leads there |
//! | [`route`] | finds what stands between GitLab and that Service |
//! | [`path`] | makes the path of one runner, and says what is pending or broken on it |
//! | [`markup`] | writes XML and HTML, with everything escaped in one place |
//! | [`width`] | measures text, and wraps it |
//! | [`svg`] | draws the paths |
//! | [`mermaid`] | writes them as a flowchart |
//! | [`html`] | writes a page with the drawing and the results |

mod html;
mod markup;
mod mermaid;
mod path;
mod route;
mod said;
mod service;
mod svg;
mod width;

use serde::Serialize;
use serde_json::Value;

use krm::resource_list::ResourceList;
use krm::results::Refusal;
use path::Scene;
use runner_terminal::fields::RunnerSelector;
use runner_terminal::observed::Observed;
use runner_terminal::runner::{self, Workload};
use said::Said;
use yaml_splice::pointer::At as _;

/// The paths of a list's runners.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagram {
    /// One for each runner, in the order of the list.
    pub paths: Vec<TerminalPath>,
    /// Why there is no path at all; empty where there is one.
    pub problem: String,
    /// The results of the functions, for the page.
    #[serde(skip)]
    results: Vec<Said>,
}

/// The path from a browser to one runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalPath {
    /// The workload: `Deployment ci/runner`
    pub runner: String,
    /// From the browser to the pod.
    pub stops: Vec<Stop>,
    /// The connections between consecutive stops: `TLS, TCP 9000`. There is one fewer than stops.
    pub links: Vec<String>,
}

/// A stop on the path of a terminal's connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// What it is, for programs.
    pub kind: StopKind,
    /// Its type, for people: `Load balancer`
    pub title: String,
    /// What it is called: `ci/runner-session-server`, or an address. Empty where it has no name.
    pub name: String,
    /// Further details: a port, a host. May be empty.
    pub detail: String,
    /// Whether a connection gets through.
    pub state: State,
    /// Why not, and what to do. Empty if it is configured or ready, and at the browser and GitLab
    /// if a later stop has the explanation.
    pub explanation: String,
}

/// The kinds of stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopKind {
    /// The browser with the Debug button.
    Browser,
    /// GitLab's Workhorse, which connects to the address that the runner advertises.
    Gitlab,
    /// The load balancer of a Service of type LoadBalancer.
    LoadBalancer,
    /// A port on the nodes, or an external IP.
    Node,
    /// An ingress controller.
    Ingress,
    /// A Gateway.
    Gateway,
    /// `runner-terminal relay`
    Relay,
    /// The Service in front of the runner.
    Service,
    /// The runner's pod.
    Pod,
}

/// Whether a connection gets through a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The cluster confirms it: a live Service has the address that GitLab gets, or its node port.
    Ready,
    /// According to the manifests, it does. The state of the cluster is unknown.
    Configured,
    /// It is not requested.
    Off,
    /// It will, once something has happened.
    Pending,
    /// It does not get through.
    Broken,
}

impl StopKind {
    /// `load-balancer`
    pub fn word(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Gitlab => "gitlab",
            Self::LoadBalancer => "load-balancer",
            Self::Node => "node",
            Self::Ingress => "ingress",
            Self::Gateway => "gateway",
            Self::Relay => "relay",
            Self::Service => "service",
            Self::Pod => "pod",
        }
    }
}

impl State {
    /// `configured`
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Configured => "configured",
            Self::Off => "off",
            Self::Pending => "pending",
            Self::Broken => "broken",
        }
    }
}

impl Diagram {
    /// Draws the contents of a ResourceList.
    ///
    /// `list` is the output of the last function or, if that failed or wrote none, its input.
    /// `results` are those of all functions, in the form of a ResourceList.
    pub fn of(list: &str, results: &[Value]) -> Self {
        let mut diagram = Self {
            results: results.iter().map(Said::read).collect(),
            ..Self::default()
        };
        // Results without a resource apply to all of them.
        let general = diagram.results.iter();
        let mut general = general.filter(|said| said.is_error() && said.kind.is_empty());
        let found = match general.next() {
            Some(said) => Err(said.message.clone()),
            None => paths(list, &diagram.results),
        };
        match found {
            Ok(paths) => diagram.paths = paths,
            Err(problem) => diagram.problem = problem,
        }
        diagram
    }

    /// The paths as a drawing to embed in a page: an `svg` element without a style sheet, with
    /// classes that the page may style. Its default colours are for a light background, which is
    /// part of the drawing.
    pub fn svg(&self) -> String {
        svg::element(self)
    }

    /// The same as a standalone file, which follows the reader's dark or light theme.
    pub fn svg_file(&self) -> String {
        svg::file(self)
    }

    /// The paths as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        mermaid::flowchart(self)
    }

    /// A standalone page: the drawing, the explanations and the results.
    pub fn html(&self) -> String {
        html::page(self)
    }
}

/// The paths of a list, or why there is none.
fn paths(list: &str, said: &[Said]) -> Result<Vec<TerminalPath>, String> {
    let list = ResourceList::read(list.as_bytes()).map_err(|error| error.to_string())?;
    let config = list.function_config();
    let container = config.and_then(|config| config.at("/spec/container"));
    let container = container.and_then(Value::as_str);
    let workloads = workloads(&list, container).map_err(|refusal| refusal.message)?;
    if workloads.is_empty() {
        let none = runner::none_found(&list, container);
        return Err(none.message);
    }
    let scene = Scene {
        list: &list,
        said,
        // Observations that cannot be read are among the results, which the drawing shows too.
        observed: Observed::collect(&list).unwrap_or_default(),
    };
    let paths = workloads.into_iter().map(|workload| {
        let has_named = workload.containers().any(|own| Some(own.name) == container);
        path::of(&scene, workload, container.filter(|_| has_named))
    });
    Ok(paths.collect())
}

/// All runners of a list, regardless of the functionConfigs' selection.
fn workloads(list: &ResourceList<'_>, container: Option<&str>) -> Result<Vec<Workload>, Refusal> {
    let all = RunnerSelector::default();
    let mut workloads = runner::find_workloads(list, &all, None)?;
    if container.is_some() {
        workloads.extend(runner::find_workloads(list, &all, container)?);
        workloads.sort_by_key(|workload| workload.resource.item);
        workloads.dedup_by_key(|workload| workload.resource.item);
    }
    Ok(workloads)
}
