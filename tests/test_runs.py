"Runs that are cut off anywhere, runs with caps, and the recorded runs, done again."
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from promptpo.llm import Reply
from promptpo.loop import Budget, Protocol, Run, optimize
from promptpo.runlog import PromptPOError, differences, recorded_runs
from promptpo.task import find_task, line_task

SMALL = Protocol(rounds=2, candidates=3, episodes=2, repairs=1, test_episodes=4, selection_episodes=2, finalists=3)
PROGRAMS = ["class Policy:\n    def act(self, obs): return 0", "class Policy:\n    def act(self, obs): return self.x", "class Policy:\n    def act(self, obs): return 1"]


def parrot(text, sample):
    "Plays the model; what it says follows from what it is asked."
    usage = {"input": 100, "cache_write": 0, "cache_read": 0, "output": 50, "thinking": 0}
    if "class `Feedback`" in text.split("# What to do now")[0]:
        code = "class Feedback:\n    def summarize_trajectory(self, traj): return f'ended at {traj.observations[-1].position}'"
    elif "Do not write code yet" in text:
        return Reply("It went the wrong way.", "", "", "parrot", "end_turn", usage, 0.01)
    else:
        code = PROGRAMS[0 if "What went wrong" in text else (sample + ("What was tried" in text)) % 3]
    return Reply(f"```python\n{code}\n```", "", "", "parrot", "end_turn", usage, 0.01)


