// check.mjs NODE_MODULES CHROMIUM PAGE COUNT [SHOTS]: opens the page of COUNT reports in Chromium, and does with it what people do.
// With SHOTS, a folder, it saves what they see there.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const LOAD_LIMIT = 2000;
const SEARCH_LIMIT = 100;
const LEAST_CONTRAST = 4.5;

const [modules, chromium, file, countText, shots] = process.argv.slice(2);
const count = Number(countText);
const playwright = createRequire(join(modules, "/"))("playwright-core");
const address = pathToFileURL(file).href;
const faults = [];
const strays = [];

function check(what, isSo, seen = "") {
  console.log(`${isSo ? "ok  " : "FAIL"} ${what}${seen === "" ? "" : `: ${seen}`}`);
  if (!isSo) faults.push(what);
}

// It gets an empty profile of its own, which goes with it.
const browser = await playwright.chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
const text = (selector) => page.locator(selector).first().textContent();
const rowCount = () => page.locator("#rows tr.row").count();
const focused = (property) => page.evaluate((name) => document.activeElement[name], property);
page.setDefaultTimeout(20_000);
page.on("console", (message) => { if (message.type() === "error" || message.type() === "warning") strays.push(message.text()); });
page.on("pageerror", (error) => strays.push(String(error)));
page.on("dialog", (dialog) => { strays.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
page.on("request", (request) => {
  const url = request.url();
  if (url.split("#")[0] !== address && !url.startsWith("data:")) strays.push(`request: ${url}`);
});

try {
  await load();
  await hostileNames();
  await search();
  await filters();
  await sorting();
  await opening();
  await keyboard();
  await sharing();
  await themes();
  await widths();
  await narrow();
  await paper();
  await withoutScript();
  await damaged();
} catch (error) {
  check(`nothing throws (${error.stack})`, false);
} finally {
  check("no error on the console, and no request leaves the page", strays.length === 0, strays.join("; "));
  await browser.close();
}
console.log(faults.length === 0 ? "the page does what it should" : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function open(hash = "") {
  await page.goto("about:blank");
  await page.goto(address + hash);
  await page.waitForSelector("#rows tr, #empty:not([hidden])");
}

async function shot(name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
}

async function load() {
  const times = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await page.goto("about:blank");
    const start = performance.now();
    await page.goto(address);
    await page.waitForSelector("#rows tr");
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    times.push(performance.now() - start);
  }
  const middle = times.sort((left, right) => left - right)[1];
  check(`${count} reports load in under ${LOAD_LIMIT} ms`, middle < LOAD_LIMIT, `${middle.toFixed(0)} ms`);
  const heading = await text("h1");
  check("the heading says how many", heading.includes(count.toLocaleString("en")), heading);
  check("no more rows are drawn than can be read", (await rowCount()) <= 300, String(await rowCount()));
  const tiles = await page.locator(".tile strong").allTextContents();
  const all = tiles.reduce((sum, tile) => sum + Number(tile.replaceAll(",", "")), 0);
  check("the tiles add up", all === count, tiles.join(" + "));
  await shot("light");
}

async function hostileNames() {
  await page.selectOption("#verdict", "all");
  await page.fill("#search", "onerror");
  const name = await text("#rows .name");
  check("a name that is HTML is shown as it is", name.startsWith("<img src=x"), name);
  check("a name never runs", !(await page.title()).includes("obeyed"));
  await page.fill("#search", "</SCRIPT>");
  check("a name that ends a script is found in it", (await rowCount()) === 1);
  await page.fill("#search", "turned/");
  const odd = await text("#rows .name");
  check("what cannot be seen is made visible", odd === "turned/\ufffdgpj.exe\ufffd␍\nsecond line", JSON.stringify(odd));
  await page.fill("#search", "goes-on-and-on");
  const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  check("a long name does not widen the page", widths[0] <= widths[1], widths.join(" in "));
}

async function search() {
  await open();
  await page.selectOption("#verdict", "all");
  const slowest = await page.evaluate(async () => {
    const input = document.getElementById("search");
    const results = [];
    for (const query of ["p", "payments", "rules-differ job", "npm ci", "cache that job 'lint'", "zzz-nothing", "dist/", ""]) {
      const times = [];
      for (let turn = 0; turn < 5; turn += 1) {
        const start = performance.now();
        input.value = query;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        document.body.getBoundingClientRect();
        times.push(performance.now() - start);
      }
      results.push([times.sort((left, right) => left - right)[2], query]);
    }
    return results.sort((left, right) => right[0] - left[0])[0];
  });
  check(`a search answers in under ${SEARCH_LIMIT} ms`, slowest[0] < SEARCH_LIMIT, `${slowest[0].toFixed(1)} ms for '${slowest[1]}'`);
  await page.fill("#search", "PAYMENTS npm:build");
  const names = await page.locator("#rows .name").allTextContents();
  check("every word must be found, in any case", names.length > 0 && names.every((name) => name.includes("payments")));
  const told = await text("#count");
  check("the live region says how many match", /^[\d,]+ of [\d,]+ repositories$/.test(told), told);
  check("the live region is one", (await page.locator("#count").getAttribute("role")) === "status");
  await page.fill("#search", "zzz-nothing");
  check("nothing found is said", await page.locator("#empty").isVisible());
  await page.click("#clear-too");
  check("filters can be cleared", (await page.inputValue("#search")) === "" && (await rowCount()) > 0);
}

async function filters() {
  await open();
  const all = await page.locator("#rows tr.row .verdict").allTextContents();
  check("what has nothing to tell is left out at first", !all.includes("nothing to fold"));
  for (const verdict of ["folded", "refused", "failed", "nothing-to-fold"]) {
    await page.click(`.tile[data-verdict=${verdict}]`);
    const wrong = await page.locator(`#rows tr.row .verdict:not(.verdict-${verdict})`).count();
    const told = Number((await text("#count")).split(" ")[0].replaceAll(",", ""));
    const tile = Number((await text(`.tile[data-verdict=${verdict}] strong`)).replaceAll(",", ""));
    check(`the tile '${verdict}' filters`, wrong === 0 && told === tile, `${told}`);
  }
  await page.click(".tile[data-verdict=nothing-to-fold]");
  const [code, named] = await page.evaluate(() => {
    const line = document.querySelector("#reason-rows tr");
    return [line.dataset.code, Number(line.lastElementChild.textContent.replaceAll(",", ""))];
  });
  await page.click("#reason-rows tr:first-child button");
  const told = Number((await text("#count")).split(" ")[0].replaceAll(",", ""));
  check("a reason filters, to as many as the chart says", told === named, `${told} for ${code}`);
  check("the filter shows the reason", (await page.inputValue("#reason")) === code);
  await shot("filtered");
  await page.click("#reason-rows tr:first-child button");
  check("and goes at a second click", (await page.inputValue("#reason")) === "");
  const hidden = await page.locator("#reason-rows tr[hidden]").count();
  if (hidden > 0) await page.click("#all-reasons");
  check("all reasons can be shown", (await page.locator("#reason-rows tr[hidden]").count()) === 0, `${hidden} more`);
}

async function sorting() {
  await open();
  const values = async () => (await page.locator("#rows tr.row td:nth-child(6)").allTextContents()).map(Number);
  const head = page.locator("th[data-key=transfers]");
  await head.locator("button").click();
  const down = await values();
  check("a click sorts amounts down", down.every((value, at) => at === 0 || down[at - 1] >= value) && (await head.getAttribute("aria-sort")) === "descending");
  await head.locator("button").click();
  const up = await values();
  check("a second click turns them around", up.every((value, at) => at === 0 || up[at - 1] <= value) && (await head.getAttribute("aria-sort")) === "ascending");
  await head.locator("button").click();
  check("a third click takes the usual order", (await head.getAttribute("aria-sort")) === null);
}

async function opening() {
  await open("#verdict=folded");
  await page.click("#rows tr.row >> nth=2");
  const kinds = await page.evaluate(() => Object.fromEntries(["file", "hunk", "added", "removed", "same"].map((kind) => [kind, document.querySelectorAll(`.diff .${kind}`).length])));
  check("a row opens to its change, each line by its kind", kinds.file === 6 && kinds.hunk === 2 && Object.values(kinds).every((lines) => lines > 0), JSON.stringify(kinds));
  const marks = await page.evaluate(() => [...document.querySelectorAll(".diff .added, .diff .removed")].every((line) => line.textContent.startsWith(line.className === "added" ? "+" : "-")));
  check("added and removed lines are told without colours", marks);
  check("the button says that it is open", (await page.locator("#rows .name >> nth=2").getAttribute("aria-expanded")) === "true");
  await page.locator(".diff").first().scrollIntoViewIfNeeded();
  await shot("opened-light");
  await page.click("#rows tr.row >> nth=2");
  check("a second click closes it", (await page.locator(".detail").count()) === 0);
  await page.selectOption("#verdict", "refused");
  await page.click("#rows tr.row >> nth=0");
  check("a refused one opens to its findings", (await page.locator(".detail .finding .severity").count()) > 0);
  await shot("refused");
}

async function keyboard() {
  await open("#verdict=folded");
  await page.keyboard.press("/");
  check("/ goes to the search", (await focused("id")) === "search");
  await page.keyboard.type("web /", { delay: 1 });
  check("/ can be searched for", (await page.inputValue("#search")) === "web /");
  await page.keyboard.press("Escape");
  check("Escape clears the search", (await page.inputValue("#search")) === "");
  await page.keyboard.press("ArrowDown");
  const first = await focused("textContent");
  await page.keyboard.press("ArrowDown");
  const second = await focused("textContent");
  const names = await page.locator("#rows .name").allTextContents();
  check("arrows go through the rows", first === names[0] && second === names[1], `${first}, ${second}`);
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check("the focus is seen", outline === "solid", outline);
  await page.keyboard.press("Enter");
  check("Enter opens", (await page.locator(".detail").count()) === 1);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Escape");
  check("Escape closes, and the focus comes back", (await page.locator(".detail").count()) === 0 && (await focused("textContent")) === second);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowDown");
  check("more rows come as one goes on", (await rowCount()) > 100, String(await rowCount()));
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowUp");
  check("above the first row is the search", (await focused("id")) === "search");
}

async function sharing() {
  await open();
  await page.fill("#search", "web & docs#1");
  await page.selectOption("#verdict", "refused");
  const kept = await page.evaluate(() => location.hash);
  await open(kept);
  check("the address brings a search and a filter back", (await page.inputValue("#search")) === "web & docs#1" && (await page.inputValue("#verdict")) === "refused", kept);
  await open("#verdict=folded&sort=-jobs");
  const name = await text("#rows tr.row:nth-child(2) .name");
  await page.click("#rows tr.row >> nth=1");
  const opened = await page.evaluate(() => location.hash);
  await open(opened);
  check("and the repository that was open", (await page.locator(".detail").count()) === 1 && (await text("tr.open .name")) === name, opened);
  await open("#verdict=folded");
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const last = (await page.locator("#rows .name").allTextContents()).findLast((name) => name.startsWith("gitlab."));
  await open(`#${new URLSearchParams({ verdict: "folded", open: last })}`);
  check("wherever it stands in the list", await page.locator("tr.open").isVisible(), last);
  await page.evaluate(() => { location.hash = "#verdict=failed"; });
  await page.waitForFunction(() => document.getElementById("verdict").value === "failed");
  check("a new address is taken without a new page", true);
  await open("#verdict=other&sort=other&reason=other&open=other&more=1");
  check("an odd address does no harm", (await page.inputValue("#verdict")) === "told");
}

/** The least contrast of any text that is seen, with its colours blended over what lies behind it. */
function leastContrast() {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = rgba(getComputedStyle(each).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgba("Canvas");
  };
  let least = [Infinity, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() === "" || element.closest("script, noscript, option, .unseen") || !element.checkVisibility()) continue;
    const [one, other] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < least[0]) least = [contrast, `${element.className || element.tagName}: ${walker.currentNode.data.slice(0, 30)}`];
  }
  return least;
}

