"""Whatever is wrong is said in one sentence: the key, the value, what is allowed."""

import copy
import re

import pytest
from pydantic import ValidationError

from sim.scenario import ScenarioError
from sim.scenario.compose import load_scenario
from sim.scenario.error_messages import of_validation
from sim.scenario.files import groups
from sim.scenario.model import Scenario
from sim.scenario.quantity import Source

SHIPPED = groups()["vendors"]


def refusal(*overrides, **where) -> str:
    with pytest.raises(ScenarioError) as refused:
        load_scenario(*overrides, **where)
    said = str(refused.value)
    assert "\n" not in said
    assert refused.value.__cause__ is None
    return said


def beside_few(override) -> tuple[str, ...]:
    """With as few vendors as it speaks of, which are sooner read than all."""
    named = dict.fromkeys(["agora", *re.findall(r"(?<!@)vendors\.(\w+)", override)])
    if override.startswith(("vendors=", "experiment=")) or not named.keys() <= set(SHIPPED):
        return (override,)
    return f"vendors=[{','.join(named)}]", override


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("promotion.peak_viewers=-5", ["promotion.peak_viewers is -5", "at least 1"]),
        ("promotion.peak_viewers=many", ["promotion.peak_viewers is 'many'", "a whole number"]),
        ("promotion.peak_viewers=null", ["peak_viewers may be null only where", "promotion.file"]),
        ("replications=1.5", ["replications is 1.5", "a whole number"]),
        ("seed=4294967296", ["seed is 4294967296", "below 4294967296"]),
        ("audience.sample=0", ["audience.sample is 0", "above 0"]),
        ("promotion.recordings=101", ["promotion.recordings is 101", "100"]),
        ("tariff@vendors.agora.tariffs=[cloud_16_cores]",
         ["vendors.agora.tariffs.cloud_16_cores bills node_hours", "without a fleet"]),
        ("engine.kind=fats", ["engine.kind is 'fats'", "'fast' or 'exact'"]),
        ("engine.check=perhaps", ["engine.check is 'perhaps'", "true or false"]),
        ("engine.epoch_s=inf", ["engine.epoch_s is inf", "a finite number"]),
        ("promotion.starts_at=tonight", ["promotion.starts_at is 'tonight'", "date and time"]),
        ("promotion.drops=5", ["promotion.drops is 5", "a list"]),
        ("promotion.concurrency=[[0,1],[60,2],[60,1]]", ["promotion.concurrency", "60 s follows"]),
        ("audience.isps={mobile: 0.5}", ["audience.isps", "they must sum to 1"]),
        ("audience.regions={east: 0, mars: 0}", ["audience.regions", "they must sum to 1"]),
        ("vendors.agora.limits.sessions=none", ["limits.sessions is 'none'", "a number or {value"]),
        *[(f"{key}=1e308", [f"{key.lstrip('+')} is 1e+308", "at most"]) for key in (
            "promotion.peak_sigma", "promotion.grid_s", "+promotion.orders_per_view",
            "promotion.expected_gmv_cny", "audience.intent_sigma_ln", "audience.stay.stayer_mean_s",
            "commerce.cny_per.CNY", "commerce.payment.mean_s", "commerce.basket_cny.median",
            "commerce.basket_cny.sigma_ln", "network.classes.lte.mean_mbps.median",
        )],
        *[(f"{key}=5e-324", [f"{key} is 5e-324", "at least"]) for key in (
            "promotion.grid_s", "promotion.duration_s", "audience.sample", "engine.epoch_s",
            "audience.stay.bouncer_mean_s", "commerce.payment.within_s", "bands.sample",
        )],
        (f"promotion.peak_viewers={'9' * 400}", ["999...: it must be at most 10000000000"]),
        ("engine.epoch_s=1e-9", ["engine.epoch_s is 1e-09", "at least 0.01"]),
        ("engine.threads=1000000", ["engine.threads is 1000000", "at most 1024"]),
        (f"study.peaks={list(range(1, 5001))}", ["characters", "at most"]),
        (f"study.peaks={list(range(1, 102))}", ["study.peaks has 101 entries", "at most 100"]),
        ("promotion.concurrency=[[0,1],[1e300,1]]", ["concurrency.1.0 is 1e+300", "at most"]),
        ("promotion.concurrency=[[0,0],[5e-324,1]]", ["must rise, by 0.001 at least"]),
        ("promotion.drops=[{name: a, time_s: 1, price_cny: 1e308, intent: 1e308, decay_s: 9}]",
         ["promotion.drops.0.price_cny is 1e+308", "promotion.drops.0.intent is 1e+308"]),
        ("vendors.agora.limits.sessions=1e308", ["sessions: 1e+308 is above 1e+12"]),
        ("vendors.agora.paths.rtc.gop_s=5e-324", ["gop_s: 4.94066e-324 is below 0.001"]),
        ("vendors.agora.paths.rtc.bitrate_mbps=1e6", ["Mbps for one viewer", "at most 500000"]),
        (f"audience.isps={{{', '.join(f'isp{k}: 0.01' for k in range(101))}}}",
         ["audience.isps has 104 entries", "at most 100"]),
        ("vendors.agora.limits.sessions=0", ["vendors.agora.limits.sessions: 0 is not", "above 0"]),
        ("vendors.agora.serves={cn: [east]}", ["vendors.agora.serves", "nobody serves", "'south'"]),
        ("promotion.mass_exit={time_s: 3600, duration_s: 9, share: 1}",
         ["promotion.mass_exit.0.time_s 3600 is after the show", "below 3600"]),
        ("promotion.pitches=[{from_s: 3600, to_s: 3700, intent: 2}]",
         ["promotion.pitches.0.from_s 3600 is after the show", "below 3600", "optional: true"]),
        ("promotion.drops=[{name: late, time_s: 9999, price_cny: 1, intent: 1, decay_s: 1}]",
         ["promotion.drops.0.time_s 9999 is after the show", "below 3600", "optional: true"]),
        ("promotion.mass_exit={cohort: fans, time_s: 9, duration_s: 9, share: 1}",
         ["promotion.mass_exit.0.cohort 'fans' is no cohort", "are none"]),
        ("audience.cohorts=[{name: a, share: 0.4},{name: b, share: 0.5}]",
         ["cohorts have shares that sum to 0.9", "must sum to 1"]),
        ("audience.cohorts=[{name: a, share: 0.5},{name: a, share: 0.5}]",
         ["cohorts.1.name 'a' is there before"]),
        ("audience.cohorts=[{name: a, share: 1, devices: {4x: {share: 1, top_mbps: 1}}}]",
         ["audience.cohorts.0.devices", "'4x' is not a picture height"]),
        ("audience.cohorts=[{name: a, share: 1, concurrency: [[0,0],[3600,0],[3700,1]]}]",
         ["audience.cohorts.0.concurrency has no viewer within the show"]),
        ("audience.cohorts=[{name: a, share: 1, regions: {mars: 1}}]", ["nobody serves", "'mars'"]),
        ("audience.cohorts=[{name: a, share: 1, stay: {stayer_mean_s: 9}}]",
         ["audience.cohorts.0.stay is not complete", "bouncer_share"]),
    ],
)  # fmt: skip
def test_a_wrong_value(override, words):
    said = refusal(*beside_few(override))
    assert all(word in said for word in words), said


