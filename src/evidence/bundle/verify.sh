#!/bin/sh
# Verifies an unpacked Affiant bundle with tools that other people wrote: sha256sum, openssl (3 or later),
# ssh-keygen and xxd, beside what every POSIX system has (awk, cmp, comm, cut, find, fold, grep, paste, sed, sort, split, tail, tr, uniq, wc, xargs).
#
#   sh verify.sh [--trust WHAT]... [FOLDER]
#
# WHAT is one of: the fingerprint (SHA256:…) of the archive's key or of the log's, an allowed_signers file,
# a public key in PEM, a vkey, or a C2SP tlog-policy. Get it from somewhere other than this bundle.
#
# Exit code 0: everything that is checked here holds, and you trust the key. 3: something contradicts.
# 4: cannot tell (no key that you trust, or something is missing). Whatever is not understood is not 0.
#
# A script that came with the evidence may have been changed with it. Compare it with the published one,
# or read it: each check is a few lines.

set -u
LC_ALL=C
export LC_ALL
umask 077

usage() { echo "usage: sh verify.sh [--trust FINGERPRINT|FILE]... [FOLDER]" >&2; exit 2; }

folder=.
trusts=
newline='
'
while [ $# -gt 0 ]; do
  case $1 in
    --trust) [ $# -ge 2 ] || usage
      # Files are named from where the reader stands, not from within the bundle.
      case $2 in SHA256:* | /*) trust=$2 ;; *) trust=$PWD/$2 ;; esac
      trusts=$trusts$trust$newline; shift 2 ;;
    -*) usage ;;
    *) folder=$1; shift ;;
  esac
done
cd -- "$folder" 2>/dev/null || { echo "verify.sh: no folder \`$folder\`" >&2; exit 4; }

for tool in awk cmp comm cut find fold grep openssl paste sed sha256sum sort split ssh-keygen tail tr uniq wc xargs xxd; do
  command -v "$tool" >/dev/null 2>&1 || { echo "verify.sh: \`$tool\` is not installed; nothing was checked" >&2; exit 4; }
done
case $(openssl version) in
  OpenSSL\ [3-9].* | OpenSSL\ [1-9][0-9].*) ;;
  *) echo "verify.sh: openssl 3 is needed, found \`$(openssl version)\`; nothing was checked" >&2; exit 4 ;;
esac

# Another run that was killed, or somebody else, may have left a folder of the same name.
tmp=${TMPDIR:-/tmp}/affiant-verify.$$ try=0
until mkdir "$tmp.$try" 2>/dev/null; do
  try=$((try + 1))
  [ "$try" -lt 100 ] || { echo "verify.sh: cannot make the folder \`$tmp.$try\`; nothing was checked" >&2; exit 4; }
done
tmp=$tmp.$try
trap 'rm -rf "$tmp"' EXIT
trap 'exit 4' HUP INT TERM

fail_count=0
missing_count=0
holds() { printf 'holds    %s\n' "$*"; }
fails() { printf 'FAILS    %s\n' "$*"; fail_count=$((fail_count + 1)); }
withdrawn() { printf 'withdrawn  %s\n' "$*"; }
withheld() { printf 'withheld  %s\n' "$*"; }
missing() { printf 'missing  %s\n' "$*"; missing_count=$((missing_count + 1)); }

verdict() {
  echo
  if [ "$fail_count" -gt 0 ]; then
    echo "verdict: failed ($fail_count)"
    exit 3
  fi
  if [ "$missing_count" -gt 0 ]; then
    echo "verdict: cannot tell ($missing_count missing)"
    exit 4
  fi
  echo "verdict: verified with gaps"
  exit 0
}

hex() { xxd -p "$1" | tr -d '\n'; }
unhex() { xxd -r -p; }
sha256() { sum=$(sha256sum <"$1"); echo "${sum%% *}"; }
sha256_of_hex() { sum=$(printf %s "$1" | unhex | sha256sum); echo "${sum%% *}"; }
hex_of_text() { printf %s "$1" | xxd -p | tr -d '\n'; }

# Reads deterministic CBOR (shortest heads, keys in order, none twice) and writes one line for each value: path, type, value. Texts and byte strings are
# in hexadecimal, so that nothing inside a record can look like a line.
cbor() {
  hex "$1" | awk '
    function byte(at) { return (index(D, substr(H, at * 2 + 1, 1)) - 1) * 16 + index(D, substr(H, at * 2 + 2, 1)) - 1 }
    function stop() { print "malformed"; bad = 1; exit 1 }
    function head(    first, count, least) {
      if (P * 2 >= length(H)) stop()
      first = byte(P); P++; M = int(first / 32); A = first % 32
      if (A < 24) return
      if (A > 27) stop()
      count = 2 ^ (A - 24); least = A == 24 ? 24 : 256 ^ (count / 2); A = 0
      if (P * 2 + count * 2 > length(H)) stop()
      while (count-- > 0) { A = A * 256 + byte(P); P++ }
      if (A < least) stop()
    }
    function bytes(count,    text) {
      if ((P + count) * 2 > length(H)) stop()
      text = substr(H, P * 2 + 1, count * 2); P += count
      return text
    }
    function name(text,    at, out, code) {
      for (at = 1; at < length(text); at += 2) {
        code = (index(D, substr(text, at, 1)) - 1) * 16 + index(D, substr(text, at + 1, 1)) - 1
        out = out ((code in C) ? C[code] : "?")
      }
      return out
    }
    function walk(path, depth,    major, count, n, key, at, last) {
      if (depth > 32) stop()
      head(); major = M; count = A
      if (major == 0) printf "%s u %.0f\n", path, count
      else if (major == 1) printf "%s n -%.0f\n", path, count + 1
      else if (major == 2) print path " b " bytes(count)
      else if (major == 3) print path " t " bytes(count)
      else if (major == 4) for (n = 0; n < count; n++) walk(path "[" n "]", depth + 1)
      else if (major == 5) for (n = 0; n < count; n++) {
        at = P; head()
        if (M == 3) key = name(bytes(A)); else if (M == 0) key = A; else stop()
        at = substr(H, at * 2 + 1, (P - at) * 2) "."
        if (at <= last "") stop()
        last = at
        walk(path "." key, depth + 1)
      }
      else if (major == 7 && count >= 20 && count <= 22) print path " s " count
      else stop()
    }
    BEGIN {
      D = "0123456789abcdef"; P = 0
      for (n = 48; n < 123; n++) { c = sprintf("%c", n); if (c ~ /[a-z0-9]/) C[n] = c }
      C[95] = "_"
    }
    { H = H $0 }
    END { if (bad) exit 1; walk("", 0); if (P * 2 != length(H)) stop() }
  '
}

# Prints the value at a path of a record that was read, when it has the type.
field() { sed -n "s/^\\.$2 $3 //p" "$tmp/$1.values"; }

# ---------------------------------------------------------------------------------------------- files

manifest=manifest-sha256.txt
tag_manifest=tagmanifest-sha256.txt
seal=$tag_manifest.sig

for name in bagit.txt bag-info.txt $manifest $tag_manifest $seal VERIFY.md verify.sh data/log/checkpoint \
  data/keys/archive.pub data/keys/archive.pem data/keys/allowed-signers data/keys/log.vkey data/keys/log.pem \
  data/keys/log-ml-dsa-44.vkey; do
  [ -f "$name" ] || missing "files: \`$name\`"
done
odd=$(find . ! -type f ! -type d -print | sed 's|^\./||')
if [ -n "$odd" ]; then
  fails "files: neither a file nor a folder: $odd"
  verdict
fi
find . -type f -print | sed 's|^\./||' | sort >"$tmp/there"
odd=$(grep -v '^[a-z0-9._/-]*$' "$tmp/there" | grep -v '^VERIFY\.md$')
if [ -n "$odd" ]; then
  fails "files: names that no bundle has: $odd"
  verdict
fi
[ -f $manifest ] && [ -f $tag_manifest ] || verdict

before=$fail_count
# The lines are read strictly here, so that every sha256sum reads the same.
grep -v '^[0-9a-f]\{64\}  data/[a-z0-9._/-]*$' $manifest >"$tmp/odd" && fails "files: lines in \`$manifest\` that no bundle has: $(sed -n 1,3p "$tmp/odd")"
grep -v '^[0-9a-f]\{64\}  [A-Za-z0-9._-]*$' $tag_manifest >"$tmp/odd" && fails "files: lines in \`$tag_manifest\` that no bundle has: $(sed -n 1,3p "$tmp/odd")"
cut -c 67- $manifest $tag_manifest >"$tmp/names"
grep -E '(^|/)\.{0,2}(/|$)' "$tmp/names" >"$tmp/odd" && fails "files: a manifest names what lies outside: $(sed -n 1,3p "$tmp/odd")"
[ "$fail_count" -eq "$before" ] || verdict
{ cat "$tmp/names"; echo $tag_manifest; echo $seal; } | sort >"$tmp/listed"
for name in $(uniq -d "$tmp/listed"); do fails "files: \`$name\` is listed twice"; done
for name in $(comm -23 "$tmp/there" "$tmp/listed"); do fails "files: \`$name\` is not listed in any manifest"; done
for name in $(comm -13 "$tmp/there" "$tmp/listed"); do [ "$name" = $seal ] || missing "files: \`$name\`, which a manifest lists"; done
for list in $manifest $tag_manifest; do
  cut -c 67- $list | sort -c 2>/dev/null || fails "files: the lines of \`$list\` are not in the order of their names"
done
for name in bagit.txt bag-info.txt $manifest VERIFY.md verify.sh; do
  grep -q "^.\{66\}$name\$" $tag_manifest || fails "files: \`$name\` is not listed in \`$tag_manifest\`"
done
for list in $manifest $tag_manifest; do
  sha256sum -c $list >"$tmp/sums" 2>/dev/null || true
  sed -n 's/: OK$//p' "$tmp/sums" | sort >"$tmp/ok"
  cut -c 67- $list | sort >"$tmp/wanted"
  for name in $(comm -13 "$tmp/ok" "$tmp/wanted"); do
    [ -f "$name" ] && fails "files: \`$name\` is not as \`$list\` says"
  done
done
[ ! -f bagit.txt ] || printf 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n' | cmp -s - bagit.txt || fails "files: \`bagit.txt\` is not that of BagIt 1.0"
if [ -f bag-info.txt ]; then
  grep -v '^[A-Za-z-]*: [^[:cntrl:] ]\([^[:cntrl:]]*[^[:cntrl:] ]\)*$' bag-info.txt >"$tmp/odd" && fails "files: lines in \`bag-info.txt\` that no bundle has: $(sed -n 1,3p "$tmp/odd")"
  oxum=$(grep '^data/' "$tmp/there" | tr '\n' '\0' | xargs -0 cat | wc -c | tr -d ' ').$(grep -c '^data/' "$tmp/there")
  # What is missing was said, and then there is less than that.
  [ "$missing_count" -gt 0 ] || [ "$(sed -n 's/^Payload-Oxum: //p' bag-info.txt)" = "$oxum" ] || fails "files: \`Payload-Oxum\` in \`bag-info.txt\` is not $oxum"
fi
format=$(sed -n 's/^Affiant-Bundle-Format: //p' bag-info.txt 2>/dev/null)
case $format in 1 | 2) ;; *) missing "files: bundle format 1 or 2 in \`bag-info.txt\`, those that this script knows" ;; esac
[ "$fail_count" -eq "$before" ] && holds "files: $(grep -c . "$tmp/there") files, as the manifests list them"

# ----------------------------------------------------------------------------------------------- keys

# Prints the 32 bytes of an Ed25519 public key in PEM.
key_of_pem() {
  openssl pkey -pubin -in "$1" -outform DER 2>/dev/null | xxd -p | tr -d '\n' | sed -n 's/^302a300506032b6570032100\([0-9a-f]\{64\}\)$/\1/p'
}
wire_of_key() { printf '0000000b7373682d6564323535313900000020%s' "$1"; }
base64_of_hex() { printf %s "$1" | unhex | openssl base64 -A; }
fingerprint() { printf 'SHA256:%s' "$(base64_of_hex "$(sha256_of_hex "$(wire_of_key "$1")")" | tr -d '=')"; }

# What is not there was said above, and nothing more can be told without these.
[ -f data/keys/archive.pem ] && [ -f data/keys/log.pem ] && [ -f data/log/checkpoint ] && [ -f bag-info.txt ] || verdict
archive_key=$(key_of_pem data/keys/archive.pem)
log_key=$(key_of_pem data/keys/log.pem)
[ -n "$archive_key" ] || fails "keys: \`data/keys/archive.pem\` is not an Ed25519 public key"
[ -n "$log_key" ] || fails "keys: \`data/keys/log.pem\` is not an Ed25519 public key"
[ -n "$archive_key" ] && [ -n "$log_key" ] || verdict
archive_base64=$(base64_of_hex "$(wire_of_key "$archive_key")")
origin=$(sed -n 1p data/log/checkpoint 2>/dev/null)
log_id=$({ printf '%s\n\001' "$origin"; printf %s "$log_key" | unhex; } | sha256sum | cut -c 1-8)
log_vkey="$origin+$log_id+$(base64_of_hex "01$log_key")"

before=$fail_count
if [ -f data/keys/archive.pub ] && [ "$(cut -d ' ' -f 1-2 data/keys/archive.pub)" != "ssh-ed25519 $archive_base64" ]; then
  fails "keys: \`data/keys/archive.pub\` is not the key in \`archive.pem\`"
fi
if [ -f data/keys/allowed-signers ]; then
  for namespace in affiant-bundle affiant-record; do
    if [ "$(grep -c " namespaces=\"$namespace\" ssh-ed25519 $archive_base64\$" data/keys/allowed-signers)" -ne 1 ]; then
      fails "keys: \`data/keys/allowed-signers\` does not have the key in \`archive.pem\` for $namespace"
    fi
  done
  [ "$(grep -c . data/keys/allowed-signers)" -eq 2 ] || fails "keys: \`data/keys/allowed-signers\` has other lines too"
fi
if [ -f data/keys/log.vkey ] && [ "$(cat data/keys/log.vkey)" != "$log_vkey" ]; then
  fails "keys: \`data/keys/log.vkey\` is not the key in \`log.pem\` under the log's name"
fi

set -- data/entries/*-g-000000-*
if [ $# -ne 1 ] || [ ! -f "$1/record.cbor" ]; then
  missing "keys: entry 0, which names the archive's keys"
  verdict
fi
genesis=${1#data/entries/}
cbor "$1/record.cbor" >"$tmp/$genesis.values"
# The key for purpose $1, in hexadecimal, as entry 0 names it.
genesis_key() {
  at=$(sed -n "s/^\\.\\(keys\\[[0-9]*\\]\\)\\.purpose t $(hex_of_text "$1")\$/\\1/p" "$tmp/$genesis.values" | while read -r at; do
    number=${at#keys[}; number=${number%]}
    [ "$(field "$genesis" "keys\\[$number\\]\\.algorithm" t)" = "$(hex_of_text "$2")" ] && echo "$number"
  done | sed -n 1p)
  [ -n "$at" ] && field "$genesis" "keys\\[$at\\]\\.public" b
}
[ "$(genesis_key statement ed25519)" = "$archive_key" ] || fails "keys: \`data/keys/archive.pem\` is not the key that entry 0 names for statements"
[ "$(genesis_key checkpoint ed25519)" = "$log_key" ] || fails "keys: \`data/keys/log.pem\` is not the key that entry 0 names for checkpoints"
post_quantum=$(genesis_key checkpoint ml-dsa-44)
post_quantum_id=$({ printf '%s\n\006' "$origin"; printf %s "$post_quantum" | unhex; } | sha256sum | cut -c 1-8)
if [ -f data/keys/log-ml-dsa-44.vkey ] && [ "$(cat data/keys/log-ml-dsa-44.vkey)" != "$origin+$post_quantum_id+$(base64_of_hex "06$post_quantum")" ]; then
  fails "keys: \`data/keys/log-ml-dsa-44.vkey\` is not the key that entry 0 names"
fi
[ "$fail_count" -eq "$before" ] && holds "keys: those that entry 0 names: archive $(fingerprint "$archive_key"), log $(fingerprint "$log_key")"

# ---------------------------------------------------------------------------------------------- seals

printf 'archive namespaces="affiant-bundle,affiant-record" ssh-ed25519 %s\n' "$archive_base64" >"$tmp/signers"
check_seal() {
  [ -f "$1" ] && [ -f "$1.sig" ] || return 0
  # ssh-keygen reads past what stands around a seal, and no manifest lists the first: one spelling is accepted.
  { echo "-----BEGIN SSH SIGNATURE-----"; sed '1d;$d' "$1.sig" | tr -d '\n' | openssl base64 -d -A 2>/dev/null | openssl base64 -A | fold -w 70
    echo; echo "-----END SSH SIGNATURE-----"; } | cmp -s - "$1.sig" || { fails "seal: \`$1.sig\` is not spelt as ssh-keygen spells it"; return 0; }
  if ssh-keygen -Y verify -f "$tmp/signers" -I archive -n "$2" -s "$1.sig" <"$1" >/dev/null 2>&1; then
    holds "seal: \`$1.sig\` over \`$1\`"
  else
    fails "seal: \`$1.sig\` is not a seal of the archive's key over \`$1\`"
  fi
}
check_seal $tag_manifest affiant-bundle

# ----------------------------------------------------------------------------------------- checkpoint

# Checks an Ed25519 signature: key in PEM, signed bytes, signature in hexadecimal.
check_ed25519() {
  printf %s "$3" | unhex >"$tmp/signature"
  openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$2" -sigfile "$tmp/signature" >/dev/null 2>&1
}
hex_of_base64() { printf '%s\n' "$1" | openssl base64 -d -A 2>/dev/null | xxd -p | tr -d '\n'; }

size=$(sed -n 2p data/log/checkpoint)
root=$(hex_of_base64 "$(sed -n 3p data/log/checkpoint)")
sed -n 1,3p data/log/checkpoint >"$tmp/note"
printf '%s\n%s\n%s\n' "$origin" "$size" "$(base64_of_hex "$root")" | cmp -s - "$tmp/note" || fails "checkpoint: its three lines are not origin, size and root"
case $size in '' | *[!0-9]* | 0* | ???????????????*) fails "checkpoint: \`$size\` is not a size"; verdict ;; esac
[ ${#root} -eq 64 ] || { fails "checkpoint: its root is not 32 bytes"; verdict; }
[ -z "$(sed -n 4p data/log/checkpoint)" ] || fails "checkpoint: it has more than three lines"
{ sed 1,4d data/log/checkpoint | grep -qv "^$(printf '\342\200\224') [^ ][^ ]* [A-Za-z0-9+/][A-Za-z0-9+/]*=\\{0,2\\}\$" || [ "$(tail -c 1 data/log/checkpoint | xxd -p)" != 0a ]; } &&
  fails "checkpoint: it has lines that are no signatures"
[ -n "$(sed 1,4d data/log/checkpoint)" ] || fails "checkpoint: nobody signed it"
NAME=$origin awk 'NR > 4 && $1 == "\342\200\224" && $2 == ENVIRON["NAME"] && NF == 3 { print $3 }' data/log/checkpoint >"$tmp/lines"
good_count=0 post_quantum_count=0
while read -r line; do
  signature=$(hex_of_base64 "$line")
  case $signature in
    "$post_quantum_id"*) post_quantum_count=$((post_quantum_count + 1)) ;;
    "$log_id"*)
      if [ ${#signature} -eq 136 ] && check_ed25519 data/keys/log.pem "$tmp/note" "${signature#????????}"; then
        good_count=$((good_count + 1))
      else
        fails "checkpoint: a signature of the log's key is bad"
      fi ;;
  esac
done <"$tmp/lines"
if [ "$good_count" -ge 1 ]; then
  holds "checkpoint: $origin at size $size, signed by $(fingerprint "$log_key")"
else
  missing "checkpoint: a signature of the log's Ed25519 key"
fi
[ "$post_quantum_count" -ge 1 ] || missing "checkpoint: a signature of the log's ML-DSA-44 key"

# -------------------------------------------------------------------------------------------- entries

# Decodes base64 lines to hexadecimal lines; anything else gives `malformed`.
hex_of_base64_lines() {
  awk '
    BEGIN { B = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" }
    {
      if (length($0) != 44 || substr($0, 44) != "=") { print "malformed"; next }
      out = ""
      for (at = 1; at < 44; at += 4) {
        sum = 0
        for (n = 0; n < 4; n++) {
          c = substr($0, at + n, 1); v = (at + n == 44) ? 1 : index(B, c)
          if (v == 0) { print "malformed"; next }
          sum = sum * 64 + v - 1
        }
        out = out sprintf("%06x", sum)
      }
      if (substr(out, 65) != "00") { print "malformed"; next }
      print substr(out, 1, 64)
    }'
}

# Computes the root above a leaf (RFC 9162 §2.1.3.2): leaf, index, size; the path comes line by line.
root_of() {
  node=$1 position=$2 last=$(($3 - 1))
  while read -r sibling; do
    case $sibling in malformed) echo malformed; return ;; esac
    [ "$last" -gt 0 ] || { echo "path too long"; return; }
    if [ $((position % 2)) -eq 1 ] || [ "$position" -eq "$last" ]; then
      node=$(sha256_of_hex "01$sibling$node")
      while [ $((position % 2)) -eq 0 ] && [ "$position" -gt 0 ]; do
        position=$((position / 2)) last=$((last / 2))
      done
    else
      node=$(sha256_of_hex "01$node$sibling")
    fi
    position=$((position / 2)) last=$((last / 2))
  done
  if [ "$last" -eq 0 ]; then echo "$node"; else echo "path too short"; fi
}

number_of() {
  number=${1%-*}; number=${number##*-}
  while [ ${#number} -gt 1 ]; do case $number in 0*) number=${number#0} ;; *) break ;; esac; done
  echo "$number"
}
# The id as it is printed: capitals but for the check character.
printed() { printf '%s-%s' "$(printf %s "${1%-*}" | tr 'a-z' 'A-Z')" "${1##*-}"; }

check_statement() {
  at=data/entries/$1
  whole=$(hex "$at/statement.cose")
  body=${whole#d284}
  signature=$(printf %s "$body" | sed -n 's/^.*\(.\{128\}\)$/\1/p')
  body=${body%5840"$signature"}
  payload=$(printf %s "$body" | sed -n 's/^.*\(.\{64\}\)$/\1/p')
  protected=${body%a05820"$payload"}
  if [ "d284${protected}a05820${payload}5840${signature}" != "$whole" ]; then
    fails "signature: \`$at/statement.cose\` is not a COSE_Sign1 as statements are"
    return
  fi
  printf %s "$protected" | unhex >"$tmp/protected"
  header=$(cbor "$tmp/protected" | sed -n 's/^ b //p')
  printf %s "$header" | unhex >"$tmp/header"
  cbor "$tmp/header" >"$tmp/statement.values"
  [ "$payload" = "$(sha256 "$at/record.cbor")" ] || fails "signature: \`$at/statement.cose\` signs another record than \`record.cbor\`"
  made=$(field "$1" made u)
  for expected in "1 n -8" "258 n -16" "15\\.6 u ${made%??????}" "4 b $(sha256_of_hex "$(wire_of_key "$archive_key")")" \
    "15\\.1 t $(hex_of_text "$origin")" "15\\.2 t $(hex_of_text "$(printed "$1")")"; do
    grep -q "^\\.$expected\$" "$tmp/statement.values" || fails "signature: \`$at/statement.cose\` says something else in its header ($expected)"
  done
  [ -z "$(field "$1" key_record u)" ] || missing "keys: the key record that \`$at\` names"
  # RFC 9052 §4.4: the Sig_structure, with the protected header as it was received.
  printf '846a5369676e617475726531%s405820%s' "$protected" "$payload" | unhex >"$tmp/signed"
  check_ed25519 data/keys/archive.pem "$tmp/signed" "$signature" || fails "signature: \`$at/statement.cose\` is not signed by the archive's key"
}

check_proof() {
  proof=data/entries/$1/proof.tlog-proof
  number=$(number_of "$1")
  blank=$(awk '$0 == "" { print NR; exit }' "$proof")
  if [ "$(sed -n 1p "$proof")" != c2sp.org/tlog-proof@v1 ] || [ -z "$blank" ] || [ "$(sed -n 2p "$proof")" != "index $number" ]; then
    fails "inclusion: \`$proof\` is not a tlog-proof for entry $number"
    return
  fi
  tail -n "+$((blank + 1))" "$proof" | cmp -s - data/log/checkpoint || fails "inclusion: \`$proof\` is over another checkpoint"
  if [ "$number" -ge "$size" ]; then
    fails "inclusion: entry $number lies outside the log of $size"
    return
  fi
  leaf=$(sha256_of_hex "00$(sha256 "data/entries/$1/statement.cose")")
  found=$(sed -n "3,$((blank - 1))p" "$proof" | hex_of_base64_lines | root_of "$leaf" "$number" "$size")
  [ "$blank" -gt 3 ] || found=$(root_of "$leaf" "$number" "$size" </dev/null)
  [ "$found" = "$root" ] || fails "inclusion: \`$proof\` leads to \`$found\`, not to the checkpoint's root"
  check_receipt "$1" "$(sed -n "3,$((blank - 1))p" "$proof" | hex_of_base64_lines | sed 's/^/5820/')"
}

# The first bytes of a CBOR value: major type times 32, and the number.
head_of() {
  if [ "$2" -lt 24 ]; then printf %02x $(($1 + $2)); elif [ "$2" -lt 256 ]; then printf %02x%02x $(($1 + 24)) "$2"
  elif [ "$2" -lt 65536 ]; then printf %02x%04x $(($1 + 25)) "$2"; elif [ "$2" -lt 4294967296 ]; then printf %02x%08x $(($1 + 26)) "$2"
  else printf %02x%016x $(($1 + 27)) "$2"; fi
}
string_of() { printf '%s%s' "$(head_of "$1" $((${#2} / 2)))" "$2"; }

# A receipt (RFC 9942) says in CBOR what the proof says, in one spelling, and signs the root: entry, path.
check_receipt() {
  receipt=data/entries/$1/receipt.cose
  claims=a201$(string_of 96 "$(hex_of_text "$origin")")02$(string_of 96 "$(hex_of_text "$(printed "$1")")")
  protected=$(string_of 64 "a501270444${log_id}0f${claims}19018b013a00013539$(head_of 0 "$size")")
  path=$(head_of 128 "$(printf '%s\n' "$2" | grep -c .)")$(printf %s "$2" | tr -d '\n')
  front=d284${protected}a119018ca12081$(string_of 64 "83$(head_of 0 "$size")$(head_of 0 "$number")$path")f65840
  whole=$(hex "$receipt")
  signature=${whole#"$front"}
  printf '846a5369676e617475726531%s405820%s' "$protected" "$root" | unhex >"$tmp/signed"
  { [ ${#signature} -eq 128 ] && check_ed25519 data/keys/log.pem "$tmp/signed" "$signature"; } ||
    fails "inclusion: \`$receipt\` does not say what the proof says, or the log's key has not signed it"
}

kind_of() {
  case $1 in *-g-*-?) echo genesis ;; *-d-*-?) echo document ;; *-c-*-?) echo capture ;; *-v-*-?) echo check ;; *-p-*-?) echo provision ;;
    *-w-*-?) echo withdrawal ;; *-h-*-?) echo hold ;; esac
}

: >"$tmp/statements"
are_whole=yes
for at in data/entries/*; do
  entry=${at#data/entries/}
  before=$fail_count
  is_whole=yes
  for file in record.cbor record.json statement.cose proof.tlog-proof receipt.cose; do
    [ -f "$at/$file" ] || { missing "files: \`$at/$file\`"; is_whole=no; }
  done
  odd=$(find "$at" -type f | sed "s|^$at/||" | grep -vx -e 'record\.cbor' -e 'record\.json' -e 'statement\.cose' -e 'proof\.tlog-proof' -e 'receipt\.cose' -e 'record\.cbor\.sig')
  [ -z "$odd" ] || fails "files: \`$at\` holds files that no entry has: $odd"
  [ $is_whole = yes ] || { are_whole=no; continue; }
  if ! cbor "$at/record.cbor" >"$tmp/$entry.values"; then
    fails "signature: \`$at/record.cbor\` is not CBOR as records are"
    continue
  fi
  [ "$(field "$entry" v u)" = 1 ] || fails "signature: \`$at/record.cbor\` is of a format that this script does not know"
  [ "$(field "$entry" after.size u)" -le "$(number_of "$entry")" ] || fails "signature: \`$at/record.cbor\` was made after a longer log than there was before it"
  [ "$(printed "${entry%-*-*-*}-")" = "$(field "$genesis" prefix t | unhex | tr 'a-z' 'A-Z')-" ] || fails "signature: \`$at\` has another prefix than entry 0 names"
  [ "$(field "$entry" kind t)" = "$(hex_of_text "$(kind_of "$entry")")" ] || fails "signature: \`$at/record.cbor\` is not of the kind that its id says"
  [ "$(field "$entry" index u)" = "$(number_of "$entry")" ] || fails "signature: \`$at/record.cbor\` is of another entry"
  [ "$(field "$entry" origin t)" = "$(hex_of_text "$origin")" ] || fails "signature: \`$at/record.cbor\` is of another log"
  check_statement "$entry"
  check_proof "$entry"
  echo "$(sha256 "$at/statement.cose") $entry" >>"$tmp/statements"
  [ "$fail_count" -eq "$before" ] && holds "signature, inclusion: $(printed "$entry") is signed, and entry $(number_of "$entry") under the root"
done

# ------------------------------------------------------------------------------------------- subjects

# The folder of the entry with a number and a letter.
entry_at() {
  for candidate in data/entries/*-"$2"-*; do
    candidate=${candidate#data/entries/}
    [ -f "$tmp/$candidate.values" ] && [ "$(number_of "$candidate")" = "$1" ] && { echo "$candidate"; return; }
  done
}

# Says that an entry that another leans on is not there, or is of another kind: its number, what is said of it.
lacks() {
  for candidate in data/entries/*; do
    [ "$(number_of "${candidate#data/entries/}")" = "$1" ] && [ -f "$tmp/${candidate#data/entries/}.values" ] && { fails "$2 is \`$candidate\`, which is of another kind"; return; }
  done
  missing "$2: entry $1"
}

# The number of the first record of the document that an entry is of; empty where that was said to be wrong or missing.
history_of() {
  document=$(entry_at "$(field "$1" document u)" d)
  [ -n "$document" ] || return
  first=$(field "$document" amends u)
  [ -n "$first" ] || { number_of "$document"; return; }
  amended=$(entry_at "$first" d)
  [ -n "$amended" ] && [ "$first" -lt "$(number_of "$document")" ] && [ -z "$(field "$amended" amends u)" ] &&
    [ "$(grep -e '^\.url ' -e '^\.vantage\.' "$tmp/$amended.values")" = "$(grep -e '^\.url ' -e '^\.vantage\.' "$tmp/$document.values")" ] && echo "$first"
}

# Says what is wrong with the document that an entry names.
check_document() {
  history=$(history_of "$1")
  document=$(entry_at "$(field "$1" document u)" d)
  if [ -z "$document" ]; then
    lacks "$(field "$1" document u)" "history: the document that $(printed "$1") names"
  elif [ -z "$history" ]; then
    lacks "$(field "$document" amends u)" "history: the record of the same document that $(printed "$document") amends"
  elif [ "$(field "$document" url t)" != "$(field "$1" target t)" ]; then
    fails "history: $(printed "$1") is a visit of another address than that of its document, $(printed "$document")"
  else
    return 0
  fi
  return 1
}

# Follows the chain of captures back to the first.
check_history() {
  capture=$1
  sequence=$(field "$capture" sequence u)
  while :; do
    check_document "$capture" || return
    previous=$(field "$capture" previous b)
    at_sequence=$(field "$capture" sequence u)
    if [ -z "$previous" ]; then
      [ "$at_sequence" = 1 ] && holds "history: $sequence capture(s), each naming the one before" || fails "history: $(printed "$capture") names none before it"
      return
    fi
    [ "$at_sequence" -gt 1 ] || { fails "history: $(printed "$capture") is the first capture, and names one before it"; return; }
    earlier=$(sed -n "s/^$previous //p" "$tmp/statements" | sed -n 1p)
    [ -n "$earlier" ] || { missing "history: the capture before $(printed "$capture")"; return; }
    if [ "$(field "$earlier" sequence u)" != $((at_sequence - 1)) ] || [ "$(number_of "$earlier")" -ge "$(number_of "$capture")" ]; then
      fails "history: $(printed "$earlier") is not the capture before $(printed "$capture")"
      return
    fi
    other=$(history_of "$earlier")
    [ -z "$other" ] || [ "$other" = "$history" ] || { fails "history: $(printed "$earlier") is of another document than $(printed "$capture")"; return; }
    capture=$earlier
  done
}

# The blobs of entry $1 that the withdrawals here name; each was checked above like any entry.
withdrawn_from() {
  for withdrawal in data/entries/*-w-*; do
    withdrawal=${withdrawal#data/entries/}
    [ -f "$tmp/$withdrawal.values" ] && [ "$(number_of "$withdrawal")" -gt "$1" ] || continue
    at=$(sed -n "s/^\\.entries\\[\\([0-9]*\\)\\]\\.index u $1\$/\\1/p" "$tmp/$withdrawal.values" | sed -n 1p)
    [ -z "$at" ] || sed -n "s/^\\.entries\\[$at\\]\\.blobs\\[[0-9]*\\] b //p" "$tmp/$withdrawal.values"
  done
}

# Holds what is shown of a text against the parts that the record commits to: entry, SHA-256 of the text, what says so.
check_parts() {
  number=$(sed -n "s/^\\.renditions\\[\\([0-9]*\\)\\]\\.sha256 b $2\$/\\1/p" "$tmp/$1.values" | sed -n 1p)
  committed=$(field "$1" "renditions\\[$number\\]\\.parts\\.sha256" b)
  shown=data/content/$1/text-withheld.md lines=data/content/$1/text-parts.txt
  [ -n "$committed" ] || { fails "content: \`$3\` shows in part what cannot be"; return; }
  [ -f "$shown" ] && [ -f "$lines" ] || { missing "content: \`$shown\` and \`$lines\`"; return; }
  xxd -p -c 32 "$shown" >"$tmp/bytes"
  if [ "$(wc -c <"$shown" | tr -d ' ')" != "$(field "$1" "renditions\\[$number\\]\\.size" u)" ] ||
    grep -qv -e '^shown [0-9a-f]\{64\}$' -e '^withheld [0-9a-f]\{64\}$' "$lines" ||
    [ "$(grep -c . "$tmp/bytes")" != "$(grep -c . "$lines")" ]; then
    fails "content: \`$lines\` has not one line for each part of \`$shown\`, or that is not as long as the text"
    return
  fi
  paste -d ' ' "$lines" "$tmp/bytes" >"$tmp/parts"
  ! grep '^withheld' "$tmp/parts" | grep -qv '^withheld [0-9a-f]* \(23\)*$' || fails "content: \`$shown\` shows something that \`$lines\` withholds"
  # SHA-256 of salt and bytes of each part that is shown: 64 bytes, but for the last.
  rm -rf "$tmp/cut"; mkdir "$tmp/cut"
  sed -n 's/^shown \([0-9a-f]*\) \([0-9a-f]*\)$/\1\2/p' "$tmp/parts" | unhex | (cd "$tmp/cut" && split -a 5 -b 64 - p)
  (cd "$tmp/cut" && find . -type f | sort | xargs sha256sum) | cut -c 1-64 >"$tmp/computed"
  found=$(awk -v computed="$tmp/computed" '$1 == "shown" { getline hash <computed; print hash } $1 == "withheld" { print $2 }' "$tmp/parts" | unhex | sha256sum | cut -c 1-64)
  awk -v text="$2" '
    { count = length($3) / 2 }
    $1 == "withheld" { if (is_open && end == at) end += count; else { if (is_open) print "text", text, start, end; start = at; end = at + count; is_open = 1 } }
    { at += count }
    END { if (is_open) print "text", text, start, end }' "$tmp/parts" >"$tmp/ranges"
  grep '^text ' "$3" | cmp -s - "$tmp/ranges" || fails "content: \`$3\` names other bytes than \`$lines\` withholds"
  if [ "$found" = "$committed" ]; then
    holds "content: \`$shown\` is the text of $(printed "$1"), but for what is withheld of it, by the parts that its record commits to"
  else
    fails "content: \`$shown\` and \`$lines\` are not the parts that the record of $(printed "$1") commits to"
  fi
}

# Checks what the bundle says that it withholds of entry $1; `kept` are the hashes.
check_withheld() {
  : >"$tmp/kept"
  said=data/withheld/$1.txt
  [ -f "$said" ] || return 0
  [ "$format" != 1 ] || { fails "files: \`$said\` is not a file that bundles of format 1 have"; return; }
  if [ "$(sed -n 1p "$said")" != 'affiant-withheld 1' ] || ! grep -q '^file ' "$said" ||
    sed -n 2p "$said" | grep -qv '^reason .' || sed -n 3p "$said" | grep -qv '^authority .' || ! grep '^file ' "$said" | sort -uc 2>/dev/null ||
    sed 1,3d "$said" | grep -qv -e '^file [0-9a-f]\{64\}$' -e '^text [0-9a-f]\{64\} [0-9][0-9]* [0-9][0-9]*$'; then
    fails "content: \`$said\` does not say what is withheld"
    return
  fi
  sed -n 's/^file //p; s/^text \([0-9a-f]*\) .*/\1/p' "$said" | sort -u >"$tmp/kept"
  for hash in $(comm -13 "$tmp/named" "$tmp/kept"); do fails "content: \`$said\` withholds a file that $(printed "$1") does not name: $hash"; done
  withheld "content: $(grep -c '^file ' "$said") file(s) of $(printed "$1"). Reason given: $(sed -n 's/^reason //p' "$said"). Authority given: $(sed -n 's/^authority //p' "$said")"
  text=$(sed -n 's/^text \([0-9a-f]*\) .*/\1/p' "$said" | sort -u)
  [ -z "$text" ] || check_parts "$1" "$text" "$said"
}

