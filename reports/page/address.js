"use strict";
// The address contains what is shown, so that a link shows another reader the same view.
//   #open=POOL:SCENARIO&attempt=2   a cell
//   #status=leak&status=flaky&level=should&group=death&pool=loky&text=kill   the matrix, filtered

const LISTS = ["status", "pool"];
const WORDS = ["level", "group", "text", "open", "attempt", "round"];

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const address = {};
  for (const key of LISTS) address[key] = given.getAll(key).filter(Boolean);
  for (const key of WORDS) address[key] = given.get(key) || "";
  if (!LEVELS.includes(address.level)) address.level = "must";
  address.attempt = Number.parseInt(address.attempt, 10) || 0;
  return address;
}

function addressOf(address) {
  const words = new URLSearchParams();
  for (const key of ["open", "attempt", "round", "status", "level", "group", "pool", "text"]) {
    const usual = { level: "must", attempt: 0 }[key] ?? "";
    for (const value of [address[key]].flat()) if (value !== usual) words.append(key, value);
  }
  // Kept readable where possible: these two characters have no other meaning in a fragment.
  return "#" + words.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
}

function linkTo(address, changes) {
  return addressOf({ ...address, ...changes });
}

// Filters replace the address: the back button leads to the previous view, not to the previous
// letter.
function replaceAddress(address) {
  location.replace(addressOf(address));
}

function isFiltered(address) {
  return (
    address.status.length > 0 ||
    address.pool.length > 0 ||
    address.group !== "" ||
    address.text !== "" ||
    address.level !== "must"
  );
}

const UNFILTERED = { status: [], pool: [], group: "", text: "", level: "must" };

// Which cells an address asks for.
function isWanted(cell, address) {
  const scenario = DATA.scenarios[cell.scenario];
  const pool = DATA.pools[cell.pool];
  const verdict = verdictOf(cell, address.level);
  if (address.pool.length > 0 && !address.pool.includes(pool.label)) return false;
  if (address.group !== "" && groupOf(scenario) !== address.group) return false;
  if (
    address.status.length > 0 &&
    !address.status.includes(verdict.status) &&
    !address.status.includes(verdict.weight)
  )
    return false;
  const words = address.text.toLowerCase().split(/\s+/).filter(Boolean);
  const where = [scenario.name, scenario.claim, pool.label, pool.title, verdict.status, cell.why]
    .join("\n")
    .toLowerCase();
  return words.every((word) => where.includes(word));
}
