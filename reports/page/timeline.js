"use strict";
// One attempt as a drawing: a lane for the harness, one for the program that owns the pool, one for
// each worker. The axis is stretched where many events are, because a kill and its effects take a
// millisecond and a hang takes seconds. The times written on it are true.

const LANE = 38;
const AXIS = 46;

function timeline(story, width, whole) {
  const view = viewOf(story, whole);
  const narrow = width < 700;
  const step = narrow ? LANE + 18 : LANE;
  const lanes = lanesOf(story, view);
  lanes.forEach((lane, index) => {
    lane.y = AXIS + index * step + step - LANE / 2;
  });
  const at = scale(view, narrow ? 14 : 190, width - (narrow ? 14 : 60));
  const height = AXIS + lanes.length * step + 10;
  return drawn(
    "svg",
    {
      class: "timeline",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": `Timeline of ${counted(lanes.length, "lane")}; the list below tells the same in words`,
    },
    axis(story, view, at, height, width),
    lanes.map((lane) => laneOf(lane, at, view, width, narrow)),
    taskBoxes(story, lanes, at, view),
    marks(story, view, lanes, at),
    quiet(view, at),
    openFutures(story, lanes, at),
  );
}

// From the second opening of the pool on: the first round only shows the normal case.
function viewOf(story, whole) {
  const from = whole ? 0 : story.round;
  const until = Math.max(story.took, from + 1);
  const strike = story.events.find((event) => event.what === "fault" && event.effect);
  const moments = [from, until];
  for (const event of story.events) moments.push(event.t);
  for (const one of story.processes) moments.push(one.born);
  for (const task of story.tasks) {
    for (const run of task.runs) moments.push(run.start, run.end);
    for (const told of task.settled) moments.push(told.t);
  }
  return {
    from,
    until,
    zero: strike ? strike.t : from,
    strike: strike || null,
    moments: [...new Set(moments)]
      .filter((t) => t !== null && t >= from && t <= until)
      .sort((a, b) => a - b),
  };
}

function lanesOf(story, view) {
  const lanes = [
    { pid: null, name: "poolproof", note: "asks, strikes", born: view.from, ended: null },
  ];
  for (const one of story.processes) {
    if (one.ended !== null && one.ended < view.from) continue;
    const parent = one.role === "parent";
    lanes.push({
      ...one,
      name: parent ? "parent" : "process",
      note: `${one.pid}${parent ? ", owns the pool" : one.struck ? ", struck" : ""}`,
    });
  }
  return lanes;
}

// The width of a gap between two moments grows with its logarithm, so that a tenth of a millisecond
// and a minute are both visible.
function scale(view, left, right) {
  const { moments } = view;
  const widths = moments.slice(1).map((t, i) => Math.log1p((t - moments[i]) / 2e5));
  const total = widths.reduce((sum, w) => sum + w, 0) || 1;
  const xs = [left];
  for (const w of widths) xs.push(xs[xs.length - 1] + (w / total) * (right - left));
  return (t) => {
    let i = moments.findIndex((moment) => moment > t) - 1;
    if (i === -2) i = moments.length - 1;
    if (i < 0) return left;
    if (i + 1 >= moments.length) return xs[i];
    return xs[i] + ((t - moments[i]) / (moments[i + 1] - moments[i])) * (xs[i + 1] - xs[i]);
  };
}