check_content() {
  sed -n 's/^\.primary\.sha256 b //p; s/^\.renditions\[[0-9]*\]\.sha256 b //p; s/^\.exchanges\[[0-9]*\]\.body\.sha256 b //p
    s/^\.renditions\[[0-9]*\]\.parts\.seed b //p
    s/^\.exchanges\[[0-9]*\]\.connection\.tls\.chain\[[0-9]*\] b //p' "$tmp/$1.values" | sort -u >"$tmp/named"
  before=$fail_count-$missing_count
  check_withheld "$1"
  grep "  data/content/$1/" $manifest >"$tmp/lines"
  # What is there instead of a text that is shown in part is no file of the record, and was checked.
  ! grep -q '^text ' "data/withheld/$1.txt" 2>/dev/null || { grep -v -e '/text-withheld\.md$' -e '/text-parts\.txt$' "$tmp/lines" >"$tmp/left"; mv "$tmp/left" "$tmp/lines"; }
  cut -c 1-64 "$tmp/lines" | sort >"$tmp/held"
  withdrawn_from "$(number_of "$1")" | sort -u >"$tmp/gone"
  for hash in $(comm -12 "$tmp/named" "$tmp/gone"); do withdrawn "content: the file with SHA-256 $hash that $(printed "$1") names, see the withdrawal's record.json"; done
  sort -u "$tmp/kept" "$tmp/gone" >"$tmp/absent"
  comm -23 "$tmp/named" "$tmp/absent" >"$tmp/left"
  mv "$tmp/left" "$tmp/named"
  for hash in $(comm -23 "$tmp/named" "$tmp/held"); do missing "content: the file with SHA-256 $hash that $(printed "$1") names"; done
  for hash in $(comm -13 "$tmp/named" "$tmp/held"); do fails "content: \`$(sed -n "s/^$hash  \\(data\\/content\\/$1\\/.*\\)/\\1/p" $manifest | sed -n 1p)\` is not a file that $(printed "$1") names"; done
  [ "$fail_count-$missing_count" = "$before" ] && holds "content: $(grep -c . "$tmp/named") file(s) with the hashes that $(printed "$1") names"
}

