"""Trail of Bits' rfc3161-client, asked what it makes of a timestamp reply.

usage: rfc3161.py verify REPLY MESSAGE PEM     prints `holds` or `refuses`, and why on standard error
"""

import sys

try:
    import rfc3161_client
    from cryptography import x509
except ImportError:
    print("absent")
    sys.exit(0)


def verify(reply, message, pem):
    try:
        response = rfc3161_client.decode_timestamp_response(open(reply, "rb").read())
    except ValueError as error:
        return error
    builder = rfc3161_client.VerifierBuilder()
    for certificate in x509.load_pem_x509_certificates(open(pem, "rb").read()):
        if certificate.issuer == certificate.subject:
            builder = builder.add_root_certificate(certificate)
        else:
            builder = builder.add_intermediate_certificate(certificate)
    try:
        hashed = response.tst_info.message_imprint
        algorithm = hashed.hash_algorithm
        builder.build().verify_message(response, open(message, "rb").read())
    except Exception as error:  # Its own VerificationError, and what its parts raise.
        return error
    return None


problem = verify(*sys.argv[2:5])
if problem is not None:
    print(repr(problem), file=sys.stderr)
print("holds" if problem is None else "refuses")
