"use strict";
// Tests the strips of sweeps in a real browser; page.test.js tests everything else.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { after, before, test } = require("node:test");
const { complaints, drawn, launch, open, overflow } = require("./browser.js");
const { makeSweep } = require("./judged.js");

let folder, sweep, browser, screen;

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "poolproof-strip-"));
  sweep = makeSweep({ folder });
  browser = await launch(folder);
  screen = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
});

after(async () => {
  await browser?.close();
  if (folder) fs.rmSync(folder, { recursive: true });
});

const texts = (page, selector) => page.locator(selector).allInnerTexts();

async function calm(page) {
  assert.deepEqual(page.trouble, []);
  await page.close();
}

for (const [width, colorScheme] of [
  [360, "dark"],
  [1600, "light"],
])
  test(`strips are sound at ${width} px in ${colorScheme}`, async () => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await open(context, sweep.file);
    assert.deepEqual(await complaints(page), []);
    assert.ok((await overflow(page)) <= 0, "wider than its window");
    assert.equal(await page.locator(".strip .tick").count(), sweep.data.cells.length);
    assert.equal(await page.locator(".matrix").count(), 0, "no scenario was run");
    await calm(page);
    await context.close();
  });

test("a strip tells the phases of a life, how much was struck, and what held", async () => {
  const page = await open(screen, sweep.file);
  const strips = await texts(page, ".strip");
  assert.match(strips[0], /reference lifecycle[\s\S]*calls struck: before (\d+) of \1, torn/);
  assert.match(strips[0], /unstruck[\s\S]*spawn[\s\S]*init[\s\S]*fetch[\s\S]*send[\s\S]*recycle/);
  assert.match(strips[1], /concurrent_futures_fork big_results/);
  await calm(page);
});

test("a tick opens what happened at that call, and the way back leads to it", async () => {
  const page = await open(screen, sweep.file);
  await page.locator(".tick.fails").first().click();
  await drawn(page);
  assert.match(await page.locator("h1").innerText(), /write:pipe#1 in after-\d@after:signal:KILL/);
  await page.keyboard.press("Escape");
  await drawn(page);
  assert.match(
    await page.evaluate(() => document.activeElement.title),
    /^worker write:pipe#1 in after-\d, after, signal:KILL: /,
  );
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.className), "tick passes");
  await calm(page);
});

test("a filter leaves the ticks in their places and dims those that are not meant", async () => {
  const page = await open(screen, sweep.file, "#status=pass&pool=reference");
  const reference = sweep.data.pools.findIndex((pool) => pool.label === "reference");
  const held = sweep.data.cells.filter((cell) => cell.pool === reference).length;
  assert.equal(await page.locator(".tick:not(.unwanted)").count(), held);
  assert.equal(await page.locator(".tick").count(), sweep.data.cells.length);
  await calm(page);
});
