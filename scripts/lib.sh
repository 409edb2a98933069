# What run.sh and test.sh share: saying what happens, and making sure that a tool is there.
# shellcheck shell=sh

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
TOOLS="$ROOT/.tools/python/bin"

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

note() { printf '    %s\n' "$*"; }

fail() {
	printf '\nerror: %s\n' "$1" >&2
	shift
	for line in "$@"; do printf '       %s\n' "$line" >&2; done
	exit 1
}

# apt_install PACKAGE…: installs what Debian packages, where this user may.
apt_install() {
	command -v apt-get >/dev/null || return 1
	[ "$(id -u)" = 0 ] || return 1
	note "installing $* with apt-get"
	mkdir -p "$ROOT/.tools"
	{ DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@" ||
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"; }; } </dev/null >"$ROOT/.tools/apt.log" 2>&1 ||
		{ cat "$ROOT/.tools/apt.log" >&2; return 1; }
}

# need COMMAND PACKAGE ADVICE: a command that Debian can supply.
need() {
	command -v "$1" >/dev/null || apt_install "$2" || true
	command -v "$1" >/dev/null || fail "'$1' is missing" "$3"
}

# Whatever building the binary takes.
need_rust() {
	PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
	export PATH
	command -v cargo >/dev/null || fail "the Rust toolchain is missing" \
		"Install rustup (https://rustup.rs); it then fetches the version rust-toolchain.toml names."
	cargo --version >/dev/null 2>&1 || fail "the Rust version of rust-toolchain.toml cannot be had" \
		"'cargo --version' in this folder says why; 'rustup toolchain install' fetches it."
	need cc build-essential "Install a C compiler (Debian: apt-get install build-essential)."
}

# Whatever building the dashboard takes.
need_node() {
	command -v node >/dev/null && command -v npm >/dev/null ||
		fail "Node.js is missing" "Install Node.js 20 or newer with npm (https://nodejs.org)."
	major=$(node -p 'process.versions.node.split(".")[0]')
	[ "$major" -ge 20 ] || fail "Node.js $major is too old" "Install Node.js 20 or newer."
}

# npm_ci FOLDER: the packages of its lock file, unless they are there already.
npm_ci() {
	if [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]; then
		note "packages of $1 are in place"
		return
	fi
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix "$1" --no-audit --no-fund --loglevel=error </dev/null
}

# newer_than FILE PATH…: whether anything below the paths changed after the file was made.
newer_than() {
	made=$1
	shift
	[ ! -e "$made" ] || [ -n "$(find "$@" -newer "$made" -type f -print 2>/dev/null | head -n 1)" ]
}
