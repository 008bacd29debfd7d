use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Options, variable_name};
use crate::prove::{EngineName, Request};
use crate::text::RepositoryPath;

/// What is proven, and by which engine.
#[derive(Debug, Args)]
pub(in crate::cli) struct ProveOptions {
    /// The repository [default: .]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: Option<PathBuf>,
    /// What builds: docker, podman, buildah [default: the first that answers]
    #[arg(long, value_enum, value_name = "NAME", hide_possible_values = true)]
    engine: Option<EngineChoice>,
    /// Prove what HEAD holds against this earlier commit, without folding again
    #[arg(long, value_name = "REVISION")]
    before: Option<String>,
    /// Give a variable of the project a value; may be repeated
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = given)]
    variables: Vec<(String, String)>,
    /// Read variables of the project from a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) env_file: Option<PathBuf>,
    /// Let the lines of the image job reach other machines
    ///
    /// Without it they have no network, and build jobs and builds have one. Programs that log in, push or deploy are left
    /// out either way.
    #[arg(long)]
    with_network: bool,
    /// Do not build both ways again with one changed line
    #[arg(long)]
    no_rebuild: bool,
    /// Keep the images as NAME-old and NAME-new
    #[arg(long, value_name = "NAME")]
    keep_images: Option<String>,
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
    /// What is to be proven of the pipeline at `root`; `read` are the variables of the file.
    pub(in crate::cli) fn request(
        &self,
        (root, pipeline): (PathBuf, RepositoryPath),
        options: &Options,
        read: Vec<(String, String)>,
    ) -> Request {
        Request {
            root,
            pipeline,
            policy: options.policy(),
            elsewhere: options.elsewhere(),
            engine: self.engine.map(|engine| match engine {
                EngineChoice::Docker => EngineName::Docker,
                EngineChoice::Podman => EngineName::Podman,
                EngineChoice::Buildah => EngineName::Buildah,
            }),
            before: self.before.clone(),
            variables: read.into_iter().chain(self.variables.iter().cloned()).collect(),
            has_network: self.with_network,
            rebuilds: !self.no_rebuild,
            keeps_images: self.keep_images.clone(),
        }
    }
}

/// Reads `NAME=VALUE`.
pub(in crate::cli) fn given(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    variable_name(name)?;
    Ok((name.to_owned(), value.to_owned()))
}
