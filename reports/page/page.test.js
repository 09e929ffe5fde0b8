"use strict";
// Tests the page in a real browser: node --test (POOLPROOF_BIN names the folder of the built
// command).

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { after, before, test } = require("node:test");
const { complaints, drawn, launch, open, overflow } = require("./browser.js");
const { HUNG, makeHostile, makeReport, makeWide } = require("./judged.js");

let report, browser, wide, screen;
const KILLED = "death/killed_while_running";
const HANG = `#open=multiprocessing_pool:${KILLED}`;

before(async () => {
  report = makeReport();
  wide = makeWide(report);
  browser = await launch(report.folder);
  screen = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
});

after(async () => {
  await browser?.close();
  if (report) fs.rmSync(report.folder, { recursive: true });
});

const links = (page) => page.locator(".matrix td:not(.unwanted) > a");
const texts = (page, selector) => page.locator(selector).allInnerTexts();

async function calm(page) {
  assert.deepEqual(page.trouble, []);
  await page.close();
}

// -- every view, at both widths, in light and in dark ----------------------------------------------

const VIEWS = {
  "the matrix": "",
  "a filtered matrix": `#status=${HUNG}&text=killed`,
  "a filter that nothing passes": "#text=nothing-is-called-so",
  "the matrix at level should": "#level=should",
  "a hang": HANG,
  "a hang with its first round": `${HANG}&attempt=2&round=both`,
  "a pass": `#open=reference:${KILLED}`,
  "a lie": `#open=broken/lies_about_cause:${KILLED}`,
  "a cell that was declined": "#open=multiprocessing_pool:hang/deadline_ends_a_loop",
  "a cell that is not there": "#open=nobody:nothing",
};

for (const width of [360, 1600])
  for (const colorScheme of ["light", "dark"])
    test(`every view is sound at ${width} px in ${colorScheme}`, async () => {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
      const rules = colorScheme === "dark" ? ["color-contrast"] : []; // the rest is the same
      for (const [name, hash] of Object.entries(VIEWS)) {
        const page = await open(context, report.file, hash);
        assert.ok((await overflow(page)) <= 0, `${name}: wider than its window`);
        await page.evaluate(() => {
          for (const details of document.querySelectorAll("details")) details.open = true;
        });
        assert.deepEqual(await complaints(page, ...rules), [], name);
        assert.ok((await overflow(page)) <= 0, `${name}, all opened: wider than its window`);
        await calm(page);
      }
      await context.close();
    });

test("every cell opens at its own address", async () => {
  const page = await open(screen, report.file);
  const addresses = await links(page).evaluateAll((all) => all.map((a) => a.hash));
  assert.equal(addresses.length, report.data.cells.length);
  for (const hash of addresses) {
    await page.goto("about:blank");
    await page.goto(`file://${report.file}${hash}`);
    const [, pool, scenario] = decodeURIComponent(hash).match(/open=([^:]+):([^&]+)/);
    assert.equal(await page.locator("h1").innerText(), scenario);
    assert.ok((await page.locator(".subject").innerText()).includes(pool));
  }
  await calm(page);
});

// -- the front ---------------------------------------------------------------------------------------

test("the front says what was judged, who kept the promise, and what was not asked", async () => {
  const page = await open(screen, report.file);
  const front = await page.locator(".front").innerText();
  assert.match(front, /3 pools of worker processes, 2 scenarios/);
  for (const pool of report.data.pools) assert.ok(front.includes(pool.version), pool.label);
  const scores = await texts(page, ".score");
  assert.match(scores[0], /reference[\s\S]*✓ 2 of 2 claims hold[\s\S]*nothing broken/);
  assert.match(
    scores[1],
    new RegExp(`multiprocessing_pool[\\s\\S]*0 of 1 claim holds[\\s\\S]*1 ${HUNG}`),
  );
  assert.match(scores[2], /broken on purpose[\s\S]*1 wrong-error/);
  assert.match(front, /6 cells: 3 passed, 2 failed, 0 inconclusive, 1 declined .*, 0 unavailable/);
  await page.locator(".circumstances summary").click();
  const machine = await page.locator(".circumstances").innerText();
  assert.match(machine, /Linux \d+\.\d+/);
  assert.match(machine, /\d+ processor/);
  await calm(page);
});

