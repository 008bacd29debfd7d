// journal.mjs COUNT >JOURNAL: the journal of a campaign over COUNT repositories that were never there, the same each time.
// Nearly half have nothing to fold; of the others, most are folded, many are refused for one reason or for several, few fail.

const [count] = process.argv.slice(2).map(Number);

/** Mulberry32: small, and the same everywhere. */
let seed = 20_26;
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
}
const below = (limit) => Math.floor(random() * limit);
const one = (choices) => choices[below(choices.length)];
const some = (choices, most) => [...new Set(Array.from({ length: 1 + below(most) }, () => one(choices)))];

const GROUPS = ["payments", "web", "platform/delivery", "data", "mobile/backend", "shop", "internal-tools", "customer-success/integrations/partner-portal"];
const NAMES = ["api", "frontend", "gateway", "worker", "docs", "billing", "catalogue", "search", "notifications", "identity-and-access-management-service"];
const REVIEWS = ["build-relies-on-cache", "build-perhaps-skipped", "secret-kind-unclear", "build-image-login-missing"];
const REFUSALS = ["rules-differ", "artifact-read-by-other-job", "dockerfile-shared", "build-script-unreadable", "cache-filler-unclear", "build-image-unknown", "builder-unsupported", "build-command-unclear"];
const MESSAGES = {
  "rules-differ": "job 'build' runs on merge requests, where job 'containerize' does not: its checks would be lost",
  "artifact-read-by-other-job": "job 'pages' needs 'build' and may read 'dist/'",
  "dockerfile-shared": "'Dockerfile' is built by job 'containerize' and by job 'nightly', with other arguments",
  "build-relies-on-cache": "'npm ci' finds its packages in a cache that job 'lint' fills",
  "secret-kind-unclear": "'NPM_TOKEN' is set in GitLab, and nothing here says whether it is a value or the path of a file",
};

function finding(code, severity, extra) {
  const message = MESSAGES[code] ?? `${code.replaceAll("-", " ")} in job 'build'`;
  const help = random() < 0.7 ? `see 'stagefold explain ${code}', or keep both jobs as they are` : null;
  return { code, severity, message, file: ".gitlab-ci.yml", line: 4 + below(60), column: 1 + below(9), help, ...extra };
}

function handoff(via) {
  const producers = via === "docker-cp" ? ["Dockerfile.build"] : [one(["build", "compile", "assets", "npm:build"])];
  const paths = some(["dist/", "server.js", "target/app.jar", "public/build/", "vendor/"], 3);
  return { via, producers, consumer: one(["containerize", "docker", "image:push"]), paths, dockerfile: "Dockerfile", producer_kept: random() < 0.05, fallback: null };
}

function patch() {
  const base = one(["node:20", "maven:3-eclipse-temurin-21", "golang:1.22", "composer:2"]);
  const context = Array.from({ length: 12 + below(30) }, (_, at) => ` ENV SETTING_${at}=value-${below(1000)}`);
  return `diff --git a/.gitlab-ci.yml b/.gitlab-ci.yml
--- a/.gitlab-ci.yml
+++ b/.gitlab-ci.yml
@@ -1,18 +1,8 @@
 stages:
-  - build
   - containerize
-
-build:
-  stage: build
-  image: ${base}
-  script:
-    - npm ci
-    - npm run build
-  artifacts:
-    paths: [dist/]
 
 containerize:
   stage: containerize
   script:
     - docker build -t "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA" .
     - docker push "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA"
diff --git a/Dockerfile b/Dockerfile
--- a/Dockerfile
+++ b/Dockerfile
@@ -1,${context.length + 3} +1,${context.length + 10} @@
+FROM ${base} AS builder
+WORKDIR /usr/src/app
+COPY package.json package-lock.json ./
+RUN npm ci
+COPY . .
+RUN npm run build
+
 FROM ${base}-alpine
${context.join("\n")}
--- dist is what job 'build' made
-COPY dist/ /usr/share/app/
+-- dist is what the builder made
+COPY --from=builder /usr/src/app/dist/ /usr/share/app/
`;
}

function report(path) {
  const kind = random();
  const via = random() < 0.7 ? "artifacts" : random() < 0.8 ? "cache" : "docker-cp";
  const told = { path, verdict: "nothing-to-fold", applicability: null, handoffs: [], findings: [], changes: [], patch: "" };
  const notes = some(["no-lock-file", "null-script-item"], 2);
  const lighter = random() < 0.5 ? notes.map((code) => finding(code, code === "no-lock-file" ? "note" : "warning")) : [];
  if (kind < 0.45) return told;
  if (kind < 0.75) {
    const isReview = random() < 0.2;
    const accepted = isReview ? [finding("secret-kind-unclear", "review", { accept: true, accepted: true })] : [];
    const changes = [".gitlab-ci.yml", "Dockerfile"].map((file) => ({ path: file, kind: "edit" }));
    const savings = { jobs: 1, transfers: 1 + below(3) };
    return { ...told, verdict: "folded", applicability: isReview ? "review" : "safe", handoffs: [handoff(via)], findings: [...accepted, ...lighter], changes, patch: patch(), savings };
  }
  if (kind < 0.97) {
    const reviews = random() < 0.5 ? some(REVIEWS, 2) : [];
    const refusals = reviews.length === 0 || random() < 0.3 ? some(REFUSALS, 3) : [];
    const findings = [...refusals.map((code) => finding(code, "refusal")), ...reviews.map((code) => finding(code, "review", { accept: true }))];
    const folding = refusals.length === 0 ? { folded_by_accepting: reviews } : {};
    return { ...told, verdict: "refused", handoffs: Array.from({ length: 1 + below(2) }, () => handoff(via)), findings: [...findings, ...lighter], ...folding };
  }
  return { ...told, verdict: "failed", findings: [{ ...finding("yaml-syntax", "error"), message: "did not find the expected key in line 12", help: null }] };
}

/** Names that a page must not obey, among those that people give. */
function named(index) {
  if (index === 7) return "</script><script>document.title='obeyed'</script>";
  if (index === 8) return "<img src=x onerror=\"document.title='obeyed'\">";
  if (index === 9) return `a-name-without-any-break-${"that-goes-on-and-on-".repeat(12)}`;
  if (index === 10) return "turned/\u202egpj.exe\u0007\r\nsecond line";
  return `gitlab.example.com/${one(GROUPS)}/${one(NAMES)}-${index}`;
}

for (let index = 0; index < count; index += 1) {
  const name = named(index);
  const project = { name, place: { folder: `/srv/${index}` }, pipelines: [".gitlab-ci.yml"] };
  process.stdout.write(`${JSON.stringify({ step: "looked", project, inputs: { options: "" }, reports: [report(name)] })}\n`);
}
