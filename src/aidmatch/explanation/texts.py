"""What an explanation says, in Chinese and English, to a family and to a caseworker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from aidmatch.distance.pair_table import METRE
from aidmatch.errors import ProblemError

__all__ = ["text_of"]


class _Said(NamedTuple):
    """One thing in both languages."""

    zh: str
    en: str


#: Why a case does not take part.
_CLOSED: Final = {
    "NOT_APPROVED": _Said("尚未审批通过", "it has not been approved yet"),
    "NOTICE_RUNNING": _Said("公示期尚未结束", "its public notice is still running"),
    "OBJECTED": _Said("有人提出异议，正在处理", "an objection stands"),
    "NOT_OPEN": _Said("该申请目前不是开放状态", "it is not open at present"),
    "NEEDED_BY_PASSED": _Said("需要的日期已过", "the day by which it was needed has passed"),
    "NOT_FOR_GOODS": _Said("该需求不接受实物", "it cannot be met in goods"),
    "NOT_FOR_NEIGHBOURS": _Said("未选择邻里照护", "care by neighbours was not chosen"),
}

#: Why something is left over, for a family.
_LEFT: Final = {
    "NO_SUPPLY": _Said("目前没有人提供", "nobody offers it at present"),
    "NOT_ALLOWED": _Said("目前提供的都有条件限制，不适用", "those who offer it set conditions that do not fit"),
    "OUT_OF_REACH": _Said("目前可用的都太远", "those that would fit are too far away"),
    "ONE_EACH": _Said("附近合适的都已在为您服务", "all that fit nearby serve you already"),
    "NO_MORE": _Said("附近合适的已经没有了", "there is no more of what fits nearby"),
    "DOES_NOT_FIT": _Said(
        "附近虽有剩余，但受整份、包装、次数或时间的限制，无法安排",
        "something is left nearby, but whole quantities, packs, shipments or hours did not let it be used",
    ),
    "MONEY_USED_UP": _Said(
        "没有合适的实物，可用的资金已按规定的先后次序用完",
        "nothing suitable was given, and the money there was for it has been spent by the rules",
    ),
    "USED_UP": _Said(
        "附近合适的都已按规定的先后次序分完",
        "those that fit nearby went to others who come first by the rules, or as early",
    ),
}

#: Why a supply was removed, for a caseworker.
_REMOVED: Final = {
    "CATEGORY_NOT_ALLOWED": _Said("捐赠人限定了其他类别", "given to other categories only"),
    "AREA_NOT_ALLOWED": _Said("捐赠人限定了其他地区", "given to other areas only"),
    "PROJECT_NOT_ALLOWED": _Said("捐赠人限定了其他项目", "given to another project only"),
    "EXPIRES_BEFORE_DELIVERY": _Said("送到时已过期", "it would arrive after its last day"),
    "OWN_PRODUCT": _Said("是本户自己的产品", "the household's own product"),
    "SERVICE_NOT_OFFERED": _Said("不提供所需服务", "a service that is needed is not offered"),
    "NO_COMMON_LANGUAGE": _Said("没有共同语言", "no language in common"),
    "GENDER_NOT_WANTED": _Said("不是所要求的性别", "not of the gender asked for"),
    "NO_COMMON_WINDOW": _Said("没有足够的共同时间", "too little time in common"),
    "NOT_FOR_MONEY": _Said("该需求不接受资金", "the need does not accept money"),
    "NO_PRICE": _Said("当日没有价格", "it has no price on the day"),
    "ITEM_NOT_ALLOWED": _Said("资金限定了其他物品", "for other items only"),
    "FORBIDDEN": _Said("工作人员决定禁止", "forbidden by a decision"),
    "OUT_OF_REACH": _Said("超出距离范围或不在配对表中", "out of reach, or not among the listed pairs"),
}

_LEVELS: Final = {
    "coverage": _Said("覆盖", "coverage"),
    "pairs": _Said("保留现有配对", "pairs kept"),
    "continuity": _Said("连续性（天）", "continuity (days)"),
    "as-requested": _Said("替代品扣分", "penalty of substitutes"),
    "units": _Said("件数", "units"),
    "first-items": _Said("每户每种先得一件", "first items"),
    "in-kind": _Said("用资金购买的件数", "units bought"),
    "restricted-first": _Said("先用限定多的资金", "most restricted money first"),
    "spending": _Said("花费（分）", "spending in fen"),
    "expiry": _Said("离到期的天数", "days to the goods' last day"),
    "waiting": _Said("等待的天数", "days waited"),
    "nearness": _Said("就近等级", "nearness"),
    "distance": _Said("距离", "distance"),
    "minimum-loads": _Said("未达最低人数", "persons missing to minimum loads"),
    "balance": _Said("负担均衡", "balance of loads"),
    "poor-caregivers": _Said("由困难家庭照护者提供", "by caregivers of poor households"),
}


def text_of(code: str, facts: Mapping[str, Any], language: str, audience: str) -> str:
    """Put an explanation into words.

    Parameters
    ----------
    code, facts
        As in `Explanation`.
    language
        ``zh`` or ``en``.
    audience
        ``family`` or ``caseworker``.

    Raises
    ------
    ProblemError
        ``UNKNOWN_OPTION`` for another language or audience.
    """
    if language not in ("zh", "en") or audience not in ("family", "caseworker"):
        raise ProblemError("language is 'zh' or 'en', audience 'family' or 'caseworker'", code="UNKNOWN_OPTION")
    zh = language == "zh"
    lines = [_verdict(code, facts, zh)]
    if audience == "caseworker" and code != "CLOSED":
        lines += _for_caseworker(facts, zh)
    return "\n".join(lines)


def _pick(said: Mapping[str, _Said], code: str, zh: bool) -> str:
    """The words for a code; a plug-in's code stands for itself."""
    if code not in said:
        return code
    return said[code].zh if zh else said[code].en


