"""A folder of configuration that came from anybody: data, read with bounds, or one sentence."""

import os
from pathlib import Path

import pytest

from sim.folder import write_config
from sim.scenario import ScenarioError, received
from sim.scenario.compose import CONF, load_scenario, read_scenario
from tests.scenario.test_refusals import refusal

OPEN = "_target_: builtins.open, file: made, mode: w"
NIGHT = "# @package _global_\n"
OURS = "# @package vendors.ours\ndefaults: [budget@_here_, _self_]\nname: Ours\n"


def given(folder, **files):
    """A folder with these files, `experiment__evil="..."`; its path."""
    for name, body in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    return folder


def refused(folder, *overrides):
    return refusal(*(overrides or ("vendors=[budget]",)), config_dir=folder)


CODE = {
    "a callback": ("experiment__evil", f"{NIGHT}hydra: {{callbacks: {{x: {{{OPEN}}}}}}}\n"),
    "a launcher": ("experiment__evil", f"{NIGHT}defaults: [override hydra/launcher: joblib]\n"),
    "a launcher's own class": ("experiment__evil", f"{NIGHT}hydra: {{launcher: {{{OPEN}}}}}\n"),
    "a file of Hydra's group": ("hydra__launcher__evil", f"# @package hydra.launcher\n{OPEN}\n"),
    "a folder of one's own": ("experiment__evil", f"{NIGHT}hydra: {{searchpath: [file:///x]}}\n"),
    "a header": ("promotion__evil", f"# @package hydra.callbacks.x\na: {{{OPEN}}}\n"),
    "a second header": ("promotion__evil", "# @package promotion\n# @package hydra.job\na: 1\n"),
    "a place in defaults": ("promotion__evil", "defaults: [flash_join@hydra.job, _self_]\n"),
    "a group in defaults": ("promotion__evil", "defaults: [/hydra/launcher/basic, _self_]\n"),
    "a key of a script": ("promotion__evil", f"name: x\nhydra: {{{OPEN}}}\n"),
    "_target_": ("promotion__evil", f"name: {{{OPEN}}}\n"),
    "_target_ in a list": ("experiment__evil", f"{NIGHT}incidents: [{{{OPEN}}}]\n"),
    "_target_ behind an alias": ("promotion__evil", f"a: &a {{{OPEN}}}\nname: x\nb: {{<<: *a}}\n"),
    "the environment": ("promotion__evil", "name: ${oc.env:HOME}\n"),
    "decoded text": ("promotion__evil", "name: \"${oc.decode:'${oc.env:HOME}'}\"\n"),
    "Hydra's own facts": ("experiment__evil", f"{NIGHT}output_dir: '${{hydra:runtime.cwd}}'\n"),
    "a resolver of ours": ("experiment__evil", f"{NIGHT}output_dir: '${{sweep_dir:x}}'\n"),
    "a resolver in a reference": ("promotion__evil", "name: '${${oc.env:HOME}}'\n"),
    "a resolver as a key": ("promotion__evil", "'${oc.env:HOME}': 1\n"),
    "a reference in defaults": ("promotion__evil", "defaults: ['${oc.env:HOME}', _self_]\n"),
    "a file outside": ("promotion__evil", "defaults: [../../evil, _self_]\n"),
    "a file from the root": ("promotion__evil", "defaults: [//tmp/evil, _self_]\n"),
    "a Python object": ("promotion__evil", "name: !!python/object/apply:os.system [x]\n"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "body"), CODE.values(), ids=CODE.keys())
def test_nothing_in_a_received_folder_runs_code(tmp_path, monkeypatch, name, body):
    monkeypatch.chdir(tmp_path)
    said = refused(given(tmp_path / "c", **{name: body}), "vendors=[budget]")
    assert f"c/{name.replace('__', '/')}.yaml" in said
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("how", ["yml", "link", "linked folder", "unchosen"])
def test_no_way_into_the_folder_is_left_out(tmp_path, how):
    body = f"{NIGHT}hydra: {{callbacks: {{x: {{{OPEN}}}}}}}\n"
    folder = given(tmp_path / "c", promotion__fine="name: fine\n")
    elsewhere = given(tmp_path / "elsewhere", evil=body)
    if how == "yml":
        (folder / "evil.yml").write_text(body)
    elif how == "link":
        (folder / "evil.yaml").symlink_to(elsewhere / "evil.yaml")
    elif how == "linked folder":
        (folder / "experiment").symlink_to(elsewhere)
    else:
        given(folder, deep__er__evil=body)
    assert "the key hydra is not allowed here" in refused(folder)


