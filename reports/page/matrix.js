"use strict";
// Scenarios as rows, pools as columns. A cell shows its verdict as a glyph and a word, its three
// parts as small boxes, and how long the pool took to notice the fault.

function matrix(address) {
  const cells = DATA.cells.filter((cell) => !isPoint(cell));
  if (cells.length === 0) return null;
  const wanted = cells.filter((cell) => isWanted(cell, address));
  const columns = DATA.pools
    .map((pool, at) => ({ pool, at }))
    .filter(({ at }) => wanted.some((cell) => cell.pool === at));
  const rows = DATA.scenarios
    .map((scenario, at) => ({ scenario, at }))
    .filter(({ at }) => wanted.some((cell) => cell.scenario === at));
  return el(
    "section",
    { "aria-labelledby": "matrix-title" },
    el("h2", { id: "matrix-title" }, "Every scenario, every pool"),
    el(
      "p",
      { class: "showing", role: "status" },
      wanted.length === cells.length
        ? `All ${counted(wanted.length, "cell")}. `
        : `${wanted.length} of ${counted(cells.length, "cell")}. `,
      isFiltered(address)
        ? el("a", { href: linkTo(address, UNFILTERED) }, "Clear the filters")
        : "Open a cell to see what happened.",
    ),
    wanted.length === 0
      ? el("p", { class: "nothing" }, "No cell is like that.")
      : el(
          "div",
          { class: "scroller", role: "region", tabindex: "0", "aria-label": "Matrix" },
          table(columns, rows, new Set(wanted), address),
        ),
    legend(wanted, address),
  );
}

function table(columns, rows, wanted, address) {
  const names = [...new Set(rows.map(({ scenario }) => groupOf(scenario)))];
  const first = cellAt(columns[0].at, rows[0].at) || [...wanted][0];
  return el(
    "table",
    {
      class: columns.length > 7 ? "matrix many" : "matrix",
      style: `--pools: ${columns.length}`,
      onkeydown: moveByArrow,
      onfocusin: keepStop,
    },
    el("caption", null, "Verdicts: scenarios as rows, pools as columns"),
    el(
      "thead",
      null,
      el(
        "tr",
        null,
        el("th", { scope: "col", class: "corner" }, "scenario"),
        columns.map(({ pool }) =>
          el(
            "th",
            { scope: "col" },
            el("div", { class: "head" }, el("span", null, breakable(pool.label)), versionOf(pool)),
          ),
        ),
      ),
    ),
    names.map((group) =>
      el(
        "tbody",
        null,
        el(
          "tr",
          { class: "group" },
          el(
            "th",
            { scope: "rowgroup", colspan: columns.length + 1 },
            el("span", null, `${group}/`),
          ),
        ),
        rows
          .filter(({ scenario }) => groupOf(scenario) === group)
          .map(({ scenario, at }) =>
            el(
              "tr",
              null,
              el(
                "th",
                { scope: "row", title: scenario.claim || null },
                el("span", null, breakable(leafOf(scenario))),
              ),
              columns.map((column) => place(cellAt(column.at, at), wanted, address, first)),
            ),
          ),
      ),
    ),
  );
}

function place(cell, wanted, address, first) {
  if (cell === undefined) return el("td", { class: "none" });
  const verdict = verdictOf(cell, address.level);
  const status = statusOf(verdict.status);
  const boxes = cell.attempts.length === 0 ? [] : boxesOf(cell, address.level);
  const detect = detectOf(cell);
  return el(
    "td",
    { class: wanted.has(cell) ? verdict.weight : `${verdict.weight} unwanted` },
    el(
      "a",
      {
        href: linkTo(address, { open: nameOf(cell), attempt: 0 }),
        tabindex: cell === first ? "0" : "-1",
        id: `cell-${cell.pool}-${cell.scenario}`,
      },
      el(
        "span",
        { class: "word" },
        el("span", { "aria-hidden": "true" }, status.glyph),
        " ",
        breakable(verdict.status),
        verdict.below ? el("span", { "aria-hidden": "true" }, " ~") : null,
      ),
      el("span", { class: "spoken" }, spoken(cell, boxes, detect)),
      boxes.length === 0
        ? null
        : el(
            "span",
            { class: "small", "aria-hidden": "true" },
            el("span", { class: "boxes" }, boxes.map(box)),
            detect === null ? null : el("span", { class: "detect" }, noticed(detect)),
          ),
    ),
  );
}

