"""Verifies an export of the audit log, written from docs/audit.md alone: Python's standard library and OpenSSL.

    python3 verify.py EXPORT [--checkpoints FILE] [--key PEM] [--from N]

Prints one line of JSON: {"ok": true, "last": N} or {"ok": false, "n": N, "why": "..."}.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tempfile


class Broken(Exception):
    def __init__(self, n, why):
        super().__init__(why)
        self.n = n
        self.why = why


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public_pem(x):
    der = bytes.fromhex("302a300506032b6570032100") + unpadded(x)
    body = base64.b64encode(der).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"


def thumbprint(x):
    jwk = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(jwk.encode()).digest()).decode().rstrip("=")


def key_in(pem):
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    if len(der) != 44 or der[:12] != bytes.fromhex("302a300506032b6570032100"):
        raise SystemExit("no Ed25519 public key")
    x = base64.urlsafe_b64encode(der[12:]).decode().rstrip("=")
    return thumbprint(x), x


def signed(jws, typ, keys, n):
    """The claims of a compact JWS and the id of the key that signed it."""
    try:
        head, payload, signature = jws.split(".")
        header = json.loads(unpadded(head))
        claims = json.loads(unpadded(payload))
    except ValueError:
        raise Broken(n, "no JWS")
    if header.get("alg") != "EdDSA" or header.get("typ") != typ or header.get("kid") not in keys:
        raise Broken(n, "signed by nobody known, or not what it should be")
    with tempfile.NamedTemporaryFile() as pem, tempfile.NamedTemporaryFile() as text, tempfile.NamedTemporaryFile() as sig:
        pem.write(public_pem(keys[header["kid"]]).encode())
        text.write(f"{head}.{payload}".encode())
        sig.write(unpadded(signature))
        for file in (pem, text, sig):
            file.flush()
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pem.name, "-rawin", "-in", text.name]
        if subprocess.run(command + ["-sigfile", sig.name], capture_output=True).returncode != 0:
            raise Broken(n, "the signature is not right")
    return claims, header["kid"]


def as_written(claims, jws, chain):
    """The record of a checkpoint, byte for byte."""
    who = {"issuer": "countersign", "subject": "system"}
    record = {"v": 1, "who": who, "when": claims["time"], "what": f"checkpoint of {claims['n']} records"}
    record |= {"kind": "checkpoint_signed", "n": claims["n"], "checkpoint": jws, "chain": chain}
    return json.dumps(record, separators=(",", ":")).encode()


def verify(lines, outside, given, first):
    keys, believed = dict(given), set(given)
    wanted = {}
    prefix, chained, last, log = hashlib.sha256(), first > 1, None, None
    n = first - 1
    for line in lines:
        n += 1
        try:
            record = json.loads(line)
            withheld = None if chained else record.get("withheld")
            chain = None if withheld else record.get("chain")
            kind = "" if withheld else record["kind"]
        except (ValueError, KeyError, AttributeError):
            raise Broken(n, "no record")
        digest = bytes.fromhex(withheld["sha256"]) if withheld else hashlib.sha256(line).digest()
        if chain is None:
            if chained:
                raise Broken(n, "no chain")
            prefix.update(digest)
        else:
            if last is None and first > 1:
                before = chain["prev"]
            else:
                before = last.hex() if chained else prefix.hexdigest()
            if chain != {"n": n, "prev": before}:
                raise Broken(n, "does not follow on the record before it")
            chained = True
        if kind == "audit_key_set":
            kid, x = record["key"]["kid"], record["key"]["x"]
            if thumbprint(x) != kid:
                raise Broken(n, "key and id do not agree")
            if "endorsement" in record:
                claims, by = signed(record["endorsement"], "countersign-audit-key+jws", keys, n)
                if claims != {"v": 1, "kid": kid, "x": x}:
                    raise Broken(n, "another key is vouched for")
                if by in believed:
                    believed.add(kid)
            keys[kid] = x
        if kind == "checkpoint_signed":
            claims, by = signed(record["checkpoint"], "countersign-checkpoint+jws", keys, n)
            if given and by not in believed:
                raise Broken(n, "nobody vouches for the key")
            if claims["n"] != n - 1 or claims["hash"] != chain["prev"] or claims["log"] != (log or claims["log"]):
                raise Broken(n, "the checkpoint is of other records")
            log = claims["log"]
            if as_written(claims, record["checkpoint"], chain) != line:
                raise Broken(n, "not as the checkpoint in it makes it")
        last = digest
        wanted[n] = digest.hex()
    for jws in outside:
        claimed = json.loads(unpadded(jws.split(".")[1]))
        if claimed["n"] > n:
            raise Broken(n + 1, "missing at the end")
        claims, by = signed(jws, "countersign-checkpoint+jws", keys, claimed["n"])
        if given and by not in believed:
            raise Broken(claims["n"], "nobody vouches for the key")
        if claims["log"] != (log or claims["log"]):
            raise Broken(claims["n"], "another log")
        log = claims["log"]
        if claims["n"] >= first and wanted[claims["n"]] != claims["hash"]:
            raise Broken(claims["n"], "not the record that was signed")
    return n


def lines_of(path):
    with open(path, "rb") as file:
        return [line.rstrip(b"\n") for line in file]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("export")
    parser.add_argument("--checkpoints")
    parser.add_argument("--key")
    parser.add_argument("--from", dest="first", type=int, default=1)
    asked = parser.parse_args()
    given = {}
    if asked.key:
        with open(asked.key) as file:
            kid, x = key_in(file.read())
            given[kid] = x
    outside = [line.decode() for line in lines_of(asked.checkpoints)] if asked.checkpoints else []
    try:
        last = verify(lines_of(asked.export), outside, given, asked.first)
        print(json.dumps({"ok": True, "last": last}))
    except Broken as broken:
        print(json.dumps({"ok": False, "n": broken.n, "why": broken.why}))
        sys.exit(1)


main()
