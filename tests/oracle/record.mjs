// record.mjs NODE_MODULES PREVIEWS [CASE…]: see `record`; the answers go into the folder PREVIEWS.

import {promises as fs} from "node:fs";
import {createRequire} from "node:module";
import path from "node:path";
import {GitlabCiLocal, PIPELINE, exists, inParallel} from "./gitlab-ci-local.mjs";

const FIXTURES = "tests/fixtures";

const [modules, previews, ...named] = process.argv.slice(2);
// The library that writes the previews, so that it reads what it wrote.
const yaml = createRequire(`${modules}/`)("js-yaml");
const program = await GitlabCiLocal.start(modules);

try {
  const everything = await casesOf(FIXTURES);
  const unknown = named.filter((name) => !everything.includes(name));
  if (unknown.length > 0) throw new Error(`${FIXTURES} has no ${unknown.join(", ")}`);
  await fs.mkdir(previews, {recursive: true});
  if (named.length === 0) await dropOrphans(everything);
  await inParallel(named.length > 0 ? named : everything, record);
} finally {
  await program.stop();
}

async function casesOf(folder) {
  const entries = await fs.readdir(folder, {withFileTypes: true});
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
}

async function dropOrphans(cases) {
  for (const file of await fs.readdir(previews)) {
    if (!cases.includes(path.basename(file, ".json"))) await fs.rm(path.join(previews, file));
  }
}

async function record(name) {
  const answers = {};
  for (const side of ["before", "after"]) {
    const folder = path.join(FIXTURES, name, side);
    if (await exists(path.join(folder, PIPELINE))) answers[side] = await preview(folder);
  }
  await fs.writeFile(path.join(previews, `${name}.json`), `${asText(answers)}\n`);
}

// What gitlab-ci-local makes of the pipeline of `folder`, or the words with which it refuses it.
async function preview(folder) {
  const {printed, refused} = await program.ask(folder, "--preview", "--json-schema-validation=false");
  // Warnings come before the document.
  return refused ? {refused} : yaml.load(printed.slice(printed.search(/^---$/m)));
}

// JSON with one line for each key at the top of a pipeline, so that a change can be read.
function asText(answers) {
  const fields = (mapping, value, between) =>
    `{${Object.entries(mapping).map(([key, under]) => `${between}${JSON.stringify(key)}: ${value(under)}`).join(",")}\n}`;
  return fields(answers, (answer) => fields(answer, JSON.stringify, "\n  "), "\n");
}
