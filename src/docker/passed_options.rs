use super::{BuildCommand, Builder};

impl BuildCommand {
    /// Whether it passes the build argument `name`, and if so, whether with the value of the variable of that name.
    #[must_use]
    pub fn passes_argument(&self, name: &str) -> Option<bool> {
        let given = self.written("--build-arg").rev().find(|given| given.split('=').next() == Some(name))?;
        let own = [name.to_owned(), format!("{name}=${name}"), format!("{name}=${{{name}}}")];
        Some(own.contains(&given))
    }

    /// Whether it passes a secret with the id `name`, and if so, whether by exactly this option.
    #[must_use]
    pub fn passes_secret(&self, name: &str, option: &str) -> Option<bool> {
        let id = format!("id={name}");
        let given = self.written("--secret").rev().find(|given| given.split(',').any(|field| field == id))?;
        Some(option.strip_prefix("--secret ") == Some(given.as_str()))
    }

    /// An option that passes something, as this command has it: bake takes what is for one target by `--set`, an argument
    /// without a value from the environment (docker/buildx: `newOverrides`).
    #[must_use]
    pub fn as_written(&self, option: &str) -> String {
        let Some(description) = self.described_in.as_ref().filter(|_| self.builder == Builder::Bake) else {
            return option.to_owned();
        };
        let target = &description.name;
        match (option.strip_prefix("--build-arg "), option.strip_prefix("--secret ")) {
            (Some(name), _) => format!("--set {target}.args.{name}"),
            (_, Some(secret)) => format!("--set {target}.secrets={secret}"),
            _ => option.to_owned(),
        }
    }

    /// The values of an option as they are written, without their quotes.
    fn written<'a>(&'a self, option: &'a str) -> impl DoubleEndedIterator<Item = String> + 'a {
        let values = self.options.iter().filter(move |(name, _)| name == option);
        values.filter_map(|(_, value)| Some(value.as_deref()?.replace(['"', '\''], "")))
    }
}

#[cfg(test)]
mod tests {
    use crate::docker::{BuildCommand, ScriptWalk, build_commands};

    fn parse(line: &str) -> BuildCommand {
        let walk = ScriptWalk::new([Some(line)], &|_| None);
        build_commands(&walk).0.remove(0)
    }

    #[test]
    fn an_argument_that_is_passed_has_its_own_value_or_another() {
        let command = parse("docker build --build-arg A --build-arg B=$B --build-arg=\"C=${C}\" --build-arg D=$E .");
        let found = ["A", "B", "C", "D", "F"].map(|name| command.passes_argument(name));
        assert_eq!(found, [Some(true), Some(true), Some(true), Some(false), None]);
    }

    #[test]
    fn a_secret_that_is_passed_is_known_by_its_id() {
        let command = parse("docker buildx build --secret id=A,env=A --secret id=B,src=b .");
        assert_eq!(command.passes_secret("A", "--secret id=A,env=A"), Some(true));
        assert_eq!(command.passes_secret("B", "--secret id=B,env=B"), Some(false));
        assert_eq!(command.passes_secret("C", "--secret id=C,env=C"), None);
    }

    #[test]
    fn options_begin_behind_the_word_build() {
        for line in ["docker build -t x .", "sudo docker -H a image build .", "A=1 docker buildx build --load ."] {
            assert!(line[..parse(line).options_at].ends_with("build"), "{line}");
        }
    }
}
