"use strict";
// One cell: the claim, what was done, what was expected, what was observed, and everything else
// that was seen.

function cellView(cell, address) {
  const pool = DATA.pools[cell.pool];
  const scenario = DATA.scenarios[cell.scenario];
  const at = chosenAttempt(cell, address);
  const attempt = cell.attempts[at] || null;
  const verdict = verdictOf(cell, address.level);
  return el(
    "article",
    { class: "cell", "aria-labelledby": "cell-title" },
    paths(cell, address),
    el("h1", { id: "cell-title", tabindex: "-1" }, breakable(scenario.name)),
    el(
      "p",
      { class: "subject" },
      "on ",
      el("strong", null, breakable(pool.label)),
      " ",
      versionOf(pool),
    ),
    scenario.claim === ""
      ? null
      : el(
          "blockquote",
          null,
          el("span", { class: "claim-word" }, "The claim"),
          " ",
          scenario.claim,
        ),
    el(
      "p",
      { class: "judgement" },
      el(
        "span",
        { class: `verdict ${verdict.weight}` },
        `${statusOf(verdict.status).glyph} ${verdict.status}`,
      ),
      cell.rate === "" ? "" : ` in ${cell.rate} attempts: `,
      cell.rate === "" ? " " : "",
      `${statusOf(verdict.status).meaning}.`,
    ),
    cell.why === "" ? null : el("p", { class: "why" }, marked(cell.why)),
    attempt === null ? null : attemptTabs(cell, at, address),
    attempt === null ? null : attemptView(cell, attempt, address),
    again(cell),
  );
}

function chosenAttempt(cell, address) {
  const asked = cell.attempts.findIndex((attempt) => attempt.attempt === address.attempt);
  return asked >= 0 ? asked : cell.decides;
}

// Links back to the matrix as it was, and to the neighbours in it.
function paths(cell, address) {
  const row = DATA.cells.filter(
    (other) => other.scenario === cell.scenario && isWanted(other, address),
  );
  const here = row.indexOf(cell);
  const neighbour = (other, label, mark) =>
    other === undefined
      ? null
      : el(
          "a",
          {
            href: linkTo(address, { open: nameOf(other), attempt: 0 }),
            "aria-label": `${label}: ${DATA.pools[other.pool].label}`,
          },
          mark === "‹" ? "‹ " : "",
          DATA.pools[other.pool].label,
          mark === "›" ? " ›" : "",
        );
  return el(
    "nav",
    { class: "paths", "aria-label": "Where to" },
    el(
      "a",
      { class: "back", href: linkTo(address, { open: "", attempt: 0, round: "" }) },
      "← All cells",
    ),
    el(
      "span",
      null,
      here < 0 ? null : neighbour(row[here - 1], "The same scenario on the pool before", "‹"),
      here < 0 ? null : neighbour(row[here + 1], "The same scenario on the next pool", "›"),
    ),
  );
}

function attemptTabs(cell, at, address) {
  if (cell.attempts.length < 2) return null;
  return el(
    "nav",
    { class: "attempts", "aria-label": "Attempts" },
    cell.attempts.map((attempt, index) =>
      el(
        "a",
        {
          class: `chip ${statusOf(attempt.status).weight}`,
          href: linkTo(address, { attempt: attempt.attempt }),
          "aria-current": index === at ? "page" : null,
        },
        `Attempt ${attempt.attempt}: ${statusOf(attempt.status).glyph} ${attempt.status}`,
      ),
    ),
  );
}

function attemptView(cell, attempt, address) {
  const story = attempt.story;
  return [
    el("div", { class: "columns" }, scriptOf(cell, story), partsTable(cell, attempt)),
    story === null
      ? el(
          "p",
          { class: "note" },
          "What was seen in this attempt stands in the record only: a page tells of a few attempts in full.",
        )
      : timelineOf(story, address),
    story === null ? null : proofOf(story),
    evidenceOf(attempt),
    story === null ? null : [waitsOf(story), stderrOf(story)],
  ];
}

function scriptOf(cell, story) {
  if (!cell.script) return null;
  const states = new Map((story?.steps || []).map((step) => [step.index, step]));
  const marks = { end: "✓", stuck: "✗", begin: "…" };
  return el(
    "section",
    { "aria-labelledby": "script" },
    el("h2", { id: "script" }, "The script"),
    el(
      "ol",
      { class: "script" },
      cell.script.map((words, index) => {
        const step = states.get(index);
        const state = step === undefined ? "never" : step.state;
        return el(
          "li",
          { class: state },
          marked(words),
          el(
            "span",
            { class: "step-state" },
            step === undefined
              ? "not reached"
              : `${marks[state] || ""} ${state === "stuck" ? "did not end: given up after " : ""}${step.end === null ? "never ended" : duration(step.end - step.begin)}`,
          ),
        );
      }),
    ),
  );
}

