"""Plays a scenario in simulated time: `simulate(load_scenario("smoke"))` gives a run."""

from simulations.conference import Progress, simulate

__all__ = ["Progress", "simulate"]
