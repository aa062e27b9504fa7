//! The functions on plain manifests, one after the other.

use std::borrow::Cow;

use super::Config;
use super::configs::kind;
use super::overlap;
use super::twins::twins;
use crate::function::Outcome;
use crate::session_server::FOLLOWED_BY;
use krm::alignment::Alignment;
use krm::bookkeeping::{OWNED_BY, annotation};
use krm::documents::{Document, DocumentError, Problem, split, unreadable, wrap};
use krm::patch::Patches;
use krm::resource::Resource;
use krm::text::printable;
use yaml_splice::Tree;

/// The outcome of one run of the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The ResourceList.
    pub output: String,
    /// How its items correspond to those of the input list.
    pub alignment: Alignment,
    /// The messages of the function, as lines.
    pub report: String,
    /// True if the function failed and changed nothing; the report says why.
    pub failed: bool,
}

/// The outcome of all runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The texts of the files, in their order; unchanged if a function failed.
    pub texts: Vec<String>,
    /// The documents that are resources, in the order of the files.
    pub documents: Vec<Document>,
    /// How the resources of the files correspond to those before.
    pub alignment: Alignment,
    /// The output ResourceList of the last function; its input if it failed.
    pub list: String,
    /// The messages of all functions, as lines.
    pub report: String,
    /// True when a function failed. Those after it have not run.
    pub failed: bool,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError<E> {
    /// A file, or the functionConfig, cannot be wrapped in a ResourceList.
    #[error(transparent)]
    Document(DocumentError),
    /// The function could not be run.
    #[error("{0}")]
    Run(E),
}

/// Runs the function on files, given as (path, text), once for each of its configs. Each run gets
/// the text of a ResourceList that holds the files as the previous run left them.
///
/// # Errors
///
/// [`ApplyError`] if files cannot be wrapped; otherwise the error of `run`.
pub fn apply<E>(
    files: &[(&str, &str)],
    configs: &[Config<'_>],
    run: impl FnMut(&str) -> Result<Run, E>,
) -> Result<Applied, ApplyError<E>> {
    let documents = split(files).map_err(ApplyError::Document)?;
    apply_to_documents(files, documents, configs, run)
}

/// Like [`apply`], for files that are already split.
///
/// # Errors
///
/// [`ApplyError`] if a functionConfig cannot be wrapped; otherwise the error of `run`.
pub fn apply_to_documents<E>(
    files: &[(&str, &str)],
    mut documents: Vec<Document>,
    configs: &[Config<'_>],
    mut run: impl FnMut(&str) -> Result<Run, E>,
) -> Result<Applied, ApplyError<E>> {
    if let Some(first) = documents.first()
        && documents.iter().all(|document| document.is_function_config)
    {
        let path = files.get(first.file).map_or("", |(path, _)| *path);
        let error = DocumentError::new(path, first.line, Problem::OnlyConfigs);
        return Err(ApplyError::Document(error));
    }
    documents.retain(|document| !document.is_function_config);
    let mut applied = Applied {
        texts: texts(files),
        documents: documents.clone(),
        ..Applied::default()
    };
    for (place, config) in configs.iter().enumerate() {
        let later = configs.get(place + 1..).unwrap_or_default();
        let config_text = followed(config, later);
        let current = files.iter().zip(&applied.texts);
        let current: Vec<_> = current
            .map(|((path, _), text)| (*path, text.as_str()))
            .collect();
        let list = wrap(&current, applied.documents.clone(), &config_text)
            .map_err(|error| ApplyError::Document(config.blamed(error)))?;
        if place == 0 {
            for warning in overlap::warnings(&list.text, configs) {
                let line = format!("runner-terminal: {}\n", printable(&warning));
                applied.report.push_str(&line);
            }
        }
        let ran = run(&list.text).map_err(ApplyError::Run)?;
        if ran.failed {
            applied.fail(files, config, &ran.report);
            applied.documents = documents;
            applied.list = list.text;
            return Ok(applied);
        }
        applied.report.push_str(&ran.report);
        let edited = list.edited(&current, &ran.output, &ran.alignment.items);
        let edited = edited.map_err(ApplyError::Document)?;
        if config.is_default() && changes_own(&current, &list.documents, &edited.texts) {
            applied.report.push_str(WITHOUT_CONFIG);
        }
        applied.alignment = applied.alignment.then(&ran.alignment);
        applied.texts = edited.texts;
        applied.documents = edited.documents;
        applied.list = ran.output;
    }
    Ok(applied)
}

/// The warning for a SessionServer without settings that changes what an earlier run added.
const WITHOUT_CONFIG: &str = "runner-terminal: warning: no functionConfig is given, so what an earlier \
    run made has changed to the defaults: if that run had a functionConfig, hand it over by \
    --function-config, or its settings are lost\n";

/// True if a resource that an earlier run added is changed or removed.
fn changes_own(files: &[(&str, &str)], documents: &[Document], edited: &[String]) -> bool {
    documents.iter().any(|document| {
        let text = document.text(files);
        let after = edited.get(document.file).map_or("", String::as_str);
        text.contains(OWNED_BY) && !after.contains(text)
    })
}

/// The text of a SessionServer, annotated if an AdvertiseAddress comes later.
fn followed<'c>(config: &'c Config<'_>, later: &[Config<'_>]) -> Cow<'c, str> {
    const NEXT: &str = "AdvertiseAddress";
    let text: &str = &config.text;
    let is_followed = kind(text).as_deref() == Some("SessionServer")
        && later
            .iter()
            .any(|config| kind(&config.text).as_deref() == Some(NEXT));
    let value = Tree::parse(text).and_then(|tree| tree.to_value());
    match value {
        Ok(value) if is_followed => {
            let resource = Resource::new(0, value);
            let mut patches = Patches::default();
            patches.set(&resource, &annotation(FOLLOWED_BY), NEXT.into());
            let changes = patches.into_changes().ok();
            let told = changes.and_then(|changes| changes.patches.into_values().next());
            let told = told.and_then(|patch| yaml_splice::apply(text, &patch.operations).ok());
            told.map_or(Cow::Borrowed(text), Cow::Owned)
        }
        _ => Cow::Borrowed(text),
    }
}