function partsTable(cell, attempt) {
  return el(
    "section",
    { "aria-labelledby": "parts" },
    el("h2", { id: "parts" }, "Expected and got"),
    el(
      "table",
      { class: "parts" },
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          ["part", "expected", "got"].map((name) => el("th", { scope: "col" }, name)),
        ),
      ),
      el(
        "tbody",
        null,
        attempt.parts.map((part) => {
          const status = statusOf(part.status);
          const passed = status.weight === "passes";
          return el(
            "tr",
            { class: status.weight },
            el(
              "th",
              { scope: "row" },
              breakable(part.name),
              " ",
              el("span", { class: "level" }, part.level),
            ),
            el(
              "td",
              { "data-head": "expected" },
              marked(part.expected || cell.promises?.[part.name] || "–"),
            ),
            el(
              "td",
              { "data-head": "got" },
              el(
                "span",
                { class: "got-status" },
                `${status.glyph} ${passed ? "as expected" : part.status}`,
              ),
              part.got === "" ? null : el("span", { class: "got" }, marked(part.got)),
            ),
          );
        }),
      ),
    ),
    attempt.parts.length === 0 ? el("p", { class: "note" }, "No part could be judged.") : null,
  );
}

function timelineOf(story, address) {
  const whole = address.round === "both";
  const frame = el("div", {
    class: "picture",
    tabindex: "0",
    role: "region",
    "aria-label": "Timeline",
  });
  frame.drawFor = (width) => frame.replaceChildren(timeline(story, Math.max(width, 560), whole));
  return el(
    "section",
    { class: "seen", "aria-labelledby": "timeline" },
    el("h2", { id: "timeline" }, "What was seen"),
    frame,
    marksLegend(story),
    el(
      "p",
      { class: "note" },
      "The axis is stretched where much happens; the times on it are true. ",
      story.round === 0
        ? null
        : el(
            "a",
            { href: linkTo(address, { round: whole ? "" : "both" }), id: "round" },
            whole
              ? "Leave out the first round"
              : "Show the first round, too, in which nothing strikes",
          ),
      story.more_processes > 0
        ? ` ${counted(story.more_processes, "more process", "more processes")} left out.`
        : "",
    ),
    eventList(story),
  );
}

function eventList(story) {
  const zero = viewOf(story, false).zero;
  return el(
    "details",
    { class: "events" },
    el("summary", null, `All of it in words: ${counted(story.events.length, "event")}`),
    el(
      "ol",
      null,
      story.events.map((event) =>
        el(
          "li",
          { class: `event-${event.what}` },
          el("span", { class: "when" }, duration(event.t - zero)),
          el("span", null, marked(event.text)),
        ),
      ),
    ),
    story.left_out > 0
      ? el(
          "p",
          { class: "note" },
          `${counted(story.left_out, "event")} more; all of them stand in the record.`,
        )
      : null,
  );
}

function evidenceOf(attempt) {
  if (attempt.evidence.length === 0) return null;
  return el(
    "section",
    { "aria-labelledby": "evidence" },
    el("h2", { id: "evidence" }, "Evidence"),
    el(
      "ul",
      { class: "evidence" },
      attempt.evidence.map((line) => el("li", null, marked(line))),
    ),
  );
}

function waitsOf(story) {
  if (story.waits === null) return null;
  const { moved, since, processes } = story.waits;
  return el(
    "section",
    { "aria-labelledby": "waits" },
    el("h2", { id: "waits" }, "What each thread waits for"),
    el(
      "p",
      null,
      moved.length === 0
        ? `Nothing moved for ${duration(since)}. This is how everything stood then:`
        : `Watched for ${duration(since)}; these still moved: ${moved.join(", ")}.`,
    ),
    el(
      "div",
      { class: "waits" },
      processes.map((process) => waitingProcess(process, new Set(processes.map((one) => one.pid)))),
    ),
  );
}

function waitingProcess(process, inside) {
  const notes = [process.role, process.zombie ? "a zombie: nobody has waited for it" : ""];
  return el(
    "section",
    { class: "process" },
    el("h3", null, `Process ${process.pid} `, el("code", null, process.name)),
    el(
      "p",
      { class: "note" },
      notes.filter(Boolean).join("; ") || inside.has(process.ppid)
        ? `child of ${process.ppid}`
        : "an orphan",
    ),
    el(
      "ul",
      null,
      process.threads.map((wait) =>
        el(
          "li",
          null,
          el("code", null, wait.wait),
          el(
            "span",
            { class: "tids" },
            ` ${wait.count === 1 ? "thread" : `${wait.count} threads:`} ${wait.tids.join(", ")}${wait.count > wait.tids.length ? ", ..." : ""}`,
          ),
        ),
      ),
    ),
  );
}

function stderrOf(story) {
  const { bytes, head, tail } = story.stderr;
  return el(
    "section",
    { "aria-labelledby": "stderr" },
    el("h2", { id: "stderr" }, "What the program said on stderr"),
    !bytes
      ? el("p", { class: "note" }, "Nothing.")
      : [
          el("p", { class: "note" }, `${counted(bytes, "byte")}. It is never judged.`),
          el("pre", { tabindex: "0" }, head + (tail ? `\n[...]\n${tail}` : "")),
        ],
  );
}

function again(cell) {
  const said = el("span", { class: "copied", role: "status" });
  return el(
    "section",
    { class: "again", "aria-labelledby": "again" },
    el("h2", { id: "again" }, "Run it again"),
    el(
      "div",
      { class: "replay" },
      el("pre", { tabindex: "0" }, el("code", null, cell.replay)),
      el("button", { type: "button", onclick: () => copy(cell.replay, said) }, "Copy"),
    ),
    said,
  );
}

// Without the clipboard (an old browser, or a page that is not a secure context) the line is
// selected.
async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied.";
  } catch {
    const line = document.querySelector(".replay code");
    getSelection().selectAllChildren(line);
    said.textContent = "Selected: copy it with the keyboard.";
  }
}
