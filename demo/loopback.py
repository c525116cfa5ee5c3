"""A website and a timestamp authority on loopback, for the demonstration: prints its port, answers until it is ended.

GET /privacy.html is the page. POST /tsr answers RFC 3161 requests by `openssl ts`, whose keys are made anew in the folder that is
named; the authority's root is `root.pem` there.
"""

import http.server
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
page = b"<!doctype html><title>Privacy</title><h1>Privacy</h1><p>We keep your letters for thirty days, whatever they say.</p>\n"
settings = """
[tsa]
serial = serial
signer_cert = authority.pem
certs = root.pem
signer_key = authority.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[authority]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
"""


def openssl(*words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def make_authority():
    (folder / "ts.cnf").write_text(settings)
    (folder / "serial").write_text("01\n")
    for key in ("root.key", "authority.key"):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    openssl("req", "-x509", "-new", "-key", "root.key", "-days", "30", "-config", "ts.cnf", "-extensions", "root",
            "-subj", "/O=Loopback/CN=Loopback root", "-out", "root.pem")
    openssl("req", "-new", "-key", "authority.key", "-config", "ts.cnf", "-subj", "/O=Loopback/CN=Loopback authority",
            "-out", "authority.csr")
    openssl("x509", "-req", "-in", "authority.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
            "-days", "30", "-extfile", "ts.cnf", "-extensions", "authority", "-out", "authority.pem")


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer("text/html; charset=utf-8", page)

    def do_POST(self):
        (folder / "query.tsq").write_bytes(self.rfile.read(int(self.headers["content-length"])))
        openssl("ts", "-reply", "-config", "ts.cnf", "-section", "tsa", "-queryfile", "query.tsq", "-out", "reply.tsr")
        self.answer("application/timestamp-reply", (folder / "reply.tsr").read_bytes())

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


make_authority()
server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
print(server.server_port, flush=True)
server.serve_forever()
