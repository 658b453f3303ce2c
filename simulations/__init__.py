"""Plays a scenario in simulated time."""