def test_what_is_data_stays_allowed(tmp_path):
    folder = given(
        tmp_path,
        vendors__ours=OURS + "summary: 'not a hydra-cdn, ${promotion.name}'\n"
        "limits: {sessions: '${promotion.peak_viewers}'}\n",
        promotion__ours="defaults: [flash_join, _self_]\nname: &n ours\ndrops: []\n",
        experiment__ours=NIGHT + "defaults:\n  - override /promotion: ours\n"
        "  - override /vendors: [ours]\npromotion: {peak_viewers: 77}\n",
    )
    (folder / "round").symlink_to(folder)
    vendor = load_scenario("experiment=ours", config_dir=folder).vendors["ours"]
    assert vendor.summary == "not a hydra-cdn, ours"
    assert vendor.limits.sessions is not None and vendor.limits.sessions.value == 77


def test_the_shipped_files_would_pass_but_for_their_names():
    for file in sorted(CONF.glob("[a-gi-z]*/*.yaml")):
        name, text = file.relative_to(CONF), file.read_text(encoding="utf-8")
        body = received.body_of(file, text)
        list(received._inherits(file, name, body))
        received._check_place(file, name, text, body)


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
)
ODD = {
    "aliases of aliases": (LAUGHS, "aliases that stand for more than 20000 values"),
    "an alias to itself": ("name: &a [*a]\n", "line 1: an alias to what it is in"),
    "3,000 brackets": ("name: " + "[" * 3000, "line 1: more than 40 levels"),
    "90 levels": ("name: " + "[" * 90 + "]" * 90, "line 1: more than 40 levels"),
    "20,000 keys": ("".join(f"k{n}: 1\n" for n in range(20_000)), "more than 20000 keys"),
    "2 MB": ("name: " + "x" * 2_000_000, "more than 1000000 bytes"),
    "a tag": ("name: !!int ''\n", "line 1: the tag"),
    "a byte order mark": ("\ufeffname: x\n", "begins with a byte order mark"),
    "NUL": ("name: a\0b\n", "is not YAML"),
    "a tab": ("name: x\n\tdrops: []\n", "line 2, column 1: found character"),
    "a key twice": ("name: x\nname: y\n", "line 2, column 1: found duplicate key name"),
    "two documents": ("name: x\n---\nname: y\n", "line 2, column 1"),
    "a number without end": (f"name: {'9' * 5000}\n", "holds a value that can't be read"),
    "words": ("just words\n", "must hold keys"),
    "a list": ("- a\n", "must hold keys"),
    "defaults that are none": ("defaults: 5\n", "defaults must be a list"),
    "a defaults entry that is none": ("defaults: [[a]]\n", "defaults names '['a']'"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "words"), ODD.values(), ids=ODD.keys())
def test_an_odd_file_is_told_in_a_sentence_with_its_place(tmp_path, body, words):
    said = refused(given(tmp_path, promotion__odd=body))
    assert said.startswith(f"{tmp_path}/promotion/odd.yaml")
    assert words in said


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_file_in_another_encoding(tmp_path, encoding):
    (tmp_path / "promotion").mkdir()
    (tmp_path / "promotion" / "odd.yaml").write_bytes("name: 我们\n".encode(encoding))
    assert "odd.yaml is not UTF-8 text" in refused(tmp_path)


