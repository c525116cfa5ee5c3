"""Trail of Bits' rfc3161-client, asked what it makes of a timestamp reply.

usage: rfc3161.py verify REPLY MESSAGE PEM     prints `holds` or `refuses`, and why on standard error
"""

import base64
import re
import sys

try:
    import rfc3161_client
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID
except ImportError:
    print("absent")
    sys.exit(0)


def certificates(pem):
    """Reads the certificates of a PEM file, whatever stands around their lines."""
    text = open(pem).read()
    for body in re.findall("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", text, re.DOTALL):
        yield x509.load_der_x509_certificate(base64.b64decode(body))


def is_authority(certificate):
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in purposes


def verify(reply, message, pem):
    try:
        response = rfc3161_client.decode_timestamp_response(open(reply, "rb").read())
    except ValueError as error:
        return error
    builder = rfc3161_client.VerifierBuilder()
    for certificate in certificates(pem):
        if certificate.issuer == certificate.subject:
            builder = builder.add_root_certificate(certificate)
        elif is_authority(certificate):
            builder = builder.tsa_certificate(certificate)
        else:
            builder = builder.add_intermediate_certificate(certificate)
    try:
        builder.build().verify_message(response, open(message, "rb").read())
    except Exception as error:  # Its own VerificationError, and what its parts raise.
        return error
    return None


problem = verify(*sys.argv[2:5])
if problem is not None:
    print(repr(problem), file=sys.stderr)
print("holds" if problem is None else "refuses")