async function themes() {
  for (const theme of ["light", "dark"]) {
    for (const way of ["the system", "the switch"]) {
      await page.emulateMedia({ colorScheme: way === "the system" ? theme : theme === "dark" ? "light" : "dark" });
      await open("#verdict=folded");
      await page.click(`.theme label:has(input[value="${way === "the system" ? "" : theme}"])`);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const isDark = Number(/\d+/.exec(ground)[0]) < 128;
      check(`${theme} by ${way}`, isDark === (theme === "dark"), ground);
    }
    await page.click(".tile[data-verdict=refused]");
    await page.click("#rows tr.row >> nth=0");
    await page.click(".tile[data-verdict=folded]");
    await page.click("#rows tr.row >> nth=0");
    await page.click("#rows tr.row >> nth=3");
    await page.click("#reason-rows tr:nth-child(2) button");
    await page.click("#reason-rows tr:nth-child(2) button");
    const [contrast, where] = await page.evaluate(leastContrast);
    check(`contrast of all text in ${theme}`, contrast >= LEAST_CONTRAST, `${contrast.toFixed(2)} at '${where}'`);
    await page.evaluate(() => scrollTo(0, 0));
    await shot(`${theme}-whole`);
    await page.locator(".diff").first().scrollIntoViewIfNeeded();
    await shot(`${theme}-opened`);
  }
  await open();
  check("the choice is kept", (await page.locator(".theme :checked").getAttribute("value")) === "dark");
  await page.click('.theme label:has(input[value=""])');
  await page.emulateMedia({ colorScheme: "light" });
}

