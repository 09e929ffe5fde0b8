"use strict";
// The summary: what was judged, what each pool promised, and which pool kept its promise.

const PROMISES = {
  replaces: "When a worker dies, it is replaced and the pool goes on.",
  breaks: "When a worker dies, the pool breaks; close it and open another.",
  recreate: "When a worker dies, the pool breaks, and the next call makes a new one.",
};

function front(address) {
  const pools = DATA.pools.length;
  return el(
    "section",
    { class: "front", "aria-labelledby": "question" },
    el(
      "h1",
      { id: "question", tabindex: "-1" },
      pools === 1
        ? "Does this worker pool survive its workers?"
        : "Do these worker pools survive their workers?",
    ),
    el(
      "p",
      { class: "lead" },
      `${sentence(counted(pools, "pool"))} of worker processes, ${asked()}. `,
      "Each harms a pool on purpose: it kills a worker, crashes it, lets it hang, or hands it what cannot be sent. ",
      el("strong", null, "A pool keeps its promise if "),
      "every call still ends, its error tells the truth, the pool can be used again, and nothing is left behind.",
    ),
    cutOffNotes(),
    el("h2", null, "Who kept the promise"),
    el(
      "ol",
      { class: "scores" },
      DATA.pools.map((pool, at) => score(pool, at, address)),
    ),
    totals(address),
    circumstances(),
  );
}

function asked() {
  const points = DATA.cells.filter(isPoint);
  const scenarios = DATA.scenarios.length - new Set(points.map((cell) => cell.scenario)).size;
  return [
    scenarios === 0 ? null : counted(scenarios, "scenario"),
    points.length === 0 ? null : counted(points.length, "point of a sweep", "points of a sweep"),
  ]
    .filter(Boolean)
    .join(" and ");
}

function promiseOf(pool) {
  if (pool.unavailable !== "") return `Not to be had on this machine: ${pool.unavailable}`;
  if (pool.error !== "") return `It could not be asked: ${pool.error}`;
  return PROMISES[pool.recovers] || "It promises nothing for the death of a worker.";
}

function cutOffNotes() {
  return DATA.records
    .filter((record) => record.cut_off !== "")
    .map((record) =>
      el("p", { class: "alarm", role: "note" }, `? The record was cut off: ${record.cut_off}`),
    );
}

function score(pool, at, address) {
  const cells = DATA.cells.filter((cell) => cell.pool === at);
  const sum = tally(cells, address.level);
  const judged = sum.passes + sum.fails;
  const none = judged === 0;
  const all = !none && sum.fails === 0 && sum.inconclusive === 0;
  return el(
    "li",
    { class: "score" },
    el(
      "div",
      { class: "score-name" },
      el(
        "a",
        { href: linkTo(address, { ...UNFILTERED, level: address.level, pool: [pool.label] }) },
        breakable(pool.label),
      ),
      versionOf(pool),
      pool.broken ? el("span", { class: "tag" }, "broken on purpose") : null,
    ),
    el("p", { class: "score-promise" }, promiseOf(pool)),
    el(
      "p",
      { class: "score-kept" },
      none
        ? "nothing was judged"
        : [
            el(
              "strong",
              { class: all ? "kept" : "" },
              all ? "✓ " : "",
              `${sum.passes} of ${judged}`,
            ),
            judged === 1 ? " claim holds" : " claims hold",
          ],
      bar(sum, cells.length),
    ),
    el("p", { class: "score-broke" }, breaches(sum, pool, address)),
  );
}

function versionOf(pool) {
  return pool.version === "" ? null : el("span", { class: "version" }, pool.version);
}

function bar(sum, of) {
  return el(
    "span",
    { class: "bar", "aria-hidden": "true" },
    ["passes", ...WEIGHTS.filter((weight) => weight !== "passes")].map((weight) =>
      sum[weight] === 0
        ? null
        : el("span", { class: `bar-${weight}`, style: `flex-grow:${sum[weight] / of}` }),
    ),
  );
}

// Everything that is not a pass, each kind with a link to its cells.
function breaches(sum, pool, address) {
  const kinds = [...sum.of.keys()]
    .filter((word) => statusOf(word).weight !== "passes")
    .sort((a, b) => statusOf(a).rank - statusOf(b).rank);
  if (kinds.length === 0) return "nothing broken";
  return kinds.map((word) =>
    el(
      "a",
      {
        class: `chip ${statusOf(word).weight}`,
        href: linkTo(address, {
          ...UNFILTERED,
          level: address.level,
          pool: [pool.label],
          status: [word],
        }),
        title: statusOf(word).meaning,
      },
      `${statusOf(word).glyph} ${sum.of.get(word)} ${word}`,
    ),
  );
}

function totals(address) {
  const sum = tally(DATA.cells, address.level);
  const declined = sum.of.get("declined") || 0;
  const unavailable = sum.of.get("unavailable") || 0;
  return el(
    "p",
    { class: "totals" },
    el("strong", null, counted(DATA.cells.length, "cell")),
    `: ${sum.passes} passed, ${sum.fails} failed, ${sum.inconclusive} inconclusive, `,
    el("span", { title: statusOf("declined").meaning }, `${declined} declined`),
    " (the pool says it lacks what is needed), ",
    el("span", { title: statusOf("unavailable").meaning }, `${unavailable} unavailable`),
    " (this machine cannot make or see it).",
  );
}

const CAGES = {
  "pid-namespace": "each run in a PID namespace of its own",
  subreaper: "each run under a subreaper (this machine allows no namespace)",
};

function circumstances() {
  return el(
    "details",
    { class: "circumstances" },
    el("summary", null, "Machine, versions and how it was run"),
    DATA.records.map((record, at) => {
      const doors = record.doors || {};
      const rows = [
        ["machine", `Linux ${record.kernel || "?"}, ${counted(record.cpus || 0, "processor")}`],
        ["contained", CAGES[doors.cage] || doors.cage || "not told"],
        ["not allowed here", doors.why || ""],
        ["poolproof", record.version || "?"],
        [
          "level",
          `${record.level}; a failing cell is tried ${counted(record.repeat || 0, "time")}`,
        ],
        ["took", `${duration(record.took)} for ${counted(record.cells, "cell")}`],
        ["called as", ["poolproof", ...(record.argv || [])].join(" ")],
      ];
      return el(
        "div",
        null,
        DATA.records.length > 1 ? el("h3", null, `Record ${at + 1}`) : null,
        facts(rows),
      );
    }),
    el("h3", null, "Pools"),
    facts(DATA.pools.map((pool) => [pool.label, aboutPool(pool)])),
  );
}

function aboutPool(pool) {
  if (pool.unavailable !== "" || pool.error !== "") return pool.unavailable || pool.error;
  const patience =
    pool.longest_wait_s === null ? "" : `; its longest own wait is ${pool.longest_wait_s} s`;
  return `${pool.title} ${pool.version}; has ${pool.capabilities.join(", ")}${patience}`;
}

function facts(rows) {
  return el(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value !== "")
      .map(([name, value]) => [el("dt", null, breakable(name)), el("dd", null, value)]),
  );
}
