"""A fake Google Drive that the real rclone's `drive` backend talks to.

    with FakeDrive(tmp_path, accounts=3, quota_bytes=50 << 20) as drive:
        subprocess.run([rclone, "move", source, "gdrive:Media"], env=drive.process_env())
        assert drive.files()["film.mkv"].size == 1000
        assert drive.usage(1).denials == 0

How it comes between: a service account's key file names its own token endpoint (here, on loopback); HTTPS_PROXY
leads every other connection to a proxy that ends TLS for *.googleapis.com with a certificate of a throwaway
authority, which RCLONE_CA_CERT makes rclone trust. Only hash and size of what is uploaded are kept.
"""

from .answers import DAILY_LIMIT_MESSAGE, Failure
from .drive import SHARED_DRIVE, FakeDrive, StoredFile, Usage
from .faults import Fault, no_access, read_only
from .kinds import Kind
from .quota import Mode, Quota
from .remotes import Remotes, obscure
from .store import MY_DRIVE

__all__ = [
    "DAILY_LIMIT_MESSAGE",
    "MY_DRIVE",
    "SHARED_DRIVE",
    "Failure",
    "FakeDrive",
    "Fault",
    "Kind",
    "Mode",
    "Quota",
    "Remotes",
    "StoredFile",
    "Usage",
    "no_access",
    "obscure",
    "read_only",
]
