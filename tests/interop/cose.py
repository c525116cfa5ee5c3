"""Checks a statement and its receipt with pycose.

    cose.py STATEMENT RECORD RECEIPT ARCHIVE.PEM LOG.PEM

The Merkle path is RFC 9162 section 2.1.3.2, written out here.
"""

import hashlib
import sys

import cbor2
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import CoseMessage, Sign1Message


def read(path):
    with open(path, "rb") as file:
        return file.read()


def key(path):
    raw = load_pem_public_key(read(path)).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return OKPKey(crv=Ed25519, x=raw)


def sha256(content):
    return hashlib.sha256(content).digest()


def root(entry, size, index, path):
    assert 0 <= index < size, "inclusion: the index lies outside the tree"
    node, position, last = sha256(b"\0" + entry), index, size - 1
    for sibling in path:
        assert last > 0, "inclusion: the path is too long"
        if position % 2 == 1 or position == last:
            while position % 2 == 0:
                position, last = position >> 1, last >> 1
            node = sha256(b"\1" + sibling + node)
        else:
            node = sha256(b"\1" + node + sibling)
        position, last = position >> 1, last >> 1
    assert last == 0, "inclusion: the path is too short"
    return node


def message(content):
    decoded = CoseMessage.decode(content)
    assert isinstance(decoded, Sign1Message), "not a COSE_Sign1"
    return decoded


def main(statement, record, receipt, archive_key, log_key):
    signed = message(read(statement))
    signed.key = key(archive_key)
    assert signed.verify_signature(), "statement: the signature does not hold"
    assert signed.payload == sha256(read(record)), "statement: the payload is not the record's hash"
    # The headers as CBOR has them, whatever pycose makes of their labels.
    header = cbor2.loads(signed.phdr_encoded)
    assert header[258] == -16 and header[259] == "application/vnd.affiant.record+cbor", header
    assert cbor2.loads(read(statement)).value[1] == {}, "statement: unprotected header"

    envelope = message(read(receipt))
    claims = cbor2.loads(envelope.phdr_encoded)
    assert claims[395] == 1, "receipt: not RFC9162_SHA256"
    assert claims[15][1] == header[15][1] and claims[15][2] == header[15][2], "receipt: of another statement"
    (proof,) = cbor2.loads(read(receipt)).value[1][396][-1]
    size, index, path = cbor2.loads(proof)
    assert claims[-79162] == size, "receipt: the size that is signed is another"
    envelope.key = key(log_key)
    held = envelope.verify_signature(detached_payload=root(sha256(read(statement)), size, index, path))
    assert held, "receipt: the signature does not hold"
    print(f"{header[15][2]}: entry {index} of {size}")


if __name__ == "__main__":
    main(*sys.argv[1:])
