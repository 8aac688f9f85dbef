"""`python -m sim`."""

from sim.app import run

run()
