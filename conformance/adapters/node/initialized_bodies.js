"use strict";

// bodies.js for jest-worker, which calls `setup` of its script in each worker before the first
// task.

const { initialize, run } = require("./bodies");

module.exports = { run, setup: initialize };