// Times on the axis: the important moments first, others if there is room.
function axis(story, view, at, height, width) {
  const turning = [view.zero, story.stuck, view.until, view.from];
  turning.push(story.events.find((e) => e.what === "error" && e.t >= view.zero)?.t);
  turning.push(...story.events.filter((e) => e.what === "exit").map((e) => e.t));
  const taken = [];
  const ticks = [];
  for (const t of [...turning, ...view.moments]) {
    if (t === null || t === undefined || t < view.from || t > view.until) continue;
    const x = at(t);
    const words = sinceStrike(t, view);
    if (taken.some((other) => Math.abs(other.x - x) < 74 || other.words === words)) continue;
    taken.push({ x, words });
    const anchor = x > width - 40 ? "end" : x < 40 ? "start" : "middle";
    ticks.push(
      drawn("line", { class: "tick", x1: x, x2: x, y1: 26, y2: height }),
      drawn("text", { class: "axis", x, y: 18, "text-anchor": anchor }, words),
    );
  }
  if (view.strike) {
    const x = at(view.zero);
    ticks.push(drawn("line", { class: "strike-line", x1: x, x2: x, y1: 26, y2: height }));
  }
  if (story.stuck !== null && story.stuck >= view.from) {
    const x = at(story.stuck);
    ticks.push(
      drawn("rect", {
        class: "aftermath",
        x,
        y: 26,
        width: Math.max(0, width - x),
        height: height - 26,
      }),
      drawn("line", { class: "stuck-line", x1: x, x2: x, y1: 26, y2: height }),
      drawn("text", { class: "stuck-words", x: x + 6, y: 39 }, "given up"),
    );
  }
  return ticks;
}

function sinceStrike(t, view) {
  if (t === view.zero && view.strike) return "strike";
  return `${t >= view.zero ? "+" : ""}${duration(t - view.zero)}`;
}

// The longest gap, in which nothing is seen.
function quiet(view, at) {
  return view.moments.slice(1).flatMap((t, i) => {
    const gap = t - view.moments[i];
    const from = at(view.moments[i]);
    const width = at(t) - from;
    if (gap < 0.25 * (view.until - view.from) || width < 110) return [];
    const words = width > 190 ? `${duration(gap)} without an event` : duration(gap);
    return drawn(
      "text",
      { class: "quiet", x: from + width / 2, y: 39, "text-anchor": "middle" },
      words,
    );
  });
}

// A hang, seen from outside, is a future that never ends.
function openFutures(story, lanes, at) {
  const parent = lanes.find((lane) => lane.role === "parent");
  const open = story.tasks.filter((task) => task.submitted !== null && task.settled.length === 0);
  if (story.stuck === null || parent === undefined || open.length === 0) return null;
  const names = open.slice(0, 3).map((task) => task.id);
  const words = `${names.join(", ")}${open.length > 3 ? ", ..." : ""} never settled`;
  return drawn(
    "text",
    { class: "open", x: at(story.stuck) - 8, y: parent.y - 7, "text-anchor": "end" },
    words,
  );
}

function laneOf(lane, at, view, width, narrow) {
  const from = at(Math.max(lane.born, view.from));
  const to = at(lane.ended === null ? view.until : lane.ended);
  return drawn(
    "g",
    { class: lane.pid === null ? "lane harness" : "lane" },
    drawn(
      "text",
      { x: narrow ? 14 : 8, y: narrow ? lane.y - LANE / 2 - 2 : lane.y + 4 },
      drawn("tspan", { class: "lane-name" }, lane.name),
      drawn("tspan", { class: "lane-note", dx: 6 }, lane.note),
    ),
    drawn("rect", {
      class: "life",
      x: from,
      y: lane.y - 3,
      width: Math.max(2, to - from),
      height: 6,
      rx: 3,
    }),
  );
}

// Where tasks ran. A label may use the space up to the next box in its lane.
function taskBoxes(story, lanes, at, view) {
  const boxes = story.tasks.flatMap((task) =>
    task.runs.flatMap((run) => {
      const lane = lanes.find((one) => one.pid === run.pid && one.born <= run.start);
      const end = run.end === null ? view.until : run.end;
      if (lane === undefined || end < view.from) return [];
      const x = at(Math.max(run.start, view.from));
      return { task, run, lane, end, x, width: Math.max(3, at(end) - x) };
    }),
  );
  boxes.sort((one, other) => one.x - other.x);
  return boxes.map((box, at) => {
    const next = boxes.slice(at + 1).find((other) => other.lane === box.lane);
    return taskBox(box, Math.min(box.width, next === undefined ? Infinity : next.x - box.x));
  });
}

