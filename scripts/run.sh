#!/bin/sh
# From a fresh clone to a running server: builds, imports the sample into an empty database,
# trains, serves. What is done already is not done again. SPORTS_EDGE_… settings are passed on;
# PROGRAM=… names a program that was built elsewhere.
set -eu
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
BUILT=${PROGRAM:-}
PROGRAM=${BUILT:-target/release/sports-edge}

# setting NAME: its value in force.
setting() { "$PROGRAM" config | sed -n "s/^$1 = \"\(.*\)\" *# .*/\1/p"; }

say "1/5  the dashboard"
need_node
npm_ci web
if newer_than web/dist/.built web/src web/package.json web/package-lock.json web/vite.config.ts; then
	npm run build --prefix web </dev/null
	touch web/dist/.built
else
	note "web/dist is up to date"
fi

say "2/5  the program"
if [ -n "$BUILT" ]; then
	[ -x "$BUILT" ] || fail "PROGRAM=$BUILT is not a program" "Leave PROGRAM out to have it built."
	note "$BUILT, as PROGRAM says"
else
	need_rust
	note "the first build takes some minutes, the next ones seconds"
	env -u CARGO_TARGET_DIR cargo build --release --locked --package server </dev/null
fi

folder=$(setting data_dir | sed "s#^~#$HOME#")
unfinished=$folder/sample-unfinished
if [ -e "$folder/sports-edge.db" ] && [ ! -e "$unfinished" ]; then
	say "3/5  the sample"
	note "$folder/sports-edge.db is there; nothing is imported into it"
	say "4/5  the models"
	note "left as they are; '$PROGRAM train' trains them again"
else
	mkdir -p "$folder"
	touch "$unfinished"
	say "3/5  the sample: real matches and prices of data/sample, into $folder"
	"$PROGRAM" import data/sample </dev/null
	say "4/5  the models"
	"$PROGRAM" train </dev/null
	rm "$unfinished"
fi

say "5/5  serving; Ctrl-C stops"
note "the board      http://$(setting listen)/"
note "the API        http://$(setting listen)/docs"
note "the program    $PROGRAM --help"
note "the database   $folder/sports-edge.db"
echo
exec "$PROGRAM" serve
