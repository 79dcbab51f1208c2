"""HiGHS where it ends the process."""

import subprocess
import sys
from pathlib import Path

MODEL = Path(__file__).with_name("presolve_that_probes.npz")

SCRIPT = """
import sys
import numpy as np
from aidmatch.solvers.mip import Highs, Linear
model = dict(np.load(sys.argv[1]))
low, high, known = (model.pop(name) for name in ("low", "high", "known"))
linear = Linear(**model, columns=len(model["step"]), rows=555, near=5e-4, knapsacks=True)
answer = Highs().search(linear, 20.0, low, high, known)
print(answer.bound, round(float(answer.values @ linear.cost[: linear.columns])))
"""


def test_a_search_whose_presolve_would_write_beside_its_matrix() -> None:
    # numbers of a region of the synthetic city's care, level of nearness
    command = [sys.executable, "-c", SCRIPT, str(MODEL)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "150 150\n"), ran.stderr
