#!/bin/sh
# A newcomer's way, timed: from a finished capture to a bundle that is verified with coreutils and openssh alone.
#
#   sh demo/newcomer.sh [PAGE]
#
# Needs `affiant` on the path, unzip (as every desktop unpacks), sha256sum and ssh-keygen. What verifies is read from VERIFY.md of
# the bundle and typed where there is nothing else on the path. PAGE is a file or address [default: a page made here].
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
page=${1:-}
case $page in '' | *://*) ;; *) page=$(cd "$(dirname "$page")" && pwd)/$(basename "$page") ;; esac
cd "$work"

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
# Times a step: its name, then what to run.
step() {
    name=$1 && shift
    at=$(milliseconds)
    "$@" >said 2>&1 || { cat said >&2; echo "newcomer: \`$name\` did not succeed" >&2; exit 1; }
    printf '%8d ms  %s\n' $(($(milliseconds) - at)) "$name"
}

# What verifies has these programs and no others.
mkdir tools
for program in sh sha256sum ssh-keygen; do ln -s "$(command -v $program)" "tools/$program"; done
# Types the commands of the page's first step that call a program.
typed() { (cd bundle && env -i PATH="$work/tools" "$work/tools/sh" -e -c "$(commands "$1")"); }
commands() { sed -n '/^### 1\. /,/^### 2\. /{/^```sh$/,/^```$/p;}' "$work/bundle/VERIFY.md" | grep "^$1 "; }
# The archive publishes its key elsewhere than in bundles.
same_key() { [ "$(fingerprint keys/archive.pub)" = "$(fingerprint bundle/data/keys/archive.pub)" ]; }
fingerprint() { "$work/tools/ssh-keygen" -lf "$1" | cut -d ' ' -f 2; }

if [ -z "$page" ]; then
    page=privacy.html
    echo '<!doctype html><title>Privacy</title><h1>Privacy</h1><p>We keep your letters for thirty days.' >privacy.html
fi
affiant capture "$page" --json >captured 2>remarks || { cat remarks >&2; exit 1; }
id=$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' captured)
echo "captured: $id"

begun=$(milliseconds)
step 'affiant bundle: one ZIP to hand over' affiant bundle "$id" -o bundle.zip --quiet
step 'unzip' unzip -q bundle.zip -d bundle
step 'sha256sum: the files are those that were sealed' typed sha256sum
step 'ssh-keygen: the seal is by the key in the bundle' typed ssh-keygen
step 'ssh-keygen: that key is the one that the archive publishes' same_key
printf '%8d ms  from a finished capture to a verified bundle\n' $(($(milliseconds) - begun))

# It can say no: one byte of what was captured.
content=$(cd bundle && echo data/content/*/page.*)
printf x | dd of="bundle/$content" bs=1 seek=20 conv=notrunc 2>/dev/null
if typed sha256sum >said 2>&1; then echo 'newcomer: a changed byte was not seen' >&2; exit 1; fi
grep "^$content: FAILED" said