/** At no width a word stands upright, one letter below the other. */
async function widths() {
  for (const width of [320, 600, 820, 1000, 1120, 1130, 1600]) {
    await page.setViewportSize({ width, height: 900 });
    await open("#verdict=refused");
    const [wide, tallest] = await page.evaluate(() => {
      const codes = [...document.querySelectorAll("#rows code")];
      return [document.documentElement.scrollWidth, Math.max(...codes.map((code) => code.getBoundingClientRect().height))];
    });
    check(`${width} pixels are enough for every word`, wide <= width && tallest < 60, `${wide}, ${tallest}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

async function narrow() {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width: 400, height: 800 });
    await open("#verdict=all");
    await page.click("#rows tr.row >> nth=1");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    check(`400 pixels are enough in ${theme}`, wide <= 400, `${wide}`);
    await shot(`narrow-${theme}`);
    await page.locator("#filters").scrollIntoViewIfNeeded();
    await page.evaluate(() => document.getElementById("list").scrollIntoView());
    await shot(`narrow-${theme}-list`);
    const name = await page.locator("#rows .name").allTextContents();
    check("long names are there in full", name.some((each) => each.length > 200 || each.startsWith("gitlab")));
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}

async function paper() {
  await open("#verdict=failed");
  await page.click('.theme label:has(input[value="dark"])');
  await page.emulateMedia({ media: "print" });
  const ink = await page.evaluate(() => getComputedStyle(document.body).color);
  check("paper is light", Number(/\d+/.exec(ink)[0]) < 128, ink);
  check("on paper nothing is left to click", !(await page.locator("#search").isVisible()) && !(await page.locator(".theme").isVisible()));
  await shot("paper");
  await page.emulateMedia({ media: "screen" });
  await page.click('.theme label:has(input[value=""])');
  await open();
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const told = Number((await text("#count")).split(" ")[0].replaceAll(",", ""));
  check("all rows that match are printed", (await rowCount()) === told, `${told}`);
}

async function withoutScript() {
  const plain = await browser.newPage({ javaScriptEnabled: false });
  await plain.goto(address);
  const told = await plain.locator("noscript").innerText();
  check("without scripts the counts are told", told.includes(`${count.toLocaleString("en")} repositories:`) && told.includes("alone in the way of"), told.slice(0, 80));
  await plain.close();
}

/** The policy must be real: a page whose script was changed on its way does nothing. */
async function damaged() {
  const seen = [];
  const listen = (message) => seen.push(message.text());
  await open();
  const before = strays.length;
  page.on("console", listen);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'obeyed'";
    document.body.append(script);
  });
  page.off("console", listen);
  check("no other script runs", !(await page.title()).includes("obeyed"));
  strays.splice(before);
}
