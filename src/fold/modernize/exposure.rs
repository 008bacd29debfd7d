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
    if let Some((name, _)) = command.build_arguments.iter().find(|(name, _)| has_secret_name(name)) {
        return Some(format!("the build argument {name} may be a secret, and their history holds it"));
    }
    // A runner puts the token of the job into the clone's configuration.
    let has_clone = command.context.folder().is_root() && !leaves_out_clone(subject, command);
    has_clone.then(|| "no .dockerignore names '.git', which holds the token of the job, so they may as well".to_owned())
}

/// Whether the ignore file that is in force names `.git`: one beside the Dockerfile comes first (Docker docs: "Build context").
fn leaves_out_clone(subject: &Subject<'_>, command: &BuildCommand) -> bool {
    let own = RepositoryPath::new(&format!("{}.dockerignore", command.dockerfile));
    let common = command.context.folder().join(".dockerignore");
    let mut files = own.into_iter().chain(common).filter_map(|path| subject.all.repository.read(&path).ok());
    files.next().is_some_and(|file| DockerIgnore::parse(file.text()).matches(".git"))
}
