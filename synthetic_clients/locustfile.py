"""For `locust -f synthetic_clients/locustfile.py`: a live run as Locust's users expect it.

    locust -f synthetic_clients/locustfile.py --headless --scenario smoke --target embedded
    locust -f synthetic_clients/locustfile.py --master --scenario smoke --target sfu+http://…
    locust -f synthetic_clients/locustfile.py --worker --scenario smoke --target sfu+http://…

Master and workers are given the same scenario and target. What Locust reports are its requests; for
a run folder with a report and a verdict, use `rehearse live`.
"""

# Locust comes first: it patches the process
from typing import Any

from locust import events
from locust.runners import WorkerRunner

from scenarios.loading import load_scenario
from synthetic_clients.health import cores
from synthetic_clients.load import EndpointUser, JoinShape, Rehearsal
from synthetic_clients.media_tab import install
from synthetic_clients.plan import Plan
from synthetic_clients.server import Server, reference_sfus
from synthetic_clients.signalling import EMBEDDED, check_target

__all__ = ["EndpointUser", "JoinShape"]


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: Any) -> None:
    group = parser.add_argument_group("Rehearsal")
    group.add_argument("--scenario", default="smoke", help="a library scenario, or a file")
    group.add_argument(
        "--target", default=EMBEDDED, help="embedded, sfu+http://…, whip+http://…, …"
    )
    parser.add_argument(
        "--token", default=None, is_secret=True, env_var="REHEARSE_TOKEN",
        help="what the server asks for",
    )  # fmt: skip
    group.add_argument("--endpoints", type=int, default=None, help="so many, instead of all")
    group.add_argument("--join-over", type=float, default=10.0, help="seconds in which all come in")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Any, **_: Any) -> None:
    given = environment.parsed_options
    check_target(given.target)
    overrides = [] if given.endpoints is None else [f"endpoints.sample={given.endpoints}"]
    scenario = load_scenario(given.scenario, overrides)
    token, servers = given.token, dict[str, Server]()
    if given.target == EMBEDDED and not isinstance(environment.runner, WorkerRunner):
        servers, token = reference_sfus(scenario.nodes)
        for server in servers.values():
            server.start()
            environment.events.quitting.add_listener(lambda server=server, **_: server.close())
    plan = Plan(
        scenario, given.target, token, max(1, cores() - bool(servers)), given.join_over,
        servers={node: f"sfu+{server.url}" for node, server in servers.items()},
    )  # fmt: skip
    rehearsal = Rehearsal(environment, plan, servers=servers)
    if environment.web_ui is not None:
        install(environment.web_ui, rehearsal.media_rows)

    environment.events.quitting.add_listener(lambda **_: rehearsal.close())
