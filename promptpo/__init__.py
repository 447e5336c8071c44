"Prompted Policy Optimization: a language model writes the policy, rollouts judge it."
__version__ = "0.1.0"
