"use strict";
(() => {
  const PAGE = 100;
  const REASONS = 6;
  const VERDICTS = ["folded", "refused", "failed", "nothing-to-fold"];
  const WORDS = { folded: "folded", refused: "refused", failed: "failed", "nothing-to-fold": "nothing to fold" };
  const BLOCKING = { refused: ["review", "refusal"], failed: ["error"] };
  const WEIGHTS = ["error", "refusal", "review", "warning", "note"];
  const number = new Intl.NumberFormat("en");
  const find = (id) => document.getElementById(id);

  const source = find("data");
  const { repositories, summary } = JSON.parse(source.textContent);
  source.remove();

  /** Text with what cannot be seen made visible: characters that turn the order of others around, controls, ends of lines. */
  function visible(text) {
    return text.replaceAll("\r", "␍").replace(/[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, "\ufffd");
  }

  /** Makes an element. Text is always text: nothing of a report is read as HTML. */
  function make(tag, attributes, ...children) {
    const isSvg = tag === "svg" || tag === "rect";
    const element = isSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    const present = children.filter((child) => child !== null && child !== undefined);
    element.append(...present.map((child) => (child instanceof Node ? child : visible(String(child)))));
    return element;
  }

  const count = (amount, one, many) => `${number.format(amount)} ${amount === 1 ? one : many}`;
  const unique = (words) => [...new Set(words)];
  const textOf = (code) => make("code", null, code);

  /** What the list needs of a report, and what a search looks at, made once. */
  function toRow(report, index) {
    const { path, pipeline, verdict, handoffs, findings, changes, savings } = report;
    const weights = BLOCKING[verdict] || [];
    const blocking = unique(findings.filter((f) => !f.accepted && weights.includes(f.severity)).map((f) => f.code)).sort();
    const accepted = unique(findings.filter((f) => f.accepted).map((f) => f.code)).sort();
    const label = pipeline === undefined ? path : path === "." ? pipeline : `${path}/${pipeline}`;
    const words = [label, WORDS[verdict], verdict];
    for (const handoff of handoffs) {
      words.push(handoff.via, handoff.consumer, handoff.dockerfile, ...handoff.producers, ...handoff.paths);
    }
    for (const finding of findings) words.push(finding.code, finding.message, finding.file);
    for (const change of changes) words.push(change.path);
    const jobs = savings ? savings.jobs : 0;
    const transfers = savings ? savings.transfers : 0;
    const rank = VERDICTS.indexOf(verdict);
    const ways = unique(handoffs.map((handoff) => handoff.via));
    return {
      index, report, label, verdict, rank, blocking, accepted, ways, jobs, transfers,
      files: changes.length, handoffs: handoffs.length, haystack: words.join("\n").toLowerCase(),
    };
  }

  const rows = repositories.map(toRow);
  const told = rows.filter((row) => row.verdict !== "nothing-to-fold").length;

  // What the reader has chosen. It stands in the address behind the `#`, so that it can be handed on.

  const fresh = () => ({ q: "", verdict: told > 0 ? "told" : "all", reason: "", sort: "", open: "" });
  let state = fresh();
  const opened = new Set();

  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    state = fresh();
    for (const key of Object.keys(state)) if (given.has(key)) state[key] = given.get(key);
    if (!["told", "all", ...VERDICTS].includes(state.verdict)) state.verdict = fresh().verdict;
    if (!COLUMNS.some((column) => column.key === state.sort.replace("-", ""))) state.sort = "";
    const row = state.open && rows.find((each) => each.label === state.open);
    if (row) opened.add(row.index);
  }

  function writeAddress() {
    const usual = fresh();
    const chosen = Object.entries(state).filter(([key, value]) => value !== usual[key]);
    const hash = chosen.length > 0 ? `#${new URLSearchParams(chosen)}` : location.pathname + location.search;
    history.replaceState(null, "", hash);
  }

  function choose(change) {
    Object.assign(state, change);
    writeAddress();
    update();
  }

  /** What is chosen in the charts shows in the list below them, so the list comes into view. */
  function chooseAbove(change) {
    choose(change);
    if (find("rows").getBoundingClientRect().top > innerHeight * 0.7) find("filters").scrollIntoView({ block: "start" });
  }

  // The list.

  const COLUMNS = [
    { key: "name", title: "Repository", class: "col-name", value: (row) => -row.index },
    { key: "verdict", title: "Verdict", class: "col-verdict", value: (row) => -row.rank },
    { key: "ways", title: "Hand-offs", class: "col-ways", value: (row) => row.handoffs },
    { key: "what", title: "Reasons", class: "col-what", value: (row) => row.blocking.length },
    { key: "jobs", title: "Jobs", class: "col-jobs number", hint: "Jobs fewer in each run", value: (row) => row.jobs },
    { key: "transfers", title: "Transfers", class: "col-transfers number", hint: "Uploads and downloads of artifacts and caches fewer in each run", value: (row) => row.transfers },
    { key: "files", title: "Files", class: "col-files number", hint: "Files that change", value: (row) => row.files },
  ];

  /** Names and verdicts go up first, amounts down: `-` turns the order around. */
  function compare() {
    const isTurned = state.sort.startsWith("-");
    const column = COLUMNS.find((each) => each.key === state.sort.replace("-", ""));
    if (!column) return null;
    const sign = isTurned ? 1 : -1;
    return (left, right) => sign * (column.value(left) - column.value(right)) || left.index - right.index;
  }

  function matching() {
    const terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) =>
      (state.verdict === "all" || row.verdict === state.verdict || (state.verdict === "told" && row.verdict !== "nothing-to-fold"))
      && (state.reason === "" || row.blocking.includes(state.reason))
      && terms.every((term) => row.haystack.includes(term)));
    const order = compare();
    return order ? found.sort(order) : found;
  }

  let shown = [];
  let listed = 0;
  const body = find("rows");

  function update() {
    shown = matching();
    listed = 0;
    body.replaceChildren();
    listMore(PAGE);
    const all = shown.length === rows.length ? "" : ` of ${number.format(rows.length)}`;
    find("count").textContent = `${number.format(shown.length)}${all} ${rows.length === 1 ? "repository" : "repositories"}`;
    find("empty").hidden = shown.length > 0;
    find("list").hidden = shown.length === 0;
    reflect();
  }

  function listMore(amount) {
    const next = shown.slice(listed, listed + amount);
    const lines = next.flatMap((row) => (opened.has(row.index) ? [line(row), detail(row)] : [line(row)]));
    body.append(...lines);
    listed += next.length;
    const left = shown.length - listed;
    find("more").hidden = left <= 0;
    find("more").textContent = `Show ${number.format(Math.min(PAGE, left))} more of ${number.format(left)}`;
  }

  const verdictMark = (verdict) => make("span", { class: `verdict verdict-${verdict}` }, WORDS[verdict]);
  const cell = (attributes, ...children) => make("td", { role: "cell", ...attributes }, ...children);
  const amount = (value) => cell({ class: "number" }, value > 0 ? number.format(value) : "");

  function line(row) {
    const isOpen = opened.has(row.index);
    const button = make("button", { type: "button", class: "name", "aria-expanded": String(isOpen), "aria-controls": isOpen ? `d${row.index}` : null }, ...nameOf(row.label));
    const ways = row.ways.join(", ") + (row.handoffs > 1 ? ` (${row.handoffs})` : "");
    return make("tr", { role: "row", class: isOpen ? "row open" : "row", "data-index": row.index },
      cell(null, button), cell(null, verdictMark(row.verdict)), cell({ class: "ways" }, ways), cell({ class: "what" }, ...what(row)),
      amount(row.jobs), amount(row.transfers), amount(row.files));
  }

  /** A name whose last part stands out, and that breaks behind its slashes first. */
  function nameOf(label) {
    const parts = label.split(/(?<=\/)(?=.)/);
    const last = parts.pop();
    return [...parts.flatMap((part) => [part, make("wbr")]), make("strong", null, last || "(no name)")];
  }

  /** What changes, or what is in the way, in few words. */
  function what(row) {
    if (row.blocking.length > 0) return [make("span", { class: "codes" }, ...row.blocking.map(textOf))];
    if (row.verdict !== "folded") return [];
    const parts = [];
    if (row.accepted.length > 0) parts.push(`accepted: ${row.accepted.join(", ")}`);
    if (row.report.handoffs.some((handoff) => handoff.producer_kept)) parts.push("the build job stays");
    const ways = unique(row.report.handoffs.map((handoff) => handoff.fallback).filter(Boolean));
    parts.push(...ways.map((way) => `no builder stage, but ${way}`));
    if (row.report.proof && row.report.proof.verdict) parts.push(`proof: ${row.report.proof.verdict}`);
    return [make("span", { class: "faint" }, parts.join("; "))];
  }

  function toggle(line, isWanted) {
    const row = rows[Number(line.dataset.index)];
    const isOpen = opened.has(row.index);
    if (isOpen === isWanted) return;
    if (isOpen) {
      opened.delete(row.index);
      if (line.nextElementSibling && line.nextElementSibling.classList.contains("detail")) line.nextElementSibling.remove();
    } else {
      opened.add(row.index);
      line.after(detail(row));
    }
    line.classList.toggle("open", isWanted);
    const button = line.querySelector("button");
    button.setAttribute("aria-expanded", String(isWanted));
    if (isWanted) button.setAttribute("aria-controls", `d${row.index}`);
    else button.removeAttribute("aria-controls");
    state.open = isWanted ? row.label : "";
    writeAddress();
  }

  // What is told of one repository once it is opened.

  function detail(row) {
    const { handoffs, findings, changes, patch, folded_by_accepting: folding, proof } = row.report;
    const parts = [];
    if (folding) parts.push(make("p", { class: "offer" }, "Folds with ", textOf(folding.map((code) => `--accept ${code}`).join(" ")), "."));
    if (handoffs.length > 0) parts.push(make("h3", null, "Hand-offs"), make("ul", { class: "handoffs" }, ...handoffs.map(handoffLine)));
    if (proof) parts.push(make("h3", null, "Proof"), make("p", null, proof.verdict || "no image was to be built"));
    const sorted = [...findings].sort((left, right) => WEIGHTS.indexOf(left.severity) - WEIGHTS.indexOf(right.severity));
    if (sorted.length > 0) parts.push(make("h3", null, "Findings"), ...sorted.map(findingBlock));
    if (patch) parts.push(make("h3", null, `The change, in ${count(changes.length, "file", "files")}`), diff(patch));
    if (parts.length === 0) parts.push(make("p", { class: "faint" }, "No file flows from a job into an image."));
    return make("tr", { role: "row", class: "detail", id: `d${row.index}` }, make("td", { role: "cell", colspan: COLUMNS.length }, ...parts));
  }

  function handoffLine({ via, producers, consumer, paths, dockerfile, producer_kept: isKept, fallback }) {
    const into = dockerfile ? ` into ${dockerfile}` : "";
    const more = [isKept ? "the producer stays for others" : "", fallback ? `${fallback} in the place of a fold` : ""].filter(Boolean);
    const tail = more.length > 0 ? ` (${more.join("; ")})` : "";
    return make("li", null, make("strong", null, via), ` from ${producers.join(", ") || "?"} to ${consumer}${into}: `, textOf(paths.join(" ")), tail);
  }

  function findingBlock({ code, severity, message, file, line: at, column, help, accepted }) {
    const place = [file || ".", at, column].filter((part) => part !== null && part !== undefined).join(":");
    return make("div", { class: `finding severity-${severity}` },
      make("p", null, make("span", { class: "severity" }, accepted ? `${severity}, accepted` : severity), " ", textOf(code), " ", make("span", { class: "place" }, place)),
      make("p", null, message),
      help ? make("p", { class: "help" }, `Help: ${help}`) : null);
  }

  /** A patch, each line by its kind. A removed line may look like the head of a file, so a hunk's own figures say how long it is. */
  function diff(patch) {
    const code = make("code", null);
    let [before, after] = [0, 0];
    for (const text of patch.replace(/\n$/, "").split("\n")) {
      let kind = "file";
      const hunk = before + after === 0 && /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(text);
      if (hunk) {
        kind = "hunk";
        [before, after] = [hunk[1], hunk[2]].map((figure) => (figure === undefined ? 1 : Number(figure)));
      } else if (text.startsWith("\\")) {
        kind = "same";
      } else if (before + after > 0) {
        kind = text.startsWith("+") ? "added" : text.startsWith("-") ? "removed" : "same";
        if (kind !== "added") before -= 1;
        if (kind !== "removed") after -= 1;
      }
      code.append(make("span", { class: kind }, text));
    }
    return make("pre", { class: "diff", tabindex: "0", role: "region", "aria-label": "The change as a patch: + is added, - is removed" }, code);
  }

  // Charts and filters.

  function drawVerdicts() {
    const total = Math.max(1, rows.length);
    const bar = find("verdict-bar");
    const least = (amount) => (amount > 0 ? Math.max(5, (amount / total) * 1000) : 0);
    const scale = 1000 / Math.max(1, VERDICTS.reduce((sum, verdict) => sum + least(summary.counts[verdict]), 0));
    let x = 0;
    for (const verdict of VERDICTS) {
      const width = least(summary.counts[verdict]) * scale;
      const gap = x + width < 999 ? 2 : 0;
      if (width > 0) bar.append(make("rect", { class: `fill-${verdict}`, x, width: width - gap, height: 10 }));
      x += width;
    }
    bar.setAttribute("aria-label", VERDICTS.map((verdict) => `${summary.counts[verdict]} ${WORDS[verdict]}`).join(", "));
    find("tiles").append(...VERDICTS.map((verdict) => {
      const share = `${((summary.counts[verdict] / total) * 100).toFixed(1).replace(/\.0$/, "")} %`;
      const tile = make("button", { type: "button", class: "tile", "aria-pressed": "false", "data-verdict": verdict },
        verdictMark(verdict), " ", make("strong", null, number.format(summary.counts[verdict])), " ", make("span", { class: "share" }, share));
      tile.addEventListener("click", () => chooseAbove({ verdict: state.verdict === verdict ? fresh().verdict : verdict }));
      return tile;
    }));
  }

  function drawReasons() {
    const { reasons, together, folded_by_more: byMore } = summary;
    find("reasons").hidden = reasons.length === 0;
    const most = Math.max(1, ...reasons.map((reason) => reason.pipelines));
    find("reason-rows").append(...reasons.map((reason, index) => reasonLine(reason, index, most)));
    const all = find("all-reasons");
    all.hidden = reasons.length <= REASONS;
    all.textContent = `Show all ${reasons.length}`;
    all.addEventListener("click", () => {
      all.hidden = true;
      find("reason-rows").querySelectorAll("tr").forEach((line) => { line.hidden = false; });
    });
    const sentences = together.map(({ codes, folds }) => {
      const names = codes.flatMap((code, index) => [index === 0 ? "" : index === codes.length - 1 ? " and " : ", ", textOf(code)]);
      return make("li", null, "Accepting ", ...names, ` together folds ${number.format(folds)} more.`);
    });
    if (byMore > 0) sentences.push(make("li", null, `Accepting more codes at once folds ${number.format(byMore)} more.`));
    find("together").append(...sentences.slice(0, REASONS));
  }

  function reasonLine({ code, title, severity, pipelines, alone, folds }, index, most) {
    const part = (amount, kind) => make("rect", { class: kind, width: (amount / most) * 1000, height: 6 });
    const bar = make("svg", { class: "bar", viewBox: "0 0 1000 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      part(pipelines, "named"), part(alone, "alone"), part(folds, "folds"));
    const button = make("button", { type: "button", class: "reason", "aria-pressed": "false" }, textOf(code), " ", make("span", { class: "title" }, title), bar);
    button.addEventListener("click", () => chooseAbove({ reason: state.reason === code ? "" : code }));
    const figure = (value, unit, kind) => cell({ class: `number ${kind}`, "data-unit": unit }, value);
    const offered = severity === "review" || folds > 0 ? number.format(folds) : "–";
    return make("tr", { role: "row", "data-code": code, hidden: index >= REASONS },
      cell(null, button), figure(offered, "fold if accepted", folds > 0 ? "strong" : "faint"),
      figure(number.format(alone), "alone", ""), figure(number.format(pipelines), "named", ""));
  }

  function fillFilters() {
    const option = (value, text) => make("option", { value }, text);
    const verdicts = VERDICTS.map((verdict) => option(verdict, `${WORDS[verdict][0].toUpperCase()}${WORDS[verdict].slice(1)} (${number.format(summary.counts[verdict])})`));
    find("verdict").append(option("told", `With something to tell (${number.format(told)})`), option("all", `Every verdict (${number.format(rows.length)})`), ...verdicts);
    const codes = summary.reasons.map(({ code, pipelines }) => ({ code, pipelines })).sort((left, right) => (left.code < right.code ? -1 : 1));
    find("reason").append(option("", "Anything in the way"), ...codes.map(({ code, pipelines }) => option(code, `${code} (${number.format(pipelines)})`)));
    find("sort").append(option("", "Sort by name"), ...COLUMNS.slice(1).map(({ key, title }) => option(key, `Sort by: ${title.toLowerCase()}`)));
    find("heads").append(...COLUMNS.map((column) => {
      const button = make("button", { type: "button", title: column.hint }, column.title);
      button.addEventListener("click", () => choose({ sort: nextOrder(column.key) }));
      return make("th", { role: "columnheader", scope: "col", class: column.class, "data-key": column.key }, button);
    }));
  }

  /** A first click sorts, a second turns the order around, a third takes the usual one again. */
  function nextOrder(key) {
    if (state.sort === key) return `-${key}`;
    return state.sort === `-${key}` ? "" : key;
  }

  /** Shows what is chosen in everything that chooses. */
  function reflect() {
    if (find("search").value !== state.q) find("search").value = state.q;
    find("verdict").value = state.verdict;
    find("reason").value = state.reason;
    find("sort").value = state.sort.replace("-", "");
    const usual = fresh();
    find("clear").hidden = ["q", "verdict", "reason"].every((key) => state[key] === usual[key]);
    for (const tile of find("tiles").children) tile.setAttribute("aria-pressed", String(tile.dataset.verdict === state.verdict));
    for (const line of find("reason-rows").children) {
      const isChosen = line.dataset.code === state.reason;
      line.querySelector("button").setAttribute("aria-pressed", String(isChosen));
      if (isChosen) {
        line.setAttribute("aria-current", "true");
        line.hidden = false;
      } else {
        line.removeAttribute("aria-current");
      }
    }
    for (const head of find("heads").children) {
      const isAmount = !["name", "verdict"].includes(head.dataset.key);
      if (state.sort.replace("-", "") !== head.dataset.key) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", isAmount !== state.sort.startsWith("-") ? "descending" : "ascending");
    }
  }

  // Keys, mouse, colours, paper.

  function moveFrom(button, step) {
    const buttons = [...body.querySelectorAll(".name")];
    const at = buttons.indexOf(button);
    if (step > 0 && at + step >= buttons.length - 1) listMore(PAGE);
    const all = [...body.querySelectorAll(".name")];
    const target = step === Infinity ? all.at(-1) : step === -Infinity ? all[0] : all[at + step];
    if (target) target.focus();
    else if (step < 0) find("search").focus();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const isTyping = target.matches("input[type=search], select");
    const within = target.closest("#rows");
    const isName = target.matches(".name");
    const moves = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    if (event.key === "/" && !isTyping) {
      find("search").focus();
      find("search").select();
    } else if (event.key === "ArrowDown" && target.id === "search") {
      const first = body.querySelector(".name");
      if (first) first.focus();
    } else if (event.key === "Escape" && target.id === "search") {
      if (state.q === "") target.blur();
      else choose({ q: "" });
    } else if (event.key === "Escape" && within) {
      const place = target.closest("tr");
      const line = place.classList.contains("detail") ? place.previousElementSibling : place;
      toggle(line, false);
      line.querySelector("button").focus();
    } else if (isName && event.key in moves) {
      moveFrom(target, moves[event.key]);
    } else {
      return;
    }
    event.preventDefault();
  }

  function onRow(event) {
    const line = event.target.closest("tr.row");
    // Who selects a name to copy it does not mean to open it.
    if (line && String(getSelection()) === "") toggle(line, !opened.has(rows[Number(line.dataset.index)].index));
  }

  function setTheme(theme, isChosen) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    const radio = document.querySelector(`.theme input[value="${theme}"]`);
    if (radio) radio.checked = true;
    // A browser may forbid to keep anything; then the choice lasts as long as the page.
    try {
      if (isChosen) localStorage.setItem("stagefold-theme", theme);
    } catch { /* kept in the page alone */ }
  }

  function keptTheme() {
    try {
      const kept = localStorage.getItem("stagefold-theme");
      return ["light", "dark"].includes(kept) ? kept : "";
    } catch {
      return "";
    }
  }

  /** Shows the repository that the address names, wherever it stands in the list. */
  function reveal() {
    const at = shown.findIndex((row) => row.label === state.open);
    if (state.open === "" || at < 0) return;
    if (at >= listed) listMore(at + 1 - listed);
    body.querySelector(`[data-index="${shown[at].index}"]`).scrollIntoView({ block: "center" });
  }

  function clear() {
    const { q, verdict, reason } = fresh();
    choose({ q, verdict, reason });
    find("search").focus();
  }

  function listen() {
    find("search").addEventListener("input", (event) => choose({ q: event.target.value }));
    for (const key of ["verdict", "reason", "sort"]) find(key).addEventListener("change", (event) => choose({ [key]: event.target.value }));
    find("filters").addEventListener("submit", (event) => event.preventDefault());
    find("clear").addEventListener("click", clear);
    find("clear-too").addEventListener("click", clear);
    find("more").addEventListener("click", () => listMore(PAGE));
    find("skip").addEventListener("click", () => { find("search").scrollIntoView(); find("search").focus(); });
    body.addEventListener("click", onRow);
    document.addEventListener("keydown", onKey);
    document.querySelectorAll(".theme input").forEach((radio) => radio.addEventListener("change", () => setTheme(radio.value, true)));
    addEventListener("hashchange", () => { readAddress(); update(); reveal(); });
    addEventListener("beforeprint", () => listMore(Infinity));
    new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) listMore(PAGE);
    }, { rootMargin: "800px" }).observe(find("more"));
  }

  setTheme(keptTheme(), false);
  document.querySelector(".theme").hidden = false;
  document.querySelector("main").hidden = false;
  drawVerdicts();
  drawReasons();
  fillFilters();
  readAddress();
  listen();
  update();
  reveal();
})();
