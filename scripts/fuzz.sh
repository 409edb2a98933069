#!/bin/sh
# Feeds broken model files to every reader of `crates/trees`, and whatever a client may send to the
# reader of sockets in `crates/feed`, with libFuzzer on the toolchain at hand. What makes one fail is
# left in target/fuzz/TARGET and named.
#
# usage: scripts/fuzz.sh [SECONDS for each target, 60 by default] [TARGET…]
set -eu
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

SECONDS_EACH=${1:-60}
[ $# = 0 ] || shift
TARGETS=${*:-lightgbm xgboost_json xgboost_ubj onnx compact websocket}
AT_ONCE=2
OUT=$ROOT/target/fuzz
GOLDEN=crates/trees/tests/golden

# Nothing of a coverage run may get in: libFuzzer counts by itself.
unset RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER CARGO_ENCODED_RUSTFLAGS LLVM_PROFILE_FILE
# What `cargo fuzz` passes, less the sanitizer, which needs another toolchain.
COUNTERS=-Cllvm-args=-sanitizer-coverage
RUSTFLAGS="-Cpasses=sancov-module $COUNTERS-level=4 $COUNTERS-inline-8bit-counters"
RUSTFLAGS="$RUSTFLAGS $COUNTERS-pc-table $COUNTERS-trace-compares --cfg fuzzing"
CARGO_TARGET_DIR=$OUT/build
export RUSTFLAGS CARGO_TARGET_DIR

need c++ g++ "Install a C++ compiler (Debian: apt-get install g++)."
HOST=$(rustc -vV | sed -n 's/^host: //p')
# The target is named so that build scripts and macros go without the flags.
cargo build --quiet --release --locked --manifest-path fuzz/Cargo.toml --target "$HOST"

# seeds TARGET: the folders that a target starts from, beside its own corpus.
seeds() {
	case $1 in
	lightgbm | onnx) echo "$GOLDEN/$1" ;;
	xgboost_*) echo "$GOLDEN/xgboost" ;;
	esac
}

# fuzz TARGET: runs it for its time; fails where it found something.
fuzz() {
	mkdir -p "$OUT/$1/found" "$OUT/$1/seeds" "fuzz/corpus/$1"
	# shellcheck disable=SC2046
	FUZZ_SEEDS=$OUT/$1/seeds "$CARGO_TARGET_DIR/$HOST/release/$1" \
		-max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=2048 -max_len=40000 \
		-artifact_prefix="$OUT/$1/" -print_final_stats=1 -verbosity=1 \
		"$OUT/$1/found" "$OUT/$1/seeds" "fuzz/corpus/$1" $(seeds "$1") >"$OUT/$1/log" 2>&1
}

failed=0
running=
# finish TARGET PID: waits for it and tells how it went.
finish() {
	if wait "$2"; then
		executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$OUT/$1/log")
		covered=$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$OUT/$1/log" | tail -n 1)
		note "$1: $executed inputs, $covered edges, nothing found"
	else
		failed=1
		note "$1 FAILED; the input is beside $OUT/$1/log, which ends:"
		tail -n 30 "$OUT/$1/log"
	fi
}

for target in $TARGETS; do
	# shellcheck disable=SC2086
	set -- $running
	if [ $# -ge $((2 * AT_ONCE)) ]; then
		finish "$1" "$2"
		shift 2
		running=$*
	fi
	fuzz "$target" &
	running="$running $target $!"
done
# shellcheck disable=SC2086
set -- $running
while [ $# -gt 0 ]; do
	finish "$1" "$2"
	shift 2
done
exit $failed
