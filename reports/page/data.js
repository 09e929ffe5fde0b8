"use strict";
// The verdicts in the page, and the questions that the views ask about them.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LEVELS = DATA.levels; // the heaviest first
const WEIGHT_WORDS = {
  fails: "failed",
  inconclusive: "inconclusive",
  passes: "passed",
  aside: "not judged",
};
const WEIGHTS = Object.keys(WEIGHT_WORDS);
const BOXES = ["outcome", "after", "leftovers"];

// The table lists the worst status first.
const STATUS = new Map(DATA.statuses.map((status, rank) => [status.word, { ...status, rank }]));
const CELL_AT = new Map(DATA.cells.map((cell) => [`${cell.pool} ${cell.scenario}`, cell]));

function statusOf(word) {
  return STATUS.get(word) || { word, glyph: "?", weight: "inconclusive", meaning: "", rank: 0 };
}

function cellAt(pool, scenario) {
  return CELL_AT.get(`${pool} ${scenario}`);
}

function nameOf(cell) {
  return `${DATA.pools[cell.pool].label}:${DATA.scenarios[cell.scenario].name}`;
}

function groupOf(scenario) {
  const slash = scenario.name.lastIndexOf("/");
  return slash < 0 ? "" : scenario.name.slice(0, slash);
}

function leafOf(scenario) {
  return scenario.name.slice(scenario.name.lastIndexOf("/") + 1);
}

function groups() {
  return [...new Set(DATA.scenarios.map(groupOf))].sort();
}

function decidingAttempt(cell) {
  return cell.attempts[cell.decides] || null;
}

function partsOf(cell) {
  const attempt = decidingAttempt(cell);
  return attempt === null ? [] : attempt.parts;
}

function counts(part, level) {
  return LEVELS.indexOf(part.level) <= LEVELS.indexOf(level);
}

function worst(parts) {
  return parts.reduce(
    (found, part) =>
      found === null || statusOf(part.status).rank < statusOf(found.status).rank ? part : found,
    null,
  );
}

// The verdict of a cell if parts of `level` and above count: a pass in which a `should` part fails
// is not a pass at level `should`. `below`: a part fails that does not count.
function verdictOf(cell, level) {
  const failing = partsOf(cell).filter((part) => statusOf(part.status).weight === "fails");
  const counting = worst(failing.filter((part) => counts(part, level)));
  const passes = statusOf(cell.status).weight === "passes";
  const status = passes && counting !== null ? counting.status : cell.status;
  return {
    status,
    weight: statusOf(status).weight,
    below: statusOf(status).weight === "passes" && failing.length > 0,
  };
}

function boxOf(part) {
  if (part.name === "leftovers") return "leftovers";
  return part.name === "after" || part.name === "close" ? "after" : "outcome";
}

// The three small boxes of a cell: the worst status of each, or null if nothing is claimed.
function boxesOf(cell, level) {
  return BOXES.map((name) => {
    const parts = partsOf(cell).filter((part) => boxOf(part) === name);
    if (parts.length === 0) return { name, status: null, below: false };
    const status = worst(parts.filter((part) => counts(part, level)))?.status || "pass";
    const below =
      statusOf(status).weight === "passes" &&
      parts.some((part) => statusOf(part.status).weight === "fails");
    return { name, status, below };
  });
}

function detectOf(cell) {
  const attempt = decidingAttempt(cell);
  return attempt === null ? null : attempt.detect_ns;
}

// {passes, fails, inconclusive, aside, declined, unavailable, of: Map of status to number}
function tally(cells, level) {
  const sum = { passes: 0, fails: 0, inconclusive: 0, aside: 0, of: new Map() };
  for (const cell of cells) {
    const verdict = verdictOf(cell, level);
    sum[verdict.weight] += 1;
    sum.of.set(verdict.status, (sum.of.get(verdict.status) || 0) + 1);
  }
  return sum;
}