# The bytes of a file from one place up to another, in hexadecimal.
slice() { tail -c "+$(($2 + 1))" "$1" | xxd -p | tr -d '\n' | awk -v count=$((($3 - $2) * 2)) '{ print substr($0, 1, count) }'; }

check_passage() {
  capture=$(entry_at "$(field "$1" capture u)" c)
  [ -n "$capture" ] || { lacks "$(field "$1" capture u)" "content: the capture that $(printed "$1") quotes"; are_whole=no; return; }
  rendition=$(field "$1" rendition b)
  grep -q "^\\.renditions\\[[0-9]*\\]\\.sha256 b $rendition\$" "$tmp/$capture.values" || fails "content: $(printed "$1") quotes no text of $(printed "$capture")"
  text=$(grep "^$rendition  data/content/$capture/" $manifest | cut -c 67- | sed -n 1p)
  start=$(field "$1" start u) end=$(field "$1" end u) exact=$(field "$1" exact t)
  said=data/withheld/$capture.txt
  if [ -z "$text" ] && grep -q "^text $rendition " "$said" 2>/dev/null; then
    text=data/content/$capture/text-withheld.md
    if awk -v start="$start" -v end="$end" '$1 == "text" && start + 0 < $4 + 0 && $3 + 0 < end + 0 { found = 1 } END { exit !found }' "$said"; then
      withheld "content: the words that $(printed "$1") quotes"; check_history "$capture"; return
    fi
  fi
  { [ -n "$text" ] && [ -f "$text" ]; } || { missing "content: the text that $(printed "$1") quotes"; return; }
  before=$(field "$1" prefix t) after=$(field "$1" suffix t) size_text=$(wc -c <"$text" | tr -d ' ')
  if [ "$start" -gt "$end" ] || [ "$end" -gt "$size_text" ]; then
    fails "content: the words of $(printed "$1") stand at bytes $start to $end, which \`$text\` has not"
  elif [ $((${#before} / 2)) -gt "$start" ] || [ "$(slice "$text" $((start - ${#before} / 2)) "$start")" != "$before" ] ||
    [ "$(slice "$text" "$end" $((end + ${#after} / 2)))" != "$after" ]; then
    fails "content: other words stand before or after those of $(printed "$1") in \`$text\`"
  elif [ "$(slice "$text" "$start" "$end")" = "$exact" ]; then
    holds "content: the words of $(printed "$1") stand at bytes $start to $end of \`$text\`"
  else
    fails "content: the words of $(printed "$1") do not stand in \`$text\`"
  fi
  check_history "$capture"
}

sed -n 's/^External-Identifier: //p' bag-info.txt >"$tmp/subjects"
[ -s "$tmp/subjects" ] || { missing "files: a subject in \`bag-info.txt\`"; are_whole=no; }
for subject in $(sort "$tmp/subjects" | uniq -d); do fails "files: \`bag-info.txt\` names $subject twice"; done
# An id ends in its check character (NOID): each character's place in the alphabet times its own, summed, modulo 29.
is_id() {
  printf '%s\n' "$1" | grep -q '^[A-Z]\{2,6\}-[A-Z]-[0-9]\{6,12\}-[0-9a-z]$' && printf '%s\n' "$1" | awk '{
    A = "0123456789bcdfghjkmnpqrstvwxz"; text = tolower($0); gsub("-", "", text)
    for (n = 1; n < length(text); n++) { place = index(A, substr(text, n, 1)); if (place > 0) sum += n * (place - 1) }
    exit substr(A, sum % 29 + 1, 1) != substr(text, length(text))
  }'
}
: >"$tmp/contents"
while read -r subject; do
  is_id "$subject" || { fails "files: \`$subject\` in \`bag-info.txt\` is not an id"; are_whole=no; continue; }
  entry=$(printf %s "$subject" | tr 'A-Z' 'a-z')
  if [ "$(printed "$entry")" != "$subject" ] || [ ! -f "$tmp/$entry.values" ]; then
    missing "signature: the entry of the subject $subject"
    are_whole=no
    continue
  fi
  [ -f "data/entries/$entry/record.cbor.sig" ] || missing "seal: \`data/entries/$entry/record.cbor.sig\`"
  check_seal "data/entries/$entry/record.cbor" affiant-record
  case $(kind_of "$entry") in
    capture) check_content "$entry"; check_history "$entry"; echo "$entry" >>"$tmp/contents" ;;
    check)
      check_content "$entry"; echo "$entry" >>"$tmp/contents"
      capture=$(entry_at "$(field "$entry" capture u)" c)
      if [ -z "$capture" ]; then
        lacks "$(field "$entry" capture u)" "history: the capture that $subject confirms"
      elif check_document "$entry"; then
        other=$(history_of "$capture")
        [ -z "$other" ] || [ "$other" = "$history" ] || fails "history: $subject is of another document than $(printed "$capture")"
        for what in 'renditions\[[0-9]*\]\.sha256 b' 'outcome\..*'; do
          [ "$(grep "^\\.$what" "$tmp/$entry.values")" = "$(grep "^\\.$what" "$tmp/$capture.values")" ] || fails "history: $subject found something else than $(printed "$capture")"
        done
        check_history "$capture"
      fi ;;
    provision) check_passage "$entry"; entry_at "$(field "$entry" capture u)" c >>"$tmp/contents" ;;
  esac
