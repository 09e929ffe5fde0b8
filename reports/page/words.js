"use strict";
// How the page makes elements and formats numbers. Text is always inserted as text, never as
// markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function drawn(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

// "< 0.01 ms", "0.42 ms", "12 ms", "3.1 s", "2 min 20 s"
function duration(ns) {
  const ms = Math.abs(ns) / 1e6;
  const sign = ns < 0 ? "−" : "";
  if (ms > 0 && ms < 0.01) return `< ${sign}0.01 ms`;
  if (ms < 1) return `${sign}${ms.toFixed(2)} ms`;
  if (ms < 10) return `${sign}${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${sign}${Math.round(ms)} ms`;
  if (ms < 99950) return `${sign}${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  return `${sign}${Math.floor(s / 60)} min ${s % 60} s`;
}

function counted(n, noun, nouns) {
  return `${n} ${n === 1 ? noun : nouns || noun + "s"}`;
}

// A name that may break after `_`, `/`, `-` and `.`, where a line is full.
function breakable(name) {
  return name
    .split(/(?<=[_/.-])/)
    .flatMap((piece, at) => (at === 0 ? [piece] : [document.createElement("wbr"), piece]));
}

// Words in `back quotes` are code.
function marked(text) {
  return text.split("`").map((piece, at) => (at % 2 === 1 ? el("code", null, piece) : piece));
}

function sentence(text) {
  return text === "" ? "" : text[0].toUpperCase() + text.slice(1);
}
