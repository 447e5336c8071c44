"""Pictures of the tasks, kept in docs/pictures so that the site needs no simulator: python docs/build.py --pictures

A frame of an episode where the environment can draw one, else what changes over the first episodes. The hand-written policy plays where there is one.
"""
import subprocess
import sys
from pathlib import Path

from catalogue import slug

HERE = Path(__file__).parent
FOLDER = HERE / "pictures"
MOST = 120.0   # seconds for a task


def draw_all():
    "Each task in a process of its own, because a simulator may hang or die."
    from promptpo.task import all_tasks
    FOLDER.mkdir(exist_ok=True)
    for name in all_tasks():
        try:
            subprocess.run([sys.executable, __file__, name], timeout=MOST, check=True)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as e:
            print(f"{name}: no picture ({type(e).__name__})")


def frame(task):
    "A frame from within an episode, or None."
    from functools import partial
    from promptpo.task import bare_steps
    try:
        env = partial(task.make, render_mode="rgb_array")()
    except TypeError:   # it takes no render_mode, so it draws nothing
        return None
    for _ in bare_steps(task, env, policy_of(task), 3, min(100, task.horizon // 2)):
        pass
    pixels = env.render()
    env.close()
    return pixels


def policy_of(task):
    from promptpo.task import written_policy
    return written_policy(task)() if task.written else None


def series(task, env, count=3, most=600):
    "Trajectories of a few episodes, as a log keeps them."
    import numpy as np
    from promptpo.task import bare_steps
    seen, actions, rewards, lengths = {}, [], [], []
    for seed in range(count):
        steps = list(bare_steps(task, env, policy_of(task), seed, most))
        lengths.append(len(steps))
        for before, action, reward, _, _ in steps:
            for k, v in before.items():
                seen.setdefault(f"obs.{k}", []).append(np.asarray(v, float))
            actions.append(np.asarray(action, float))
            rewards.append(reward)
    seen = {k: np.stack(v) for k, v in seen.items() if len({a.shape for a in v}) == 1}
    return {**seen, "actions": np.stack(actions), "rewards": np.array(rewards), "lengths": np.array(lengths)}


def draw(name):
    "Write the picture of a task."
    import os
    os.environ.setdefault("MUJOCO_GL", "egl")
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    from promptpo.figures import NOTHING
    from promptpo.plots import drawn, episodes
    from promptpo.runlog import PromptPOError
    from promptpo.task import find_task, make_env
    task = find_task(name)
    try:
        make_env(task).close()
    except PromptPOError as e:
        print(f"{name}: no picture, {e}")
        return
    try:
        pixels = frame(task)
    except Exception as e:
        print(f"{name}: cannot render ({type(e).__name__}: {e}); its episodes are drawn instead")
        pixels = None
    stem = FOLDER / slug(name)
    if pixels is not None:
        from PIL import Image
        picture = Image.fromarray(pixels)
        picture.thumbnail((640, 640))
        picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(f"{stem}.png", optimize=True)
    else:
        env = make_env(task)
        arrays = series(task, env)
        env.close()
        for style, suffix in (("print", ""), ("dark", ".dark")):
            with drawn(style):
                episodes(arrays).savefig(f"{stem}{suffix}.png", dpi=130, metadata=NOTHING["png"])
    print(f"{name}: {'a frame' if pixels is not None else 'episodes'}")


if __name__ == "__main__":
    draw(sys.argv[1])
