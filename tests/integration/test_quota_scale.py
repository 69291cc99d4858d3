"""Large pools and queues, and queues of a few large files, against a fake Drive with the real rclone."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import time
from pathlib import Path

import pytest

from cloudplow import events
from tests.fake_drive import FakeDrive
from tests.fake_drive.pytest_plugin import MakeDrive
from tests.harness.drive_upload import Site, make_site, pareto_sizes, write_files

pytestmark = pytest.mark.rclone

MB = 1_000_000


def committed(drive: FakeDrive) -> dict[str, int]:
    return {name: usage.committed for name, usage in drive.usages().items()}


def denials(drive: FakeDrive) -> int:
    return sum(usage.denials for usage in drive.usages().values())


@pytest.mark.timeout(400)
def test_ten_thousand_files_close_thirty_accounts_to_the_last_permille(
    any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path
) -> None:
    accounts, quota = 30, 5 * MB
    total = accounts * quota - 3 * MB
    drive = fake_drive(accounts=accounts, quota_bytes=quota)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=quota, extras={"--transfers": 16})
    files = write_files(site.source, pareto_sizes(10_000, total, smallest=500, largest=2 * MB), per_folder=500)
    finished, seen = site.upload()
    assert (finished.outcome, finished.files, finished.files_left) == ("done", 10_000, 0)
    found = {name: (stored.size, stored.md5) for name, stored in drive.files().items()}
    assert found == {f"Media/{name}": content for name, content in files.items()}
    assert drive.duplicates() == []
    assert denials(drive) == 0
    # The last account takes what is left; all before it are closed.
    shares = sorted(size_bytes / quota for size_bytes in committed(drive).values())[1:]
    assert sum(shares) / len(shares) >= 0.999
    assert shares[0] >= 0.995
    assert finished.bytes == seen.transferred_bytes() == site.ledger_bytes() == total
    assert {name: entry["bytes"] for name, entry in site.ledger().items()} == committed(drive)
    by_account = dict.fromkeys(committed(drive), 0)
    for event in seen.of(events.FileTransferred):
        by_account[event.account] += event.size
    assert by_account == committed(drive)


def best_fill(sizes: list[int], quota: int) -> int:
    """The largest sum of some of the sizes that is no larger than the quota: exact, by trying all of them."""
    sums = {0}
    for size in sizes:
        sums |= {reached + size for reached in sums if reached + size <= quota}
    return max(sums)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_few_large_files_fill_an_account_within_a_permille_of_the_optimum(
    rclone: Path, fake_drive: MakeDrive, tmp_path: Path, seed: int
) -> None:
    numbers = random.Random(seed)
    sizes = [numbers.randrange(1 * MB, 6 * MB) for _ in range(14)]
    quota = 20 * MB
    drive = fake_drive(accounts=1, quota_bytes=quota)
    site = make_site(tmp_path / "site", drive, rclone, quota_bytes=quota)
    write_files(site.source, sizes)
    finished, seen = site.upload()
    assert finished.outcome == "quota_used"
    assert denials(drive) == 0
    used = committed(drive)["1.json"]
    assert best_fill(sizes, quota) * 0.999 <= used <= quota
    assert used == finished.bytes == seen.transferred_bytes() == site.ledger_bytes()
    assert finished.bytes + finished.bytes_left == sum(sizes)


def cpu_seconds_to_first_upload(site: Site, drive: FakeDrive) -> float:
    """What an upload, with its rclone, computes from its start to its first file on the Drive; it is ended then.

    Not the wall time: that says more about what else the machine does.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(
        site.command("upload"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not drive.files():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.terminate()
        assert "Traceback" not in process.communicate()[0]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def add_key_files(drive: FakeDrive, count: int) -> None:
    """So many accounts in all. Those added share the first one's key: only the first of them is ever used."""
    key = json.loads(drive.key_file(1).read_text())
    for number in range(2, count + 1):
        key["client_email"] = f"{number}@pool.invalid"
        drive.key_file(number).write_text(json.dumps(key))


@pytest.mark.alone
def test_a_pool_of_2850_accounts_is_up_within_seconds(any_rclone: Path, fake_drive: MakeDrive, tmp_path: Path) -> None:
    drive = fake_drive(accounts=1)
    drive.set_settings(bandwidth=5_000)
    add_key_files(drive, 2_850)
    site = make_site(tmp_path / "site", drive, any_rclone, quota_bytes=10_000)
    write_files(site.source, pareto_sizes(2_000, 10 * MB, smallest=500, largest=9_000))
    assert cpu_seconds_to_first_upload(site, drive) < 3
