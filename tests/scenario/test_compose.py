"""What is chosen and overridden becomes one validated scenario."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from pydantic import ValidationError

from sim.folder import write_config
from sim.scenario import ScenarioError
from sim.scenario.compose import (
    CONF,
    _hydra_set_aside,
    _of_arguments,
    load_scenario,
    read_scenario,
    resolve_file,
)
from sim.scenario.files import groups


def each_option():
    for group, options in groups().items():
        for option in options:
            match group:
                case "vendors":
                    yield (f"vendors=[{option}]",)
                case "tariff":
                    of = {"hybrid_list": "hybrid"}  # it prices two paths
                    of |= dict.fromkeys(("cloud_1_core", "cloud_16_cores"), "livekit_selfhosted")
                    vendor = of.get(option, "agora")
                    beside = "agora_list," if option == "agora_signaling" else ""
                    yield (
                        f"vendors=[{vendor}]",
                        f"tariff@vendors.{vendor}.tariffs=[{beside}{option}]",
                    )
                case "experiment":
                    yield (f"{group}={option}",)
                case _:
                    yield "vendors=[agora]", f"{group}={option}"


@pytest.mark.parametrize("choice", list(each_option()), ids=lambda choice: choice[-1])
def test_every_file_under_conf_composes_and_validates(choice):
    assert load_scenario(*choice).vendors


def test_every_experiment_keeps_its_word_against_the_groups():
    """An experiment wins over every group's file."""
    assert load_scenario("experiment=quick").promotion.peak_viewers == 5000
    assert list(load_scenario("experiment=just_enough").vendors) == ["budget", "tencent_leb"]


def test_the_command_line_wins_over_an_experiment():
    scenario = load_scenario("experiment=quick", "promotion.peak_viewers=700", "vendors=[agora]")
    assert scenario.promotion.peak_viewers == 700
    assert list(scenario.vendors) == ["agora"]


def test_vendors_is_chosen_as_a_list_in_its_order():
    assert list(load_scenario("vendors=[budget,agora]").vendors) == ["budget", "agora"]


def test_a_bare_number_replaces_value_and_provenance():
    vendor = load_scenario("vendors=[agora]", "vendors.agora.limits.sessions=20000").vendors[
        "agora"
    ]
    figure = next(f for f in vendor.figures() if f.key == "limits.sessions")
    assert (figure.value, figure.low, figure.high) == (20000, 20000, 20000)
    assert (figure.confidence, figure.source) == ("assumed", "given by the user")


def test_published_value_is_its_own_low_and_high_if_not_given():
    sessions = load_scenario("vendors=[agora]").vendors["agora"].limits.sessions
    assert sessions is not None
    assert (sessions.low, sessions.lowest, sessions.highest) == (None, 10000, 10000)


@pytest.mark.parametrize("limit", ["sessions", "egress_mbps", "joins_per_s"])
@pytest.mark.parametrize("vendor", ["agora", "budget"])
def test_a_limit_the_vendor_file_leaves_out_can_be_set(vendor, limit):
    scenario = load_scenario(f"vendors=[{vendor}]", f"vendors.{vendor}.limits.{limit}=77")
    assert getattr(scenario.vendors[vendor].limits, limit).value == 77


def test_a_limit_can_be_taken_away():
    scenario = load_scenario("vendors=[agora]", "vendors.agora.limits.sessions=null")
    assert scenario.vendors["agora"].limits.sessions is None


@pytest.mark.parametrize(
    "override",
    [
        "study=curve", "promotion.peak_viewers=1000", "promotion.duration_s=1800",
        "promotion.starts_at=2026-06-18T20:00:00", "replications=2", "seed=0",
        "audience.sample=0.1", "engine.kind=exact", "engine.epoch_s=0.1", "engine.threads=3",
        "engine.check=true", "output_dir=elsewhere", "overwrite=true",
    ],
)  # fmt: skip
def test_the_keys_that_keep_their_names(override):
    one = "vendors=[agora]"
    assert load_scenario(one, override) != load_scenario(one)


def test_a_recorded_curve_takes_the_place_of_a_script(tmp_path):
    curve = tmp_path / "曲线 一.csv"
    curve.write_text("time_s,viewers\n0,1\n60,2\n")
    scenario = load_scenario("promotion=replay", f"promotion.file={curve}")
    assert scenario.promotion.file == str(curve)


def test_a_bare_name_is_a_shipped_file():
    assert resolve_file("promotion.file", "made_up") == CONF / "promotion/curves/made_up.csv"
    assert resolve_file("network.traces", "made_up") == CONF / "network/traces/made_up.csv"


def test_traces_may_be_a_folder(tmp_path):
    (tmp_path / "a.csv").write_text("time_s,mbps\n0,1\n")
    assert resolve_file("network.traces", str(tmp_path)) == tmp_path


def test_a_vendor_of_ones_own_inherits_and_picks_tariffs(tmp_path):
    (tmp_path / "vendors").mkdir()
    (tmp_path / "vendors" / "ours.yaml").write_text(
        "# @package vendors.ours\n"
        "defaults: [agora@_here_, /tariff@tariffs: [budget_list], _self_]\n"
        "name: Our contract\n"
        "limits: {sessions: 50000}\n"
    )
    ours = load_scenario("vendors=[ours]", config_dir=tmp_path).vendors["ours"]
    assert ours.name == "Our contract"
    assert ours.limits.sessions is not None
    assert (ours.limits.sessions.value, ours.limits.sessions.source) == (50000, "given by the user")
    assert ours.path.height == 720
    assert list(ours.tariffs) == ["agora_list", "budget_list"]


