#!/bin/sh
# Makes the specimen of a format that is about to be released: tests/specimens/make.sh AFFIANT FOLDER
#
# Run once for each format, never again for a folder that is listed in tests/history.rs: what it made then is the
# specimen. The secret keys are thrown away. Needs openssl.
set -eu
affiant=$(realpath "$1")
mkdir "$2"
target=$(realpath "$2")
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
export XDG_CONFIG_HOME="$work/config" AFFIANT_ARCHIVE="$work/archive" AFFIANT_KEYS="$work/keys"

page() {
    printf '<!doctype html>\n<title>%s</title>\n<h1>%s</h1>\n<p>%s</p>\n' "$1" "$1" "$2"
}

"$affiant" init --origin specimen.example/log --prefix SP

# A document with two captures and a check, and a passage of it.
page 'Terms of Use' 'You may read these pages. We may change these terms; we will tell you thirty days before.' >terms.html
"$affiant" capture terms.html --entity 'Specimen Inc.' --title 'Terms of Use' --type Terms
page 'Terms of Use' 'You may read these pages. We may change these terms at any time.' >terms.html
"$affiant" capture terms.html --entity 'Specimen Inc.' --title 'Terms of Use' --type Terms
"$affiant" capture terms.html --entity 'Specimen Inc.' --title 'Terms of Use' --type Terms
"$affiant" quote SP-C-000003 'at any time' --clause 'unilateral change'

# A page over TLS, with the facts of its connection.
page 'Privacy Policy' 'We keep your letters for as long as we like – “forever”, if need be.' >privacy.html
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 3650 \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:false \
    -keyout server.key -out server.pem 2>/dev/null
openssl s_server -quiet -accept 127.0.0.1:8443 -cert server.pem -key server.key -WWW &
server=$!
sleep 1
"$affiant" capture https://localhost:8443/privacy.html --allow-private --tls-roots server.pem --language en

"$affiant" bundle SP-C-000003 SP-V-000004 SP-P-000005 SP-C-000007 -o bundle.zip

# A page of which some is withheld, from format 2 on.
{
    page 'Order' 'The witness is heard on the fourth of May.'
    for n in 1 2 3 4 5 6 7 8; do printf '<p>Paragraph %d of the order says what everybody may read.</p>\n' "$n"; done
} >order.html
"$affiant" capture order.html --redactable
"$affiant" bundle SP-C-000009 -o withheld.zip --withhold SP-C-000009:64-256 --reason 'protective order' --authority 'counsel'
"$affiant" audit

# What is derived and what is secret stays behind.
rm -rf archive/index archive/lock archive/passing archive/custody.jsonl
mkdir "$target/keys"
cp keys/policy keys/*.pub keys/*.vkey "$target/keys"
mv archive bundle.zip withheld.zip "$target"
sha256sum "$target"/*.zip
