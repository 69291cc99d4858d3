"""What the examples of the documents call the dashboard is let in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cloudplow_dashboard.checks import exposure
from cloudplow_dashboard.config import DashboardSection
from cloudplow_dashboard.server.hosts import Hosts

ROOT: Final = Path(__file__).parents[3]
PROXIES: Final = (ROOT / "docs" / "reverse-proxy.md").read_text("utf-8")


def section(document: Any) -> DashboardSection:
    return DashboardSection.model_validate(document)


def test_prometheus_in_the_compose_file_is_let_in_without_a_setting() -> None:
    compose = yaml.safe_load((ROOT / "contrib" / "docker" / "compose.yaml").read_text("utf-8"))
    dashboard = section(json.loads(compose["services"]["cloudplow"]["environment"]["dashboard"]))
    text = (ROOT / "docs" / "examples" / "prometheus.yml").read_text("utf-8")
    targets = re.findall(r'targets: \["([^"]+)"\]', text)

    assert yaml.safe_load(text)["scrape_configs"][0]["static_configs"] == [{"targets": ["cloudplow:47949"]}]
    assert f"cloudplow:{dashboard.port}" == targets[0]
    hosts = Hosts(allowed=dashboard.allowed_hosts)
    assert [hosts.allows(target) for target in targets] == [True, True, True, False]


def test_the_names_of_the_proxies_are_in_the_settings_beside_them() -> None:
    settings = [json.loads(block)["dashboard"] for block in re.findall(r"```json\n(.*?)```", PROXIES, re.DOTALL)]
    (traefik,) = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PROXIES, re.DOTALL))
    cloudplow = traefik["services"]["cloudplow"]
    dashboard = section(json.loads(cloudplow["environment"]["dashboard"]))
    name = re.search(r"Host\(`(.*)`\)", cloudplow["labels"]["traefik.http.routers.cloudplow.rule"])

    assert [section(one).allowed_hosts for one in settings] == [["home.example.com"]]
    assert name is not None
    assert Hosts(allowed=dashboard.allowed_hosts).allows(name[1])
    assert cloudplow["labels"]["traefik.http.services.cloudplow.loadbalancer.server.port"] == str(dashboard.port)


@pytest.mark.parametrize(
    ("more", "verdict", "told"),
    [
        ({}, "ok", "this machine only"),
        ({"trusted_proxies": ["127.0.0.1"]}, "ok", "must be listed in dashboard.allowed_hosts"),
        ({"allowed_hosts": ["a.example.org"]}, "ok", "also called a.example.org"),
        ({"host": "0.0.0.0"}, "warning", "must be listed in dashboard.allowed_hosts"),
    ],
)
def test_the_check_says_by_which_names_the_dashboard_may_be_called(
    more: dict[str, Any], verdict: str, told: str
) -> None:
    ((found, sentence),) = exposure(section({"enabled": True} | more))

    assert found == verdict
    assert sentence.endswith(told)
