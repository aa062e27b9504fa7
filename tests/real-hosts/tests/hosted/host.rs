//! The hosts that run a functionConfig on a folder of manifests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use krm::documents::split;
use proptest::prelude::*;
use real_hosts::{KptRuntime, kpt, kpt_eval, kustomize_build, launcher, run_kpt, run_launcher};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What runs a functionConfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    /// `kustomize build`, with the function as a transformer.
    Kustomize,
    /// `kpt fn eval`, which writes in place.
    Kpt,
    /// `runner-terminal apply-to --in-place`.
    ApplyTo,
    /// `runner-terminal export`, and `kustomize build` with the Component.
    Component,
    /// `runner-terminal export --for flux-helmrelease`, and `kustomize build` with the patches.
    Patches,
}

/// How the manifests are in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// All in one.
    OneFile,
    /// Each in its own.
    FilePerResource,
}

/// A program that writes manifests anew, with no function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rewriter {
    /// `kustomize build`.
    Kustomize,
    /// `kpt fn source` and `kpt fn sink`.
    Kpt,
}

impl Host {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::Kustomize,
        Self::Kpt,
        Self::ApplyTo,
        Self::Component,
        Self::Patches,
    ];

    /// One of them.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        prop::sample::select(Self::ALL.to_vec())
    }

    /// True if kustomize applies patches, after which containers may be in another order.
    pub(crate) fn is_export(self) -> bool {
        matches!(self, Self::Component | Self::Patches)
    }

    /// Itself, or `apply-to` in place of a host that would break the manifests.
    pub(crate) fn for_manifests(self, manifests: &str) -> Self {
        match self {
            Self::Kpt if has_anchors(manifests) => Self::ApplyTo,
            other => other,
        }
    }

    /// The manifests after a run of a functionConfig; or what was said, where there was an error. Then
    /// the files are as they were.
    pub(crate) fn run(
        self,
        manifests: &str,
        layout: Layout,
        config: &Value,
    ) -> Result<String, String> {
        let folder = Folder::new(manifests, layout);
        let before = folder.manifests();
        let result = match self {
            Self::Kustomize => folder.kustomize(config),
            Self::Kpt => folder.kpt_eval(config),
            Self::ApplyTo => folder.apply_to(config),
            Self::Component => folder.component(config),
            Self::Patches => folder.patches(config),
        };
        if result.is_err() || self.is_export() || self == Self::Kustomize {
            assert_eq!(folder.manifests(), before, "{self:?} has changed its input");
        }
        result
    }
}

impl Layout {
    /// One of them.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        prop::sample::select(vec![Self::OneFile, Self::FilePerResource])
    }
}

impl Rewriter {
    /// One of them.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        prop::sample::select(vec![Self::Kustomize, Self::Kpt])
    }

    /// The manifests as it writes them.
    pub(crate) fn run(self, manifests: &str, layout: Layout) -> Result<String, String> {
        let folder = Folder::new(manifests, layout);
        match self {
            Self::Kpt if !has_anchors(manifests) => folder.kpt_sink(),
            Self::Kustomize | Self::Kpt => folder.build(None, ""),
        }
    }
}

/// True if annotations have an anchor or are an alias, now or once the function is undone. kpt adds
/// annotations of its own to each resource, and such annotations are lost when it removes them.
fn has_anchors(manifests: &str) -> bool {
    ["&empty", "*empty", "&some", "*some"]
        .iter()
        .any(|text| manifests.contains(text))
}

/// A temporary folder with manifests in a folder of their own.
struct Folder(TempDir);

const MANIFESTS: &str = "manifests";
const TERMINALS: &str = "terminals";

