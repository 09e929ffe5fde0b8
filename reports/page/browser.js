"use strict";
// Debian's Chromium, driven by Playwright, which installs no browser of its own here.

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const axe = require("axe-core");
const { chromium } = require("playwright-core");

function findChromium() {
  const places = (process.env.PATH || "").split(":").concat("/usr/bin", "/usr/local/bin");
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const all = names.flatMap((name) => places.map((place) => path.join(place, name)));
  const found = process.env.CHROMIUM || all.find((file) => fs.existsSync(file));
  if (!found)
    throw new Error("no Chromium here; Debian's package is `chromium` (./dev installs it)");
  return found;
}

// `home`: a writable folder, whichever user runs the tests. The only pages are our own files. So
// the browser's sandbox, which does not work for root or in every container, is switched off.
function launch(home) {
  return chromium.launch({
    executablePath: findChromium(),
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  });
}

// Opens a page file and counts everything that must not happen: an error on the console, or a
// request for anything except the file itself.
async function open(context, file, hash = "") {
  const page = await context.newPage();
  page.trouble = [];
  page.on("console", (message) => page.trouble.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => page.trouble.push(error.message));
  page.on("request", (request) => {
    const url = request.url().split("#")[0];
    if (url !== pathToFileURL(file).href && url !== "data:,") page.trouble.push(`request: ${url}`);
  });
  await page.goto(pathToFileURL(file).href + hash);
  return page;
}

// Waits until the page shows what its address says: it learns of a new address a moment later.
function drawn(page) {
  return page.waitForFunction(
    () => document.getElementById("main").dataset.shown === location.hash,
  );
}

// The problems that axe finds, one line each; only of the named rules, if there are any.
async function complaints(page, ...rules) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    (only) => globalThis.axe.run(document, only.length > 0 ? { runOnly: only } : {}),
    rules,
  );
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`),
  );
}

// How much wider the page is than its window: otherwise something is cut off, or must be scrolled.
function overflow(page) {
  return page.evaluate(() => {
    const root = document.documentElement;
    return root.scrollWidth - root.clientWidth;
  });
}

module.exports = { launch, open, drawn, complaints, overflow };
