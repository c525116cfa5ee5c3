# Entry 0 names the first keys, key records change them; each is verified below like any entry, and here by those who signed it.
entry_number() {
  number=${1%-*}; number=${number##*-}
  while [ ${#number} -gt 1 ]; do case $number in 0*) number=${number#0} ;; *) break ;; esac; done
  echo "$number"
}
# One line for each key in list $2 of a record: act, purpose, algorithm, public key, entry, and from where it is distrusted.
named_keys() {
  awk -v list="$2" -v entry="$(entry_number "$1")" '
    index($1, "." list "[") == 1 {
      split(substr($1, length(list) + 3), part, "]."); n = part[1] + 0; value[n, part[2]] = $3
      if (n >= count) count = n + 1
    }
    END {
      for (n = 0; n < count; n++)
        print ((n, "act") in value) ? value[n, "act"] : "616464", value[n, "purpose"], value[n, "algorithm"],
          value[n, "public"], entry, ((n, "from") in value) ? value[n, "from"] : "-"
    }' "$tmp/$1.values"
}
pem_of_key() { echo "-----BEGIN PUBLIC KEY-----"; base64_of_hex "302a300506032b6570032100$1"; echo; echo "-----END PUBLIC KEY-----"; }
# The key for a purpose and algorithm that counts at an entry, the newest of them; a distrusted statement key is named below.
key_at() {
  awk -v purpose="$(hex_of_text "$1")" -v algorithm="$(hex_of_text "$2")" -v entry="$3" -v distrust="$4" '
    $1 == purpose && $2 == algorithm && $4 <= entry + 0 && ($5 == "-" || $5 + 0 > entry + 0) &&
      (distrust == "ignored" || $6 == "-" || $6 + 0 > entry + 0) { key = $3 }
    END { print key }' "$tmp/tenures"
}
# Tenures: purpose, algorithm, public key, the entry that adds it, the one that ends it, and from where it is distrusted.
settle_keys() {
  awk '
    $1 == "616464" { order[count++] = $4; kind[$4] = $2 " " $3; added[$4] = $5; ended[$4] = "-"; from[$4] = "-"; next }
    { if (ended[$4] == "-") ended[$4] = $5; if ($6 != "-" && (from[$4] == "-" || $6 + 0 < from[$4] + 0)) from[$4] = $6 }
    END { for (n = 0; n < count; n++) { key = order[n]; print kind[key], key, added[key], ended[key], from[key] } }
  ' "$tmp/changes" >"$tmp/tenures"
}
ed25519_hex=$(hex_of_text ed25519)
recovery_hex=$(hex_of_text recovery)
recovery=$(field "$genesis" recovery b)
named_keys "$genesis" keys >"$tmp/changes"
settle_keys
: >"$tmp/key-records"
for at in data/entries/*-k-*; do
  entry=${at#data/entries/}
  [ -d "$at" ] || continue
  { [ -f "$at/record.cbor" ] && cbor "$at/record.cbor" >"$tmp/$entry.values"; } || { missing "keys: the key record in \`$at\`"; continue; }
  echo "$(entry_number "$entry") $entry" >>"$tmp/key-records"
done
# Which keys count cannot be told while a key record that an entry names is not there.
for at in data/entries/*; do
  named=$(cbor "$at/record.cbor" 2>/dev/null | sed -n 's/^\.key_record u //p')
  [ -z "$named" ] || grep -q "^$named " "$tmp/key-records" || missing "keys: entry $named, the key record that \`$at\` names"
done
[ "$missing_count" -eq 0 ] || verdict
sort -n -o "$tmp/key-records" "$tmp/key-records"
newest=
while read -r number entry; do
  [ "$(field "$entry" key_record u)" = "$newest" ] || fails "keys: \`data/entries/$entry\` does not follow the key record before it"
  newest=$number
  # What is signed: the purpose, and the record up to its last field.
  { printf 'affiant-key-change\n'; hex "data/entries/$entry/record.cbor" | sed 's/6a7369676e617475726573[89].*$//' | unhex; } >"$tmp/changed"
  sed -n 's/^\.signatures\[\([0-9]*\)\]\.public b //p' "$tmp/$entry.values" | sort >"$tmp/signers"
  for n in $(sed -n 's/^\.signatures\[\([0-9]*\)\]\.public b .*/\1/p' "$tmp/$entry.values"); do
    [ "$(field "$entry" "signatures\\[$n\\]\\.algorithm" t)" = "$ed25519_hex" ] || continue
    pem_of_key "$(field "$entry" "signatures\\[$n\\]\\.public" b)" >"$tmp/signer.pem"
    printf %s "$(field "$entry" "signatures\\[$n\\]\\.signature" b)" | unhex >"$tmp/signature"
    openssl pkeyutl -verify -pubin -inkey "$tmp/signer.pem" -rawin -in "$tmp/changed" -sigfile "$tmp/signature" >/dev/null 2>&1 ||
      fails "keys: a signature in \`data/entries/$entry\` is bad"
  done
  is_recovered=no
  while read -r signer; do [ "$(sha256_of_hex "$signer")" = "$recovery" ] && is_recovered=yes; done <"$tmp/signers"
  named_keys "$entry" changes >"$tmp/these"
  while read -r act purpose algorithm public at from; do
    if [ "$purpose" = "$recovery_hex" ]; then
      { [ "$act" = 616464 ] && [ $is_recovered = yes ]; } || fails "keys: another recovery key than before in \`data/entries/$entry\`, not by the word of that"
    fi
    { [ "$act" != 616464 ] && [ $is_recovered = yes ]; } || grep -q "^$public\$" "$tmp/signers" ||
      fails "keys: a key that \`data/entries/$entry\` changes has not signed it, nor has the recovery key"
    [ $is_recovered = no ] || continue
    awk -v purpose="$purpose" '$1 == purpose && $5 == "-" { print $3 }' "$tmp/tenures" >"$tmp/held"
    while read -r held; do
      grep -q "^$held\$" "$tmp/signers" || fails "keys: \`data/entries/$entry\` is not signed by every key that counted before it"
    done <"$tmp/held"
  done <"$tmp/these"
  cat "$tmp/these" >>"$tmp/changes"
  follower=$(awk -v purpose="$recovery_hex" '$2 == purpose { print $4 }' "$tmp/these")
  [ -z "$follower" ] || recovery=$(sha256_of_hex "$follower")
  settle_keys
done <"$tmp/key-records"
last=$(sed -n 2p data/log/checkpoint)
last=$((last - 1))
[ "$(key_at statement ed25519 $last ignored)" = "$archive_key" ] || fails "keys: \`data/keys/archive.pem\` is not the key for statements at the checkpoint"
[ "$(key_at checkpoint ed25519 $last "")" = "$log_key" ] || fails "keys: \`data/keys/log.pem\` is not the key for checkpoints at the checkpoint"
post_quantum=$(key_at checkpoint ml-dsa-44 $last "")
