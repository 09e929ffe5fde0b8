"""The kit's rule in Node, and what the kit does if a pool is not installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from driver import LIMIT_S, Harness, fd_facts
from node_driver import HERE, LAUNCH, needs_node, toy

LINE = 10
pytestmark = needs_node


# --- the law ----------------------------------------------------------------------------------


def test_hello_comes_first_and_says_what_the_adapter_is(tmp_path: Path) -> None:
    with toy(tmp_path, "") as harness:
        hello = harness.wait(lambda: harness.events)[0]
        assert re.fullmatch(r"JavaScript \(Node [0-9.]+\)", hello.pop("language"))
        assert hello == {
            "event": "hello",
            "protocol": 1,
            "pool": "toy",
            "version": "1.2.3",
            "capabilities": ["cancel", "close_drain"],
            "recovers": "replaces",
            "longest_wait": {"seconds": 0, "source": "nothing waits"},
        }


def test_the_line_has_one_number_in_both_languages() -> None:
    for name in ("launch.py", "line.js"):
        assert re.search(r"^(?:const )?LINE = (\d+)", (HERE / name).read_text(), re.M)[1] == "10"


def test_the_line_is_private_and_the_standard_descriptors_cannot_reach_it(tmp_path: Path) -> None:
    with toy(tmp_path, "") as harness:
        harness.wait(lambda: harness.named("hello"))
        facts = fd_facts(harness.process.pid)
        assert facts[0][0] == "/dev/null"
        assert facts[1][0] == facts[2][0] == harness.stderr_file.name
        sockets = [fd for fd, (what, _) in facts.items() if what.startswith("socket:")]
        assert sockets == [LINE] and facts[LINE][1]


def test_a_child_of_any_kind_holds_no_copy_of_the_line(tmp_path: Path) -> None:
    children = """
  submit() {
    const { fork, spawn } = require('child_process');
    const idle = 'setInterval(() => {}, 1e6)';
    require('fs').writeFileSync(__dirname + '/idle.js', idle);
    const plain = spawn('sleep', ['100'], { stdio: 'inherit' });
    const forked = fork(__dirname + '/idle.js');
    return Promise.resolve([plain.pid, forked.pid]);
  },
"""
    with toy(tmp_path, children) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        line = fd_facts(harness.process.pid)[LINE][0]
        for pid in harness.outcome("t1")["value"]:
            harness.wait(lambda pid=pid: Path(f"/proc/{pid}/exe").exists())
            # Between fork and exec a child holds what its parent does; exec takes it away.
            harness.wait(lambda pid=pid: line not in [what for what, _ in fd_facts(pid).values()])


def test_what_a_program_prints_and_reads_cannot_touch_the_line(tmp_path: Path) -> None:
    noisy = """
  submit() {
    for (let n = 0; n < 20000; n++) process.stdout.write('{"event": "closed"}\\n');
    const { spawnSync } = require('child_process');
    const said = spawnSync('sh', ['-c', 'cat; echo from a program'], { stdio: 'inherit' });
    return Promise.resolve(said.status);
  },
"""
    with toy(tmp_path, noisy) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        assert harness.outcome("t1") == {"kind": "value", "value": 0}
        assert harness.bye() == 0
        assert [event["event"] for event in harness.events] == ["hello", "opened", "settled"]
        assert harness.stderr().count('{"event": "closed"}\n') == 20000
        assert "from a program" in harness.stderr()


def test_a_full_line_blocks_the_adapter_and_loses_nothing(tmp_path: Path) -> None:
    flood = """
  open() {
    const line = require(require('path').join(require('path').dirname(bodies), 'line.js'));
    const refused = { event: 'refused', cmd: 'flood', why: 'x'.repeat(1900) };
    for (let n = 0; n < 500; n++) line.write(line.encode({ ...refused, id: String(n) }));
  },