def test_a_vendor_that_inherits_may_have_its_own_tariff_alone(tmp_path):
    (tmp_path / "vendors").mkdir()
    (tmp_path / "vendors" / "ours.yaml").write_text(
        "# @package vendors.ours\n"
        "defaults: [agora@_here_, override /tariff@tariffs: [budget_list], _self_]\n"
        "name: Our contract\n"
    )
    both = load_scenario("vendors=[agora,ours]", config_dir=tmp_path).vendors
    assert list(both["ours"].tariffs) == ["budget_list"]
    assert list(both["agora"].tariffs) == ["agora_list"]


def test_own_folder_may_have_blanks_and_chinese_in_its_name(tmp_path):
    folder = tmp_path / "我们的 配置"
    (folder / "promotion").mkdir(parents=True)
    (folder / "promotion" / "ours.yaml").write_text(
        "defaults: [flash_join, _self_]\nname: ours\npeak_viewers: 123\n"
    )
    assert load_scenario("promotion=ours", config_dir=folder).promotion.peak_viewers == 123


def test_composing_in_a_hydra_application_restores_its_hydra():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        theirs = GlobalHydra.instance().hydra
        assert load_scenario("seed=5").seed == 5
        assert GlobalHydra.instance().hydra is theirs
    with pytest.raises(ScenarioError):
        load_scenario("seed=x")
    assert not GlobalHydra.instance().is_initialized()


def test_a_scenario_written_down_is_read_back(tmp_path):
    scenario = load_scenario("promotion=midnight_drop", "vendors.agora.limits.sessions=5")
    write_config(scenario, tmp_path)
    assert read_scenario(tmp_path / "config.yaml") == scenario


def test_a_scenario_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        load_scenario().seed = 2


def test_config_yaml_lists_itself_first_and_experiment_last():
    """The other order silently loses what an experiment sets."""
    config = OmegaConf.load(Path(CONF) / "config.yaml")
    ours = [d for d in config.defaults if "override" not in str(d)]
    assert ours[0] == "_self_"
    assert ours[-1] == {"experiment": "none"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["vendors=[budget]", "seed=7", "promotion.peak_viewers=${seed}"],
        ["experiment=just_enough", "vendors.budget.limits.egress_mbps=1", "~network.classes.home"],
        ["promotion=flash_join", "+vendors={agora: {name: A}}", "++audience.sample=0.5"],
        ["vendors=[agora]", "tariff@vendors.agora.tariffs=[agora_list]", "promotion={name: x}"],
        ["seed=1", "vendors=[budget]", "seed=2", "hydra/launcher=basic"],
    ],
)
def test_files_kept_and_values_on_top_are_what_hydra_composes(arguments):
    """A value laid on files that were read before gives what composing all at once gives."""
    with _hydra_set_aside():
        initialize_config_dir(str(CONF), version_base="1.3")
        expected = compose("config", arguments)
    for _ in range(2):
        assert _of_arguments(arguments, None) == expected


@pytest.mark.parametrize("linked", [False, True])
def test_a_file_that_changed_is_read_again(tmp_path, linked):
    """Also in a folder that is a link, and one that leads back to itself."""
    file = tmp_path / ("elsewhere" if linked else "promotion") / "mine.yaml"
    file.parent.mkdir()
    if linked:
        tmp_path /= "mine"
        tmp_path.mkdir()
        (tmp_path / "promotion").symlink_to(file.parent)
        (tmp_path / "back").symlink_to(tmp_path)
    script = (CONF / "promotion" / "steady_ramp.yaml").read_text("utf-8")
    for peak in ("100", "2000"):
        file.write_text(script.replace("peak_viewers: 20000", f"peak_viewers: {peak}"), "utf-8")
        night = load_scenario("promotion=mine", "vendors=[budget]", config_dir=tmp_path)
        assert night.promotion.peak_viewers == int(peak)


@pytest.mark.parametrize("how", ["written with its old time", "pointed elsewhere"])
def test_a_change_that_hardly_shows_is_seen(tmp_path, how):
    """Another content of the same size and time; a link to another folder of the tree."""
    script = (CONF / "promotion" / "steady_ramp.yaml").read_text("utf-8")
    for peak in ("40000", "50000"):
        file = tmp_path / "mine" / f"at_{peak}" / "ours.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(script.replace("peak_viewers: 20000", f"peak_viewers: {peak}"), "utf-8")
        os.utime(file, ns=(0, 0))
        group = tmp_path / "mine" / "promotion"
        if how == "pointed elsewhere":
            group.unlink(missing_ok=True)
            group.symlink_to(file.parent)
        else:
            group.mkdir(exist_ok=True)
            shutil.copy2(file, group / file.name)
        night = load_scenario("promotion=ours", "vendors=[budget]", config_dir=tmp_path / "mine")
        assert night.promotion.peak_viewers == int(peak)


def test_a_choice_by_reference_is_made_anew(monkeypatch):
    for name in ("flash_join", "word_of_mouth"):
        monkeypatch.setenv("PEAKCAST_TEST_CHOICE", name)
        night = load_scenario("vendors=[budget]", "promotion=${oc.env:PEAKCAST_TEST_CHOICE}")
        assert night.promotion.name == name


def test_threads_may_compose_at_once():
    """Hydra has one global object; each thread has it in turn and finds it as it was."""
    seeds = range(12)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda k: load_scenario("vendors=[budget]", f"seed={k}"), seeds))
    assert [scenario.seed for scenario in found] == list(seeds)
    assert not GlobalHydra.instance().is_initialized()