def go(folder, **more):
    return optimize(line_task(), parrot, SMALL, run=folder, seed=5, workers=1, progress=False, **more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return go(tmp_path_factory.mktemp("whole") / "run")


def test_cut_off_behind_every_event_and_within_every_line(whole, tmp_path):
    "Equal logs and equal spending, wherever a run was cut off; nothing that was in the log is asked for or rolled out again."
    lines = (whole.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    for cut in range(1, len(lines)):
        part = tmp_path / str(cut)
        part.mkdir()
        (part / "events.jsonl").write_bytes(b"".join(lines[:cut]) + lines[cut][: len(lines[cut]) * (cut % 3) // 3])  # nothing, a third, or two thirds of the next line
        asked = []

        def counted(text, sample):
            asked.append(sample)
            return parrot(text, sample)

        counted.__name__ = "parrot"
        again = Run(part).resume(counted, task=line_task(), workers=1, progress=False)
        assert differences(whole.events, again.events) == [], cut
        assert len(asked) == sum(b'"kind": "replied"' in line for line in lines[cut:]), cut
        assert {k: v for k, v in again.report().spent.items() if k != "seconds"} == {k: v for k, v in whole.report().spent.items() if k != "seconds"}, cut


def near(text, sample):
    "Ways over the frozen lake that are nearly as good as each other, one of them failing now and then: who is ahead changes from stage to stage of a race."
    fails = "if obs.state == 14: raise ValueError" if sample == 3 else "pass"
    return f"""```python
class Policy:
    def act(self, obs):
        {fails}
        return 'LDRU'.index('LUUULLRLUDLLLRDL'[obs.state]) if obs.state != {sample} else {sample % 4}
```"""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cut_off_in_a_race(tmp_path, seed):
    "What was rolled out in a later stage has no say in an earlier one."
    lake = find_task("FrozenLake-v1")
    race = Protocol(rounds=1, candidates=8, repairs=0, finalists=8, selection_episodes=8, test_episodes=4, feedback="none", reflection=False)
    whole = optimize(lake, near, race, run=tmp_path / "whole", seed=seed, workers=1, progress=False)
    lines = (whole.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    inside = [i for i, line in enumerate(lines) if b'"id": "final.' in line]
    assert len(inside) > 10
    for cut in inside[1:]:
        part = tmp_path / str(cut)
        part.mkdir()
        (part / "events.jsonl").write_bytes(b"".join(lines[:cut]))
        assert differences(whole.events, Run(part).resume(near, workers=1, progress=False).events) == [], cut


KILLED = """
import os, signal, sys
sys.path.insert(0, {here!r})
import test_runs, promptpo.runlog as runlog
write, left = runlog.RunLog._write, [{count}]
def counting(self, line):
    if left[0] == 0:
        with open(self.path, "ab") as f: f.write(line[:len(line) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    write(self, line)
runlog.RunLog._write = counting
test_runs.go({folder!r})
"""


@pytest.mark.parametrize("count", [2, 9, 17, 26])
def test_killed_while_it_writes(whole, tmp_path, count):
    "kill -9 of the whole process in the middle of a line."
    folder = tmp_path / "run"
    done = subprocess.run([sys.executable, "-c", KILLED.format(here=str(Path(__file__).parent), count=count, folder=str(folder))], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert not (folder / "events.jsonl").read_bytes().endswith(b"\n")
    again = Run(folder).resume(parrot, task=line_task(), workers=1, progress=False)
    assert differences(whole.events, again.events) == []


def test_a_run_that_is_open_elsewhere_is_refused(whole, tmp_path):
    "The process that writes is named."
    script = f"import sys, time\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport test_runs\ndef slow(text, sample):\n    print('asked', flush=True); time.sleep(60)\n" \
             f"test_runs.parrot = slow\ntest_runs.go({str(tmp_path / 'run')!r})"
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"asked\n"
        with pytest.raises(PromptPOError, match=f"open for writing in process {other.pid}"):
            Run(tmp_path / "run").resume(parrot, task=line_task(), workers=1, progress=False)
    finally:
        other.kill()
        other.wait()


def test_a_full_disk_leaves_a_readable_log(whole, tmp_path):
    "A write that fails ends the run with a clear error; it goes on when there is room."
    script = f"""
import resource, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_runs
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
try: test_runs.go({str(tmp_path / 'run')!r})
except test_runs.PromptPOError as e: print(e)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "What is in the log so far is safe" in done.stdout, done.stderr[-2000:]
    again = Run(tmp_path / "run").resume(parrot, task=line_task(), workers=1, progress=False)
    assert differences(whole.events, again.events) == []


@pytest.mark.parametrize("cap", [dict(calls=4), dict(calls=9), dict(tokens=700), dict(usd=0.05), dict(episodes=20), dict(episodes=21), dict(steps=80), dict(steps=150)])
def test_no_cap_is_exceeded_by_more_than_what_is_in_flight(tmp_path, cap):
    "Calls, tokens and dollars may run over by the requests that are under way; the run ends normally, and what there is is tested."
    run = go(tmp_path / "run", budget=Budget(**cap))
    r, (name, most) = run.report(), *cap.items()
    used = {"calls": r.spent["calls"], "tokens": r.spent["tokens"]["input"] + r.spent["tokens"]["output"], "usd": r.spent["usd"], "episodes": sum(r.spent["episodes"].values()),
            "steps": sum(r.spent["steps"].values())}[name]
    in_flight = {"calls": 0, "tokens": 4 * 150, "usd": 4 * 0.01, "episodes": 0, "steps": 3 * 2 * 20}[name]   # a round asks for three candidates at a time, beside the Feedback program
    assert used <= most + in_flight + 1e-9
    assert r.ended.startswith(f"budget: {name}"), r.ended
    assert (r.test_mean is not None) == (r.worked > 0)


QUICK = ("CartPole-v1", "FrozenLake-v1", "Pendulum-v1", "noise_world_board_1", "noise_world_board_4")   # the others take minutes each: PROMPTPO_ALL_RUNS=1


VERIFY = """
import socket, sys
def refused(*args, **more): raise OSError("the network is off")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refused
from promptpo.loop import Run
lines = Run(sys.argv[1]).verify(workers=int(sys.argv[2]))
print("\\n".join(lines))
sys.exit(len(lines) > 0)
"""


@pytest.mark.parametrize("workers,hash_seed", [(1, "1"), (2, "2")])
@pytest.mark.parametrize("name", [n for n in recorded_runs() if n in QUICK or os.environ.get("PROMPTPO_ALL_RUNS")])
def test_recorded_runs_can_be_done_again(name, workers, hash_seed):
    "Without a network, with another hash seed, with one worker and with two: the same log."
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("ANTHROPIC_")}, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", VERIFY, name, str(workers)], env=env, capture_output=True, text=True)
    if "needs something that is not installed" in done.stderr:
        pytest.skip(done.stderr.strip().split("\n")[-1][:200])
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
