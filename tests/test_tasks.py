"Every task: nothing leaks into a policy's process, and environments that live in one process do not disturb each other."
import pytest

from promptpo.check import abreast_problems, leaks
from promptpo.runlog import PromptPOError
from promptpo.task import all_tasks, make_env

TASKS = all_tasks()
PAPER = ["noise_world_board_0", "noise_world_board_1", "noise_world_board_2", "noise_world_board_3", "noise_world_board_4", "noise_world_board_5", "noise_world_board_6",
         "point_maze_large_v3", "point_maze_large_diverse_g_v3", "button_press_v3", "door_open_v3", "drawer_open_v3", "pick_place_v3", "traffic", "glucose", "pandemic",
         "ant_v5", "halfcheetah_v5", "hopper_v5", "humanoid_v5", "inverted_double_pendulum_v5", "reacher_v5", "swimmer_v5"]


def test_the_23_tasks_of_the_paper_are_there():
    assert len(PAPER) == 23 and set(PAPER) <= set(TASKS)


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if "_explained" not in name and "_keys" not in name and "_map" not in name])
def test_task(name):
    task = TASKS[name]
    try:
        make_env(task).close()
    except PromptPOError as e:
        pytest.skip(str(e))
    assert leaks(task) == []
    assert abreast_problems(task) == []
