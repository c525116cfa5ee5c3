"""Checks a statement with a timestamp in its header (RFC 9921, 3161-ctt) with pycose, cbor2 and rfc3161-client.

    rfc9921.py STATEMENT ARCHIVE.PEM ROOT.PEM
"""

import sys

import cbor2
import rfc3161_client
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import CoseMessage


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main(statement, archive_key, root):
    encoded = read(statement)
    message = CoseMessage.decode(encoded)
    raw = load_pem_public_key(read(archive_key)).public_bytes(Encoding.Raw, PublicFormat.Raw)
    message.key = OKPKey(crv=Ed25519, x=raw)
    assert message.verify_signature(), "statement: the signature does not hold"
    unprotected, signature = cbor2.loads(encoded).value[1], cbor2.loads(encoded).value[3]
    assert list(unprotected) == [270], unprotected
    # rfc3161-client reads replies: the token is put into one that says `granted`.
    token = unprotected[270]
    granted = bytes.fromhex("3003020100") + token
    reply = b"\x30\x82" + len(granted).to_bytes(2, "big") + granted
    verifier = rfc3161_client.VerifierBuilder().add_root_certificate(x509.load_pem_x509_certificate(read(root))).build()
    try:
        verifier.verify_message(rfc3161_client.decode_timestamp_response(reply), cbor2.dumps(signature))
    except rfc3161_client.VerificationError as error:
        sys.exit(f"timestamp: {error}")
    print("stamped")


if __name__ == "__main__":
    main(*sys.argv[1:])
