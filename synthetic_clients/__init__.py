"""Plays a scenario in real time: thousands of WebRTC clients at a real media server."""