done <"$tmp/subjects"

# Whatever lies there must belong to something that was checked above. Where an entry is not whole, what belongs to
# it cannot be told.
belongs_to_none() { [ $are_whole = no ] || fails "files: \`$1\` belongs to no subject"; }
while read -r name; do
  case $name in
    data/content/*/*) part=${name#data/content/}; grep -q "^${part%%/*}\$" "$tmp/contents" || belongs_to_none "$name" ;;
    data/citations/*.*.txt) part=${name#data/citations/}; grep -q "^${part%%.*}\$" "$tmp/contents" || belongs_to_none "$name" ;;
    data/withheld/*-[cv]-*.txt) part=${name#data/withheld/}; grep -q "^$(printed "${part%.txt}")\$" "$tmp/subjects" || belongs_to_none "$name" ;;
    data/entries/*/record.cbor.sig) part=${name#data/entries/}; grep -q "^$(printed "${part%/*}")\$" "$tmp/subjects" || belongs_to_none "$name" ;;
    data/entries/*/* | data/log/checkpoint) ;;
    data/keys/archive.pub | data/keys/archive.pem | data/keys/allowed-signers | data/keys/log.vkey | data/keys/log.pem | data/keys/log-ml-dsa-44.vkey) ;;
    bagit.txt | bag-info.txt | "$manifest" | "$tag_manifest" | "$seal" | VERIFY.md | verify.sh) ;;
    # Annexes, from format 2 on: sealed with the rest, and nothing that was told above rests on them.
    contents.html | verify.html | data/custody.jsonl | data/ro-crate-metadata.json) [ "$format" != 1 ] || fails "files: \`$name\` is not a file that bundles of format 1 have" ;;
    data/exhibits/*.pdf | data/transparent/*.cose | data/endorsements/*.cms | data/endorsements/*.txt)
      part=${name#data/*/}; part=${part%.*}
      [ ${#part} -le 64 ] || part=
      case $part in '' | *[!a-z0-9-]*) fails "files: \`$name\` is not a file that bundles have" ;; *) [ "$format" != 1 ] || fails "files: \`$name\` is not a file that bundles of format 1 have" ;; esac ;;
    *) fails "files: \`$name\` is not a file that bundles have" ;;
  esac