impl Applied {
    /// Reverts all changes, and reports where to look.
    fn fail(&mut self, files: &[(&str, &str)], config: &Config<'_>, report: &str) {
        self.failed = true;
        self.texts = texts(files);
        self.alignment = Alignment::default();
        match unreadable(files) {
            Some(error) => {
                // The function reports lines of its list. For the same problem, only the line in
                // the file is reported.
                let is_same = |line: &str| match &error.problem {
                    Problem::NotYaml(why) | Problem::Template(why) | Problem::Ambiguous(why) => {
                        line.contains(why.as_str())
                    }
                    _ => false,
                };
                let others = report.split_inclusive('\n').filter(|line| !is_same(line));
                self.report.extend(others);
                self.report.push_str(&format!("runner-terminal: {error}\n"));
            }
            None => self.report.push_str(report),
        }
        for twins in twins(files) {
            let line = format!("runner-terminal: {}\n", printable(&twins));
            self.report.push_str(&line);
        }
        let place = config.place();
        if !place.is_empty() {
            let line = format!("runner-terminal: the function config was {place}\n");
            self.report.push_str(&line);
        }
    }
}

impl From<&Outcome<'_>> for Run {
    fn from(outcome: &Outcome<'_>) -> Self {
        Self {
            output: outcome.text(),
            alignment: outcome.alignment().clone(),
            report: outcome.report(),
            failed: outcome.failed(),
        }
    }
}

