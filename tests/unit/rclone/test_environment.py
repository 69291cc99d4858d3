"""Variables that rclone must not get."""

from __future__ import annotations

import pytest

from cloudplow.rclone.environment import rclone_environment


@pytest.mark.parametrize(
    "name",
    [
        "RCLONE_RC",
        "RCLONE_RC_ADDR",
        "RCLONE_RC_BASEURL",
        "RCLONE_RC_CERT",
        "RCLONE_RC_FILES",
        "RCLONE_RC_HTPASSWD",
        "RCLONE_RC_NO_AUTH",
        "RCLONE_RC_PASS",
        "RCLONE_RC_SERVE",
        "RCLONE_RC_USER_FROM_HEADER",
        "RCLONE_RC_WEB_GUI_UPDATE",
    ],
)
def test_no_variable_of_the_remote_control_reaches_rclone(name: str) -> None:
    assert rclone_environment({name: "x"}) == {}
    assert rclone_environment({name: "x"}, filters=False) == {}


@pytest.mark.parametrize("name", ["RCLONE_BWLIMIT", "RCLONE_CONFIG_RC_TYPE", "RCLONE_RCX", "XRCLONE_RC", "PATH"])
def test_others_do(name: str) -> None:
    assert rclone_environment({name: "x"}) == {name: "x"}
