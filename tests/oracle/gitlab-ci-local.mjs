// gitlab-ci-local on a copy of a folder. Nothing of this machine reaches an answer: no network, no settings of git's, an
// empty home, and no path in a message.

import {execFile} from "node:child_process";
import {promises as fs} from "node:fs";
import os from "node:os";
import path from "node:path";
import {promisify} from "node:util";

export const PIPELINE = ".gitlab-ci.yml";
const NOWHERE = "http://127.0.0.1:9";

export const run = promisify(execFile);

export class GitlabCiLocal {
  static async start(modules) {
    const scratch = await fs.mkdtemp(path.join(os.tmpdir(), "stagefold-oracle-"));
    return new GitlabCiLocal(path.join(modules, "gitlab-ci-local/dist/index.js"), scratch);
  }

  constructor(program, scratch) {
    this.program = program;
    this.scratch = scratch;
    this.copies = 0;
    this.environment = {
      PATH: process.env.PATH,
      HOME: scratch,
      LANG: "C",
      http_proxy: NOWHERE, https_proxy: NOWHERE, HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE,
      GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_ALLOW_PROTOCOL: "none", GIT_SSH_COMMAND: "false",
    };
  }

  async stop() {
    await fs.rm(this.scratch, {recursive: true});
  }

  // What the program prints for a copy of `folder`, or the words with which it refuses: {printed} or {refused}.
  async ask(folder, ...words) {
    const copy = await this.copyOf(folder);
    try {
      const options = {cwd: copy, env: this.environment, maxBuffer: 1 << 26};
      return {printed: (await run(process.execPath, [this.program, ...words], options)).stdout};
    } catch (error) {
      return {refused: reason(error, copy)};
    }
  }

  async copyOf(folder) {
    const copy = path.join(this.scratch, `${this.copies++}`);
    await fs.cp(folder, copy, {recursive: true, verbatimSymlinks: true, filter: (file) => path.basename(file) !== ".git"});
    const git = (...words) => run("git", ["-c", "user.name=oracle", "-c", "user.email=oracle@example.org", ...words], {cwd: copy, env: this.environment});
    await git("init", "-q", "-b", "main");
    await git("add", "-f", ".");
    await git("commit", "-q", "--allow-empty", "-m", "all of it");
    return copy;
  }
}

// The first line that says something, without what differs from one machine or run to the next: several files are fetched
// at once, and any of them may fail first.
function reason(error, copy) {
  const lines = `${error.stderr || error}`.split("\n");
  const plain = lines.map((line) => line.replaceAll(copy, ".").replace(/\x1b\[[0-9;]*m/g, "").trim());
  const noise = /^$|^Unable to retrieve default remote branch|^Command failed with exit code|^fatal: ref refs|^Using fallback git|^error: No such remote|^parsing and downloads finished|^WARN /;
  const words = plain.find((line) => !noise.test(line)) ?? "it says no more";
  return words.replace(/^((Remote|Project) include could not be fetched) .*/, "$1");
}

export async function exists(file) {
  return fs.access(file).then(() => true, () => false);
}

// Does `work` for all items, as many at a time as there are processors; the answers are in the order of the items.
export async function inParallel(items, work) {
  const answers = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      answers[at] = await work(items[at]);
    }
  };
  await Promise.all(Array.from({length: os.availableParallelism()}, worker));
  return answers;
}
