"""What the texts say is so: programs run, commands are those of CI, links lead somewhere, both languages agree."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import aidmatch as am
from aidmatch import synthetic

ROOT = Path(__file__).parents[2]
README, CHINESE, CONTRIBUTING = (ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md"))
TEXTS = sorted([README, CHINESE, CONTRIBUTING, *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*/README.md")])

#: What the README tells users to do and CI does in its own way: make an environment, install without the tools.
USERS_ONLY = {"python3 -m venv .venv", "python -m pip install --quiet ."}


def blocks(text: Path, language: str) -> list[str]:
    """The fenced blocks of a text in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(text: Path) -> list[str]:
    """The shell commands of a text, one by one, for an environment that is active."""
    joined = "".join(blocks(text, "sh")).replace("\n", "&&").replace(".venv/bin/", "")
    return [command.strip() for command in joined.split("&&") if command.strip()]


def test_the_readmes_program_runs_on_the_tables_of_a_toy(tmp_path: Path) -> None:
    synthetic.toy().write(tmp_path)
    (program,) = blocks(README, "python")
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    matching = am.Matching.load(tmp_path / "run.json")
    assert ran.stdout == matching.summary() + "\n"
    assert len((tmp_path / "result.csv").read_text("utf-8-sig").splitlines()) == len(matching.assignments) + 1 > 1


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=lambda text: text.name)
def test_the_commands_are_those_of_ci(text: Path) -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    named = commands(text)
    assert "python -m pip install --quiet --group dev --editable ." in named
    for command in named:
        known = command in USERS_ONLY or command == ".ci/run"
        plain = command.removesuffix(" --hypothesis-profile=long")
        assert known or any(f"{line} ".startswith(f"{plain} ") for line in ci), command


def test_the_two_readmes_have_the_same_commands_code_and_output() -> None:
    assert len(blocks(README, "sh")) == 2
    assert blocks(README, "sh") == blocks(CHINESE, "sh")
    assert blocks(README, "text") == blocks(CHINESE, "text")
    # comments are translated, code is not
    english, chinese = ([ast.dump(ast.parse(block)) for block in blocks(text, "python")] for text in (README, CHINESE))
    assert english == chinese


def links(text: Path) -> set[str]:
    """Where the links of a text lead, those to other sites left out."""
    prose = re.sub(r"^```.*?^```$", "", text.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"\]\(<?([^)>\s]+)", prose) + re.findall(r"^\[[^]]+\]:\s+(\S+)", prose, re.MULTILINE)
    return {link for link in found if not re.match(r"[a-z][a-z0-9+.-]*:", link)}


def test_the_two_readmes_link_to_each_other_and_to_the_same_places() -> None:
    assert links(README) - {"README.zh.md"} == links(CHINESE) - {"README.md"}
    assert "README.zh.md" in links(README)
    assert "README.md" in links(CHINESE)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_something(text: Path) -> None:
    assert text.stat().st_size
    for link in links(text):
        target = (text.parent / link.partition("#")[0]).resolve() if not link.startswith("#") else text
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