done <"$tmp/there"

# ---------------------------------------------------------------------------------------------- trust

is_trusted=no
printf %s "$trusts" >"$tmp/trusts"
while read -r trust; do
  case $trust in
    SHA256:*) [ "$trust" = "$(fingerprint "$archive_key")" ] || [ "$trust" = "$(fingerprint "$log_key")" ] && is_trusted=yes ;;
    *)
      if [ ! -f "$trust" ]; then
        missing "trust: the file \`$trust\`"
      elif grep -q 'BEGIN PUBLIC KEY' "$trust"; then
        key=$(key_of_pem "$trust")
        [ "$key" = "$archive_key" ] || [ "$key" = "$log_key" ] && is_trusted=yes
      elif SIGNER=$archive_base64 VKEY=$log_vkey awk '
        /^#/ { next }
        { for (n = 2; n <= NF; n++) if ($n == ENVIRON["SIGNER"] && $(n - 1) == "ssh-ed25519") found = 1 }
        (NF == 1 && $1 == ENVIRON["VKEY"]) || ($1 == "log" && $2 == ENVIRON["VKEY"]) { found = 1 }
        END { exit !found }' "$trust"; then
        is_trusted=yes
      fi ;;
  esac
done <"$tmp/trusts"

if [ $is_trusted = yes ]; then
  holds "trust: one of the two keys is one that you named"
elif [ -n "$trusts" ]; then
  missing "trust: the keys here are not those that you named: archive $(fingerprint "$archive_key"), log $(fingerprint "$log_key")"
else
  missing "trust: the bundle agrees with the keys it brings, and they may be anybody's. Compare archive $(fingerprint "$archive_key") or log $(fingerprint "$log_key") with what the archive publishes, and run again with --trust"
fi
cat <<'END'

Not checked here: the log's ML-DSA-44 signature, witnesses, timestamps, and whether record.json and the
citations read their records out rightly. `affiant verify` checks those that can be checked.
Not shown by any of this: that a server sent these bytes (the archive alone saw the connection), and when,
other than by the archive's own clock.
END
verdict
