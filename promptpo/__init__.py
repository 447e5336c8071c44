"""Prompted Policy Optimization: a language model writes the policy, rollouts judge it.

Names are loaded when they are first used, so that `import promptpo` costs next to nothing."""
__version__ = "0.1.0"

from importlib import import_module as _import_module

_HOMES = {
    "runlog": "Event RunLog Candidate Report PromptPOError find_run recorded_runs report spent",
    "task": "Task Field Anchor find_task all_tasks add_task task_from_gym check_task describe",
    "llm": "Reply claude replay mailbox",
    "prompt": "Prompt",
    "rollout": "Episode rollout",
    "isolation": "Limits Outcome evaluate summarize",
    "check": "leaks",
    "loop": "Protocol HONEST PAPER ARMS Budget Run estimate optimize preview_prompt",
    "panels": "RunPanel ComparePanel MailboxPanel watch",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name in _HOME:
        return getattr(_import_module(f"promptpo.{_HOME[name]}"), name)
    raise AttributeError(f"module 'promptpo' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_HOME])
