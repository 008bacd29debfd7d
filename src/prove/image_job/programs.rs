//! The programs that have a stand-in while the lines of an image job run.

/// The programs that build images.
pub(super) const BUILDERS: [&str; 9] = [
    "docker",
    "podman",
    "nerdctl",
    "buildah",
    "img",
    "buildctl",
    "buildctl-daemonless.sh",
    "executor",
    "docker-compose",
];

/// Programs that log in, push, deploy or tell others, and that no build needs.
pub(super) const LEAVING: [&str; 40] = [
    "ansible-playbook",
    "argocd",
    "aws",
    "az",
    "cf",
    "cosign",
    "crane",
    "doctl",
    "ecs-cli",
    "eksctl",
    "fly",
    "flyctl",
    "gcloud",
    "glab",
    "grype",
    "helm",
    "helmfile",
    "heroku",
    "ibmcloud",
    "kubectl",
    "netlify",
    "nomad",
    "notation",
    "oc",
    "oras",
    "pulumi",
    "regctl",
    "release-cli",
    "scp",
    "sentry-cli",
    "serverless",
    "sftp",
    "skopeo",
    "snyk",
    "ssh",
    "syft",
    "terraform",
    "trivy",
    "vault",
    "vercel",
];

/// Programs whose stand-in passes on what does not leave this machine.
pub(super) const PASSING: [&str; 14] = [
    "cargo", "curl", "dotnet", "gem", "git", "gradle", "gradlew", "mvn", "npm", "pnpm", "poetry", "twine", "wget",
    "yarn",
];

/// Programs that only install others, from the network: they are left out where there is none, and what they would have installed
/// may not be needed.
pub(super) const INSTALLING: [&str; 8] = ["apk", "apt", "apt-get", "dnf", "microdnf", "pip", "pip3", "yum"];

/// Where images have their programs.
pub(super) const PROGRAM_FOLDERS: [&str; 2] = ["usr/bin", "usr/local/bin"];
