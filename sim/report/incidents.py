"""Incidents as a reader knows them: what breaks, with which vendors, how likely it is."""

from __future__ import annotations

from sim.report.view import View
from sim.scenario.model import Incident


def struck_by(view: View, incident: Incident) -> str:
    """The vendors that can feel it; empty where all do."""
    known = view.scenario.vendors
    felt = [v.name for key, v in known.items() if incident in view.scenario.felt_by(key)]
    return view.words.listed(felt) if 0 < len(felt) < len(known) else ""


def incident_with_chance(view: View, incident: Incident) -> str:
    """`uplink (30 % a night)`, `outage (Tencent LEB, 5 % a night)`."""
    return view.words(
        "incident-with-chance",
        name=incident.name,
        vendors=struck_by(view, incident) or 0,
        chance=view.words.percent(incident.chance or 0.0),
    )
