"use strict";
// Draws what the address asks for, and draws again when the address changes.

const MAIN = document.getElementById("main");
let shown = null; // the last address that was drawn

function found(name) {
  return DATA.cells.find((cell) => nameOf(cell) === name);
}

function render() {
  const address = readAddress();
  const cell = address.open === "" ? undefined : found(address.open);
  const before = { focus: document.activeElement?.id, name: document.activeElement?.name };
  const poolsOpen = document.getElementById("pools")?.open;
  if (cell !== undefined) {
    MAIN.replaceChildren(cellView(cell, address));
    document.title = `${nameOf(cell)} - poolproof report`;
  } else {
    const missing =
      address.open === ""
        ? null
        : el("p", { class: "alarm", role: "alert" }, `This report has no cell ${address.open}.`);
    const text = document.querySelector("input[name=text]");
    const caret = before.name === "text" ? text.selectionStart : null;
    MAIN.replaceChildren(
      ...[missing, front(address), filters(address), strips(address), matrix(address)].filter(
        Boolean,
      ),
    );
    document.title = "poolproof report";
    if (caret !== null) {
      const field = document.querySelector("input[name=text]");
      field.focus();
      field.setSelectionRange(caret, caret);
    }
    if (poolsOpen) document.getElementById("pools").open = true;
  }
  keepFocus(address, cell, before);
  fit();
  shown = address;
  MAIN.dataset.shown = location.hash;
}

// A new view starts at its heading. A filter keeps the focus. The way back from a cell leads to
// that cell in the matrix.
function keepFocus(address, cell, before) {
  if (shown === null || before.name === "text") return;
  if (address.open !== shown.open) {
    const came = address.open === "" ? found(shown.open) : undefined;
    const target =
      (came && document.getElementById(`cell-${came.pool}-${came.scenario}`)) ||
      MAIN.querySelector("h1");
    if (cell !== undefined) scrollTo(0, 0);
    target.focus({ preventScroll: cell !== undefined });
    return;
  }
  if (before.focus) document.getElementById(before.focus)?.focus({ preventScroll: true });
  else if (before.name)
    document.querySelector(`[name=${before.name}]`)?.focus({ preventScroll: true });
  else MAIN.querySelector(".attempts [aria-current]")?.focus({ preventScroll: true });
}

// The drawing uses the available width; a matrix that fits needs no scroll window.
function fit() {
  for (const picture of document.querySelectorAll(".picture"))
    if (picture.drawnFor !== picture.clientWidth) {
      picture.drawnFor = picture.clientWidth;
      picture.drawFor(picture.clientWidth);
    }
  for (const scroller of document.querySelectorAll(".scroller")) {
    scroller.classList.remove("fits");
    const fits = scroller.scrollWidth <= scroller.clientWidth;
    scroller.classList.toggle("fits", fits);
    scroller.tabIndex = fits ? -1 : 0;
  }
}

addEventListener("hashchange", render);
addEventListener("resize", fit);
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || readAddress().open === "") return;
  location.hash = linkTo(readAddress(), { open: "", attempt: 0, round: "" });
});
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.pools)")) details.open = true;
});
render();
