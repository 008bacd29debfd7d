use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Options, variable_name};
use crate::prove::{EngineName, Request};
use crate::repo::{Found, read_variables};

/// What is proven, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct ProveOptions {
    /// The repository [default: .]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: Option<PathBuf>,
    /// Prove what HEAD holds against this earlier commit, without folding again
    #[arg(long, value_name = "REVISION")]
    before: Option<String>,
    /// Keep the images as NAME-old and NAME-new
    #[arg(long, value_name = "NAME")]
    keep_images: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) how: ProveChoices,
}

/// How something is proven.
#[derive(Debug, Args)]
#[command(next_help_heading = "How it is proven")]
pub(in crate::cli) struct ProveChoices {
    /// What builds: docker, podman, buildah [default: the first that answers]
    #[arg(long, value_enum, value_name = "NAME", hide_possible_values = true)]
    engine: Option<EngineChoice>,
    /// Give a variable of the project a value; may be repeated
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = given)]
    variables: Vec<(String, String)>,
    /// Read variables of the project from a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Let the lines of the image job reach other machines
    ///
    /// Without it they have no network, and build jobs and builds have one. Programs that are known to log in, push or
    /// deploy are left out either way.
    #[arg(long)]
    with_network: bool,
    /// Do not build both ways again with one changed line
    #[arg(long)]
    no_rebuild: bool,
}

/// An engine.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineChoice {
    /// Docker Engine
    Docker,
    /// podman
    Podman,
    /// buildah
    Buildah,
}

impl ProveOptions {
    /// What is to be proven of this pipeline.
    ///
    /// # Errors
    /// What is wrong with the file of variables.
    pub(in crate::cli) fn request(&self, found: &Found, options: &Options) -> Result<Request, String> {
        let request = self.how.request(found, options)?;
        Ok(Request { before: self.before.clone(), keeps_images: self.keep_images.clone(), ..request })
    }
}

impl ProveChoices {
    /// Whether some of them is made.
    pub(in crate::cli) const fn is_any(&self) -> bool {
        self.engine.is_some()
            || !self.variables.is_empty()
            || self.env_file.is_some()
            || self.with_network
            || self.no_rebuild
    }

    /// What is to be proven of the fold of this pipeline.
    ///
    /// # Errors
    /// What is wrong with the file of variables.
    pub(in crate::cli) fn request(&self, found: &Found, options: &Options) -> Result<Request, String> {
        Ok(Request {
            root: found.root.clone(),
            pipeline: found.pipeline.clone(),
            policy: options.policy(),
            elsewhere: options.elsewhere(),
            engine: self.engine.map(|engine| match engine {
                EngineChoice::Docker => EngineName::Docker,
                EngineChoice::Podman => EngineName::Podman,
                EngineChoice::Buildah => EngineName::Buildah,
            }),
            before: None,
            variables: self.of_file()?.into_iter().chain(self.variables.iter().cloned()).collect(),
            has_network: self.with_network,
            rebuilds: !self.no_rebuild,
            keeps_images: None,
        })
    }

    /// The variables of the file.
    fn of_file(&self) -> Result<Vec<(String, String)>, String> {
        let Some(file) = &self.env_file else { return Ok(Vec::new()) };
        let lines = read_variables(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let pair =
            |(number, line): (usize, String)| given(&line).map_err(|why| format!("{}:{number}: {why}", file.display()));
        lines.into_iter().map(pair).collect()
    }
}

/// Reads `NAME=VALUE`.
pub(in crate::cli) fn given(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    variable_name(name)?;
    Ok((name.to_owned(), value.to_owned()))
}
