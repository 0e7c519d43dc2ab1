# Bytes and messages by day and charged domain. mawk -F'|' -f sums.awk LOG...

{
  address = index($1, " in[") ? $3 : $2
  sub(/.*@/, "", address)
  key = int(substr($1, length($1) - 9) / 86400) "|" address
  messages[key]++
  bytes[key] += $4
}

END {
  for (key in messages) printf "%s|%d|%.0f\n", key, messages[key], bytes[key]
}
