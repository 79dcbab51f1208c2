"""The protocol of a solver of integer programs, the linear form it is given, and the adapter of HiGHS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import numpy as np

from aidmatch._version import version_of
from aidmatch.arrays import Floats, Ints
from aidmatch.errors import SolverError
from aidmatch.integer_program import NO_LIMIT, IntegerLevel, IntegerProgram
from aidmatch.plugins import from_extra
from aidmatch.solvers.growing import Growing, GrowingSolver, HighsGrowing

__all__ = ["Highs", "Linear", "MipAnswer", "MipSolver", "Relaxation"]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """An integer program at one level as rows and columns of a mixed-integer program.

    A column stands divided by its step. Where it may not lie between nothing and its least, or a row asks whether it
    is used, a binary column follows that says so, unless it is used once at most. Budgets of the levels above are the
    last of the program's rows, before those that tie binary columns to theirs.

    Parameters
    ----------
    columns
        Number of the program's columns, which come first.
    rows
        Number of the program's rows and budgets, which come first.
    cost, lower, upper
        Of each column.
    start, column, value
        The matrix by rows.
    row_lower, row_upper
        Limits of the rows; infinite for none.
    used, binary
        Columns that have a binary one, and the place of each column's own, −1 for none.
    step
        What each column is divided by.
    target
        A known bound: a search that reaches it is over.
    near
        Part of the value that a search may be from its own bound when it is over.
    tie
        Most that a part of the costs adds or takes off which only says what is better among equals; below a quarter.
    knapsacks
        Whether its supplies are decided as knapsacks, or by facets, whose rows it may have.
    """

    columns: int
    rows: int
    cost: Floats
    lower: Floats
    upper: Floats
    start: Ints
    column: Ints
    value: Floats
    row_lower: Floats
    row_upper: Floats
    used: Ints
    binary: Ints
    step: Ints
    target: float | None = None
    near: float = 0.0
    tie: float = 0.0
    knapsacks: bool = False

    @classmethod
    def of(cls, program: IntegerProgram, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]]) -> Linear:
        """Spell out a program at one level.

        Parameters
        ----------
        program
            The program.
        level
            What is minimized, as a sum.
        budgets
            The levels above that are sums, each with the most it may be.
        """
        from scipy.sparse import coo_array

        n, rows = len(program.most), len(program.row_kind)
        step = program.step
        asked = np.zeros(n, dtype=np.bool_)
        asked[program.use_column] = True
        used = np.flatnonzero((program.most > step) & (asked | (program.least > step)))
        # what is used once at most says itself whether it is used
        binary = np.where(program.most == step, np.arange(n), -1)
        binary[used] = n + np.arange(len(used))
        row = [np.repeat(np.arange(rows), np.diff(program.row_start))]
        column, value = [program.row_column], [program.row_coefficient * step[program.row_column]]
        in_use = binary[program.use_column] >= 0
        row.append(np.repeat(np.arange(rows), np.diff(program.use_start))[in_use])
        column.append(binary[program.use_column][in_use])
        value.append(program.use_coefficient[in_use])
        lower, upper = [program.row_lower], [program.row_upper]
        for number, (higher, budget) in enumerate(budgets):
            costly = np.flatnonzero(higher.cost) if not higher.largest else np.zeros(0, dtype=np.int64)
            row.append(np.full(len(costly), rows + number))
            column.append(costly)
            value.append((higher.cost * step)[costly])
            lower.append(np.array([-NO_LIMIT]))
            upper.append(np.array([budget - higher.constant if not higher.largest else NO_LIMIT]))
        ties = rows + len(budgets)
        number_of = np.arange(len(used))
        most, least = (program.most // step)[used], (program.least // step)[used]
        for offset, size in ((0, most), (len(used), least)):
            row += [ties + offset + number_of] * 2
            column += [used, binary[used]]
            value += [np.ones(len(used), dtype=np.int64), -size]
        lower += [np.full(len(used), -NO_LIMIT), np.zeros(len(used), dtype=np.int64)]
        upper += [np.zeros(len(used), dtype=np.int64), np.full(len(used), NO_LIMIT)]
        count = ties + 2 * len(used)
        entries = np.concatenate(value).astype(float), (np.concatenate(row), np.concatenate(column))
        # what says itself whether it is used may stand in a row twice
        matrix = coo_array(entries, shape=(count, n + len(used))).tocsr()
        return cls(
            columns=n,
            rows=ties,
            cost=np.concatenate([level.cost * step, np.zeros(len(used), dtype=np.int64)]).astype(float),
            lower=np.zeros(n + len(used)),
            upper=np.concatenate([program.most // step, np.ones(len(used), dtype=np.int64)]).astype(float),
            start=matrix.indptr.astype(np.int64),
            column=matrix.indices.astype(np.int64),
            value=matrix.data,
            row_lower=_limits(np.concatenate(lower)),
            row_upper=_limits(np.concatenate(upper)),
            used=used,
            binary=binary,
            step=step,
        )

    @classmethod
    def compact(
        cls, program: IntegerProgram, level: IntegerLevel, budgets: Sequence[tuple[IntegerLevel, int]]
    ) -> Linear:
        """Spell out the linear relaxation alone, without binary columns.

        Where being used only weighs on upper limits, a relaxation uses a column as far as it is filled, so that its
        binary column is its own value over the most it may be. Multipliers of the rows are those of the longer form.

        Parameters
        ----------
        program, level, budgets
            As `of`.
        """
        from scipy.sparse import coo_array

        n, rows, step = len(program.most), len(program.row_kind), program.step
        row = [np.repeat(np.arange(rows), np.diff(start)) for start in (program.row_start, program.use_start)]
        column = [program.row_column, program.use_column]
        most = np.maximum(program.most // step, 1)
        value = [
            (program.row_coefficient * step[program.row_column]).astype(float),
            program.use_coefficient / most[program.use_column],
        ]
        lower, upper = [program.row_lower], [program.row_upper]
        for number, (higher, budget) in enumerate(budgets):
            costly = np.flatnonzero(higher.cost) if not higher.largest else np.zeros(0, dtype=np.int64)
            row.append(np.full(len(costly), rows + number))
            column.append(costly)
            value.append((higher.cost * step)[costly].astype(float))
            lower.append(np.array([-NO_LIMIT]))
            upper.append(np.array([budget - higher.constant if not higher.largest else NO_LIMIT]))
        count = rows + len(budgets)
        matrix = coo_array((np.concatenate(value), (np.concatenate(row), np.concatenate(column))), (count, n)).tocsr()
        return cls(
            columns=n,
            rows=count,
            cost=(level.cost * step).astype(float),
            lower=np.zeros(n),
            upper=(program.most // step).astype(float),
            start=matrix.indptr.astype(np.int64),
            column=matrix.indices.astype(np.int64),
            value=matrix.data,
            row_lower=_limits(np.concatenate(lower)),
            row_upper=_limits(np.concatenate(upper)),
            used=np.zeros(0, dtype=np.int64),
            binary=np.full(n, -1),
            step=step,
        )

    def grown(self, solver: GrowingSolver) -> Growing:
        """The linear relaxation as a program that grows by rows."""
        model, nothing = solver.growing(by_rows=True), np.zeros(0, dtype=np.int64)
        model.add_columns(
            self.cost, self.lower, self.upper, np.zeros(len(self.cost), dtype=np.int64), nothing, np.zeros(0)
        )
        model.add_rows(self.row_lower, self.row_upper, self.start[:-1], self.column, self.value)
        return model

    def reduced(self, duals: Floats) -> Floats:
        """Reduced costs of all columns, from multipliers of all rows."""
        from scipy.sparse import csr_array

        matrix = csr_array((self.value, self.column, self.start), shape=(len(self.row_lower), len(self.cost)))
        found: Floats = self.cost - matrix.T @ duals
        return found

    def limits(self, low: Ints, high: Ints) -> tuple[Floats, Floats]:
        """Limits of all columns from those of the program's own."""
        first, last = -(-low // self.step), high // self.step
        use_low, use_high = (low[self.used] > 0).astype(float), (high[self.used] > 0).astype(float)
        return np.concatenate([first.astype(float), use_low]), np.concatenate([last.astype(float), use_high])


def _limits(limits: Ints) -> Floats:
    floats = limits.astype(float)
    floats[limits <= -NO_LIMIT] = -np.inf
    floats[limits >= NO_LIMIT] = np.inf
    return floats


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The answer of a linear relaxation; nobody believes it.

    Parameters
    ----------
    values
        Of the program's columns, each divided by its step.
    charged
        How far each binary column is used.
    reduced
        Reduced costs of the program's columns; a hint, no more.
    row_dual
        Of the program's rows and budgets: a positive one works on the lower limit. Of an infeasible relaxation a ray,
        if there is one.
    infeasible
        Whether the solver says that there is nothing.
    """

    values: Floats
    charged: Floats
    reduced: Floats
    row_dual: Floats
    infeasible: bool


@dataclass(frozen=True, slots=True)
class MipAnswer:
    """What a search found; nobody believes it.

    Parameters
    ----------
    values
        Of the program's columns, each divided by its step; None if nothing was found.
    bound
        The least the level can be, in the solver's word; None if it says nothing.
    seconds
        How long it took.
    """

    values: Floats | None
    bound: int | None
    seconds: float


class MipSolver(Protocol):
    """What a solver of integer programs offers."""

    @property
    def name(self) -> str:
        """Name in results and errors."""
        ...

    @property
    def version(self) -> str:
        """Version in results."""
        ...

    def relaxation(self, linear: Linear, seconds: float | None, low: Ints, high: Ints) -> Relaxation | None:
        """Solve the linear relaxation under limits on the columns; None if the time was over."""
        ...

    def search(self, linear: Linear, seconds: float | None, low: Ints, high: Ints, start: Ints) -> MipAnswer:
        """Look for the optimum in whole numbers under limits on the columns, from a feasible start."""
        ...


#: What searches are spared, by measurement, where supplies are decided as knapsacks or by facets: beginning again after
#: the root, cuts beyond it, and a pool of many cuts.
_SPARED: Final = (
    ("mip_allow_restart", False),
    ("mip_allow_cut_separation_at_nodes", False),
    ("mip_pool_soft_limit", 2_000),
)


#: Rules of presolve that searches do without, as a mask: probing and enumeration, which both prepare to probe. HiGHS
#: 1.16.0 can leave entries of deleted columns in its matrix, and to prepare then writes beside it: the process ends.
_SUSPECT: Final = 1 << 15 | 1 << 16


class Highs:
    """HiGHS through its own arrays.

    Its default gap of one in ten thousand is set to zero, no size of model changes the number of threads, and each
    search is given a model of its own.

    Raises
    ------
    PluginError
        ``MISSING_EXTRA`` if highspy is not installed.
    """

    name: Final = "highs"

    def __init__(self) -> None:
        with from_extra("integer"):
            import highspy
        self._api: Any = highspy
        self._version = version_of("highspy")
        self._model: Any = None
        self._linear: Linear | None = None

    def __reduce__(self) -> tuple[type[Highs], tuple[()]]:
        # a module is no cargo for another process, which has its own
        return Highs, ()

    @property
    def version(self) -> str:
        """The version of HiGHS."""
        return self._version

    def growing(self, *, by_rows: bool = False, turning: bool = False) -> Growing:
        """Start a linear program that grows."""
        return HighsGrowing(self._api, by_rows=by_rows, turning=turning)

    def relaxation(self, linear: Linear, seconds: float | None, low: Ints, high: Ints) -> Relaxation | None:
        """Solve the linear relaxation; the next one of the same program starts from the basis of this."""
        if self._linear is not linear:
            before, basis = self._linear, None if self._model is None else self._model.getBasis()
            self._model, self._linear = self._loaded(linear, whole=False), linear
            self._carry(before, basis)
        model = self._model
        lower, upper = linear.limits(low, high)
        self._call(model.changeColsBounds(len(lower), np.arange(len(lower), dtype=np.int32), lower, upper))
        if seconds is not None:
            model.setOptionValue("time_limit", float(model.getRunTime()) + seconds)
        self._call(model.run())
        status, kinds = model.getModelStatus(), self._api.HighsModelStatus
        if status == kinds.kOptimal:
            solution = model.getSolution()
            values = np.array(solution.col_value)
            parts = values[: linear.columns], values[linear.columns :]
            reduced = np.array(solution.col_dual)[: linear.columns]
            return Relaxation(*parts, reduced, np.array(solution.row_dual)[: linear.rows], infeasible=False)
        if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
            _, found, ray = model.getDualRay()
            if not found:  # presolve saw it, and has no ray to show
                model.setOptionValue("presolve", "off")
                model.clearSolver()
                self._call(model.run())
                _, found, ray = model.getDualRay()
                model.setOptionValue("presolve", "choose")
            dual = np.array(ray)[: linear.rows] if found else np.zeros(0)
            return Relaxation(*(np.zeros(0),) * 3, dual, infeasible=True)
        return None

    def _carry(self, before: Linear | None, basis: Any) -> None:
        """Start from the basis of the level above, where the program is the same but for one more budget."""
        linear = cast("Linear", self._linear)
        if before is None or not basis.valid or len(before.cost) != len(linear.cost):
            return
        more = len(linear.row_lower) - len(before.row_lower)
        if not 0 <= more == linear.rows - before.rows:
            return
        rows = list(basis.row_status)
        basis.row_status = [*rows[: before.rows], *[self._api.HighsBasisStatus.kBasic] * more, *rows[before.rows :]]
        self._model.setBasis(basis)

    def search(self, linear: Linear, seconds: float | None, low: Ints, high: Ints, start: Ints) -> MipAnswer:
        """Look for the optimum in whole numbers."""
        answer, sound = self._searched(linear, seconds, low, high, start)
        if sound:
            return answer
        # 1.16 can give the start back as it was, though presolve had made more of it; then it goes without
        left = None if seconds is None else max(0.0, seconds - answer.seconds)
        again, _ = self._searched(linear, left, low, high, None)
        return MipAnswer(again.values, again.bound, answer.seconds + again.seconds)

    def _searched(
        self, linear: Linear, seconds: float | None, low: Ints, high: Ints, start: Ints | None
    ) -> tuple[MipAnswer, bool]:
        """What a search found, and whether what it says of it agrees with what it gives."""
        model = self._loaded(linear, whole=True)
        lower, upper = linear.limits(low, high)
        self._call(model.changeColsBounds(len(lower), np.arange(len(lower), dtype=np.int32), lower, upper))
        if seconds is not None:
            model.setOptionValue("time_limit", seconds)
        self._call(model.setOptionValue("presolve_rule_off", _SUSPECT))
        for option, value in _SPARED if linear.knapsacks else ():
            self._call(model.setOptionValue(option, value))
        model.setOptionValue("mip_rel_gap", linear.near)
        if linear.tie:
            # whole numbers are less than one apart, which the solver cannot know where ties have costs
            model.setOptionValue("mip_abs_gap", 0.98 - 2 * linear.tie)
        if linear.target is not None:
            model.setOptionValue("objective_target", linear.target + 0.25)
        if start is not None:
            solution = self._api.HighsSolution()
            used = (start[linear.used] > 0).astype(float)
            solution.col_value = np.concatenate([start / linear.step, used]).tolist()
            model.setSolution(solution)
        self._call(model.run())
        info, took = model.getInfo(), float(model.getRunTime())
        if model.getModelStatus() == self._api.HighsModelStatus.kInfeasible:
            return MipAnswer(None, None, took), start is None
        bound = float(info.mip_dual_bound)
        said = int(np.ceil(bound - linear.tie - 1e-5)) if abs(bound) < 1e15 else None
        if info.primal_solution_status != self._api.SolutionStatus.kSolutionStatusFeasible:
            return MipAnswer(None, said, took), True
        values = np.array(model.getSolution().col_value)
        sound = abs(float(values @ linear.cost) - float(info.objective_function_value)) < 0.5
        return MipAnswer(values[: linear.columns], said, took), sound

    def _loaded(self, linear: Linear, *, whole: bool) -> Any:
        api = self._api
        # not Highs(), whose callbacks print a banner before anything can be set
        model = api._core._Highs()
        model.setOptionValue("output_flag", False)
        model.setOptionValue("mip_abs_gap", 0.5)
        lp = api.HighsLp()
        lp.num_col_, lp.num_row_ = len(linear.cost), len(linear.row_lower)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = linear.cost, linear.lower, linear.upper
        lp.row_lower_, lp.row_upper_ = linear.row_lower, linear.row_upper
        lp.a_matrix_.format_ = api.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = linear.start.astype(np.int32)
        lp.a_matrix_.index_ = linear.column.astype(np.int32)
        lp.a_matrix_.value_ = linear.value
        if whole:
            lp.integrality_ = [api.HighsVarType.kInteger] * len(linear.cost)
        self._call(model.passModel(lp))
        return model

    def _call(self, status: Any) -> None:
        if status == self._api.HighsStatus.kError:
            raise SolverError("HiGHS reported an error", solver=self.name, code="SOLVER_FAILED")
