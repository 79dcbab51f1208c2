"""What platforms call our fields and values, in Chinese and English: the whole table, and nothing is guessed beyond it.

A header or a value is recognised if it is equal to one listed here (or to the name of the field) after NFKC, folding
of case and removal of white space. `read` takes ``aliases=`` and ``values=`` for what a platform calls otherwise;
docs/reading.md shows both.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

__all__ = ["HEADERS", "HEADERS_OF_TABLE", "VALUES", "folded", "headers_of"]

#: Other headers by field, for every record that has the field.
HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("编号", "序列号", "代号"),
    "household_id": ("household", "household id", "户编号", "家庭编号", "户号", "住户编号"),
    "donor_id": ("donor", "donor id", "捐赠人编号", "捐赠者编号", "捐赠方编号"),
    "demand_id": ("demand id", "需求编号", "服务对象编号"),
    "supply_id": ("supply id", "供给编号", "捐赠编号", "批次编号", "护理员编号", "照护员编号"),
    "producer_household_id": ("producer household id", "生产户编号"),
    "home_id": ("home id", "养老院编号", "机构编号"),
    "sponsor_id": ("sponsor", "sponsor id", "冠名方编号", "赞助方编号"),
    "item": ("物品", "物品名称", "物资", "物资名称", "品名"),
    "quantity": ("qty", "amount", "数量", "件数"),
    "unit": ("计量单位", "单位"),
    "category": ("类别", "等级", "贫困类别", "贫困等级"),
    "code": ("area code", "区划代码", "行政区划代码", "地区代码", "村代码"),
    "lat": ("latitude", "纬度"),
    "lon": ("lng", "longitude", "经度"),
    "approval": ("approval state", "审批状态", "审核状态", "审批"),
    "notice_ended_on": ("notice ended on", "公示截止日期", "公示结束日期"),
    "objected": ("objection", "有异议", "是否有异议"),
    "status": ("state", "状态"),
    "registered_on": ("registered on", "registration date", "登记日期", "登记时间", "申请日期"),
    "needed_by": ("needed by", "需求截止日期", "最迟日期"),
    "urgent": ("紧急", "是否紧急"),
    "recurring_days": ("recurring days", "重复周期天数", "周期天数"),
    "min_quantity": ("min quantity", "minimum quantity", "最少数量", "最小数量"),
    "whole": ("整体", "是否整体", "必须全部满足"),
    "substitutes": ("替代", "可替代", "替代方式"),
    "accepts": ("接受方式", "帮扶方式"),
    "available_from": ("available from", "可用起始日期", "起始日期"),
    "available_until": ("available until", "可用截止日期"),
    "expires_on": ("expires on", "expiry date", "有效期至", "保质期至", "到期日期"),
    "pack_size": ("pack size", "包装数量", "每包数量"),
    "min_lot": ("min lot", "minimum lot", "最小批量"),
    "max_km": ("max km", "最远公里", "最远公里数"),
    "only_categories": ("only categories", "限定类别"),
    "only_areas": ("only areas", "限定地区"),
    "only_items": ("only items", "限定物品"),
    "project": ("项目",),
    "only_project": ("only project", "限定项目"),
    "max_shipments": ("max shipments", "最多发货次数"),
    "cost": ("费用", "成本"),
    "eligible": ("可配对", "是否可配对"),
    "load": ("负载",),
    "price_fen": ("price fen", "单价分"),
    "valid_from": ("valid from", "生效日期"),
    "valid_to": ("valid to", "失效日期"),
    "balance_fen": ("balance fen", "余额分"),
    "opens_on": ("opens on", "开始日期"),
    "closes_on": ("closes on", "结束日期"),
    "need_cap_fen": ("need cap fen", "单项上限分"),
    "household_cap_fen": ("household cap fen", "每户上限分"),
    "severity": ("失能程度", "程度", "严重程度"),
    "eligibility_group": ("eligibility group", "资格分组"),
    "gender": ("sex", "性别"),
    "birth_year": ("birth year", "出生年份"),
    "minutes_per_week": ("minutes per week", "每周分钟", "每周分钟数"),
    "services": ("服务", "服务项目"),
    "languages": ("语言",),
    "caregiver_gender": ("caregiver gender", "护理员性别", "照护员性别"),
    "caregivers_needed": ("caregivers needed", "所需护理员数", "所需照护员数"),
    "windows": ("时间段", "可服务时间"),
    "waiting_since": ("waiting since", "等待起始日期", "轮候日期"),
    "modes_accepted": ("modes accepted", "接受的照护方式"),
    "min_persons": ("min persons", "最少人数"),
    "max_persons": ("max persons", "最多人数"),
    "poor_household": ("poor household", "贫困户", "是否贫困户"),
    "since": ("起始", "建立日期"),
    "last_moved_on": ("last moved on", "最近调整日期"),
    "state": ("协议状态",),
    "kind": ("决定类型",),
    "reason": ("原因", "理由"),
    "by": ("决定人", "经办岗位"),
    "on": ("决定日期",),
    "until": ("截止日期",),
    "beds": ("床位", "床位数"),
}

#: Further headers by table and field, where the same word means another field in another table.
HEADERS_OF_TABLE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "needs": {"id": ("need id", "需求编号", "需求号")},
    "donations": {"id": ("donation id", "lot id", "捐赠编号", "批次编号", "物资编号")},
    "donors": {"id": ("donor id", "捐赠人编号", "捐赠者编号", "捐赠方编号")},
    "clients": {"id": ("client id", "服务对象编号", "老人编号")},
    "caregivers": {"id": ("caregiver id", "护理员编号", "照护员编号")},
    "decisions": {"id": ("decision id", "决定编号")},
}

#: Ours by theirs, by field; what a record's field does not allow does not count for it.
VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "approval": {
        "已申请": "applied",
        "已入户调查": "surveyed",
        "已评议": "appraised",
        "已公示": "published",
        "公示中": "published",
        "已批准": "approved",
        "已审批": "approved",
        "审批通过": "approved",
        "已驳回": "rejected",
        "未通过": "rejected",
    },
    "status": {
        "待匹配": "open",
        "开放": "open",
        "已预留": "reserved",
        "已满足": "fulfilled",
        "已完成": "fulfilled",
        "已关闭": "closed",
        "已认捐": "pledged",
        "在库": "in_stock",
        "库存": "in_stock",
        "已发出": "dispatched",
    },
    "substitutes": {"不可替代": "none", "经同意可替代": "approved", "同类可替代": "category"},
    "accepts": {"物品": "goods", "物资": "goods", "现金": "money", "资金": "money", "服务": "service"},
    "severity": {"轻度": "mild", "中度": "moderate", "重度": "severe"},
    "gender": {"男": "M", "女": "F", "male": "M", "female": "F"},
    "caregiver_gender": {"男": "M", "女": "F", "male": "M", "female": "F"},
    "modes_accepted": {"邻里互助": "neighbour", "床位": "bed", "集中托养": "bed", "家庭医生": "doctor"},
    "state": {"已提出": "offered", "已接受": "accepted", "已签约": "signed", "已结束": "ended"},
    "kind": {"指定": "pin", "禁止": "forbid"},
}


def folded(text: object) -> str:
    """Fold a header or a value for comparison: NFKC, one case, no white space.

    Parameters
    ----------
    text
        Anything; it is taken as text.

    Returns
    -------
    What equal spellings share.
    """
    return "".join(unicodedata.normalize("NFKC", str(text)).casefold().split())


def headers_of(table: str, fields: Mapping[str, object]) -> dict[str, str]:
    """Index the headers under which a table's fields are recognised.

    Parameters
    ----------
    table
        The record's table, such as ``needs``.
    fields
        Its flat fields.

    Returns
    -------
    Field by folded header. A field's own name comes before a table's words, and these before the general ones.
    """
    special = HEADERS_OF_TABLE.get(table, {})
    found = {folded(field): field for field in fields}
    for words in (special, HEADERS):
        for field in fields:
            for header in words.get(field, ()):
                found.setdefault(folded(header), field)
    return found