test("a status on the front leads to its cells", async () => {
  const page = await open(screen, report.file);
  await page.locator(".score a.fails").first().click();
  await drawn(page);
  assert.equal(await links(page).count(), 1);
  assert.match(page.url(), new RegExp(`status=${HUNG}&pool=multiprocessing_pool`));
  await calm(page);
});

// -- filters -----------------------------------------------------------------------------------------

async function namesShown(page) {
  return links(page).evaluateAll((all) => all.map((a) => a.hash.match(/open=([^&]+)/)[1]).sort());
}

// Applies a filter, checks the remaining cells, and finds the same under the address that it made.
async function filtering(act, address, wanted) {
  const page = await open(screen, report.file);
  await act(page);
  await drawn(page);
  assert.match(page.url(), address);
  assert.deepEqual(await namesShown(page), wanted);
  assert.match(await page.locator(".showing").innerText(), new RegExp(`^${wanted.length} of 6`));
  const again = await open(screen, report.file, new URL(page.url()).hash);
  assert.deepEqual(await namesShown(again), wanted);
  await calm(again);
  await page.getByRole("link", { name: "Clear the filters" }).click();
  await drawn(page);
  assert.equal(await links(page).count(), 6);
  await calm(page);
}

test("the status filter keeps cells of that status", () =>
  filtering(
    (page) => page.getByRole("button", { name: "wrong-error" }).click(),
    /#status=wrong-error$/,
    [`broken/lies_about_cause:${KILLED}`],
  ));

