"""Identity providers of the tests' own: one to ask directly, and one on loopback over TLS."""

import base64
import datetime
import ipaddress
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

AUDIENCE = "wheelyard"
REPOSITORY = "acme/tools"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class SigningKey:
    """A key of an issuer, and the algorithm that it signs by."""

    def __init__(self, kid: str, algorithm: str = "RS256") -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.private = _private_key(algorithm)

    @property
    def public(self) -> dict[str, Any]:
        """The JSON Web Key of its public half."""
        handler = jwt.get_algorithm_by_name(self.algorithm)
        document: dict[str, Any] = json.loads(handler.to_jwk(self.private.public_key()))
        return document | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    @staticmethod
    def encoded(document: object) -> str:
        """One part of a token as it is written, for tokens that no library would make."""
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _private_key(algorithm: str) -> PrivateKey:
    if algorithm.startswith("ES"):
        return ec.generate_private_key(
            {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}[algorithm]
        )
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


class Issuer:
    """Signs what a GitHub workflow's identity token says, and gives its public keys."""

    def __init__(self, url: str = "https://issuer.example", algorithm: str = "RS256") -> None:
        self.url = url
        self.key = SigningKey("first", algorithm)
        self.asked: list[str] = []
        self._count = 0

    def claims(self, **changes: object) -> dict[str, object]:
        """What the provider says of a release workflow; None leaves a claim out."""
        now = int(time.time())
        self._count += 1
        claims: dict[str, object] = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": f"repo:{REPOSITORY}:environment:release",
            "jti": f"{self._count}",
            "iat": now,
            "nbf": now - 5,
            "exp": now + 300,
            "repository": REPOSITORY,
            "repository_owner": "acme",
            "repository_owner_id": "4711",
            "job_workflow_ref": f"{REPOSITORY}/.github/workflows/release.yml@refs/tags/v1",
            "environment": "release",
            "ref": "refs/tags/v1",
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, **changes: object) -> str:
        """A signed identity token."""
        return self.sign(self.claims(**changes))

    def sign(self, claims: Mapping[str, object], key: SigningKey | None = None) -> str:
        """The claims as a token, signed by a key, or by the issuer's own."""
        key = key or self.key
        return jwt.encode(dict(claims), key.private, key.algorithm, {"kid": key.kid})

    def fetch(self, url: str) -> bytes:
        """What is at one of the issuer's addresses."""
        self.asked.append(url)
        return json.dumps(self.documents[urlsplit(url).path]).encode()

    @property
    def documents(self) -> dict[str, object]:
        """What is at each path."""
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
            },
            "/keys": {"keys": [self.key.public]},
        }


class Authority:
    """A certificate authority whose certificate is in a file, as clients take it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority")
        self.file = folder / "authority.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        certificate = _unsigned(self._name, self._name, self._key).add_extension(
            constraints, critical=True
        )
        self._write(self.file, certificate)

    def server(self, name: str) -> Path:
        """A file with a certificate for 127.0.0.1 and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        unsigned = _unsigned(_name(name), self._name, key).add_extension(
            x509.SubjectAlternativeName([address]), critical=False
        )
        path = self._folder / f"{name}.pem"
        self._write(path, unsigned)
        encoded = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(path.read_bytes() + encoded)
        return path

    def _write(self, path: Path, unsigned: x509.CertificateBuilder) -> None:
        certificate = unsigned.sign(self._key, hashes.SHA256())
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


class RunningIssuer(NamedTuple):
    """An issuer on loopback, which also gives identity tokens as GitHub's runner does."""

    issuer: Issuer
    authority: Authority
    next_token: list[str]
    """What the runner is given instead of a good token, if there is something."""

    def runner(self) -> dict[str, str]:
        """The variables of a job that may ask for identity tokens."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-secret",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.issuer.url}/runner?job=1",
        }


@contextmanager
def running_issuer(folder: Path) -> Iterator[RunningIssuer]:
    """An issuer that answers over TLS on a free port, with a certificate of an authority of its own."""
    authority = Authority(folder)
    issuer = Issuer()
    given: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        """The provider's three addresses."""

        def do_GET(self) -> None:
            """Answer with JSON."""
            address = urlsplit(self.path)
            document: object
            if address.path == "/runner":
                assert self.headers["Authorization"].lower() == "bearer runner-secret"
                (audience,) = parse_qs(address.query)["audience"]
                document = {"value": given.pop() if given else issuer.token(aud=audience)}
            else:
                document = issuer.documents[address.path]
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server("issuer"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        issuer.url = f"https://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield RunningIssuer(issuer, authority, given)
        server.shutdown()