"""
    with toy(tmp_path, flood) as harness:
        harness.wait(lambda: harness.named("hello"))
        harness.send(cmd="open", workers=1)
        stat = f"/proc/{harness.process.pid}/syscall"
        futex = "202 " if os.uname().machine == "x86_64" else "98 "
        # It sleeps, and does not spin: nothing of it was read yet.
        until = time.monotonic() + LIMIT_S
        while not Path(stat).read_text().startswith(futex):
            assert time.monotonic() < until and harness.process.poll() is None
        harness.wait(lambda: harness.named("opened"))
        assert [event["id"] for event in harness.named("refused")] == [str(n) for n in range(500)]


def test_end_of_the_line_ends_the_adapter_at_once_whatever_it_would_do_at_its_end(
    tmp_path: Path,
) -> None:
    stubborn = "open() { process.on('exit', () => { for (;;); }); setInterval(() => {}, 1000); }"
    with toy(tmp_path, stubborn) as harness:
        harness.open()
        harness.line.close()
        harness.end()


def test_bye_ends_the_program_in_its_natural_way(tmp_path: Path) -> None:
    last = "process.on('exit', (code) => console.log('the natural end', code));"
    waits = "close() { setTimeout(() => console.log('first this'), 50); }"
    with toy(tmp_path, waits, last) as harness:
        harness.open()
        harness.close()
        assert harness.bye() == 0
        assert harness.stderr() == "first this\nthe natural end 0\n"


def test_bye_with_an_open_pool_is_a_call_of_exit(tmp_path: Path) -> None:
    last = "process.on('exit', (code) => console.log('the natural end', code));"
    with toy(tmp_path, "open() { setInterval(() => {}, 1000); }", last) as harness:
        harness.open()
        assert harness.bye() == 0
        assert harness.stderr() == "the natural end 0\n"


def test_a_program_that_fails_ends_as_node_has_it_and_does_not_hang(tmp_path: Path) -> None:
    fails = "open() { setImmediate(() => { throw new Error('unheard'); }); }"
    with toy(tmp_path, fails) as harness:
        harness.open()
        assert harness.end() == 1
        assert "unheard" in harness.stderr()


# --- what is not there ------------------------------------------------------------------------


def refusal_of_hello(harness: Harness) -> str:
    refusal = harness.wait(lambda: harness.events)[0]
    assert (refusal["event"], refusal["cmd"]) == ("refused", "hello")
    assert harness.end() == 1
    return refusal["why"]


def test_a_pool_that_is_not_installed_is_told_instead_of_hello(tmp_path: Path) -> None:
    with Harness([sys.executable, LAUNCH, "workerpool", str(tmp_path)]) as harness:
        why = refusal_of_hello(harness)
        assert "workerpool is not installed" in why and "npm ci" in why and str(tmp_path) in why


def test_a_machine_without_node_is_told_instead_of_hello(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with Harness([sys.executable, LAUNCH, "workerpool"]) as harness:
        assert "no `node` on PATH" in refusal_of_hello(harness)


def test_a_node_that_is_too_old_is_told_instead_of_hello(tmp_path: Path) -> None:
    old = "Object.defineProperty(process, 'versions', { value: { node: '16.20.2' } });"
    with toy(tmp_path, "", old) as harness:
        why = refusal_of_hello(harness)
        assert "needs Node 18" in why and "16.20.2" in why


def test_a_package_that_does_not_load_is_told_instead_of_hello(tmp_path: Path) -> None:
    harness = toy(tmp_path, "")
    harness.__exit__()  # only its files are wanted
    (tmp_path / "node_modules/toy/index.js").write_text("throw new Error('not on this machine');")
    with Harness([sys.executable, LAUNCH, str(tmp_path / "toy.js"), str(tmp_path)]) as harness:
        assert "not on this machine" in refusal_of_hello(harness)


def test_an_adapter_that_does_not_exist_is_told_instead_of_hello() -> None:
    with Harness([sys.executable, LAUNCH, "nobodys_pool"]) as harness:
        assert "nobodys_pool.js" in refusal_of_hello(harness)


@pytest.mark.parametrize(
    "command", [[sys.executable, LAUNCH, "workerpool"], ["node", str(HERE / "workerpool.js")]]
)
def test_started_by_hand_it_says_what_it_is(command: list[str]) -> None:
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 2 and "conformance" in ended.stderr and ended.stdout == ""


# --- outcomes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("'x'.repeat(4096)", {"kind": "value", "value": "x" * 4096}),
        ("'x'.repeat(4097)", {"kind": "value", "value": {"length": 4097}}),
        ("'\\u{1f40d}'.repeat(4097)", {"kind": "value", "value": {"length": 4097}}),
        ("null", {"kind": "value", "value": None}),
        ("'caf\\ud800'", {"kind": "value", "value": "caf\ufffd"}),
    ],
)
def test_a_value_is_told_as_json(tmp_path: Path, result: str, outcome: dict[str, object]) -> None:
    with toy(tmp_path, f"submit() {{ return Promise.resolve({result}); }}") as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        assert harness.outcome("t1") == outcome


@pytest.mark.parametrize("result", ["undefined", "() => 1", "10n", "loop"])
def test_a_result_that_is_no_json_is_unmapped_and_named(tmp_path: Path, result: str) -> None:
    loop = "const loop = {}; loop.loop = loop;"
    with toy(tmp_path, f"submit() {{ return Promise.resolve({result}); }}", loop) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        outcome = harness.outcome("t1")
        assert outcome["kind"] == "unmapped" and "JSON" in outcome["native"]["text"]


def test_an_outcome_too_large_for_the_line_is_refused_by_name(tmp_path: Path) -> None:
    with toy(tmp_path, "submit() { return Promise.resolve(['x'.repeat(70000)]); }") as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        refusal = harness.refusal("submit")
        assert refusal["id"] == "t1" and "70" in refusal["why"]


def test_a_pool_that_cannot_be_made_or_closed_is_told_so_and_may_be_tried_again(
    tmp_path: Path,
) -> None:
    fails = """
  async open() { if (!this.tried) { this.tried = true; throw new Error('no room'); } },
  close() { throw new RangeError('it cannot be closed'); },
