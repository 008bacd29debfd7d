// validate.mjs NODE_MODULES CHECK_JSONSCHEMA FOLDER…: see `validate`.

import path from "node:path";
import {GitlabCiLocal, PIPELINE, exists, inParallel, run} from "./gitlab-ci-local.mjs";

const [modules, checkJsonschema, ...words] = process.argv.slice(2);
const pairs = words.map((word) => (word.includes(":") ? word.split(":") : [null, word]));
const program = await GitlabCiLocal.start(modules);

try {
  const faults = await faultsOf(pairs.map(([, after]) => after));
  const faulty = pairs.filter(([before, after]) => before && faults.get(after).length > 0);
  const known = await faultsOf(faulty.map(([before]) => before));
  const counts = pairs.map(([before, after]) => report(after, faults.get(after), known.get(before) ?? []));
  const count = counts.reduce((sum, count) => sum + count, 0);
  console.log(`${pairs.length} pipelines, ${count} faults`);
  process.exitCode = count === 0 ? 0 : 1;
} finally {
  await program.stop();
}

// Prints the faults of one pipeline; the number of those that were not there before. Lines move with a fold.
function report(folder, faults, known) {
  const unplaced = (fault) => fault.replace(/\(\d+:\d+\)/, "");
  const isKnown = (fault) => known.some((other) => unplaced(other) === unplaced(fault));
  for (const fault of faults) console.log(`${folder}: ${fault}${isKnown(fault) ? " (as before)" : ""}`);
  return faults.filter((fault) => !isKnown(fault)).length;
}

// The faults of the pipeline of each folder.
async function faultsOf(folders) {
  const faults = new Map(folders.map((folder) => [folder, []]));
  const there = [];
  for (const folder of faults.keys()) {
    if (await exists(path.join(folder, PIPELINE))) there.push(folder);
    else faults.get(folder).push(`there is no ${PIPELINE}`);
  }
  await addSchemaFaults(faults, there);
  await inParallel(there, async (folder) => {
    const {refused} = await program.ask(folder, "--list");
    if (refused) faults.get(folder).push(`gitlab-ci-local: ${refused}`);
  });
  return faults;
}

async function addSchemaFaults(faults, folders) {
  if (folders.length === 0) return;
  const fileOf = (folder) => path.join(folder, PIPELINE);
  const {errors, parse_errors = []} = await checked(folders.map(fileOf));
  const folderOf = new Map(folders.map((folder) => [fileOf(folder), folder]));
  const add = (file, fault) => faults.get(folderOf.get(file)).push(`schema: ${fault}`);
  for (const {filename, path: place, message, best_deep_match: deep} of errors) add(filename, `${deep?.path ?? place}: ${deep?.message ?? message}`);
  for (const {filename, message} of parse_errors) add(filename, message.replaceAll(filename, PIPELINE));
}

// What check-jsonschema reports on the files. It ends with 1 where it finds something.
async function checked(files) {
  const words = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", "--output-format", "json", ...files];
  try {
    return JSON.parse((await run(checkJsonschema, words, {maxBuffer: 1 << 26})).stdout);
  } catch (error) {
    if (!error.stdout) throw error;
    return JSON.parse(error.stdout);
  }
}
