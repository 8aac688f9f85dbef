"""What a seller types who doesn't know the program yet, and the sentence it is answered with."""

import pytest

from sim.scenario.compose import load_scenario
from tests.scenario.test_refusals import beside_few, refusal

HOW_KEYS_LOOK = "a key is a-z, 0-9 and _ with single dots, then ="


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("20,000", "'20,000': it must be a whole number (did you mean 20000?), or -m to sweep"),
        ("20000,30000", "'20000,30000': it must be a whole number, or -m to sweep over them"),
        ("20k", "'20k': it must be a whole number (did you mean 20000?)"),
        ("2万", "'2万': it must be a whole number (did you mean 20000?)"),
        ("1.5w", "'1.5w': it must be a whole number (did you mean 15000?)"),
        ("20 000", "'20 000': it must be a whole number (did you mean 20000?)"),
        ("20000人", "'20000人': it must be a whole number"),
        ("2,00", "'2,00': it must be a whole number, or -m to sweep over them"),
        ("20000.5", "20000.5: it must be a whole number"),
        ("true", "true: it must be a whole number"),
        ("[20000]", "[20000]: it must be a whole number"),
        ("{a: 1}", "{'a': 1}: it must be a whole number"),
        ("", "'': it must be a whole number"),
        ("-5", "-5: it must be at least 1"),
        ("nan", "nan: it must be a finite number"),
        ("inf", "inf: it must be a finite number"),
    ],
)
def test_a_number_of_viewers(typed, sentence):
    assert refusal("vendors=[agora]", f"promotion.peak_viewers={typed}").startswith(
        f"promotion.peak_viewers is {sentence}"
    )


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("audience.sample=20%", "audience.sample is '20%': it must be a number (did you "
         "mean 0.2?)"),
        ("promotion.duration_s=2h", "promotion.duration_s is '2h': it must be a number (did you"
         " mean 7200?)"),
        ("promotion.peak_sigma=2h", "promotion.peak_sigma is '2h': it must be a number"),
        ("vendors.agora.own.orders_per_s=2h", "vendors.agora.own.orders_per_s is '2h': it must be a"
         " number or {value, low, high, source}"),
        (f"promotion.peak_sigma={'9' * 400}k", "promotion.peak_sigma is '999"),
        ("promotion.duration_s=1e300", "promotion.duration_s is 1e+300: it must be at most 604800"),
        ("replications=1000000", "replications is 1000000: it must be at most 10000"),
        ("vendors.agora.limits.sessions=5k", "vendors.agora.limits.sessions is '5k': it must be a "
         "number or {value, low, high, source} (did you mean 5000?)"),
        ("vendors.agora.limits.sessions=[5]", "vendors.agora.limits.sessions is [5]: it must be a "
         "number or {value, low, high, source}"),
        ("promotion.starts_at=2026-11-11", "promotion.starts_at is '2026-11-11': it must be a local"
         " date and time such as 2026-11-11T20:00:00"),
        ("promotion.starts_at=20261111", "promotion.starts_at is 20261111: it must be a local"),
        ("commerce.cny_per.usd=7", "commerce.cny_per.usd is 'usd': it must be three capital"),
        ("output_dir=''", "output_dir is '': it must be text, and not empty"),
        ("incidents={}", "incidents is {}: it must be a list"),
        ("promotion.concurrency={a: 1}", "promotion.concurrency is {a: 1}: it must be a list"),
        ("vendor=[agora]", "vendor is not a key (did you mean vendors?)"),
        ("vendors@x=[agora]", "vendors@x chooses nothing: vendors are chosen as 'vendors=["),
        ("promotion.concurrency=[[0,1]]", "promotion.concurrency has 1 entry: it must have at "
         "least 2"),
        ("promotion.file=curve.csv", "promotion: exactly one of concurrency, arrivals, file "
         "describes the audience, here: concurrency, file (promotion=replay is the script of a"),
        ("audience.sample=0.0001", "audience.sample 0.0001 leaves 2 viewers of 20000 at the peak: "
         "it must be at least 0.00025"),
        ("incidents=[{name: a, what: host_uplink, time_s: 3600, duration_s: 1, left: 0}]",
         "incidents.0.time_s 3600 is after the show: it must be below 3600"),
    ],
)  # fmt: skip
def test_a_value(typed, sentence):
    assert refusal(*beside_few(typed)).startswith(sentence)