UNSEEN = ("\0", "\x07", "\t", "\n", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2069",
          "\udc80", "\ufffe")  # fmt: skip


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_a_text_with_what_nobody_sees_is_refused(unseen):
    """It breaks charts, the page, a terminal; the sentence itself can be shown."""
    with pytest.raises(ValidationError) as refused:
        Source(confidence="assumed", note=f"a{unseen}b")
    said = of_validation(refused.value)
    assert said.startswith(f"note: {f'a{unseen}b'!a} holds U+{ord(unseen):04X}: a name or")
    assert said.isprintable()


def test_texts_are_plain_at_every_depth_and_as_keys():
    whole = load_scenario("vendors=[budget]").model_dump(mode="json")
    lines = ("vendors", "budget", "tariffs", "budget_list", "lines", 0)
    for *above, last in (
        ("promotion", "name"), ("output_dir",), ("vendors", "budget", "summary"),
        ("promotion", "drops", 0, "name"), (*lines, "name"), (*lines, "where", "path"),
        ("vendors", "budget", "sources", "assumption", "note"), ("audience", "isps", "a\x07b"),
    ):  # fmt: skip
        data = copy.deepcopy(whole)
        node = data
        for key in above:
            node = node[key]
        node[last] = 0.0 if last == "a\x07b" else "a\x07b"
        with pytest.raises(ValidationError) as refused:
            Scenario.model_validate(data)
        key = ".".join(map(str, (*above, last)[: -1 if last in ("path", "a\x07b") else None]))
        assert of_validation(refused.value).startswith(f"{key}: 'a\\x07b' holds U+0007: a name")