@pytest.mark.parametrize("what", ["folder", "pipe", "link to nothing", "link to itself"])
def test_what_is_named_like_a_file_and_is_none(tmp_path, what):
    path = tmp_path / "odd.yaml"
    match what:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link to nothing":
            path.symlink_to("nowhere")
        case _:
            path.symlink_to("odd.yaml")
    assert refused(tmp_path) == f"{path} is not a file: what is named so must be one"


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    def deny(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    given(tmp_path, promotion__odd="name: x\n")
    monkeypatch.setattr(Path, "open", deny)
    assert "odd.yaml can't be read: permission denied" in refused(tmp_path)


def test_a_folder_with_more_than_configuration_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(received, "MOST_ENTRIES", 20)
    for n in range(21):
        (tmp_path / f"{n}.txt").touch()
    assert "holds more than 20 files" in refused(tmp_path)


def test_files_that_inherit_themselves(tmp_path):
    folder = given(tmp_path, vendors__ours=OURS.replace("budget@", "ours@"))
    assert "files that inherit themselves: vendors/ours <- vendors/ours" in refused(folder)
    given(folder, vendors__ours=OURS.replace("budget@", "/vendors/other@"))
    given(folder, vendors__other=OURS.replace("ours", "other").replace("budget@", "ours@"))
    assert "vendors/ours <- vendors/other" in refused(folder)


def test_files_that_inherit_more_than_can_be_read(tmp_path):
    """Two in each of thirty: a billion."""
    for n in range(30):
        body = f"defaults: [p{n + 1}@a, p{n + 1}@b, _self_]\nname: x\n"
        given(tmp_path, **{f"promotion__p{n}": body})
    given(tmp_path, promotion__p30="name: x\n")
    assert "inherits too many files" in refused(tmp_path)


def test_a_reference_to_itself(tmp_path):
    folder = given(tmp_path, promotion__odd="defaults: [flash_join]\nname: ${promotion.name}\n")
    assert refusal("promotion=odd", "vendors=[budget]", config_dir=folder).endswith(
        "refers to itself, by ${...}"
    )


def test_a_list_where_a_group_of_keys_is_inherited(tmp_path):
    folder = given(tmp_path, vendors__ours=OURS + "limits: [5]\n")
    said = refusal("vendors=[ours]", config_dir=folder)
    assert said == "vendors/ours: a list stands where there are keys, or keys where there is a list"


@pytest.mark.parametrize("name", ["it's, [x]", "a b", "我们", "x=y"])
def test_the_folder_may_have_any_name(tmp_path, name):
    folder = given(tmp_path / name, promotion__ours="defaults: [flash_join]\n")
    assert load_scenario("promotion=ours", "vendors=[budget]", config_dir=folder).vendors


@pytest.mark.parametrize(
    "override",
    [
        "hydra.launcher._target_=os.system", "+hydra.launcher.x={_target_: os.system}",
        "hydra.job.env_copy=[HOME]", "hydra.job.env_set={A: 1}", "hydra.searchpath=[x]",
        "hydra.sweeper.params={seed: 1}", "+hydra.sweeper.params.seed=1", "hydra.run.dir=x",
        "~hydra.callbacks.sweep", "+hydra.callbacks.x._target_=builtins.print", "hydra.sweep.dir=x",
        "hydra/job_logging=none", "~hydra/launcher", "+hydra/env=x", "hydra.output_subdir=x",
        "hydra={}", "hydra.launcher={_target_: x}",
    ],
)  # fmt: skip
def test_hydras_own_keys_are_not_for_the_command_line(override):
    said = refusal(override)
    assert said.startswith(override.lstrip("+~").partition("=")[0])
    assert "is Hydra's own and can't be given here" in said


def test_a_list_of_overrides_is_told_how_to_be_given():
    for wrong in (["seed=1"], 5, None, b"seed=1"):
        assert "each must be a text of its own" in refusal(wrong)


def test_the_configuration_of_a_run_is_read_as_it_was_written(tmp_path):
    """What looks like a reference in it is text, and what asks for the environment too."""
    name = r"\${seed} \${oc.env:HOME}"
    scenario = load_scenario("vendors=[budget]", f"promotion.name='{name}'")
    assert scenario.promotion.name == "${seed} ${oc.env:HOME}"
    write_config(scenario, tmp_path)
    assert read_scenario(tmp_path / "config.yaml") == scenario


@pytest.mark.parametrize("body", [*(body for body, _ in ODD.values()), "", "seed: ${seed}\n"])
def test_an_odd_configuration_of_a_run_is_told(tmp_path, body):
    (tmp_path / "config.yaml").write_text(body, "utf-8")
    with pytest.raises(ScenarioError):
        read_scenario(tmp_path / "config.yaml")
    with pytest.raises(ScenarioError, match="is not a file, or not there"):
        read_scenario(tmp_path / "nowhere.yaml")