def test_only_seconds_may_be_hours():
    assert "did you mean" not in refusal("vendors=[agora]", "promotion.peak_sigma=2h")
    assert "did you mean" not in refusal("vendors=[agora]", "vendors.agora.own.orders_per_s=2h")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("own.orders_per_s=100", "own is not a key (did you mean vendors.<name>.own?)"),
        ("limits.sessions=5", "limits is not a key (did you mean vendors.<name>.limits?)"),
        ("peak_viewers=5", "peak_viewers is not a key (did you mean promotion.peak_viewers?)"),
        ("sessions=5", "sessions is not a key (did you mean report.sessions or "
         "vendors.<name>.limits.sessions?)"),
        ("file=night.csv", "file is not a key (did you mean promotion.file or audience.file?)"),
        ("promotion.sample=0.1", "promotion.sample is not a key (did you mean audience.sample?)"),
        ("agora.limits.sessions=5", "agora is not a key (did you mean vendors.agora?)"),
        ("vendors.agora.sessions=5", "vendors.agora.sessions is not a key (did you mean "
         "vendors.agora.limits.sessions?)"),
        ("promtion.peak_viewers=5", "promtion is not a key (did you mean promotion?)"),
        ("vendors.agora.paths.rtcc.gop_s=5", "vendors.agora.paths.rtcc is not complete (did you "
         "mean rtc?): transport, player"),
        ("promotion.drops.0.price=5", "promotion.drops.0.price is not a key (did you mean "
         "price_cny?)"),
        ("promotion.drops[0].stock=5", "promotion.drops[0] is not a key (did you mean drops?)"),
        ("观众=5", "观众 is not a key: allowed here are study, promotion"),
        ("promotion.观众=5", "promotion.观众 is not a key: allowed here are name"),
        ("vendors.limits.sessions=5", "vendors.limits is no vendor: it stands in each, "
         "vendors.<name>.limits"),
        ("vendors.agora=5", "vendors.agora is 5: a vendor must be a group of keys"),
        ("incidents=[{name: a, what: isp}]", "incidents.0 is not complete: time_s, duration_s, "
         "left must be given"),
        ("~vendors", "vendors can't be left out"),
    ],
)  # fmt: skip
def test_a_key_in_the_wrong_place_or_misspelt(typed, sentence):
    assert refusal(*beside_few(typed)).startswith(sentence)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("vendors=[agora,agora]", "vendors names 'agora' 2 times: it must be there once"),
        ("vendors=[Agora]", "vendors is 'Agora', which is not there (did you mean agora?)"),
        ("vendors=[5]", "vendors is '5', which is not there: allowed are agora"),
        ("vendors=", "vendors is empty: it must name at least one file"),
        ("vendors=null", "vendors is empty: it must name at least one file"),
        ("promotion=", "promotion is '': it must be one of flash_join, midnight_drop"),
        ("promotion=5", "promotion is 5: it must be one of flash_join, midnight_drop"),
        ("promotion=a,b", "promotion is 'a,b': it must be one of flash_join, midnight_drop, "
         "replay, steady_ramp, word_of_mouth, or -m to sweep over them"),
        ("promotion=[replay,flash_join]", "promotion is [replay, flash_join]: it must be one of"),
        ("promotion=闪购", "promotion is '闪购', which is not there: allowed are flash_join"),
        ("study=compair", "study is 'compair', which is not there (did you mean compare?)"),
        ("tariff=agora_list", "tariff is chosen for a vendor: "
         "'tariff@vendors.<name>.tariffs=[...]'"),
        ("tariff@vendors.zego.tariffs=[zego_l3_list]", "tariff@vendors.zego.tariffs chooses "
         "nothing: vendors.zego must be a vendor that is chosen"),
    ],
)  # fmt: skip
def test_a_choice_of_files(typed, sentence):
    assert refusal(*beside_few(typed)).startswith(sentence)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "'' is not understood: an argument is key=value"),
        ("=5", "'=5' is not understood: an argument is key=value"),
        ("peak:5", "'peak:5' is not understood: an argument is key=value"),
        ("promotion..file=5", f"'promotion..file=5' is not understood: {HOW_KEYS_LOOK}"),
        ("seed = 5", f"'seed = 5' is not understood: {HOW_KEYS_LOOK}"),
        ("vendors.声网.name=x", f"'vendors.声网.name=x' is not understood: {HOW_KEYS_LOOK}"),
        ("seed==5", "'seed==5' is not understood: seed must be a whole number"),
        ("vendors=[agora", "'vendors=[agora' is not understood: a list of files is "
         "'vendors=[agora,budget]'"),
        ("promotion=a(b", "'promotion=a(b' is not understood: promotion must be one of flash_join"),
        ("study.peaks=[1", "'study.peaks=[1' is not understood: study.peaks must be a list such as "
         "[a,b]"),
        ("promotion.name='its", "'promotion.name='its' is not understood: write "
         "\"promotion.name='\\'its'\", with all its quotes"),
        ("promotion.name=a,b", "promotion.name is 'a,b': write \"promotion.name='a,b'\" for text "
         "with a comma, or -m to sweep over them"),
    ],
)  # fmt: skip
def test_grammar(typed, sentence):
    assert refusal(*beside_few(typed)).startswith(sentence)


