//! Which variables of the pipeline serve others than the build.

use crate::gitlab::{Job, Pipeline, Value, has_secret_name};
use crate::source::{FileKind, Repository};
use crate::text::RepositoryPath;

/// Beginnings of names that only Docker, git, the runner, GitLab's own templates or a deployment read.
const NOT_OF_THE_BUILD: [&str; 13] = [
    "ARTIFACT_",
    "CACHE_",
    "COMPOSE_",
    "DOCKER_",
    "FF_",
    "GET_SOURCES_",
    "GIT_",
    "HELM_",
    "KUBE",
    "RUNNER_",
    "SECURE_",
    "TF_",
    "TRANSFER_",
];

/// Beginnings and endings of names that compilers, package managers and bundlers read without being told to.
const READ_BY_TOOLS: [&str; 34] = [
    "BABEL_",
    "BUILD_PATH",
    "CARGO_",
    "CGO_",
    "FLAGS",
    "GATSBY_",
    "GENERATE_",
    "GO",
    "GRADLE_",
    "INLINE_",
    "JAVA_",
    "LANG",
    "LC_",
    "MAVEN_",
    "NEXT_",
    "NG_",
    "NODE_",
    "NPM_",
    "NUXT_",
    "PIP_",
    "PNPM_",
    "PUBLIC_",
    "PYTHON",
    "REACT_APP_",
    "RUST",
    "SASS_",
    "SBT_",
    "TZ",
    "VITE_",
    "VUE_APP_",
    "YARN_",
    "_ARGS",
    "_OPTIONS",
    "_OPTS",
];

/// The most files that are searched for a name; a larger repository counts as naming it.
const MOST_FILES: usize = 20_000;

/// The largest file that is searched, in bytes; larger ones are data.
const LARGEST_FILE: usize = 1 << 20;

/// Whether a variable is one that Docker, git, the runner or a deployment reads, by its name.
pub(super) fn is_foreign(name: &str) -> bool {
    NOT_OF_THE_BUILD.iter().any(|prefix| name.starts_with(prefix))
}

/// Looks for names in the pipeline and in the files of the repository, which are read at most once.
pub(super) struct Search<'a> {
    repository: &'a dyn Repository,
    pipeline: &'a Pipeline,
    texts: Option<Vec<std::sync::Arc<crate::source::SourceFile>>>,
}

impl<'a> Search<'a> {
    pub(super) const fn new(repository: &'a dyn Repository, pipeline: &'a Pipeline) -> Self {
        Self { repository, pipeline, texts: None }
    }

    /// Whether a variable serves other jobs: it stands at the top of the pipeline, somebody expands it there, no
    /// tool is known to read it by its name, and no other file of the repository names it.
    pub(super) fn is_for_others(&mut self, producer: &Job, name: &str) -> bool {
        let own = producer.get("variables").and_then(Value::mapping).is_some_and(|own| own.get(name).is_some());
        let is_expanded = self.pipeline.files().iter().any(|file| {
            file.source.text().contains(&format!("${name}")) || file.source.text().contains(&format!("${{{name}"))
        });
        (is_expanded || has_secret_name(name)) && !own && !is_read_by_tools(name) && !self.is_named_elsewhere(name)
    }

    /// Whether a variable only names images of jobs, by its own name and by all that expands it in the pipeline, and no other
    /// file of the repository names it.
    pub(super) fn only_names_images(&mut self, name: &str) -> bool {
        let forms = [format!("${name}"), format!("${{{name}")];
        let lines = self.pipeline.files().iter().flat_map(|file| file.source.text().lines());
        let mut expanding = lines.filter(|line| forms.iter().any(|form| line.contains(form.as_str()))).peekable();
        let is_image = |line: &str| line.trim_start().trim_start_matches("- ").starts_with("image:");
        name.ends_with("_IMAGE")
            && expanding.peek().is_some()
            && expanding.all(is_image)
            && !self.is_named_elsewhere(name)
    }

    fn is_named_elsewhere(&mut self, name: &str) -> bool {
        if self.repository.tracked().len() > MOST_FILES {
            return true;
        }
        let (repository, pipeline) = (self.repository, self.pipeline);
        let texts = self.texts.get_or_insert_with(|| {
            let is_pipeline = |path: &RepositoryPath| pipeline.files().iter().any(|file| file.source.path() == path);
            let files =
                repository.tracked().iter().filter(|(path, kind)| **kind != FileKind::Submodule && !is_pipeline(path));
            let texts = files.filter_map(|(path, _)| repository.read(path).ok());
            texts.filter(|file| file.text().len() <= LARGEST_FILE).collect()
        });
        texts.iter().any(|file| file.text().contains(name))
    }
}

/// Whether a compiler, a package manager or a bundler is known to read the variable without being told to.
pub(super) fn is_read_by_tools(name: &str) -> bool {
    READ_BY_TOOLS.iter().any(|part| name.starts_with(part) || name.ends_with(part))
}
