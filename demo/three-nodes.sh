#!/bin/sh
# Four parties on one machine: an archive, two witnesses and a timestamp authority, with a website to capture.
#
#   sh demo/three-nodes.sh [FOLDER]
#
# Needs `affiant` on the path, openssl and python3. Everything lies in FOLDER, which must not exist; without one it lies in a
# passing folder that is removed. Everything that was started ends with the script.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -gt 0 ]; then
    mkdir "$1" && work=$(cd "$1" && pwd)
    keep=yes
else
    work=$(mktemp -d) keep=
fi
started=
leave() {
    for child in $started; do kill "$child" 2>/dev/null || true; done
    [ -n "$keep" ] || rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM
cd "$work"

# Waits for the first line that a party writes to a file.
first_line() {
    waited=0
    while ! [ -s "$1" ]; do
        waited=$((waited + 1))
        [ $waited -lt 200 ] || { echo "no word from $1" >&2; exit 1; }
        sleep 0.1
    done
    sed -n 1p "$1"
}
say() { printf '\n== %s\n' "$1"; }

say 'an archive'
affiant init --origin archive.example/log --quiet

say 'a website and a timestamp authority'
mkdir authority
python3 "$here/loopback.py" authority >authority/port &
started="$started $!"
port=$(first_line authority/port)
mkdir -p keys/authorities
cp authority/root.pem keys/authorities/loopback.pem
affiant timestamp --authority "http://127.0.0.1:$port/tsr" --remember | sed 's/127.0.0.1[:-][0-9]*/loopback/'

for number in 1 2; do
    say "witness $number, which follows the archive's log"
    affiant witness init --home "witness-$number" --name "witness-$number.example" | sed -n 's/^fingerprint/  key/p'
    affiant witness serve --home "witness-$number" --listen 127.0.0.1:0 --json \
        --follow "$(cat keys/log.vkey)" --follow "$(cat keys/log-ml-dsa-44.vkey)" >"witness-$number/said" &
    started="$started $!"
    url=$(first_line "witness-$number/said" | sed 's/.*"listening":"\([^"]*\)".*/\1/')
    affiant witness add "$url" "$(cat "witness-$number/witness.vkey")" "$(cat "witness-$number/witness-ml-dsa-44.vkey")" \
        --name "w$number" --quorum "$number" | sed -n "s/^w$number-ed25519 .*/  the policy asks for $number/p"
done
affiant witness ask | sed -n 's/^size/  signed: size/p'

say 'a page is captured, witnessed and dated'
affiant capture "http://127.0.0.1:$port/privacy.html" --allow-private --entity 'Example Inc.' --json >captured
id=$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' captured)

say 'what a stranger is told who has the bundle and trusts these parties'
affiant bundle "$id" -o bundle.zip --quiet >/dev/null
affiant verify bundle.zip

say 'what a monitor sees'
affiant monitor archive --log "$(cat keys/log.vkey)" --log "$(cat keys/log-ml-dsa-44.vkey)"
