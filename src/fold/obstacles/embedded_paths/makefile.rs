//! What `make` runs, as far as a plain Makefile tells: the recipes of its goals and of what these depend on.

use super::embedding as of_words;
use crate::docker::Step;
use crate::source::Repository;

/// The names that make looks for (GNU make manual: "What Name to Give Your Makefile").
const NAMES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// Why what `make` makes by this command holds the path of its folder, where a recipe says so.
pub(super) fn embedding(repository: &dyn Repository, step: &Step, words: &[&str]) -> Option<&'static str> {
    let (_, arguments) = words.split_first().filter(|(program, _)| **program == "make")?;
    let folder = step.folder.as_ref()?;
    let places = NAMES.iter().filter_map(|name| folder.join(name));
    let file = places.filter_map(|place| repository.read(&place).ok()).next()?;
    let goals = arguments.iter().copied().filter(|word| !word.starts_with('-') && !word.contains('='));
    let recipes = Rules::read(file.text()).recipes(goals.collect());
    recipes.iter().find_map(|line| of_line(line))
}

/// Each command of a recipe line by itself.
fn of_line(line: &str) -> Option<&'static str> {
    let line = line.trim_start_matches(['@', '-', '+']).replace("$(GO)", "go").replace("$(CARGO)", "cargo");
    let commands = line.split([';', '&', '|']).map(|command| {
        let words = command.split_whitespace();
        words.skip_while(|word| word.contains('=') && !word.starts_with('-')).map(str::to_owned).collect::<Vec<_>>()
    });
    commands.into_iter().find_map(|words| of_words(&words.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// The rules of a Makefile that are written without pattern and variable in their targets.
#[derive(Default)]
struct Rules<'a> {
    rules: Vec<Rule<'a>>,
}

struct Rule<'a> {
    targets: Vec<&'a str>,
    prerequisites: Vec<&'a str>,
    recipe: Vec<&'a str>,
}

impl<'a> Rules<'a> {
    fn read(text: &'a str) -> Self {
        let mut found = Self::default();
        for line in text.lines() {
            if let Some(command) = line.strip_prefix('\t') {
                found.rules.last_mut().into_iter().for_each(|rule| rule.recipe.push(command.trim()));
                continue;
            }
            let line = line.split('#').next().unwrap_or_default();
            let heads = line.split_once(':').filter(|(targets, rest)| !targets.contains('=') && !rest.starts_with('='));
            if let Some((targets, rest)) = heads {
                let prerequisites = rest.trim_start_matches(':').split(';').next().unwrap_or_default();
                found.rules.push(Rule {
                    targets: targets.split_whitespace().collect(),
                    prerequisites: prerequisites.split_whitespace().collect(),
                    recipe: Vec::new(),
                });
            }
        }
        found
    }

    /// The recipe lines that are run for these goals; the first target where there is none.
    fn recipes(&self, goals: Vec<&'a str>) -> Vec<&'a str> {
        let first = self.rules.iter().flat_map(|rule| &rule.targets).find(|target| !target.starts_with('.'));
        let mut open = if goals.is_empty() { first.into_iter().copied().collect() } else { goals };
        let (mut done, mut lines): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        while let Some(goal) = open.pop() {
            if done.contains(&goal) {
                continue;
            }
            done.push(goal);
            for rule in self.rules.iter().filter(|rule| rule.targets.contains(&goal)) {
                lines.extend(&rule.recipe);
                open.extend(&rule.prerequisites);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Rules, of_line};

    #[test]
    fn a_goal_runs_its_recipe_and_those_of_what_it_needs() {
        let text = "GO := go\n.PHONY: all\nall: bin/app\n\nbin/app: main.go # the program\n\t@$(GO) build -o bin/app .\n\nlint:\n\tgolint\n";
        let rules = Rules::read(text);
        assert_eq!(rules.recipes(vec![]), ["@$(GO) build -o bin/app ."]);
        assert_eq!(rules.recipes(vec!["lint"]), ["golint"]);
        assert_eq!(rules.recipes(vec!["gone"]), [""; 0]);
    }

    #[test]
    fn a_recipe_tells_what_it_embeds() {
        assert!(of_line("@CGO_ENABLED=0 $(GO) build -o bin/app .").is_some());
        assert!(of_line("mkdir -p bin && go build -o bin/app .").is_some());
        assert!(of_line("go build -trimpath -o bin/app .").is_none());
        assert!(of_line("go vet ./...").is_none());
    }
}