def _verdict(code: str, facts: Mapping[str, Any], zh: bool) -> str:
    """What happened and why, without any other person and without a price."""
    asked, served = facts["asked"], facts["served"]
    care = facts["family"] == "care"
    what = ("照护" if care else facts["item"]) if zh else ("care" if care else facts["item"])
    if code == "CLOSED":
        why = _pick(_CLOSED, facts["closed"], zh)
        return f"本次未参加分配：{why}。" if zh else f"Did not take part this time: {why}."
    if code == "SERVED":
        fixed = facts["pinned"] > 0
        if zh:
            return f"{what}：申请 {asked}，已全部满足{'（含工作人员决定）' if fixed else ''}。"
        return f"{what}: {asked} asked for, all of it served{' (some by a decision of staff)' if fixed else ''}."
    nobody_else = facts["reason"] == "USED_UP" and not facts["taken_by"]
    why = _pick(_LEFT, "NO_MORE" if nobody_else else facts["reason"], zh)
    if zh:
        return f"{what}：申请 {asked}，满足 {served}，尚缺 {asked - served}：{why}。"
    return f"{what}: {asked} asked for, {served} served, {asked - served} not: {why}."


def _for_caseworker(facts: Mapping[str, Any], zh: bool) -> list[str]:
    lines = [
        f"类别 {facts['category']}；当日提供者 {facts['offered']} 个。"
        if zh
        else f"Category {facts['category']}; {facts['offered']} on offer that day."
    ]
    for step in facts["removed"]:
        why = _pick(_REMOVED, step["reason"], zh)
        count, rule = step["supplies"], step["rule"]
        lines.append(f"  规则 {rule} 排除 {count} 个：{why}。" if zh else f"  {rule} removed {count}: {why}.")
    lines.append(f"剩余合格 {facts['eligible']} 个。" if zh else f"{facts['eligible']} eligible.")
    unit = "米" if zh and facts["cost_unit"] == METRE else facts["cost_unit"]
    for supply in facts["supplies"]:
        id_, quantity, cost = supply["supply_id"], supply["quantity"], supply["cost"]
        fixed, instead = supply["pinned"], supply["instead"]
        if zh:
            stands = "" if instead is None else f"（以 {supply['taken']} 单位 {instead} 替代）"
            stands = stands if supply["part"] is None else f"（套件中的 {supply['part']}）"
            lines.append(
                f"  由 {id_} 提供 {quantity}{stands}，{cost} {unit}{f'，其中人工指定 {fixed}' if fixed else ''}。"
            )
        else:
            stands = "" if instead is None else f" (with {supply['taken']} of {instead} instead)"
            stands = stands if supply["part"] is None else f" of {supply['part']}, for a kit"
            lines.append(
                f"  {id_} serves {quantity}{stands}, at {cost} {unit}{f', {fixed} of it pinned' if fixed else ''}."
            )
    for payment in facts["funds"]:
        id_, yuan = payment["fund_id"], f"¥{payment['amount_fen'] / 100:,.2f}"
        lines.append(f"  基金 {id_} 支付 {yuan}。" if zh else f"  fund {id_} pays {yuan}.")
    for step in facts["funds_removed"]:
        why, count = _pick(_REMOVED, step["reason"], zh), step["funds"]
        lines.append(f"  {count} 个基金不适用：{why}。" if zh else f"  {count} fund(s) may not pay: {why}.")
    if facts["reason"] == "USED_UP":
        taken = ", ".join(f"{category} {units}" for category, units in facts["taken_by"].items())
        price = _amounts(facts["price"] or {}, zh)
        if taken:
            lines.append(f"合格者已分给：{taken}。" if zh else f"The eligible serve, in units by category: {taken}.")
        else:
            said = _Said(
                "合格者没有再可分的，也没有分给其他人。", "The eligible have no more to give, and serve nobody else."
            )
            lines.append(said.zh if zh else said.en)
    if facts["taken_by"] and facts["reason"] == "USED_UP" and facts["price"] is not None:
        lines.append(
            f"再多一个单位，按级次比较，代价至少是：{price}。"
            if zh
            else f"One more unit would cost at least, compared level by level: {price}."
        )
    alternative = facts["alternative"]
    if alternative is not None:
        id_, cost = alternative["supply_id"], alternative["cost"]
        if alternative["level"] is None:
            why = "证明没有显示它更差" if zh else "the proof does not show it to be worse"
        else:
            worse = _amounts({alternative["level"]: alternative["by"]}, zh)
            why = (
                f"会使结果变差，按级次比较至少：{worse}" if zh else f"proven worse, level by level by at least: {worse}"
            )
        lines.append(
            f"最近的其他选择：{id_}，{cost} {unit}；{why}。"
            if zh
            else f"Nearest alternative: {id_}, at {cost} {unit}; {why}."
        )
    return lines


def _amounts(amounts: Mapping[str, int], zh: bool) -> str:
    parts = []
    for name, amount in amounts.items():
        level, _, category = name.partition(" ")
        words = _pick(_LEVELS, level, zh)
        parts.append(f"{category}{'类' if zh and category else ' ' if category else ''}{words} {amount}")
    return ", ".join(parts) or ("无" if zh else "nothing")