LINE = "{name: a, meter: egress_gb, reduction: sum, semantics: graduated, tiers: [{price: 1}]}"
HERE = "vendors.budget.tariffs.budget_list"


def price_list(line=LINE, **changes):
    for key, value in changes.items():
        line = line.replace("name: a", f"name: a, {key}: {value}")
    return refusal("vendors=[budget]", f"{HERE}.lines=[{line}]")


@pytest.mark.parametrize(
    ("tiers", "sentence"),
    [
        ("[{up_to: 9, price: 2}, {up_to: 5, price: 1}, {price: 1}]",
         "overlap: tiers.1.up_to 5 must be above tiers.0.up_to 9"),
        ("[{up_to: 9, price: 2}, {up_to: 9, price: 1}, {price: 1}]",
         "overlap: tiers.1.up_to 9 must be above tiers.0.up_to 9"),
        ("[{price: 2}, {up_to: 9, price: 1}]",
         "overlap: tiers.0 has no end (up_to) and isn't the last"),
        ("[{up_to: 9, price: 2}]",
         "leave a gap: nothing is priced above 9, the last one must have no end (up_to: null)"),
    ],
)  # fmt: skip
def test_tiers_that_overlap_or_leave_a_gap(tiers, sentence):
    said = price_list(LINE.replace("[{price: 1}]", tiers))
    assert said == f"{HERE}.lines.0: tiers of 'a' {sentence}"


def test_other_mistakes_of_a_price_list():
    assert refusal("vendors=[budget]", f"{HERE}.lines=[]") == (
        f"{HERE}.lines has 0 entries: it must have at least 1"
    )
    level = LINE.replace("egress_gb, reduction: sum", "peak_mbps, reduction: p95")
    assert price_list(level).endswith("p95 needs days: all (of the month) or valid (with usage)")
    assert "days all belongs to p95" in price_list(days="all")
    assert price_list(commitment="-5") == (
        f"{HERE}.lines.0.commitment: -5 is not a number of 0 or more"
    )
    assert price_list(where="{region: 5}") == f"{HERE}.lines.0.where.region is 5: it must be text"
    assert refusal("vendors=[budget]", f"~{HERE}.currency") == (
        f"{HERE}.currency is missing: it must be given"
    )


def test_a_number_of_a_policy_without_the_limit_it_is_about():
    said = refusal("vendors=[budget]", "vendors.budget.policy.scan_s=60")
    assert said.startswith("vendors.budget: policy.scan_s is 60, and nothing is limited")
    metered = ("vendors=[budget]", "vendors.budget.limits.account_mbps=900")
    assert load_scenario(*metered, "vendors.budget.policy.scan_s=60")
    said = refusal(*metered, "vendors.budget.policy.cut_off_s=60")
    assert said.endswith("one of account_mbps, package_gb, package_minutes whose policy is cut_off")
    said = refusal("vendors=[hybrid]", "vendors.hybrid.paths.cdn.policy.scan_s=9")
    assert "paths.cdn.policy.scan_s is 9, and nothing is limited" in said
    assert "it needs the first path's limits" in said


def test_half_a_picture_is_not_transcoded():
    said = refusal("vendors=[alibaba_rts]", "vendors.alibaba_rts.limits.transcodes=1.5")
    assert said == (
        "vendors.alibaba_rts.limits.transcodes: value 1.5 must be a whole number: pictures are "
        "counted"
    )