def test_names_in_any_script_are_texts():
    name = "双11 – “Süß” 🎉 ‎=1+1"  # with a mark that keeps its place in a line from right to left
    assert load_scenario("vendors=[budget]", f"promotion.name='{name}'").promotion.name == name


def test_what_begins_within_the_show_may_end_after_it():
    load_scenario(
        "promotion.pitches=[{from_s: 3599, to_s: 9999, intent: 2}]",
        "promotion.mass_exit=[{time_s: 3599, duration_s: 60, share: 0.5}]",
    )


def test_more_kinds_of_device_than_the_engine_tells_apart():
    """The audience's own two, and fifteen of a cohort."""
    many = ", ".join(f"{n}: {{share: {1 / 15}, top_mbps: 1}}" for n in range(200, 215))
    cohort = f"{{name: a, share: 1, devices: {{{many}}}}}"
    assert "devices are of 17 kinds" in refusal(f"audience.cohorts=[{cohort}]")


@pytest.mark.parametrize(
    ("curve", "empty"),
    [
        ("[[0,0],[9999,1]]", False),  # on its way up when the show ends
        ("[[9000,1],[9999,0]]", False),  # level before the first point
        ("[[0,0],[3600,0],[9999,1]]", True),
        ("[[0,0],[60,0]]", True),
    ],
)
def test_a_curve_with_nobody_within_the_show(curve, empty):
    override = f"promotion.concurrency={curve}"
    if empty:
        assert refusal(override) == "promotion: the curve has no viewer within the show"
    else:
        assert load_scenario(override).promotion.concurrency is not None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("sed=7", ["sed is not a key", "did you mean seed?", "replications"]),
        ("promotio=flash_join", ["promotio is not a key", "did you mean promotion?"]),
        ("promotion.peak_viewer=5", ["promotion.peak_viewer is", "did you mean peak_viewers?"]),
        ("vendors.agora.limits.session=5", ["did you mean sessions?", "egress_mbps"]),
        ("vendors.agora.paths.rtc.bitrate=5", ["vendors.agora.paths.rtc.bitrate is not a key"]),
        ("~promotion.dropz", ["promotion.dropz is not a key", "did you mean drops?"]),
        ("+promotion._target_=os.system", ["promotion._target_ is not a key"]),
        ("+audience.regions._target_=os.system", ["audience.regions._target_", "a number"]),
        ("+_target_=os.system", ["_target_ is not a key"]),
    ],
)
def test_unknown_key_is_told_with_the_allowed_ones(override, words):
    """A key that names code is as unknown as any other."""
    said = refusal(override)
    assert all(word in said for word in words), said


def test_all_mistakes_are_told_up_to_five():
    said = refusal("seed=-1", "replications=0")
    assert said == "replications is 0: it must be at least 1; seed is -1: it must be at least 0"
    many = ("engine.threads=0", "engine.epoch_s=0", "audience.sample=2", "bands.draws=-1")
    said = refusal("seed=-1", "replications=0", *many)
    assert said.count("it must be") == 5
    assert said.endswith("; 1 more will be told once these are mended")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("vendors=[zoom]", ["vendors is 'zoom'", "allowed are agora, alibaba_artc"]),
        ("vendors=[]", ["vendors is empty", "at least one"]),
        ("vendors=agora,budget", ["vendors is 'agora,budget'", "'vendors=[agora,budget]'", "-m"]),
        ("promotion=flash", ["promotion is 'flash'", "flash_join, midnight_drop"]),
        ("experiment=quik", ["experiment is 'quik'", "none, quick"]),
        ("flash_join", ["'flash_join' is not understood", "key=value"]),
        ("seed=[1", ["'seed=[1' is not understood"]),
        ("seed=${nowhere}", ["seed", "'nowhere' not found"]),
        ("seed=${oc.decode:'1'}", ["an argument has a ${...} that is not understood"]),
        ("seed=1,2", ["seed is '1,2'", "-m"]),
    ],
)
def test_a_choice_that_is_not_there_and_grammar(override, words):
    said = refusal(override)
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("promotion.file=x.csv", ["promotion.file is 'x.csv'", "not there", "made_up"]),
        ("promotion.file=x", ["promotion.file is 'x'", "shipped are made_up", "./x"]),
        ("promotion.file=.", ["promotion.file is '.'", "it must be a file"]),
    ],
)
def test_a_file_that_is_not_there(override, words):
    said = refusal("promotion=replay", override)
    assert all(word in said for word in words), said