fn texts(files: &[(&str, &str)]) -> Vec<String> {
    files.iter().map(|(_, text)| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    #[test]
    fn settings_that_the_defaults_take_back_are_warned_of() {
        let own = format!(
            "kind: Service\nmetadata:\n  annotations:\n    {OWNED_BY}: SessionServer\nspec: 1\n"
        );
        let files = [("a.yaml", own.as_str())];
        let said = |configs: &[Config<'_>], to: &str| {
            let run = |list: &str| {
                Ok::<_, Infallible>(Run {
                    output: list.replace("spec: 1", to),
                    ..Run::default()
                })
            };
            apply(&files, configs, run).unwrap().report
        };
        let default = function_configs(&files, &[]).unwrap();
        assert_eq!(said(&default, "spec: 2"), WITHOUT_CONFIG);
        assert_eq!(said(&default, "spec: 1"), "");
        assert_eq!(said(&configs("kind: One\n"), "spec: 2"), "");
    }

    use super::super::function_configs;
    use super::*;

    const CONFIGS: &str = "kind: One\n---\nkind: Two\n";
    const FILES: [(&str, &str); 2] = [("a.yaml", "a: 1\n"), ("b.yaml", "b: 1\n")];

    fn configs(text: &str) -> Vec<Config<'_>> {
        function_configs(&[], &[("config.yaml", text)]).unwrap()
    }

    #[test]
    fn each_function_gets_what_the_one_before_has_made() {
        let mut inputs = Vec::new();
        let applied = apply(&FILES, &configs(CONFIGS), |list| {
            inputs.push(list.to_owned());
            Ok::<_, Infallible>(Run {
                output: list.replace("b: 1", "b: 2"),
                alignment: Alignment::default(),
                report: "said\n".to_owned(),
                failed: false,
            })
        })
        .unwrap();
        assert_eq!(applied.texts, ["a: 1\n", "b: 2\n"]);
        assert_eq!(applied.report, "said\nsaid\n");
        assert!(!applied.failed);
        assert!(inputs[1].contains("kind: Two\n") && inputs[1].contains("b: 2\n"));
        assert_eq!(applied.list, inputs[1]);
    }

    #[test]
    fn after_a_failure_no_file_has_changed() {
        let mut runs = 0;
        let applied = apply(&FILES, &configs(CONFIGS), |list| {
            runs += 1;
            Ok::<_, Infallible>(Run {
                output: list.replace("b: 1", "b: 2"),
                alignment: Alignment::default(),
                report: format!("run {runs}\n"),
                failed: runs == 2,
            })
        })
        .unwrap();
        assert_eq!(applied.texts, ["a: 1\n", "b: 1\n"]);
        assert!(applied.failed);
        assert!(applied.list.contains("b: 2\n"));
        assert_eq!(
            applied.report,
            "run 1\nrun 2\nrunner-terminal: the function config was config.yaml:3\n"
        );
    }

    #[test]
    fn a_failure_says_which_file_is_no_yaml() {
        let files = [("a.yaml", "a: 1\n"), ("b.yaml", "b: 1\n---\n# c\nc: [\n")];
        let fails = |_: &str| {
            Ok::<_, Infallible>(Run {
                failed: true,
                ..Run::default()
            })
        };
        let report = apply(&files, &configs("kind: One\n"), fails)
            .unwrap()
            .report;
        assert!(
            report.starts_with("runner-terminal: b.yaml:5: this is not valid YAML: "),
            "{report}"
        );
    }

    #[test]
    fn function_configs_alone_are_refused() {
        let config = "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\n";
        let text = format!("---\n{config}---\n{config}");
        let files = [("a.yaml", text.as_str())];
        let configs = function_configs(&files, &[]).unwrap();
        let run = |_: &str| Ok::<_, Infallible>(Run::default());
        let error = apply(&files, &configs, run).unwrap_err().to_string();
        let said = "a.yaml:2: this is a functionConfig, and there are no manifests for it";
        assert!(error.starts_with(said), "{error}");
    }

    #[test]
    fn one_mistake_has_one_line() {
        let files = [(
            "b.yaml",
            "# a\n---\nkind: Deployment\nimage: gitlab-runner\nc: [\n",
        )];
        let applied = apply(
            &files,
            &configs(
                "apiVersion: runner-terminal.dev/v1alpha1\nkind: SessionServer\nmetadata: {name: s}\n",
            ),
            |list| Ok::<_, Infallible>(Run::from(&crate::run(list.as_bytes()))),
        );
        let report = applied.unwrap().report;
        assert!(
            report.contains("b.yaml:6: this is not valid YAML"),
            "{report}"
        );
        assert_eq!(report.matches("line ").count(), 0, "{report}");
        assert!(!report.contains("helm template"), "{report}");
    }

    #[test]
    fn a_template_of_a_chart_is_taken_for_one() {
        let template = "kind: Deployment\nimage: gitlab-runner\n{{- if .Values.replicas }}\nreplicas: \
                        {{ .Values.replicas }}\n{{- end }}\n";
        let files = [("t.yaml", template)];
        let applied = apply(&files, &configs("kind: One\n"), |list| {
            Ok::<_, Infallible>(Run::from(&crate::run(list.as_bytes())))
        });
        let report = applied.unwrap().report;
        assert!(
            report.contains("t.yaml:3: this is not valid YAML: "),
            "{report}"
        );
        assert!(report.contains("`helm template`"), "{report}");
    }

    #[test]
    fn an_error_in_the_function_config_is_where_that_is() {
        let error = |configs: &str, files: &[(&str, &str)]| {
            let configs = function_configs(&[], &[("config.yaml", configs)]).unwrap();
            let error = apply(files, &configs, |_| Err("cannot run")).unwrap_err();
            error.to_string()
        };
        assert_eq!(error("kind: One\n", &FILES), "cannot run");
        let separator = DocumentError::new("a.yaml", 1, Problem::ContentAfterSeparator);
        assert_eq!(
            error("kind: One\n", &[("a.yaml", "--- {}\n")]),
            separator.to_string()
        );
    }
}
