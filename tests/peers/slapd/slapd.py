"""A real OpenLDAP (Debian's slapd) for tests: its own configuration, database, authority and certificate in a temporary
folder, on ephemeral ports of this machine. Nothing of the system's own slapd is touched. Needs slapd, ldap-utils and openssl.

As a program it starts the directory, runs a command with its addresses in the environment, and ends it again:
    slapd.py COMMAND [ARGUMENT...]"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
SLAPD = "/usr/sbin/slapd"
BASE = "dc=planet,dc=example"
ADMIN = "cn=admin," + BASE
ADMIN_PASSWORD = "admin-pass"
LOOKUP = "cn=lookup,ou=services," + BASE
LOOKUP_PASSWORD = "lookup-pass"

CONFIGURATION = """dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: {folder}/pid
olcArgsFile: {folder}/args
olcLogLevel: none
{tls}
dn: cn=module{{0}},cn=config
objectClass: olcModuleList
cn: module{{0}}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: memberof
olcModuleLoad: ppolicy

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/nis.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: {base}
olcDbDirectory: {folder}/db
olcDbNoSync: TRUE
olcDbMaxSize: 33554432
olcRootDN: {admin}
olcRootPW: {admin_password}
olcDbIndex: objectClass,uid,member,memberUid,uniqueMember eq
olcLimits: {{0}}dn.exact="{lookup}" size.soft=5 size.hard=5 size.prtotal=unlimited
olcAccess: {{0}}to attrs=userPassword by self write by anonymous auth by * none
olcAccess: {{1}}to * by dn.exact="{lookup}" read by users read by * none

dn: olcOverlay={{0}}memberof,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOf
olcOverlay: memberof

dn: olcOverlay={{1}}ppolicy,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: ppolicy
olcPPolicyUseLockout: TRUE
olcPPolicyDefault: cn=default,ou=services,{base}
"""

TLS = """olcTLSCACertificateFile: {folder}/ca.pem
olcTLSCertificateFile: {folder}/server.pem
olcTLSCertificateKeyFile: {folder}/server.key
olcTLSVerifyClient: never
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_certificates(folder):
    """An authority, a certificate for 127.0.0.1 alone (not for localhost), and an authority of nobody's."""
    def openssl(*arguments):
        run("openssl", *arguments, cwd=folder)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name, subject in (("ca", "/CN=planet authority"), ("other-ca", "/CN=another authority")):
        openssl("req", "-x509", *new_key, "-keyout", name + ".key", "-out", name + ".pem", "-days", "2", "-subj", subject,
                "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=planet")
    with open(os.path.join(folder, "names"), "w") as file:
        file.write("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out",
            "server.pem", "-extfile", "names")


class Slapd:
    """One directory server. `data`: the people and groups of planet.ldif; without `tls` it has no certificate."""

    def __init__(self, tls=True, data=True):
        self.folder = tempfile.mkdtemp(prefix="passerelle-slapd-")
        self.tls, self.data = tls, data
        self.referral_port = free_port()
        self.process = None
        self.port = self.tls_port = 0
        self.ca = os.path.join(self.folder, "ca.pem")
        self.other_ca = os.path.join(self.folder, "other-ca.pem")

    @property
    def uri(self):
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def uri_wrong_name(self):
        """The same server under a name that its certificate does not have."""
        return f"ldap://localhost:{self.port}"

    @property
    def ldaps(self):
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def ldapi(self):
        return "ldapi://" + urllib.parse.quote(os.path.join(self.folder, "socket"), safe="")

    def prepare(self):
        for name in ("db", "conf"):
            os.mkdir(os.path.join(self.folder, name))
        if self.tls:
            make_certificates(self.folder)
        config = os.path.join(self.folder, "config.ldif")
        with open(config, "w") as file:
            file.write(CONFIGURATION.format(
                folder=self.folder, base=BASE, admin=ADMIN, admin_password=ADMIN_PASSWORD, lookup=LOOKUP,
                tls=TLS.format(folder=self.folder) if self.tls else ""))
        run("/usr/sbin/slapadd", "-n0", "-F", os.path.join(self.folder, "conf"), "-l", config)

    def start(self, same_ports=False):
        if not same_ports:
            self.port, self.tls_port = free_port(), free_port()
        listeners = f"ldap://127.0.0.1:{self.port} {self.ldapi}"
        if self.tls:
            listeners += f" ldaps://127.0.0.1:{self.tls_port}"
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([SLAPD, "-F", os.path.join(self.folder, "conf"), "-h", listeners, "-d", "0"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            if self.process.poll() is not None or time.monotonic() > end:
                with open(os.path.join(self.folder, "log"), errors="replace") as file:
                    raise RuntimeError(f"slapd does not start: {file.read()[-2000:]}")
            time.sleep(0.01)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def as_admin(self, tool, ldif, *options):
        """ldapadd or ldapmodify with that text, as the directory's administrator."""
        done = subprocess.run([tool, "-x", "-H", self.uri, "-D", ADMIN, "-w", ADMIN_PASSWORD, *options], input=ldif,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{tool}: {done.stderr}")

    def modify(self, ldif):
        self.as_admin("ldapmodify", ldif, "-M", "-e", "relax")

    def add_people(self):
        # Over the wire: only then the memberOf overlay writes memberOf.
        with open(os.path.join(HERE, "planet.ldif"), encoding="utf-8") as file:
            self.as_admin("ldapadd", file.read().replace("REFERRAL_PORT", str(self.referral_port)), "-M")
        # An administrator locked one account for good; another must choose a new password first.
        self.modify(f"dn: uid=bender,ou=robots,{BASE}\nchangetype: modify\nreplace: pwdAccountLockedTime\n"
                    "pwdAccountLockedTime: 000001010000Z\n\n"
                    f"dn: uid=hermes,ou=people,{BASE}\nchangetype: modify\nreplace: pwdReset\npwdReset: TRUE\n")

    def __enter__(self):
        try:
            self.prepare()
            self.start()
            if self.data:
                self.add_people()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return {"PLANET_URI": self.uri, "PLANET_URI_WRONG_NAME": self.uri_wrong_name, "PLANET_LDAPS": self.ldaps,
                "PLANET_LDAPI": self.ldapi, "PLANET_CA": self.ca, "PLANET_OTHER_CA": self.other_ca,
                "PLANET_REFERRAL_PORT": str(self.referral_port), "PLANET_ADMIN_PASSWORD": ADMIN_PASSWORD}


def main():
    with Slapd() as planet, Slapd(tls=False, data=False) as bare:
        environment = {**os.environ, **planet.environment(), "BARE_URI": bare.uri}
        return subprocess.run(sys.argv[1:], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