def test_traces_that_are_not_there(tmp_path):
    said = refusal("network=replay", f"network.traces={tmp_path}")
    assert "network.traces is" in said
    assert "a file or a folder with files" in said


def test_a_script_and_a_recorded_curve_at_once():
    assert "exactly one of concurrency, arrivals, file" in refusal("promotion.file=made_up")


# --- vendors --------------------------------------------------------------------------------------


def own(tmp_path, body, name="ours", group="vendors"):
    (tmp_path / group).mkdir(exist_ok=True)
    (tmp_path / group / f"{name}.yaml").write_text(body)
    return tmp_path


INHERITS = "defaults: [agora@_here_, _self_]\nname: Ours\n"


def test_half_a_vendor_left_by_an_override():
    said = refusal("vendors=[agora]", "vendors.budget.limits.sessions=5")
    assert "vendors.budget is half a vendor, with limits" in said
    assert "'vendors=[agora,budget]'" in said


def test_a_misspelt_vendor_is_no_file_that_could_be_chosen():
    said = refusal("vendors=[agora]", "vendors.agroa.limits.sessions=5")
    assert "vendors.agroa is half a vendor (did you mean agora?)" in said
    assert "agroa]" not in said


def test_half_a_vendor_left_by_an_experiment(tmp_path):
    body = "# @package _global_\nvendors: {budget: {limits: {egress_mbps: 5}}}\n"
    own(tmp_path, body, "tight", "experiment")
    assert list(load_scenario("experiment=tight", config_dir=tmp_path).vendors)
    said = refusal("experiment=tight", "vendors=[agora]", config_dir=tmp_path)
    assert "vendors.budget is half a vendor" in said


@pytest.mark.parametrize(
    ("group", "name"), [("vendors", "budget"), ("promotion", "replay"), ("experiment", "quick")]
)
def test_a_file_with_a_shipped_name(tmp_path, group, name):
    said = refusal(config_dir=own(tmp_path, "name: x\n", name, group))
    assert f"{group}/{name}.yaml has the name of the shipped" in said
    assert f"our_{name}.yaml" in said


