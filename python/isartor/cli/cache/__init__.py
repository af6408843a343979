"""`isartor cache ...`: one file per command.

`list`, `report` and `invalidate` ask a running gateway. `explain`, `evaluate` and `calibrate` need none: they load the
bundled model here and judge as a gateway with this configuration would (`judging.py`).
"""