test("two statuses add up, and a weight stands for all of its statuses", async () => {
  const both = [`broken/lies_about_cause:${KILLED}`, `multiprocessing_pool:${KILLED}`];
  const press = (page, name) => page.getByRole("button", { name }).click();
  await filtering((page) => press(page, "all failed"), /#status=fails$/, both);
  await filtering(
    async (page) => {
      await press(page, HUNG);
      await drawn(page);
      await press(page, "wrong-error");
    },
    new RegExp(`#status=${HUNG}&status=wrong-error$`),
    both,
  );
});

test("a pressed status is let go by a second press", async () => {
  const page = await open(screen, report.file);
  const button = page.getByRole("button", { name: HUNG });
  await button.click();
  await drawn(page);
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  assert.ok(await button.evaluate((node) => node === document.activeElement));
  await button.click();
  await drawn(page);
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  assert.equal(await links(page).count(), 6);
  await calm(page);
});

test("the group filter keeps one folder", () =>
  filtering(
    (page) => page.getByLabel("Group").selectOption("death"),
    /#group=death$/,
    ["broken/lies_about_cause", "multiprocessing_pool", "reference"].map((p) => `${p}:${KILLED}`),
  ));

test("the pool filter keeps the chosen columns", () =>
  filtering(
    async (page) => {
      await page.locator("#pools summary").click();
      await page.getByRole("checkbox", { name: "reference" }).check();
    },
    /#pool=reference$/,
    ["reference:death/killed_while_running", "reference:hang/deadline_ends_a_loop"],
  ));

test("the text filter hears every letter, and keeps the caret", () =>
  filtering(
    async (page) => {
      await page.getByLabel("Text").pressSequentially("loop declined");
      await drawn(page);
      assert.ok(await page.getByLabel("Text").evaluate((it) => it === document.activeElement));
    },
    /#text=loop\+declined$/,
    ["multiprocessing_pool:hang/deadline_ends_a_loop"],
  ));

test("at a stricter level a pass in which a weaker part fails is no pass", async () => {
  const { withData } = require("./judged.js");
  const data = structuredClone(report.data);
  const cell = data.cells[0];
  const part = cell.attempts[0].parts.find((one) => one.name === "victim.cause");
  Object.assign(part, { status: "wrong-error", level: "should", expected: "a", got: "b" });
  const page = await open(screen, withData(report.file, data, "weaker.html"));
  const first = links(page).first();
  assert.match(await first.innerText(), /✓ pass ~/);
  assert.match(await page.locator(".legend").innerText(), /A pass in which a weaker claim/);
  await page.getByLabel("Counts as failing").selectOption("should");
  await drawn(page);
  assert.match(page.url(), /#level=should$/);
  assert.match(await first.innerText(), /✗ wrong-error/);
  await calm(page);
});

// -- a cell ------------------------------------------------------------------------------------------

test("a hang shows claim, script, timeline, expected and got, graph, stderr and replay", async () => {
  const page = await open(screen, report.file, HANG);
  const said = (selector) => page.locator(selector).innerText();
  assert.match(await said("blockquote"), /A task whose worker is killed ends with an error/);
  assert.match(await said(".judgement"), new RegExp(`✗ ${HUNG} in 2 of 2 attempts`));
  const script = await texts(page, ".script li");
  assert.ok(script.some((step) => /kill the process \(SIGKILL\)/.test(step)));
  assert.ok(script.some((step) => /did not end: given up after/.test(step)));
  assert.match(script.at(-1), /not reached/);
  const outcome = page.locator(".parts tr", { hasText: "victim.outcome" });
  assert.match(
    await outcome.innerText(),
    new RegExp(`worker-lost[\\s\\S]*✗ ${HUNG}[\\s\\S]*never settled`),
  );
  for (const kind of ["fault", "death", "asked", "value"])
    assert.ok((await page.locator(`.timeline .mark.${kind}`).count()) > 0, kind);
  assert.ok((await page.locator(".timeline .lane").count()) >= 4);
  assert.ok((await page.locator(".timeline .task.victim").count()) === 1);
  assert.match(await page.locator(".timeline .open").textContent(), /never settled/);
  assert.match(await said(".replay"), /check multiprocessing_pool --scenario death\/killed_while/);
  assert.ok((await page.locator("#stderr").count()) === 1);
  await page.locator(".events summary").click();
  const seen = await texts(page, ".events li");
  assert.ok(seen.some((line) => /is struck while it runs t5 \(victim\)/.test(line)));
  assert.ok(seen.some((line) => /ended: signal KILL/.test(line)));
  await calm(page);
});

test(
  "a hang that was proved shows who waits for whom",
  { skip: HUNG !== "hang-proven" },
  async () => {
    const page = await open(screen, report.file, HANG);
    const said = (selector) => page.locator(selector).innerText();
    assert.match(await said(".proof"), /Proved in .* ms: each of its \d+ threads waits/);
    assert.match(await said(".findings"), /eof blocked: thread/);
    assert.match(await said(".proof"), /Provided that nobody outside sends a signal/);
    assert.ok((await page.locator(".graph .box").count()) >= 3);
    assert.ok((await page.locator(".graph .wait").count()) >= 3);
    assert.match(
      await page.locator(".graph .harness").textContent(),
      /promised to say nothing more/,
    );
    assert.ok((await page.locator("svg.graph").boundingBox()).width > 500);
    await calm(page);
  },
);

test("each attempt can be chosen, and the way back leads through the attempts", async () => {
  const page = await open(screen, report.file, HANG);
  await page.getByRole("link", { name: /Attempt 2/ }).click();
  await drawn(page);
  assert.match(page.url(), /attempt=2/);
  assert.match(await page.locator("[aria-current]").innerText(), /Attempt 2/);
  await page.goBack();
  await drawn(page);
  assert.match(await page.locator("[aria-current]").innerText(), /Attempt 1/);
  await calm(page);
});

test("the first round is drawn on demand", async () => {
  const page = await open(screen, report.file, HANG);
  const marks = () => page.locator(".timeline .mark").count();
  const few = await marks();
  await page.locator("#round").click();
  await drawn(page);
  assert.ok((await marks()) > few);
  assert.match(page.url(), /round=both/);
  await calm(page);
});

test("the replay line is copied, or selected where there is no clipboard", async () => {
  const page = await open(screen, report.file, HANG);
  await page.getByRole("button", { name: "Copy" }).click();
  await page.locator(".copied:not(:empty)").waitFor();
  const said = await page.locator(".copied").innerText();
  if (said !== "Copied.")
    assert.match(
      await page.evaluate(() => getSelection().toString()),
      /check multiprocessing_pool/,
    );
  await page.evaluate(() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined });
  });
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Selected").waitFor();
  assert.match(await page.evaluate(() => getSelection().toString()), /check multiprocessing_pool/);
  await calm(page);
});