function taskBox({ task, run, lane, end, x, width }, room) {
  const whole = `${task.id} (${task.role})`;
  const words = [whole, task.id].find((text) => room > 10 + 7 * text.length);
  const ended = run.how === "" ? ", never ended" : "";
  return drawn(
    "g",
    { class: task.role === "victim" ? "task victim" : "task" },
    drawn("title", null, `${whole} in process ${run.pid}, ${duration(end - run.start)}${ended}`),
    drawn("rect", { x, y: lane.y - 10, width, height: 20, rx: 3 }),
    words ? drawn("text", { x: x + 5, y: lane.y + 4 }, words) : null,
  );
}

const SHAPES = {
  fault: "M 2 -13 L -6 2 L -1 2 L -3 13 L 6 -3 L 1 -3 Z",
  death: "M -6 -6 L 6 6 M 6 -6 L -6 6",
  end: "M -4 -4 H 4 V 4 H -4 Z",
  error: "M 0 -8 L 8 6 L -8 6 Z",
  value: "M 0 -5 A 5 5 0 1 1 0 5 A 5 5 0 1 1 0 -5 Z",
  asked: "M 0 -6 V 6",
  told: "M 0 -6 L 6 0 L 0 6 L -6 0 Z",
};

function shape(kind, x, y, title, late = "") {
  return drawn(
    "g",
    { class: `mark ${kind}${late}`, transform: `translate(${x} ${y})` },
    drawn("title", null, title),
    drawn("path", { d: SHAPES[kind] }),
  );
}

// What happened at a moment: drawn on the lane of the process that it happened to.
function marks(story, view, lanes, at) {
  const parent = lanes.find((lane) => lane.role === "parent") || lanes[0];
  const order = { asked: 0, told: 1, value: 2, exit: 3, error: 4, fault: 5 };
  // If there are many events, the list leaves out routine ones; every task still knows how it
  // settled.
  const values = story.tasks.flatMap((task) =>
    task.settled
      .filter((told) => told.kind === "value")
      .map((told) => ({
        t: told.t,
        what: "value",
        text: `${task.id} (${task.role}) settled: value`,
      })),
  );
  return story.events
    .filter((event) => event.what !== "value")
    .concat(values)
    .filter((event) => event.what in order && event.t >= view.from)
    .sort((a, b) => order[a.what] - order[b.what])
    .map((event) => {
      const own = lanes.findLast((lane) => lane.pid === event.pid && lane.born <= event.t);
      const lane = event.what === "asked" ? lanes[0] : own || parent;
      const calm = event.what === "exit" && event.text.endsWith("exit status 0");
      const kind = event.what === "exit" ? (calm ? "end" : "death") : event.what;
      const title = `${duration(event.t - view.zero)}: ${event.text}`;
      const late = story.stuck !== null && event.t > story.stuck ? " late" : "";
      return shape(kind, at(event.t), lane.y, title, late);
    });
}

function marksLegend(story) {
  const kinds = [
    ["fault", "the fault strikes"],
    ["death", "a process dies"],
    ["end", "a process ends with status 0"],
    ["value", "a future settles with its value"],
    ["error", "a future settles with an error"],
    ["told", "the pool says that it has opened or closed"],
    ["asked", "poolproof asks for something"],
  ];
  return el(
    "ul",
    { class: "marks" },
    kinds.map(([kind, words]) =>
      el(
        "li",
        null,
        drawn(
          "svg",
          { viewBox: "-14 -14 28 28", width: 20, height: 20, "aria-hidden": "true" },
          shape(kind, 0, 0, words),
        ),
        ` ${words}`,
      ),
    ),
    el(
      "li",
      null,
      el("span", { class: "task-sample victim" }, "t5"),
      " a task that is struck runs",
    ),
    el("li", null, el("span", { class: "task-sample" }, "t6"), " any other task runs"),
    story.stuck === null
      ? null
      : el(
          "li",
          null,
          el("span", { class: "aftermath-sample" }),
          " given up: what comes now is our clearing up",
        ),
  );
}
