"""A hint works: what a sentence says to write is pasted into a shell and does what was meant."""

import re
import subprocess

import pytest

from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.scenario.quoting import typed
from tests.scenario.test_refusals import refusal

VENDOR = "vendors=[budget]"


def pasted(word):
    """The argument a shell makes of what was typed: one, as it is."""
    done = subprocess.run(["sh", "-c", f"printf '%s\\0' {word}"], capture_output=True, check=True)
    (argument,) = done.stdout.decode().split("\0")[:-1]
    return argument


def hint(said):
    """What the sentence says to write."""
    return re.search(r"write (.+?)(?: for text with| for a list|, with all its quotes)", said)[1]


NAMES = (
    "双11,12.csv", "double11,12.csv", "a,b's.csv", "a, b", "a,b: c", "[a,b", "'a", '"a,b', "a,{b",
    "a,$HOME", "a,`b`", "a,b\\", "a,\\b", "'\\'a,!b", "a,#b", "a,*b", "x,{480: y}", "(a,b",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_text_written_as_the_hint_tells_is_understood(name):
    said = refusal(VENDOR, f"promotion.name={name}")
    assert load_scenario(VENDOR, pasted(hint(said))).promotion.name == name


@pytest.mark.parametrize("name", ["it's", "a'b", "~x", "A & B", "a;b", "it's 双11", "<b>", "#1"])
def test_text_that_a_shell_hands_on_needs_no_more_quotes(name):
    assert load_scenario(VENDOR, f"promotion.name={name}").promotion.name == name


@pytest.mark.parametrize("text", [*NAMES, "it's", "a\\'b", "\\\\", "'", '"\'"', "${x", "-m", "\t"])
def test_what_is_typed_in_a_shell_arrives_as_it_was_meant(text):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    argument = pasted(typed("a", text))
    assert OverridesParser.create().parse_override(argument).value() == text


@pytest.mark.parametrize(
    "written", ["study.peaks=1.5,2", "vendors=budget,agora", "vendors=it's,agora"]
)
def test_a_list_is_one_once_it_is_written_as_told(written):
    argument = pasted(hint(refusal(written)))
    assert argument == written.replace("=", "=[") + "]"
    if "it's" not in written:
        assert load_scenario(argument)


@pytest.mark.parametrize("typed", ["20,000", "20k", "2万", "20 000"])
def test_a_number_is_one_once_it_is_what_was_meant(typed):
    said = refusal(VENDOR, f"promotion.peak_viewers={typed}")
    (meant,) = re.findall(r"did you mean (\S+)\?", said)
    assert load_scenario(VENDOR, f"promotion.peak_viewers={meant}").promotion.peak_viewers == 20_000


@pytest.mark.parametrize("key", ["sed=7", "peak_viewers=9", "promtion.peak_viewers=9"])
def test_a_key_is_one_once_it_is_what_was_meant(key):
    (meant,) = re.findall(r"did you mean ([\w.]+)\?", refusal(VENDOR, key))
    value = key.partition("=")[2]
    first = key.partition(".")[0]
    argument = f"{meant}={value}" if "." not in key else key.replace(first, meant)
    assert load_scenario(VENDOR, argument)


def test_a_group_by_numbers_is_one_by_names():
    """`{480: ...}`, which Hydra reads as a number; the grammar knows no quotes round a key."""
    devices = "audience.devices={480: {share: 0.25, top_mbps: 1}, 720: {share: 0, top_mbps: 2}}"
    found = load_scenario(VENDOR, devices).audience.devices
    shares = {height: device.share for height, device in found.items()}
    assert shares == {"1080": 0.75, "720": 0, "480": 0.25}


@pytest.mark.parametrize("key", ["true", "1.5"])
def test_a_key_that_is_no_text_is_told_as_it_was_read(key):
    said = refusal(VENDOR, f"audience.regions={{{key}: 1}}")
    assert said.startswith(f"audience.regions has the key {key}: a key is text")


def test_a_top_key_that_is_a_number():
    assert refusal(VENDOR, "+1=2").startswith("1 is not a key: allowed here are study")


def test_a_reference_on_the_command_line_is_one_in_a_file():
    limit = "vendors.budget.limits.sessions"
    vendors = load_scenario(VENDOR, f"{limit}=${{promotion.peak_viewers}}").vendors
    sessions = vendors["budget"].limits.sessions
    assert sessions is not None
    assert (sessions.value, sessions.source) == (20_000, "given by the user")
    assert "write a bare number" in refusal(VENDOR, f"{limit}={{value: ${{seed}}}}")


LONG = "x" * 5_000


@pytest.mark.parametrize(
    "override",
    [
        f"promotion.peak_viewers={LONG}", f"vendors=[{LONG}]", f"{LONG}=1", LONG, f"seed={LONG},1",
        f"promotion.peak_viewers={'x ' * 2_500}", f"promotion.name={'[' * 10}{LONG}",
        f"promotion={LONG}", f"audience.regions={{{LONG}: 2}}", f"promotion.name='{'x ' * 2_500}",
        f"promotion.starts_at={LONG}", f"network.traces={LONG}",
        f"promotion.peak_viewers={'9' * 5_000}", f"engine.kind={LONG}", f"~{LONG}",
        f"promotion.{LONG}=1", f"incidents=[{{name: {LONG}}}]",
    ],
    ids=range(17),
)  # fmt: skip
def test_a_value_without_end_is_told_in_a_short_sentence(override):
    assert len(refusal(VENDOR, override)) < 1_500


@pytest.mark.parametrize(
    "override",
    [
        "promotion.peak_viewers='a\nb'", "promotion.peak_viewers=a\nb", "seed=a\r\nb", "a\nb=1",
        "vendors=[a\nb]", "engine.kind='a\u2028b'", "engine.kind='a\x1b[31mb'",
        "network.kind='a\tb'", "promotion='a\nb'", "\n",
    ],
)  # fmt: skip
def test_a_sentence_is_one_line_whatever_the_value_holds(override):
    said = refusal(VENDOR, override)
    assert said.isprintable()


def test_one_line_keeps_what_can_be_read():
    said = str(ScenarioError("路 'é' 👍🏻 a\tb\u0085\ud800"))
    assert said == "路 'é' 👍🏻 a\\tb\\x85\\ud800"


MANY = "[" * 3_000


@pytest.mark.parametrize("override", [f"seed={MANY}", f"seed={'[' * 90}{']' * 90}", "a={" * 3_000])
def test_brackets_without_end_are_refused_at_once(override):
    assert "at most 20" in refusal(override)


def test_arguments_without_end_are_refused_at_once():
    assert "1001 arguments with 6006 characters: they must be 300 and" in refusal(
        *["seed=1"] * 1001
    )
    assert "1 arguments with 100015 characters" in refusal(f"promotion.name={'x' * 100_000}")


@pytest.mark.parametrize("half", ["\udcff", "\ud800"])  # noqa: PT014  # ruff takes both for one
def test_half_a_character_is_told(half):
    assert "is not UTF-8 text" in refusal(f"promotion.name=a{half}")
    assert "is not UTF-8 text" in refusal(config_dir=f"a{half}")