test("a cell that is not there is called so, and the matrix is shown", async () => {
  const page = await open(screen, report.file, "#open=nobody:nothing");
  assert.match(await page.getByRole("alert").innerText(), /no cell nobody:nothing/);
  assert.equal(await links(page).count(), 6);
  await calm(page);
});

// -- the keyboard ------------------------------------------------------------------------------------

test("the keyboard alone leads into the matrix, through it, into a cell, and back to it", async () => {
  const page = await open(screen, report.file);
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  for (let tabs = 0; !/^✓ pass: reference/.test(await focused()); ++tabs) {
    assert.ok(tabs < 60, "Tab never came to the matrix");
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("ArrowRight");
  assert.match(await focused(), new RegExp(`^✗ ${HUNG}: multiprocessing_pool, death`));
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^· declined: multiprocessing_pool, hang/);
  await page.keyboard.press("Home");
  assert.match(await focused(), /reference, hang/);
  await page.keyboard.press("End");
  assert.match(await focused(), /lies_about_cause, hang/);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.locator("#cell-title:focus").waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".matrix a:focus").waitFor();
  assert.match(await focused(), /^✗ wrong-error: broken\/lies_about_cause, death/);
  await calm(page);
});

// -- what a pool says, much of it, and paper ---------------------------------------------------------

test("what a pool says is data: it is shown, and never becomes part of the page", async () => {
  const page = await open(screen, makeHostile(report));
  assert.match(await page.locator(".front").innerText(), /<script>window\.hacked = 1<\/script>/);
  assert.match(await page.getByRole("note").innerText(), /The record was cut off/);
  for (const pool of report.data.pools) {
    await page.evaluate((name) => (location.hash = `#open=${name}`), `${pool.label}:${KILLED}`);
    await drawn(page);
    assert.match(await page.locator("#stderr ~ pre").innerText(), /onerror='window\.hacked = 1'>/);
    assert.match(await page.locator("#stderr ~ pre").innerText(), /\\u\{202e\}/);
    assert.equal(await page.locator("main img, main script, main b:not(.kept)").count(), 0);
  }
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await calm(page);
});

test("sixteen pools and twenty-six scenarios fit into 1600 px", async () => {
  const page = await open(screen, wide);
  assert.equal(await links(page).count(), 16 * 26);
  assert.equal(await page.locator(".scroller.fits").count(), 1);
  assert.ok((await overflow(page)) <= 0);
  const cut = await links(page).evaluateAll((all) =>
    all.filter((a) => a.scrollWidth > a.clientWidth),
  );
  assert.equal(cut.length, 0, "a cell's text is cut off");
  assert.deepEqual(await complaints(page), []);
  await calm(page);
});

test("at 360 px a wide matrix is moved under its first column and its head", async () => {
  const context = await browser.newContext({ viewport: { width: 360, height: 800 } });
  const page = await open(context, wide);
  assert.ok((await overflow(page)) <= 0);
  const place = (selector) => page.locator(selector).first().boundingBox();
  await page.locator(".scroller").evaluate((it) => it.scrollIntoView());
  const before = [await place(".matrix tbody th[scope=row]"), await place(".matrix thead th")];
  await page.locator(".scroller").evaluate((it) => it.scrollTo(600, 300));
  const row = await place(".matrix tbody th[scope=row]");
  const head = await place(".matrix thead th");
  assert.equal(row.x, before[0].x);
  assert.ok(row.y < before[0].y);
  assert.equal(head.y, before[1].y);
  await calm(page);
  await context.close();
});

test("on paper there is the whole matrix, and no filter", async () => {
  const page = await open(screen, report.file);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".filters").isVisible(), false);
  assert.equal(await page.locator(".matrix").isVisible(), true);
  assert.ok((await page.pdf()).length > 10000);
  await calm(page);
});
