"""Interrupts real uploads to a fake Drive in every way that is known, and judges what the quota books say afterwards.

    python -m tests.interruptions --rounds 500 --seed 1

It knows cloudplow only by its command line. A round is one `Scenario` (`scenario`), played at a `Place` of its own
(`place`, `playing`): `watching` waits for the moment that a step aims at, `interrupting` does it, `judging` compares
the books, the Drive and what was told; `table` adds it all up.
"""
