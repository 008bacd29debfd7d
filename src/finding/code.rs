use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much weight a finding has, from the lightest to the heaviest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something worth knowing; nothing is wrong.
    Note,
    /// Something is wrong in the user's files; the fold goes on and leaves it as it is.
    Warning,
    /// A named difference that a person must accept before the fold is made.
    Review,
    /// The hand-off is left alone because of it.
    Refusal,
    /// The repository cannot be read.
    Error,
}

impl Severity {
    /// Its name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Review => "review",
            Self::Refusal => "refusal",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Declares every code once: its variant, its name, its severity and its title. The page is found by the name.
macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $title:literal)+) => {
        /// What kind of thing a finding is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum Code {
            $(#[doc = $title] $variant,)+
        }

        impl Code {
            /// All codes, sorted by name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name, as users write it: a kebab-case sentence without a verb.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it says, in one line.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// How much weight it has.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// Its page in the book, in Markdown.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../docs/codes/", $name, ".md")),)+ }
            }
        }
    };
}

codes! {
    AddOfArchive "add-of-archive" Warning "An archive that ADD unpacks into the image"
    ArtifactNoLongerKept "artifact-no-longer-kept" Note "A file that the build job uploaded and the image does not take"
    ArtifactPerhapsMissing "artifact-perhaps-missing" Warning "Files that the image takes with a whole folder, if they are there"
    ArtifactReadByOtherJob "artifact-read-by-other-job" Refusal "Another job reads the files of the hand-off, or may do so"
    BuildCommandElsewhere "build-command-elsewhere" Refusal "A build command in a file of its own that would have to change"
    BuildCommandUnclear "build-command-unclear" Refusal "A build command that cannot be followed"
    BuildContextMissing "build-context-missing" Warning "A docker build without a build context"
    BuildFailureIgnored "build-failure-ignored" Refusal "An image job that goes on where the build fails"
    BuildImageFixed "build-image-fixed" Note "A build image whose name comes from a variable of the pipeline"
    BuildImageLoginMissing "build-image-login-missing" Review "A build image from a registry that the image job does not log in to"
    BuildImagePrivate "build-image-private" Warning "A build image that may need a login"
    BuildImageUnknown "build-image-unknown" Refusal "A build image whose name is not known"
    BuildImageUnsuitable "build-image-unsuitable" Refusal "A build image that cannot be the base of a builder stage"
    BuildJobKept "build-job-kept" Note "A build job that stays beside the fold"
    BuildKeptAsCheck "build-kept-as-check" Note "A build job that goes on as a check where no image is built"
    BuildMayBeMissing "build-may-be-missing" Refusal "A job that takes the files of a build that may not have run"
    BuildPerhapsSkipped "build-perhaps-skipped" Review "An image job that does not build its image each time that it runs"
    BuildReadsArtifacts "build-reads-artifacts" Refusal "A build that gets files of an earlier job"
    BuildReliesOnCache "build-relies-on-cache" Review "A build that finds its dependencies in a cache of other jobs"
    BuildScriptUnreadable "build-script-unreadable" Refusal "A build script that cannot be read"
    BuilderLacksFeature "builder-lacks-feature" Refusal "A builder that lacks what the builder stage needs"
    BuilderLayersInRegistry "builder-layers-in-registry" Review "Layers of the builder stage that go to a registry"
    BuilderStageNotCached "builder-stage-not-cached" Note "A cache that does not carry the builder stage"
    BuilderUnsupported "builder-unsupported" Refusal "An image built by a program that is not known here"
    BuilderWithoutSecrets "builder-without-secrets" Refusal "A secret for a builder that takes none"
    BuildkitTurnedOn "buildkit-turned-on" Warning "A build that asks for BuildKit from now on"
    CacheFillerUnclear "cache-filler-unclear" Refusal "A cached folder of which it cannot be told who fills it"
    CacheMountSkipped "cache-mount-skipped" Warning "Downloads that get no cache mount"
    ChangesOfOldDockerfile "changes-of-old-dockerfile" Warning "A rule that watches a Dockerfile whose stages go to another one"
    ChildPipelineLeftAlone "child-pipeline-left-alone" Warning "A hand-off within a child pipeline, which is left alone"
    CiVariableInBuildScript "ci-variable-in-build-script" Refusal "A build that reads a variable of GitLab which cannot be passed on"
    CiVariableInSources "ci-variable-in-sources" Review "Sources that name a variable of GitLab"
    CloneSettingsDiffer "clone-settings-differ" Refusal "Two jobs that fetch the sources differently"
    CommandNotForBuild "command-not-for-build" Refusal "A command that cannot run in a docker build"
    CommandNotJson "command-not-json" Warning "A CMD or ENTRYPOINT that looks like JSON and is none"
    CommitTextInBuild "commit-text-in-build" Warning "A build that reads what the author of a commit wrote"
    ComposeFileEdited "compose-file-edited" Warning "A Compose file that passes on what the build reads"
    ComposeServiceBuilt "compose-service-built" Warning "An image that a Compose file describes, perhaps for people's own machines too"
    ContainerOnSources "container-on-sources" Review "Files that a container makes in the job's folder"
    ContextNarrowerThanSources "context-narrower-than-sources" Refusal "A build context that does not hold all sources of the build"
    ContextWidened "context-widened" Warning "A build context that becomes the whole project"
    CopyByName "copy-by-name" Warning "A copy of a folder that names what it takes"
    CopyUnclear "copy-unclear" Refusal "A COPY of which it cannot be told what it takes of the hand-off"
    DependencyLayerSkipped "dependency-layer-skipped" Note "Dependencies that get no layer of their own"
    DockerCpOptionLost "docker-cp-option-lost" Warning "An option of docker cp that a copy from a stage does not have"
    DockerfileMissing "dockerfile-missing" Refusal "A Dockerfile that is not in the repository"
    DockerfileShared "dockerfile-shared" Refusal "A Dockerfile that is built in more than one way"
    DockerfileUnclear "dockerfile-unclear" Refusal "A Dockerfile that cannot take another stage"
    DuplicateKey "duplicate-key" Warning "A key that stands twice in one mapping"
    EditNotPossible "edit-not-possible" Refusal "A place that cannot be edited without touching its neighbours"
    EngineByTls "engine-by-tls" Review "An engine that is talked to by TLS, for which the runner must be set up"
    EnginePinned "engine-pinned" Warning "An image of Docker that gets a release of its own"
    EngineTooOld "engine-too-old" Refusal "A Docker Engine that builds no stages"
    EntrypointUnknown "entrypoint-unknown" Review "A container whose image may start it in a way of its own"
    ExportNotPossible "export-not-possible" Refusal "Files that the image job cannot publish in the place of the build job"
    ExtendsUnresolved "extends-unresolved" Error "An extends that leads nowhere"
    FileLostBetweenStages "file-lost-between-stages" Refusal "A file outside the project that kaniko deletes behind the builder stage"
    FileUnreadable "file-unreadable" Error "A file that cannot be read"
    FileWrittenIntoContext "file-written-into-context" Warning "A file that the image job makes in the build context"
    FilesNotWritten "files-not-written" Error "The folded files could not be written, and none was"
    FolderMadeAnew "folder-made-anew" Review "A folder of the image that gets another mode"
    ForeignFileInContext "foreign-file-in-context" Refusal "A file of another job in the build context, which the build job never saw"
    HandedOnByArtifacts "handed-on-by-artifacts" Warning "Files that go by artifacts now, because the fold is refused"
    HandoffHoldsTrackedFiles "handoff-holds-tracked-files" Note "A folder of the hand-off in which git tracks files"
    HandoffIgnored "handoff-ignored" Warning "Files of the hand-off that the ignore file keeps out of the context"
    HandoffUnbounded "handoff-unbounded" Refusal "A hand-off of which it cannot be told which files it is"
    HandoffUsedOutsideBuild "handoff-used-outside-build" Refusal "Files of the hand-off that the image job uses outside of the build"
    IgnoreFileWritten "ignore-file-written" Note "An ignore file where there was none"
    IgnoreHidesSources "ignore-hides-sources" Refusal "An ignore file that keeps sources of the build out of the context"
    IgnoreRelaxed "ignore-relaxed" Warning "An ignore file that no longer keeps sources away"
    IgnoreShared "ignore-shared" Review "An ignore file that other Dockerfiles may read, and that no longer keeps sources away"
    ImageOfOtherBuild "image-of-other-build" Refusal "Files out of an image that another build of the pipeline makes"
    ImageScriptUnclear "image-script-unclear" Refusal "A part of the image job's script that cannot be read"
    ImageWithoutBuild "image-without-build" Warning "An image job that runs where its build job does not"
    IncludeConditional "include-conditional" Refusal "An include that changes the jobs in some pipelines only"
    IncludeNeeded "include-needed" Refusal "A part of the pipeline that the jobs are made of and that cannot be read here"
    IncludeUnread "include-unread" Review "A part of the pipeline that cannot be read here"
    InputInJob "input-in-job" Refusal "A job that is filled in from inputs"
    InputMissing "input-missing" Error "An include that leaves out an input"
    InternalError "internal-error" Error "stagefold itself failed on this repository"
    JobDefinedElsewhere "job-defined-elsewhere" Refusal "A part of a job that is written outside of the repository"
    JobDefinitionShared "job-definition-shared" Refusal "A part of a job that other jobs share"
    JobStartsEarlier "job-starts-earlier" Warning "A job that no longer waits for the build"
    JobStartsLater "job-starts-later" Note "A job that waits for the image now"
    JobSwitchedOff "job-switched-off" Review "A build job of an included file that this pipeline switches off"
    KanikoReplaced "kaniko-replaced" Review "A build by kaniko that is one by BuildKit, which the runner must allow"
    KeywordLost "keyword-lost" Warning "A keyword of the build job that the image job does not get"
    KeywordNotFoldable "keyword-not-foldable" Refusal "A keyword of a job that a fold cannot keep the meaning of"
    KeywordTakenOver "keyword-taken-over" Note "A keyword of the build job that the image job gets"
    LaterJobUnblocked "later-job-unblocked" Refusal "A job that would no longer wait for the build"
    LegacyVariable "legacy-variable" Warning "A variable that GitLab no longer sets"
    LegacyVariableRenamed "legacy-variable-renamed" Note "A variable that gets the name of today"
    LimitExceeded "limit-exceeded" Error "A repository that took more time or memory than it may"
    ListingRemoved "listing-removed" Note "A line of the image job that showed the files of the hand-off"
    LoginByStdin "login-by-stdin" Note "A password that goes to a login by its input"
    MergedYamlDiffers "merged-yaml-differs" Refusal "A merged pipeline that says something else than the files"
    NeedsNotMended "needs-not-mended" Refusal "What the image job waits for cannot be written"
    NoLockFile "no-lock-file" Note "A dependency layer without a lock file"
    NoVersionControl "no-version-control" Error "The folder is not under version control, so nothing is written there"
    NotModernized "not-modernized" Note "A place that --modernize leaves alone"
    NullScriptItem "null-script-item" Warning "A script item that holds a comment and no command"
    OwnersFromBuild "owners-from-build" Warning "Files that belong to whomever the build made them belong to"
    PathEmbeddedInOutput "path-embedded-in-output" Review "Files that hold the path of the folder they were built in"
    PipelineEmpty "pipeline-empty" Error "A pipeline file with nothing in it"
    PipelineNotAMapping "pipeline-not-a-mapping" Error "A pipeline that is not a mapping"
    PipelineWithoutStage "pipeline-without-stage" Refusal "A pipeline that would have jobs of .pre and .post alone"
    ProducerReferenced "producer-referenced" Refusal "Another job that refers to the build job"
    ReferenceUnresolved "reference-unresolved" Error "A !reference that leads nowhere"
    RepositoryNotFetched "repository-not-fetched" Error "A repository that git could not fetch"
    RulesDiffer "rules-differ" Refusal "Two jobs that run under different conditions"
    RunnerTagsDiffer "runner-tags-differ" Refusal "A build job that asks for another runner"
    RunnerTagsLost "runner-tags-lost" Warning "Runner tags of the build job that the image job does not ask for"
    ScannerSeesLess "scanner-sees-less" Review "A scanner of GitLab's that would no longer see the files"
    SecretInBuildScript "secret-in-build-script" Refusal "A build that reads a secret in a way that no mount can give it"
    SecretInHandoff "secret-in-handoff" Refusal "A secret that the script writes where the image may take it"
    SecretKeptInBuilderLayer "secret-kept-in-builder-layer" Warning "A secret that stays in a layer of the builder stage"
    SecretKindUnclear "secret-kind-unclear" Review "A secret that may be a value or the path of a file"
    SecretMounted "secret-mounted" Note "A secret that the builder stage gets by a mount"
    SelfCheckFailed "self-check-failed" Error "The folded files failed their own check"
    ServiceInUse "service-in-use" Refusal "A build job with a service"
    ServiceUnused "service-unused" Note "A service of the build job that nothing in the build names"
    SeveralConsumers "several-consumers" Review "Files that go into more than one image"
    SeveralProducers "several-producers" Refusal "Files for one image that come from more than one job"
    ShellUnknown "shell-unknown" Refusal "A build script whose shell is not known"
    SourcesChangedBeforeBuild "sources-changed-before-build" Refusal "An image job that changes the sources before it builds"
    StageUndeclared "stage-undeclared" Warning "A job in a stage that is not declared"
    UncommittedChanges "uncommitted-changes" Error "Files that the fold would write hold changes that are not committed"
    UploadLeftEmpty "upload-left-empty" Review "Files of the hand-off that the image job uploads again"
    VariableLeftOut "variable-left-out" Note "A variable of the pipeline that the builder stage does not get"
    VariableOriginUnknown "variable-origin-unknown" Review "A variable that the build image or the project may set"
    VariableValueFixed "variable-value-fixed" Note "A value of the pipeline that stands in the builder stage"
    YamlAliasesTooMany "yaml-aliases-too-many" Error "Aliases that come to too many values"
    YamlDate "yaml-date" Error "A date without quotes"
    YamlRecursiveAnchor "yaml-recursive-anchor" Error "An anchor that holds an alias to itself"
    YamlSyntax "yaml-syntax" Error "A file that is not valid YAML"
}

