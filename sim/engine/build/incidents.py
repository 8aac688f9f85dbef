"""When something breaks, and what of the sharing tree it hits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.engine.state import BREAK, INCIDENT
from sim.scenario.model import Incident


def incidents_of(
    breaks: list[Incident],
    nodes: NDArray[np.void],
    leaves: int,
    regions: list[str],
    isps: list[str],
) -> tuple[NDArray[np.void], NDArray[np.bool_], NDArray[np.void]]:
    """INCIDENT, (incident, node) hit, and BREAK by time.

    An edge or an isp is hit where it stands, a region as a whole: what is left of it is shared.
    """
    incidents = np.zeros(len(breaks), INCIDENT)
    hit = np.zeros((len(breaks), len(nodes)), bool)
    events = []
    for j, incident in enumerate(breaks):
        places = incident.what.places(regions, isps)
        incidents[j] = (incident.left, places is None, False)
        for leaf in nodes[:leaves]:
            if (
                places is not None
                and places[leaf["edge_at"] - nodes[0]["edge_at"]] == incident.where
            ):
                whole = incident.what.spec.whole_region and incident.left > 0
                hit[j, leaf["region_at"] if whole else leaf["edge_at"]] = True
        begins, ends = incident.time_s, incident.time_s + incident.duration_s
        events += [(begins, j, True), (ends, j, False)]
    events.sort(key=lambda e: (e[0], e[2]))  # what ends comes before what begins
    return incidents, hit, np.array(events, BREAK)
