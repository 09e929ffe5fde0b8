"use strict";
// A hang that was proved: which thread waits for which process. There is a box for each process,
// and a line in it for each thread. On the right, an arrow goes from each thread to every process
// that alone could wake it.

const ROW = 22;
const BOX_HEAD = 30;
const BOX_GAP = 14;
const ARROW_GAP = 9;
const LETTER = 6.9; // for the 12 px sans font; wider than most letters

function proofOf(story) {
  const { proof } = story;
  if (!proof) return null;
  const frame = el("div", {
    class: "picture",
    tabindex: "0",
    role: "region",
    "aria-label": "The wait-for graph",
  });
  frame.drawFor = (width) => frame.replaceChildren(waitGraph(proof, Math.max(width, 560)));
  return el(
    "section",
    { class: "proof", "aria-labelledby": "proof" },
    el("h2", { id: "proof" }, "Who waits for whom"),
    el(
      "p",
      null,
      `Proved in ${duration(proof.took)}: `,
      marked(proof.reason),
      ". Nothing in it can ever move again.",
    ),
    frame,
    el(
      "p",
      { class: "note" },
      "An arrow leads from a thread that waits to each process that could wake it, and every one of them waits as well.",
      proof.more_processes > 0
        ? ` ${counted(proof.more_processes, "more process", "more processes")} left out.`
        : "",
    ),
    proof.findings.length === 0
      ? null
      : el(
          "ul",
          { class: "findings" },
          proof.findings.map((one) =>
            el("li", null, el("strong", null, one.kind.replaceAll("-", " ")), ": ", one.text),
          ),
        ),
    el("p", { class: "note" }, `Provided that ${proof.provided.join("; ")}.`),
  );
}

function waitGraph(proof, width) {
  const boxes = graphBoxes(proof);
  const arrows = arrowsOf(proof, boxes);
  const lane = Math.min(24 + arrows.length * ARROW_GAP, Math.round(width * 0.4));
  const right = width - lane;
  const last = boxes[boxes.length - 1];
  const height = last.y + last.height + 10;
  return drawn(
    "svg",
    {
      class: "graph",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": `Wait-for graph: ${counted(boxes.length, "box", "boxes")} and ${counted(arrows.length, "arrow")}; the evidence tells the same in words`,
    },
    boxes.map((box) => drawBox(box, right)),
    arrows.map((arrow, index) => drawArrow(arrow, index, arrows.length, right, lane)),
  );
}

// The harness comes first, if a thread waits for it, then the processes in the order of their
// start.
function graphBoxes(proof) {
  const dead = new Map(proof.findings.map((one) => [one, one.processes]));
  const blamed = new Set(
    proof.findings.filter((one) => one.kind === "orphaned-lock").flatMap((one) => dead.get(one)),
  );
  const waited = proof.processes.some((one) => one.threads.some((thread) => thread.harness));
  const boxes = waited
    ? [{ pid: null, title: "poolproof", note: "has promised to say nothing more", threads: [] }]
    : [];
  for (const one of proof.processes)
    boxes.push({
      ...one,
      title: `process ${one.pid}`,
      note: one.dead
        ? blamed.has(one.pid)
          ? "dead, and may hold the lock"
          : "dead: nobody has waited for it"
        : shortName(one.name),
      culprit: blamed.has(one.pid),
    });
  for (const pid of blamed)
    // Already reaped: only the lock still has its pid.
    if (!boxes.some((box) => box.pid === pid))
      boxes.push({
        pid,
        title: `process ${pid}`,
        note: "gone, and holds the lock",
        dead: true,
        culprit: true,
        threads: [],
      });
  let y = 8;
  for (const box of boxes) {
    box.y = y;
    box.height = BOX_HEAD + box.threads.length * ROW + (box.threads.length > 0 ? 6 : 0);
    y += box.height + BOX_GAP;
  }
  return boxes;
}

function shortName(name) {
  return name
    .split(" ")
    .map((word) => word.slice(word.lastIndexOf("/") + 1))
    .join(" ");
}

// The marks of one thread, in addition to its wait.
function marksOf(proof, process, thread) {
  const marks = [];
  for (const one of proof.findings) {
    if (one.pid !== process.pid) continue;
    if (one.kind === "orphaned-lock" && /lock|semaphore/.test(thread.waits))
      marks.push({ word: "lock of the dead", to: one.processes });
    if (one.kind === "half-read-message" && one.text.startsWith(`thread ${thread.tid} `))
      marks.push({ word: "half a message", to: one.processes });
  }
  return marks;
}

function arrowsOf(proof, boxes) {
  const arrows = [];
  for (const box of boxes)
    box.threads.forEach((thread, index) => {
      const from = box.y + BOX_HEAD + index * ROW + ROW / 2;
      thread.marks = marksOf(proof, box, thread);
      const culprits = new Set(thread.marks.flatMap((mark) => mark.to));
      const wanted = new Set([...thread.wakers, ...culprits]);
      wanted.delete(box.pid); // itself: an arrow would say no more than the words
      if (thread.harness) wanted.add(null);
      for (const pid of wanted) {
        const to = boxes.find((other) => other.pid === pid);
        if (to === undefined) continue;
        arrows.push({ from, box: to, culprit: culprits.has(pid), thread, pid: box.pid });
      }
    });
  return arrows;
}

function drawBox(box, right) {
  const room = Math.floor((right - 32) / LETTER);
  const fit = (text) => (text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 1))}…`);
  const kind = box.pid === null ? "harness" : box.culprit ? "culprit" : box.dead ? "dead" : "";
  return drawn(
    "g",
    { class: `box ${kind}` },
    drawn("rect", { x: 8, y: box.y, width: right - 8, height: box.height, rx: 6 }),
    drawn(
      "text",
      { x: 20, y: box.y + 20 },
      drawn("tspan", { class: "box-name" }, `${box.dead ? "✝ " : ""}${box.title}`),
      drawn("tspan", { class: "box-note", dx: 8 }, fit(box.note).slice(0, Math.max(room - 18, 4))),
    ),
    box.threads.map((thread, index) => {
      const words = thread.marks.map((mark) => `⚠ ${mark.word} `).join("");
      const text = `${box.threads.length > 1 ? `${thread.tid} ` : ""}${thread.waits}`;
      return drawn(
        "text",
        { x: 20, y: box.y + BOX_HEAD + index * ROW + 15 },
        drawn("title", null, text),
        words === "" ? null : drawn("tspan", { class: "found" }, words),
        drawn("tspan", null, fit(text).slice(0, Math.max(room - words.length, 4))),
      );
    }),
  );
}

// Each arrow has its own lane, and its own place at the box that it points to.
function drawArrow(arrow, index, count, right, lane) {
  const x = right + 14 + (index * (lane - 22)) / Math.max(count, 1);
  const to = arrow.box.y + Math.min(15, arrow.box.height / 2) + (index % 5) * 2 - 4;
  return drawn(
    "g",
    { class: `wait${arrow.culprit ? " culprit" : ""}` },
    drawn("title", null, `process ${arrow.pid}, thread ${arrow.thread.tid}: ${arrow.thread.waits}`),
    drawn("path", { d: `M ${right} ${arrow.from} H ${x} V ${to} H ${right + 6}` }),
    drawn("path", { class: "head", d: `M ${right + 1} ${to} l 7 -4 v 8 z` }),
    drawn("circle", { cx: right, cy: arrow.from, r: 2.5 }),
  );
}
