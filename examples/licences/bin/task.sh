# Read by every task: writes down that it ran, so that a person can see how often. A line per
# attempt: event, idempotency key, attempt.
set -eu
mkdir -p work/texts
echo "$task $SKEIN_IDEMPOTENCY_KEY $SKEIN_ATTEMPT" >> work/ran.log
echo "$task: attempt $SKEIN_ATTEMPT of key $SKEIN_IDEMPOTENCY_KEY" >&2
# A result file appears whole or not at all, so that a killed attempt leaves nothing half done.
save() { cat > "$SKEIN_TMP/out" && mv "$SKEIN_TMP/out" "work/$1"; }
