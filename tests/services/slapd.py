"""A private OpenLDAP server: a process of the test run's own, in a temporary folder, on loopback.

One server has two databases, dc=clinic,dc=test and dc=studio,dc=test, which are two directories with people of the
same names. It speaks ``ldap`` with StartTLS, and ``ldaps`` with the same certificate.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.services import missing
from tests.services.certificates import Authority
from tests.services.postgres import _end_with_parent

INSTALL = (
    "OpenLDAP's server is not installed. Install it with: apt-get install -y --no-install-recommends slapd ldap-utils"
)
START_WITHIN = 20.0  # seconds
PASSWORD = "the-admin-binds"
SUFFIXES = ("dc=clinic,dc=test", "dc=studio,dc=test")

# Active Directory's attributes, which OpenLDAP's schemas lack (MS-ADA1 to 3).
SCHEMA = """
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.146 NAME 'objectSid'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.98 NAME 'primaryGroupID'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.1460 NAME 'msDS-User-Account-Control-Computed'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.1 NAME 'adPerson' SUP top AUXILIARY MAY ( userAccountControl $ objectGUID $
  objectSid $ primaryGroupID $ accountExpires $ msDS-User-Account-Control-Computed ) )
objectclass ( 1.3.6.1.4.1.99999.2 NAME 'adGroup' SUP top AUXILIARY MAY objectSid )
"""
DATABASE = """
database mdb
suffix "{suffix}"
rootdn "cn=admin,{suffix}"
rootpw {password}
directory {folder}
maxsize 67108864
dbnosync
index objectClass,uid,member,uniqueMember,memberUid eq
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
access to attrs=userPassword by anonymous auth by * none
access to attrs=memberOf,member by dn.exact="uid=blind,ou=people,{suffix}" none by * break
access to * by dn.exact="cn=admin,{suffix}" write by users read by anonymous auth
"""
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
sizelimit 500
TLSCACertificateFile "{authority}"
TLSCertificateFile "{certificate}"
TLSCertificateKeyFile "{certificate}"
TLSVerifyClient never
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Slapd:
    """``port`` for StartTLS and plain, ``tls_port`` for LDAPS; ``authority`` signed its certificate."""

    def __init__(self, *, host: str = "127.0.0.1", start_tls: bool = True) -> None:
        program = shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap:" + os.environ.get("PATH", ""))
        if program is None or shutil.which("ldapadd") is None:
            missing(INSTALL)
        self.folder = Path(tempfile.mkdtemp(prefix="agora-slapd-"))
        # A copy: where AppArmor watches over Debian's slapd it may read nothing of ours.
        copy = self.folder / "slapd"
        shutil.copy(program, copy)
        self.authority = Authority(self.folder)
        # "127.0.0.1" is in every certificate; another name makes it the wrong one for this address.
        address = "127.0.0.1" if host == "127.0.0.1" else "192.0.2.1"
        certificate = self.authority.issue(host, address=address)
        self.port, self.tls_port = free_port(), free_port()
        (self.folder / "ad.schema").write_text(SCHEMA)
        tls = {"authority": self.authority.file, "certificate": certificate}
        text = CONFIGURATION.format(folder=self.folder, **tls)
        if not start_tls:
            text = "\n".join(line for line in text.splitlines() if not line.startswith("TLS"))
        for suffix in SUFFIXES:
            data = self.folder / suffix
            data.mkdir()
            text += DATABASE.format(suffix=suffix, password=PASSWORD, folder=data)
        (self.folder / "slapd.conf").write_text(text)
        addresses = f"ldap://127.0.0.1:{self.port}" + (f" ldaps://127.0.0.1:{self.tls_port}" if start_tls else "")
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [copy, "-h", addresses, "-f", self.folder / "slapd.conf", "-d", "256"],
                stdout=log, stderr=log, preexec_fn=_end_with_parent(signal.SIGTERM),
            )  # fmt: skip
        deadline = time.monotonic() + START_WITHIN
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def add(self, ldif: str, suffix: str = SUFFIXES[0]) -> None:
        self._tool("ldapadd", ldif, suffix)

    def change(self, ldif: str, suffix: str = SUFFIXES[0]) -> None:
        self._tool("ldapmodify", ldif, suffix)

    def _tool(self, name: str, ldif: str, suffix: str) -> None:
        done = subprocess.run(
            [name, "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", f"cn=admin,{suffix}", "-w", PASSWORD],
            input=ldif.encode(), capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
