# ---------------------------------------------------------------------------------------------- times

# Computes both roots from the path of a consistency proof (RFC 9162 §2.1.4.2): old size, new size, old root. The path
# comes line by line; prints the old root and the new one.
roots_of() {
  fn=$(($1 - 1)) sn=$(($2 - 1)) fr= sr=
  while [ $((fn % 2)) -eq 1 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
  # An old tree that is perfect is left out of the path, since its root is known.
  [ "$fn" -gt 0 ] || { fr=$3; sr=$3; }
  while read -r node; do
    case $node in malformed) echo malformed; return ;; esac
    if [ -z "$fr" ]; then fr=$node; sr=$node; continue; fi
    [ "$sn" -gt 0 ] || { echo "path too long"; return; }
    if [ $((fn % 2)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
      fr=$(sha256_of_hex "01$node$fr"); sr=$(sha256_of_hex "01$node$sr")
      while [ $((fn % 2)) -eq 0 ] && [ "$fn" -gt 0 ]; do fn=$((fn / 2)) sn=$((sn / 2)); done
    else
      sr=$(sha256_of_hex "01$sr$node")
    fi
    fn=$((fn / 2)) sn=$((sn / 2))
  done
  [ "$sn" -eq 0 ] && echo "$fr $sr" || echo "path too short"
}

# Turns the time that openssl prints, as `Nov 22 01:30:57.852 2026 GMT`, into seconds since 1970.
seconds_of() {
  printf '%s\n' "$1" | awk '{
    split($3, T, ":"); y = $4; m = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3; d = $2
    if (m <= 2) { y--; m += 12 }
    printf "%.0f\n", ((365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + d - 719469) * 24 + T[1]) * 3600 + T[2] * 60 + int(T[3])
  }'
}

# Turns seconds since 1970 into a date and a time.
moment_of() {
  awk -v t="$1" 'BEGIN {
    d = int(t / 86400); s = t - d * 86400; d += 719468; e = int(d / 146097); o = d - e * 146097
    y = int((o - int(o / 1460) + int(o / 36524) - int(o / 146096)) / 365); r = o - (365 * y + int(y / 4) - int(y / 100))
    m = int((5 * r + 2) / 153)
    printf "%04d-%02d-%02dT%02d:%02d:%02dZ", y + e * 400 + (m >= 10), m < 10 ? m + 3 : m - 9, r - int((153 * m + 2) / 5) + 1, s / 3600, s % 3600 / 60, s % 60
  }'
}