function glyphOf(box) {
  if (box.status === null) return "";
  if (box.status === "not-judged") return "–";
  return box.below ? "~" : statusOf(box.status).glyph;
}

function box(box) {
  const weight = box.status === null ? "unclaimed" : statusOf(box.status).weight;
  return el("span", { class: `box ${weight}` }, glyphOf(box));
}

// Less than a tenth of a millisecond depends more on our clock than on the pool.
function noticed(ns) {
  return ns < 1e5 ? "< 0.1 ms" : duration(ns);
}

// What the position in the table and the small boxes say, for readers who use a screen reader.
function spoken(cell, boxes, detect) {
  const parts = boxes.map(
    (box) =>
      `${box.name} ${box.status === null ? "not claimed" : box.status}${box.below ? " with a weaker part failing" : ""}`,
  );
  return [
    `: ${DATA.pools[cell.pool].label}, ${DATA.scenarios[cell.scenario].name}`,
    ...parts,
    ...(detect === null ? [] : [`noticed in ${noticed(detect)}`]),
  ].join("; ");
}

// The matrix is one stop of the Tab key: the cell that had the focus last.
function keepStop(event) {
  for (const link of event.currentTarget.querySelectorAll("td a")) link.tabIndex = -1;
  const link = event.target.closest("td a");
  if (link !== null) link.tabIndex = 0;
}

// Arrow keys go from cell to cell; Home and End to the ends of a row.
function moveByArrow(event) {
  const link = event.target.closest("td a");
  if (link === null) return;
  const row = link.closest("tr");
  const column = link.closest("td").cellIndex;
  const rows = [...link.closest("table").querySelectorAll("tbody tr:not(.group)")];
  const inColumn = rows.map((each) => each.cells[column]?.querySelector("a") || null);
  const inRow = [...row.querySelectorAll("td a")];
  const here = { up: rows.indexOf(row), along: inRow.indexOf(link) };
  const target = {
    ArrowUp: () => inColumn.slice(0, here.up).findLast(Boolean),
    ArrowDown: () => inColumn.slice(here.up + 1).find(Boolean),
    ArrowLeft: () => inRow[here.along - 1],
    ArrowRight: () => inRow[here.along + 1],
    Home: () => inRow[0],
    End: () => inRow.at(-1),
  }[event.key]?.();
  if (!target) return;
  event.preventDefault();
  target.focus();
}

function legend(wanted, address) {
  const words = [...new Set(wanted.map((cell) => verdictOf(cell, address.level).status))].sort(
    (a, b) => statusOf(a).rank - statusOf(b).rank,
  );
  const below = wanted.some((cell) => verdictOf(cell, address.level).below);
  return el(
    "section",
    { class: "legend", "aria-labelledby": "legend-title" },
    el("h3", { id: "legend-title" }, "How to read a cell"),
    el(
      "p",
      null,
      "The word is the verdict. The three boxes say where it comes from: ",
      el("b", null, "outcome"),
      " (did every task end as claimed, with the truth?), ",
      el("b", null, "after"),
      " (can the pool be used again, and does it close?), ",
      el("b", null, "leftovers"),
      " (is nothing left behind?). A dash is a part that could not be judged, because something before it failed. ",
      "The time is how long the pool took from the fault to its error.",
    ),
    el(
      "dl",
      { class: "meanings" },
      words.map((word) => [
        el(
          "dt",
          null,
          el("span", { class: `chip ${statusOf(word).weight}` }, `${statusOf(word).glyph} ${word}`),
        ),
        el("dd", null, `${sentence(statusOf(word).meaning)}.`),
      ]),
      below
        ? [
            el("dt", null, el("span", { class: "chip passes" }, "✓ pass ~")),
            el(
              "dd",
              null,
              "A pass in which a weaker claim, one that does not count at this level, fails.",
            ),
          ]
        : null,
    ),
  );
}