"""
    with toy(tmp_path, fails) as harness:
        harness.wait(lambda: harness.named("hello"))
        harness.send(cmd="open", workers=2)
        assert harness.refusal("open")["why"] == "Error: no room"
        harness.open()
        harness.send(cmd="close", how="drain")
        assert harness.refusal("close")["why"] == "RangeError: it cannot be closed"


def test_what_a_pool_throws_is_told_in_its_own_words_whatever_it_is(tmp_path: Path) -> None:
    throws = """
  table: [[kit.says('known'), { kind: 'rejected' }],
          [kit.isCalled('TypeError'), (error) => ({ kind: 'spawn-failed', cause: error.message })]],
  submit({ id }) {
    if (id === 'at once') throw new Error('known');
    const things = {
      called: new TypeError('exit:3'), nothing: null, word: 'a word',
      long: new RangeError('x'.repeat(5000)), caused: new Error('short', { cause: 'why' }),
      unsayable: { toString() { throw new Error('never'); } }, plain: { name: 'Odd', message: 'm' },
    };
    return Promise.reject(things[id]);
  },
"""
    told = {
        "at once": ("rejected", "Error", "known"),
        "called": ("spawn-failed", "TypeError", "exit:3"),
        "nothing": ("unmapped", "null", "null"),
        "word": ("unmapped", "string", "a word"),
        "long": ("unmapped", "RangeError", "x" * 2000),
        "caused": ("unmapped", "Error", "short\ncaused by: why"),
        "unsayable": ("unmapped", "object", "(its text cannot be had: Error: never)"),
        "plain": ("unmapped", "Odd", "m"),
    }
    with toy(tmp_path, throws) as harness:
        harness.open()
        for task, (kind, name, text) in told.items():
            harness.submit(task, "echo", value=1)
            outcome = harness.outcome(task)
            assert (outcome["kind"], outcome["native"]) == (kind, {"type": name, "text": text})
        harness.submit("word", "echo", value=1)
        assert "before" in harness.refusal("submit")["why"]


# --- the README -------------------------------------------------------------------------------


def test_the_readmes_example_is_an_adapter(tmp_path: Path) -> None:
    (example,) = re.findall(r"```js\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
    program = tmp_path / "my_adapter.js"
    program.write_text(example.replace("/path/to/conformance/adapters/node", str(HERE)))
    package = tmp_path / "node_modules" / "my-pool"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.1.0"}')
    (package / "index.js").write_text(
        """
module.exports = class {
  constructor(options) { this.options = options; }
  call(name, argument) { return require(this.options.file)[name](argument); }
  async end() {}
};
"""
    )
    with Harness([sys.executable, LAUNCH, str(program), str(tmp_path)]) as harness:
        harness.open(workers=1)
        harness.submit("runs", "rendezvous", value=7)
        harness.answer(harness.meeting("runs"), "go")
        assert harness.outcome("runs") == {"kind": "value", "value": 7}
        harness.submit("throws", "rendezvous")
        harness.answer(harness.meeting("throws"), "throw", text="thrown")
        assert harness.outcome("throws")["kind"] == "task-error"
        harness.close("kill")
        assert harness.bye() == 0