# Checks a witness's line over a note (C2SP tlog-cosignature, type 0x04), by the vkeys that the reader named: the file, the
# note. Prints what came of it, and the seconds since 1970 that the line says.
judge_cosignature() {
  read -r dash by encoded <"$1" || { echo malformed; return; }
  printf '%s %s %s\n' "$dash" "$by" "$(base64_of_hex "$(hex_of_base64 "$encoded")")" | cmp -s - "$1" || { echo malformed; return; }
  line=$(hex_of_base64 "$encoded")
  id=$(printf %s "$line" | cut -c 1-8) time=$(printf %s "$line" | cut -c 9-24) signature=$(printf %s "$line" | cut -c 25-)
  [ "$dash" = "$(printf '\342\200\224')" ] || { echo malformed; return; }
  case $time in 0000000[0-9a-f]????????) seconds=$((0x$time)) ;; *) echo malformed; return ;; esac
  while read -r vkey; do
    rest=${vkey#*+} named=${vkey%%+*}
    [ "$named" = "$by" ] && [ "${rest%%+*}" = "$id" ] || continue
    key=$(hex_of_base64 "${rest#*+}")
    case $key in 04*) ;; *) echo "other $seconds"; return ;; esac
    [ "$(sha256_of_hex "$(hex_of_text "$by")0a$key" | cut -c 1-8)" = "$id" ] && [ ${#key} -eq 66 ] && [ ${#signature} -eq 128 ] || { echo malformed; return; }
    printf '302a300506032b6570032100%s' "${key#04}" | unhex | openssl pkey -pubin -inform DER -out "$tmp/witness.pem" 2>/dev/null
    { printf 'cosignature/v1\ntime %s\n' "$seconds"; sed '/^$/,$d' "$2"; } >"$tmp/cosigned"
    if check_ed25519 "$tmp/witness.pem" "$tmp/cosigned" "$signature"; then echo "good $seconds"; else echo "bad $seconds"; fi
    return
  done <"$tmp/witnesses"
  echo "unknown $seconds"
}

# Says what a token or cosignature means for each subject: the checkpoint's size, the file, its time, what it is, and its time
# in seconds. The archive's own clock may be five minutes off, as clocks are that are set by the network.
tell_times() {
  reply_hash=$(sha256 "$2")
  while read -r subject; do
    number=${subject#*-*-}; number=$(printf %s "${number%-*}" | sed 's/^0*//'); entry=$(printf %s "$subject" | tr 'A-Z' 'a-z')
    [ -f "$tmp/$entry.values" ] || continue
    made=$(field "$entry" made u); made=${made%??????}
    if [ "$1" -gt "${number:-0}" ]; then
      if [ "$made" -le $(($5 + 301)) ]; then holds "not after: $subject existed at $3, with the log of size $1"
      else fails "not after: $subject says that it was made later than $3, when \`$2\` saw the log with it"; fi
    fi
    [ "$(field "$entry" 'after\.size' u)" = "$1" ] && grep -q "^\\.after\\.tokens\\[[0-9]*\\] b $reply_hash\$" "$tmp/$entry.values" || continue
    if [ $((made + 301)) -ge "$5" ]; then holds "not before: $subject names this $4 of $3"
    else fails "not before: $subject says that it was made before $3, when \`$2\` was signed, which it names"; fi
  done <"$tmp/subjects"
}

# Walks an OpenTimestamps proof behind its digest, so that nothing can stand in it that is no step of a path. 2: a step is not known here.
is_path() {
  hex "$1" | cut -c 131- | awk '
    function stop() { if (!bad) bad = 1; exit bad }
    function byte(    text) { if (P >= length(H)) stop(); text = substr(H, P + 1, 2); P += 2; return (index(D, substr(text, 1, 1)) - 1) * 16 + index(D, substr(text, 2, 1)) - 1 }
    function number(    sum, scale, part) { scale = 1; do { part = byte(); sum += part % 128 * scale; scale *= 128 } while (part >= 128 && scale < 2 ^ 50); return sum }
    function skip(count) { P += count * 2; if (P > length(H)) stop() }
    function step(tag) {
      if (tag == 0) { skip(8); skip(number()); return 1 }
      if (tag == 240 || tag == 241) skip(number())
      else if (tag != 2 && tag != 3 && tag != 8 && tag != 103 && tag != 242 && tag != 243) { bad = 2; stop() }
      return 0
    }
    function walk(depth,    tag) {
      if (depth > 256) stop()
      for (tag = byte(); tag == 255; tag = byte()) if (!step(byte())) walk(depth + 1)
      if (!step(tag)) walk(depth + 1)
    }
    BEGIN { D = "0123456789abcdef"; P = 0 }
    { H = H $0 }
    END { if (bad) exit bad; walk(0); if (P != length(H)) exit 1 }'
}

for folder in data/anchors/*/; do
  folder=${folder%/}; old_size=${folder##*/}; note=$folder/checkpoint
  case $old_size in '' | *[!0-9]* | 0* | ???????????????*) fails "times: \`$folder\` is not named after a size"; continue ;; esac
  [ -f "$note" ] && [ -f "$folder/consistency" ] || { missing "times: \`$note\` and \`$folder/consistency\`"; continue; }
  old_root=$(hex_of_base64 "$(sed -n 3p "$note")")
  if [ "$(sed -n 1p "$note")" != "$origin" ] || [ "$(sed -n 2p "$note")" != "$old_size" ] || [ "$old_size" -gt "$size" ]; then
    fails "times: \`$note\` is not a checkpoint of this log at size $old_size"; continue
  fi
  if [ "$old_size" -eq "$size" ]; then
    roots="$old_root $old_root"; [ ! -s "$folder/consistency" ] || roots="path too long"
  else
    roots=$(hex_of_base64_lines <"$folder/consistency" | roots_of "$old_size" "$size" "$old_root")
  fi
  if [ "$roots" = "$old_root $root" ]; then
    holds "times: the log of size $size grew from that in \`$note\`"
  else
    fails "times: the log of size $size did not grow from that in \`$note\` ($roots)"; continue
  fi
  for reply in "$folder"/*.tsr; do
    if [ ! -f "$reply" ]; then
      ls "$folder"/*.cosignature >/dev/null 2>&1 || ls "$folder"/*.ots >/dev/null 2>&1 || ls "$folder"/*.renewal-tsr >/dev/null 2>&1 ||
        missing "times: a timestamp, a cosignature or a proof in \`$folder\`"
      continue
    fi
    named=${reply##*-}
    [ "${named%.tsr}" = "$(sha256 "$reply" | cut -c 1-16)" ] || fails "times: \`$reply\` is not named after its SHA-256"
    at=$(openssl ts -reply -in "$reply" -text 2>/dev/null | sed -n 's/^Time stamp: //p')
    [ -n "$at" ] || { fails "times: \`$reply\` is not a timestamp reply"; continue; }
    if [ ! -s "$tmp/authorities" ]; then
      printf 'not told %s\n' "times: \`$reply\` says $at; name the authority's root with --authority to have it checked"
      continue
    fi
    # At the token's own time: certificates may have ended since.
    said=$(openssl ts -verify -data "$note" -in "$reply" -CAfile "$tmp/authorities" -attime "$(seconds_of "$at")" 2>&1)
    case $said in
      *'Verification: OK'*) holds "times: \`$reply\`: $at, by an authority that you named"; tell_times "$old_size" "$reply" "$at" token "$(seconds_of "$at")" ;;
      *'unable to get local issuer'* | *'unable to get issuer'* | *self*signed*certificate* | *'signer certificate not found'*)
        printf 'not told %s\n' "times: \`$reply\` says $at, by an authority that you did not name" ;;
      *) fails "times: \`$reply\`: $(printf '%s' "$said" | sed -n 's/.*://; $!p' | tr '\n' ' ')" ;;
    esac
  done
  for cosignature in "$folder"/*.cosignature; do
    [ -f "$cosignature" ] || continue
    named=${cosignature##*-}
    [ "${named%.cosignature}" = "$(sha256 "$cosignature" | cut -c 1-16)" ] || fails "times: \`$cosignature\` is not named after its SHA-256"
    judged=$(judge_cosignature "$cosignature" "$note")
    at=$(moment_of "${judged##* }")
    case $judged in
      good*) holds "times: \`$cosignature\`: $at, by a witness that you named"; tell_times "$old_size" "$cosignature" "$at" cosignature "${judged##* }" ;;
      bad*) fails "times: \`$cosignature\` is not signed by the witness that it names" ;;
      unknown*) printf 'not told %s\n' "times: \`$cosignature\` says $at; name the witness with --witness VKEY to have it checked" ;;
      other*) printf 'not told %s\n' "times: \`$cosignature\` says $at, signed with an algorithm that openssl does not check here" ;;
      *) fails "times: \`$cosignature\` is not one signature line" ;;
    esac
  done
  for proof in "$folder"/*.ots; do
    [ -f "$proof" ] || continue
    named=${proof##*-}
    [ "${named%.ots}" = "$(sha256 "$proof" | cut -c 1-16)" ] || fails "times: \`$proof\` is not named after its SHA-256"
    # The name of the format, its version, SHA-256, and the digest of what it is over.
    case $(hex "$proof" | cut -c 1-130) in
      004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108"$(sha256 "$note")") ;;
      004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108* | [!0]* | '') fails "times: \`$proof\` is not an OpenTimestamps proof over \`$note\`"; continue ;;
      004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294*) printf 'not told %s\n' "times: \`$proof\` is of a version or a hash that is not known here"; continue ;;
      *) fails "times: \`$proof\` is not an OpenTimestamps proof over \`$note\`"; continue ;;
    esac
    is_path "$proof"
    case $? in 0 | 2) ;; *) fails "times: \`$proof\` is not a path from \`$note\` to a block or a calendar"; continue ;; esac
    printf 'not told %s\n' "times: \`$proof\`; \`ots verify -f $note $proof\` says which block has it, by a Bitcoin node of yours"
  done
done