impl Folder {
    fn new(manifests: &str, layout: Layout) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path(MANIFESTS)).unwrap();
        match layout {
            Layout::OneFile => folder.write("manifests/all.yaml", manifests),
            Layout::FilePerResource => {
                let files = [("", manifests)];
                let documents = split(&files).unwrap();
                for (number, document) in documents.iter().enumerate() {
                    let name = format!("manifests/{number:02}.yaml");
                    folder.write(&name, document.text(&files));
                }
            }
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path(MANIFESTS)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.map(|name| format!("{MANIFESTS}/{name}")).collect();
        names.sort();
        names
    }

    /// All manifests as one text.
    fn manifests(&self) -> String {
        let names = self.files().into_iter();
        let texts = names.map(|name| fs::read_to_string(self.path(&name)).unwrap());
        let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
        assert!(texts.iter().all(|text| text.ends_with('\n')), "{texts:?}");
        texts.join("---\n")
    }

    fn write_config(&self, config: &Value) -> PathBuf {
        self.write("config.yaml", &format!("{config}\n"));
        self.path("config.yaml")
    }

    /// Builds the manifests and one more resource, with these lines in the kustomization.
    fn build(&self, more: Option<&str>, lines: &str) -> Result<String, String> {
        let mut resources = self.files();
        resources.extend(more.map(str::to_owned));
        let resources = json!(resources);
        let kustomization = format!("resources: {resources}\n{lines}");
        self.write("kustomization.yaml", &kustomization);
        output(kustomize_build(self.0.path()))
    }

    fn kustomize(&self, config: &Value) -> Result<String, String> {
        let mut config = config.clone();
        config["metadata"]["annotations"] = json!({
            "config.kubernetes.io/function": "exec:\n  path: runner-terminal\n",
        });
        self.write_config(&config);
        self.build(None, "transformers: [config.yaml]\n")
    }

    fn kpt_eval(&self, config: &Value) -> Result<String, String> {
        let config = self.write_config(config);
        let mut eval = kpt_eval(KptRuntime::Exec, &self.path(MANIFESTS), &config);
        output(run_kpt(&mut eval, b""))?;
        Ok(self.manifests())
    }

    fn kpt_sink(&self) -> Result<String, String> {
        let mut source = kpt(self.0.path());
        source.arg("source").arg(self.path(MANIFESTS));
        let list = output(run_kpt(&mut source, b""))?;
        let written = Self(tempfile::tempdir().unwrap());
        let mut sink = kpt(self.0.path());
        sink.arg("sink").arg(written.path(MANIFESTS));
        output(run_kpt(&mut sink, list.as_bytes()))?;
        Ok(written.manifests())
    }

    /// Runs a command of `runner-terminal` on the manifests.
    fn command(&self, arguments: &[&str], config: &Value) -> Result<String, String> {
        let config = self.write_config(config);
        let mut command = launcher(Path::new("/nonexistent"));
        command
            .args(arguments)
            .arg(self.path(MANIFESTS))
            .arg("-c")
            .arg(config)
            .current_dir(self.0.path());
        output(run_launcher(&mut command, b""))
    }

    fn apply_to(&self, config: &Value) -> Result<String, String> {
        self.command(&["apply-to", "--in-place"], config)?;
        Ok(self.manifests())
    }

    fn component(&self, config: &Value) -> Result<String, String> {
        let arguments = ["export", "--include-secrets", "-o", TERMINALS];
        self.command(&arguments, config)?;
        match self.path(TERMINALS).exists() {
            true => self.build(None, &format!("components: [{TERMINALS}]\n")),
            false => self.build(None, ""),
        }
    }

    fn patches(&self, config: &Value) -> Result<String, String> {
        let arguments = ["export", "--include-secrets", "-o", TERMINALS];
        let host = ["--for", "flux-helmrelease"];
        let lines = self.command(&[&arguments[..], &host].concat(), config)?;
        let release: Value = yaml_serde::from_str(&lines).unwrap_or_default();
        let patches = release.pointer("/spec/postRenderers/0/kustomize/patches");
        let patches = patches.map(|patches| format!("patches: {patches}\n"));
        // What a post-renderer cannot add stands beside the release.
        let beside = self.path(TERMINALS).exists().then_some(TERMINALS);
        self.build(beside, &patches.unwrap_or_default())
    }
}

/// A program's standard output; or its standard error, if it failed.
fn output(output: Output) -> Result<String, String> {
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}