/// A name that is no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode(pub String);

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no finding called '{}'", self.0)
    }
}

impl std::error::Error for UnknownCode {}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.name() == name).ok_or_else(|| UnknownCode(name.to_owned()))
    }
}

impl From<Code> for &'static str {
    fn from(code: Code) -> Self {
        code.name()
    }
}

impl TryFrom<String> for Code {
    type Error = UnknownCode;

    fn try_from(name: String) -> Result<Self, UnknownCode> {
        name.parse()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Code, Severity};

    #[test]
    fn the_table_is_sorted_and_its_names_are_kebab_case() {
        let names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(
            names.iter().all(|name| name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()))
        );
    }

    #[test]
    fn every_page_opens_with_its_code_and_says_more_than_its_title() {
        for code in Code::ALL {
            let page = code.page();
            assert_eq!(page.lines().next(), Some(format!("# {code}").as_str()));
            assert!(page.contains(code.title()), "{code}: the page lacks the title");
            assert!(page.lines().count() > 4, "{code}: the page is empty");
        }
    }

    #[test]
    fn every_page_has_an_example_and_a_way_out() {
        for code in Code::ALL {
            let page = code.page();
            let fences = page.lines().filter(|line| line.starts_with("```")).count();
            assert!(fences >= 2 && fences.is_multiple_of(2), "{code}: the page has no example, or one without an end");
            assert!(page.contains("\n**Way out:** "), "{code}: the page names no way out");
            let accept = format!("--accept {code}");
            let is_review = code.severity() == Severity::Review;
            assert_eq!(page.contains(&accept), is_review, "{code}: '{accept}' is for a review, and for each of them");
        }
    }

    #[test]
    fn every_link_of_a_page_leads_somewhere_and_every_page_has_a_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes");
        for code in Code::ALL {
            for rest in code.page().split("](").skip(1) {
                let target = rest.split(')').next().unwrap_or_default();
                assert!(folder.join(target).is_file(), "{code}: there is no {target}");
            }
        }
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let code = name.strip_suffix(".md").map(str::parse::<Code>);
            assert!(matches!(code, Some(Ok(_))), "{name} is the page of no code");
        }
    }

    #[test]
    fn a_name_finds_its_code() {
        assert!(Code::ALL.iter().all(|code| code.name().parse() == Ok(*code)));
        assert!("no-such-code".parse::<Code>().is_err());
    }
}
