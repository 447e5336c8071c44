"The same run on local processes, on threads and on a cluster; and with a worker that is killed."
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from promptpo import Limits, Protocol, optimize
from promptpo.runlog import differences

PROTOCOL = Protocol(rounds=2, candidates=4, episodes=3, test_episodes=20, selection_episodes=10, feedback="none", reflection=False)


def model(prompt, sample):
    "Policies that differ, one of which crashes."
    body = "return 1 / 0" if sample == 2 else f"return 3 if obs.agent_col < {0.3 * (sample + 1)} else 1"
    return f"```python\nclass Policy:\n    def act(self, obs):\n        {body}\n```"


def run(folder, **how):
    return optimize("noise_world_board_1", model, PROTOCOL, run=folder, seed=0, progress=False, **how)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return run(tmp_path_factory.mktemp("run") / "local", workers=1)


def test_local_processes(reference, tmp_path):
    assert differences(reference.events, run(tmp_path / "run", workers=2).events) == []


def test_threads(reference, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        assert differences(reference.events, run(tmp_path / "run", executor=pool).events) == []


def test_dask(reference, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        assert differences(reference.events, run(tmp_path / "run", executor=client.get_executor(pure=False)).events) == []


def workers_of_this_process():
    "Process numbers of our loky workers."
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat, words = open(f"/proc/{pid}/stat").read(), open(f"/proc/{pid}/cmdline").read()
        except OSError:
            continue
        if stat.rsplit(")", 1)[1].split()[1] == str(os.getpid()) and "popen_loky" in words:
            found.append(int(pid))
    return found


def slow_model(prompt, sample):
    return "```python\nimport time\nclass Policy:\n    def act(self, obs):\n        time.sleep(0.02)\n        return 3 if obs.agent_col < 1 else 1\n```"


def test_killed_worker(tmp_path):
    "A run whose worker is killed in mid-candidate ends as if it had not happened, and its log says that it did."
    protocol = Protocol(rounds=1, candidates=4, episodes=3, test_episodes=0, finalists=1, feedback="none")
    calm = optimize("noise_world_board_1", slow_model, protocol, run=tmp_path / "calm", seed=0, progress=False, workers=2)
    killed = []

    def kill():
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not killed:
            workers = workers_of_this_process()
            if len(workers) == 2:
                time.sleep(1.0)  # in the middle of the first candidates
                os.kill(workers[0], signal.SIGKILL)
                killed.append(workers[0])
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    hit = optimize("noise_world_board_1", slow_model, protocol, run=tmp_path / "hit", seed=0, progress=False, workers=2)
    thread.join()
    assert killed
    assert differences(calm.events, hit.events) == []
    assert sum(e.data["machine"]["worker_deaths"] for e in hit.events if e.kind == "rolled") > 0


def test_nothing_is_left_behind(tmp_path):
    "Processes, threads and open files after many candidates are those from before."
    def counts():
        children = [p for p in filter(str.isdigit, os.listdir("/proc")) if os.path.exists(f"/proc/{p}/stat") and open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[1] == str(os.getpid())]
        return len(children), threading.active_count(), len(os.listdir("/proc/self/fd"))

    protocol = Protocol(rounds=1, candidates=40, episodes=2, test_episodes=0, finalists=1, feedback="none", limits=Limits(act=1.0))
    optimize("noise_world_board_1", model, protocol, run=tmp_path / "first", progress=False, workers=1)
    before = counts()
    optimize("noise_world_board_1", model, protocol, run=tmp_path / "second", progress=False, workers=1)
    deadline = time.monotonic() + 10  # what other tests left behind may still be ending
    while any(now > then for now, then in zip(counts(), before)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert all(now <= then for now, then in zip(counts(), before)), (counts(), before)
