"""The real coding agents, run against a real gateway: `make test-agents`.

Each agent is asked the same prompt twice, from an empty HOME each time, and once something else. The first
answer must come from the stub provider, the second must be the first one again out of the exact cache (L1a),
the third must be new.

Everything but the installation runs in a network namespace that has nothing but loopback, so that no agent
can reach its maker, and with keys that are worth nothing. `__main__` shows the way of a run; one file per
agent says how it is installed, configured and started, and what is expected of it.
"""