def test_a_config_yaml_of_ones_own(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 5\n")
    assert "config.yaml has the name of the shipped" in refusal(config_dir=tmp_path)


def test_a_vendor_file_without_its_header(tmp_path):
    said = refusal("vendors=[ours]", config_dir=own(tmp_path, INHERITS))
    assert "ours.yaml" in said
    assert "'# @package vendors.ours'" in said


def test_vendor_file_with_a_copied_header_is_told_the_right_one(tmp_path):
    folder = own(tmp_path, "# @package vendors.agora\n" + INHERITS)
    said = refusal("vendors=[ours]", config_dir=folder)
    assert "'# @package vendors.agora'" in said
    assert "'# @package vendors.ours'" in said


def test_keys_that_landed_in_vendors_itself():
    assert "vendors.limits is no vendor" in refusal("+vendors.limits.sessions=5")


def test_an_experiment_file_without_its_header(tmp_path):
    folder = own(tmp_path, "seed: 5\n", "ours", "experiment")
    assert "'# @package _global_'" in refusal("experiment=ours", config_dir=folder)


def test_a_number_outside_its_own_range(tmp_path):
    limits = "limits: {sessions: {value: 5, low: 6, high: 7, source: limits}}\n"
    folder = own(tmp_path, "# @package vendors.ours\n" + INHERITS + limits)
    said = refusal("vendors=[ours]", config_dir=folder)
    assert "vendors.ours.limits.sessions: value 5 lies outside its own low..high (6..7)" in said


def test_a_source_that_is_not_listed(tmp_path):
    limits = "limits: {sessions: {value: 5, source: hearsay}}\n"
    folder = own(tmp_path, "# @package vendors.ours\n" + INHERITS + limits)
    said = refusal("vendors=[ours]", config_dir=folder)
    assert "limits.sessions: source 'hearsay' is not among sources: limits" in said


def test_no_source_means_assumed(tmp_path):
    limits = "limits: {sessions: {value: 5, source: null}}\n"
    folder = own(tmp_path, "# @package vendors.ours\n" + INHERITS + limits)
    vendor = load_scenario("vendors=[ours]", config_dir=folder).vendors["ours"]
    assert {f.key: f.confidence for f in vendor.figures()}["limits.sessions"] == "assumed"


@pytest.mark.parametrize("source", ["null", "assumption", "marketing"])
def test_shipped_number_not_published_needs_low_and_high(source):
    """One that is assumed or claimed."""
    number = f"vendors.agora.limits.joins_per_s={{value: 400, source: {source}}}"
    said = refusal("vendors=[agora]", number)
    assert "vendors.agora.limits.joins_per_s is 400" in said
    assert "low and high" in said
    assert load_scenario("vendors=[agora]", number.replace(source, "limits"))


@pytest.mark.parametrize("how", ["sessions.value=5", "sessions={value: 5}"])
def test_value_may_not_borrow_the_source_of_what_it_replaces(how):
    said = refusal("vendors=[agora]", f"vendors.agora.limits.{how}")
    assert "write a bare number, vendors.agora.limits.sessions=..." in said


def test_an_inherited_number_changed_without_a_source(tmp_path):
    limits = "limits: {sessions: {value: 5}}\n"
    folder = own(tmp_path, "# @package vendors.ours\n" + INHERITS + limits)
    said = refusal("vendors=[ours]", config_dir=folder)
    assert "ours.yaml: limits.sessions has a value without a source" in said


def test_a_broken_yaml_file_is_told_with_line_and_column(tmp_path):
    folder = own(tmp_path, "# @package vendors.ours\nname: Ours\nlimits: {sessions: 5\n")
    said = refusal("vendors=[ours]", config_dir=folder)
    assert "ours.yaml, line " in said
    assert "column" in said


def test_a_file_that_is_not_utf_8(tmp_path):
    folder = own(tmp_path, "")
    (folder / "vendors" / "ours.yaml").write_bytes("name: 我们\n".encode("gbk"))
    assert "ours.yaml is not UTF-8 text" in refusal("vendors=[ours]", config_dir=folder)


@pytest.mark.parametrize("body", ["", "just words", "- a\n- b\n", "limits: {}\n", "defaults: 5\n"])
def test_a_file_that_holds_no_vendor(tmp_path, body):
    folder = own(tmp_path, "# @package vendors.ours\n" + body)
    assert "ours" in refusal("vendors=[ours]", config_dir=folder)


def test_missing_vendor_is_told_with_own_ones_among_the_allowed(tmp_path):
    folder = own(tmp_path, "# @package vendors.ours\n" + INHERITS)
    assert "zego, ours" in refusal("vendors=[theirs]", config_dir=folder)


def test_a_config_dir_that_is_not_there(tmp_path):
    assert "it must be a folder" in refusal(config_dir=tmp_path / "nowhere")


def test_of_many_unknown_keys_the_first_are_told(tmp_path):
    """Thousands of names, each with its nearest, took minutes."""
    body = "".join(f"k{k}: 1\n" for k in range(2_000))
    said = refusal("promotion=ours", config_dir=own(tmp_path, body, "ours", "promotion"))
    assert "promotion.k4 is not a key" in said and "promotion.k5" not in said
    assert "more will be told" in said and len(said) < 3_000


def test_a_recording_of_many_megabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sim.scenario.files.MOST_BYTES", 20)
    path = tmp_path / "curve.csv"
    path.write_text("time_s,viewers\n0,1\n60,1\n")
    assert "is too large" in refusal("promotion=replay", f"promotion.file={path}")
