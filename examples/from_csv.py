"""Match needs to donations that a platform exported under its own Chinese headers.

Three maps say how the platform's words become the library's: `columns=` for the headers, `values=` for what stands in
the cells, `constants=` for what is true of every row and stands in none. With `errors="keep"` bad rows are left out
and reported, each with its line and column; the good ones go on.

Give a folder for the result as the first argument if you like.
"""

import sys
import tempfile
from datetime import date
from pathlib import Path

import aidmatch as am

data = Path(__file__).parent / "data"
folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
folder.mkdir(parents=True, exist_ok=True)

# our field: their header
goods = {"item": "物品", "quantity": "数量", "unit": "单位", "code": "地区代码", "lat": "纬度", "lon": "经度"}
case = {"category": "类别", "approval": "审批状态", "objected": "异议", "registered_on": "登记日期"}
terms = {"status": "状态", "expires_on": "有效期至", "only_categories": "只给类别"}

needs = am.read(
    data / "platform_needs.csv",
    am.Need,
    columns={"id": "需求编号", "household_id": "户编号", **goods, **case},
    values={  # our field: their word: our word
        "category": {"一类": "A", "二类": "B", "三类": "C", "四类": "D"},
        "approval": {"已审批": "approved", "公示中": "published"},
        "objected": {"有": True, "无": False},
    },
    constants={"status": "open"},  # this platform exports open cases only
    errors="keep",
)
donations = am.read(
    data / "platform_donations.csv",
    am.Donation,
    columns={"id": "批次编号", "donor_id": "捐赠方编号", **goods, **terms},
    values={
        "status": {"已认捐": "pledged", "在库": "in_stock", "已发出": "dispatched"},
        "only_categories": {"一类": "A", "一类、二类": "A;B"},  # compared as a whole cell
    },
    errors="keep",
)
print(needs.report.text())
print(donations.report.text(), end="\n\n")

problem = am.GivingProblem(needs, donations, as_of=date(2017, 6, 1))
matching = am.solve(problem, policy=am.Policy.giving(max_km=30))
print(matching.summary(), end="\n\n")
print("wrote", matching.write(folder / "result.csv"))
