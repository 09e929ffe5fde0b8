"use strict";
// The input of the browser tests: a page of two real records, made once for a test run, and pages
// that differ from it in one respect.

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const TREE = path.resolve(__dirname, "../..");
const BIN = process.env.POOLPROOF_BIN || path.join(TREE, "build/release/bin");

// The word for a hang: only root can see that no alarm is set, and without this no hang is proved.
function hung() {
  try {
    return fs.readFileSync("/proc/timer_list").length > 0 ? "hang-proven" : "hang-quiet";
  } catch {
    return "hang-quiet";
  }
}

function poolproof(...words) {
  const run = spawnSync(path.join(BIN, "poolproof"), words, { encoding: "utf8", timeout: 120000 });
  if (run.error) throw run.error;
  return run;
}

// Convictions (status 1) are what the page must show; any other status is a problem.
function record(folder, pools, scenario) {
  const run = poolproof(
    "check",
    ...pools,
    ...["--scenario", scenario, "--repeat", "2", "--out", folder],
  );
  if (run.status > 1)
    throw new Error(`check ended with ${run.status}:\n${run.stdout}${run.stderr}`);
  return path.join(folder, "events.ndjson");
}

// A pool that passes, one that hangs, one that reports a false cause; one of them declines a
// scenario.
function makeReport() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "poolproof-page-"));
  const pools = ["reference", "multiprocessing_pool", "broken/lies_about_cause"];
  const events = [
    record(path.join(folder, "death"), pools, "death/killed_while_running"),
    record(path.join(folder, "hang"), pools, "hang/deadline_ends_a_loop"),
  ];
  const made = poolproof("report", ...events, "--out", folder);
  if (made.status !== 0) throw new Error(made.stdout + made.stderr);
  const file = path.join(folder, "report.html");
  return { folder, events, file, data: dataOf(file) };
}

const DATA = /(<script type="application\/json" id="data">)([\s\S]*?)(<\/script>)/;

function dataOf(file) {
  return JSON.parse(fs.readFileSync(file, "utf8").match(DATA)[2]);
}

// The same page with other data.
function withData(file, data, name) {
  const safe = JSON.stringify(data).replaceAll("<", "\\u003c");
  const html = fs.readFileSync(file, "utf8").replace(DATA, (_, head, __, end) => head + safe + end);
  const copy = path.join(path.dirname(file), name);
  fs.writeFileSync(copy, html);
  return copy;
}

// A sweep without failures, and one with failures.
function makeSweep({ folder }) {
  const events = [
    ["reference", "--workload", "lifecycle"],
    [
      "concurrent_futures_fork",
      "--workload",
      "big_results",
      "--phase",
      "send",
      "--moment",
      "after",
    ],
  ].map(([pool, ...words]) => {
    const out = path.join(folder, `sweep-${pool}`);
    const run = poolproof("sweep", pool, ...words, "--effect", "kill", "--out", out);
    if (run.status > 1) throw new Error(`sweep: ${run.status}\n${run.stdout}${run.stderr}`);
    return path.join(out, "events.ndjson");
  });
  const out = path.join(folder, "sweeps");
  const made = poolproof("report", ...events, "--out", out);
  if (made.status !== 0) throw new Error(made.stdout + made.stderr);
  const file = path.join(out, "report.html");
  return { file, data: dataOf(file) };
}

// Sixteen pools and twenty-six scenarios, every status among them.
function makeWide({ file, data }) {
  const wide = structuredClone(data);
  const pools = Array.from({ length: 16 }, (_, at) => {
    const label = at === 0 ? "reference" : `a_pool_with_a_long_name_${at}`;
    return { ...data.pools[at % data.pools.length], label, name: label };
  });
  const scenarios = Array.from({ length: 26 }, (_, at) => ({
    name: `${["death", "callback", "cancel", "parent"][at % 4]}/something_that_happens_${at}`,
    claim: "What is claimed holds.",
  }));
  wide.pools = pools;
  wide.scenarios = scenarios;
  wide.cells = pools.flatMap((_, pool) =>
    scenarios.map((__, scenario) => {
      const cell = { ...data.cells[(pool + scenario) % data.cells.length], pool, scenario };
      const odd = (pool * 26 + scenario) % 23 === 0;
      const status = data.statuses[(pool + scenario) % data.statuses.length].word;
      return odd ? { ...cell, status } : cell;
    }),
  );
  return withData(file, wide, "wide.html");
}

const ATTACK =
  "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\u202e`<b>`";

// A record in which every text of a pool or its adapter is an attack. Its footer no longer matches,
// so it also counts as cut off.
function makeHostile({ folder, events }) {
  const lines = fs.readFileSync(events[0], "utf8").trimEnd().split("\n");
  const hostile = lines.map((line) => {
    const event = JSON.parse(line);
    if (event.kind === "stderr") Object.assign(event, { bytes: 99, head: ATTACK, tail: ATTACK });
    if (event.kind === "pool") event.facts.version = ATTACK;
    if (event.kind === "process") event.name = event.command = ATTACK;
    if (event.message?.outcome) event.message.outcome.native = { type: ATTACK, text: ATTACK };
    return JSON.stringify(event);
  });
  const spoiled = path.join(folder, "hostile.ndjson");
  fs.writeFileSync(spoiled, hostile.join("\n") + "\n");
  const made = poolproof("report", spoiled, "--out", path.join(folder, "hostile"));
  if (made.status !== 0) throw new Error(made.stdout + made.stderr);
  return path.join(folder, "hostile/report.html");
}

module.exports = { HUNG: hung(), makeReport, makeSweep, makeWide, makeHostile, withData };
