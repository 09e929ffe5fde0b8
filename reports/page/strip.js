"use strict";
// Sweeps: the life of a worker from left to right, with a tick for each call, moment and effect
// that was struck. A tick opens what happened there.

// Runs without a strike, from which the calls are known, come first.
const UNSTRUCK = "unstruck";
const PHASES = [
  UNSTRUCK,
  "spawn",
  "init",
  "fetch",
  "decode",
  "run",
  "encode",
  "send",
  "idle",
  "recycle",
  "shutdown",
];

function isPoint(cell) {
  return cell.point !== undefined;
}

function strips(address) {
  const points = DATA.cells.filter(isPoint);
  if (points.length === 0) return null;
  const wanted = new Set(points.filter((cell) => isWanted(cell, address)));
  return el(
    "section",
    { class: "strips", "aria-labelledby": "strips-title" },
    el("h2", { id: "strips-title" }, "Every call of a worker's life"),
    el(
      "p",
      { class: "showing" },
      "A worker was struck before, after or in the middle of each system call that it made, one run for each tick. ",
      wanted.size === points.length
        ? `All ${counted(points.length, "point")}.`
        : `${wanted.size} of ${counted(points.length, "point")}.`,
    ),
    DATA.pools.map((pool, at) =>
      workloadsOf(points, at).map((workload) =>
        strip(pool, workload, pointsOf(points, at, workload), wanted, address),
      ),
    ),
  );
}

function pointsOf(points, pool, workload) {
  return points.filter((cell) => cell.pool === pool && cell.point.workload === workload);
}

function workloadsOf(points, pool) {
  return [
    ...new Set(points.filter((cell) => cell.pool === pool).map((cell) => cell.point.workload)),
  ];
}

function phaseOf(cell) {
  return cell.point.phase === "" ? UNSTRUCK : cell.point.phase;
}

function strip(pool, workload, points, wanted, address) {
  const phases = [...new Set(points.map(phaseOf))].sort(
    (a, b) => PHASES.indexOf(a) - PHASES.indexOf(b),
  );
  const sum = tally(points, address.level);
  return el(
    "article",
    { class: "strip", onkeydown: moveAlong, onfocusin: keepTick },
    el("h3", null, breakable(pool.label), " ", el("span", { class: "version" }, workload)),
    el(
      "p",
      { class: "strip-sum" },
      el("b", null, `${sum.passes} of ${sum.passes + sum.fails}`),
      " points hold; ",
      coverageOf(points),
    ),
    el(
      "div",
      { class: "phases" },
      phases.map((phase) =>
        el(
          "section",
          { class: "phase", "aria-label": `${workload}, ${phase}` },
          el("h4", null, phase),
          el(
            "div",
            { class: "calls" },
            callsOf(points.filter((cell) => phaseOf(cell) === phase)).map((ticks) =>
              el(
                "div",
                { class: "call" },
                ticks.map((cell) => tick(cell, wanted, cell === points[0], address)),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

// The points of each call, in the order in which a worker makes the calls.
function callsOf(points) {
  const calls = new Map();
  for (const cell of points) {
    const name = callOf(cell);
    if (!calls.has(name)) calls.set(name, []);
    calls.get(name).push(cell);
  }
  return [...calls.values()];
}

function callOf(cell) {
  return `${cell.point.role} ${cell.point.at}`;
}

function coverageOf(points) {
  const kinds = [
    ["before", (moment) => moment === "before"],
    ["torn", (moment) => moment.startsWith("torn")],
    ["after", (moment) => moment === "after"],
  ];
  const told = kinds.map(([word, isKind]) => {
    const tried = points.filter((cell) => isKind(cell.point.moment));
    const struck = tried.filter((cell) => statusOf(cell.status).weight !== "inconclusive");
    const calls = (cells) => new Set(cells.map(callOf)).size;
    return tried.length === 0 ? null : `${word} ${calls(struck)} of ${calls(tried)}`;
  });
  return `calls struck: ${told.filter(Boolean).join(", ")}`;
}

function tick(cell, wanted, isFirst, address) {
  const verdict = verdictOf(cell, address.level);
  const status = statusOf(verdict.status);
  const { moment, effect } = cell.point;
  const what = phaseOf(cell) === UNSTRUCK ? UNSTRUCK : `${callOf(cell)}, ${moment}, ${effect}`;
  const where = `${what}: ${verdict.status}`;
  return el(
    "a",
    {
      class: wanted.has(cell) ? `tick ${verdict.weight}` : `tick ${verdict.weight} unwanted`,
      href: linkTo(address, { open: nameOf(cell), attempt: 0 }),
      id: `cell-${cell.pool}-${cell.scenario}`,
      tabindex: isFirst ? "0" : "-1",
      title: where,
    },
    el("span", { "aria-hidden": "true" }, status.glyph),
    el("span", { class: "spoken" }, where),
  );
}

// A strip is one stop of the Tab key: the tick that had the focus last; the arrow keys move along
// it.
function keepTick(event) {
  const link = event.target.closest(".tick");
  if (link === null) return;
  for (const other of event.currentTarget.querySelectorAll(".tick")) other.tabIndex = -1;
  link.tabIndex = 0;
}

function moveAlong(event) {
  const link = event.target.closest(".tick");
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (link === null || step === undefined) return;
  const all = [...event.currentTarget.querySelectorAll(".tick")];
  const target = all[all.indexOf(link) + step];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}
