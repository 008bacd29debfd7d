//! What the layers of the builder stage would show to whoever may pull them from a registry.

use super::Subject;
use crate::docker::BuildCommand;
use crate::finding::Code;
use crate::gitlab::has_secret_name;
use crate::syntax::dockerignore::DockerIgnore;
use crate::text::RepositoryPath;

/// What the fold tells of files that nobody else must see.
const TELLING: [Code; 2] = [Code::FileWrittenIntoContext, Code::SecretKeptInBuilderLayer];

/// Why the layers must not leave the engine, as the end of a sentence; `None` where nothing in them is known to be a secret.
pub(super) fn secret_in_layers(subject: &Subject<'_>, command: &BuildCommand) -> Option<String> {
    let told = subject.all.handoffs.iter().flat_map(|(_, findings)| findings);
    if let Some(finding) = told.into_iter().find(|finding| TELLING.contains(&finding.code)) {
        return Some(format!("they may hold a secret, as {} tells", finding.code));
    }
    let arguments = command.options.iter().filter(|(name, _)| name == "--build-arg");
    let mut arguments = arguments.filter_map(|(_, value)| value.as_deref());
    if let Some(written) = arguments.find(|written| may_be_secret(subject, written)) {
        let name = written.trim_matches(['"', '\'']).split('=').next().unwrap_or_default();
        return Some(format!("the build argument {name} may be a secret, and their history holds it"));
    }
    // A runner puts the token of the job into the clone's configuration.
    let has_clone = command.context.folder().is_root() && !leaves_out_clone(subject, command);
    has_clone.then(|| "no .dockerignore names '.git', which holds the token of the job, so they may as well".to_owned())
}

/// Whether a build argument is called like a secret, or has one in its value.
fn may_be_secret(subject: &Subject<'_>, written: &str) -> bool {
    let bare = written.trim_matches(['"', '\'']);
    let (name, value) = bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)));
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let behind = value.unwrap_or_default().split('$').skip(1);
    let named = behind.map(|rest| {
        let rest = rest.trim_start_matches('{');
        rest.split(|letter| !is_of_name(letter)).next().unwrap_or_default()
    });
    let of_itself = value.is_none().then_some(name);
    let holds = |name: &str| has_secret_name(name) || subject.job.variables.holds_value_of(name, &has_secret_name);
    has_secret_name(name) || named.chain(of_itself).any(holds)
}

/// Whether the ignore file that is in force names `.git`: one beside the Dockerfile comes first (Docker docs: "Build context").
fn leaves_out_clone(subject: &Subject<'_>, command: &BuildCommand) -> bool {
    let own = RepositoryPath::new(&format!("{}.dockerignore", command.dockerfile));
    let common = command.context.folder().join(".dockerignore");
    let mut files = own.into_iter().chain(common).filter_map(|path| subject.all.repository.read(&path).ok());
    files.next().is_some_and(|file| DockerIgnore::parse(file.text()).matches(".git"))
}
