#!/bin/sh
# Drives a server of ours with the clients of the Open Inference Protocol that people use.
#
# usage: run.sh BINARY
set -eu
cd "$(dirname "$0")"
tools=../../.tools/protocol
if [ ! -e "$tools/made" ] || [ requirements.txt -nt "$tools/made" ]; then
	rm -rf "$tools"
	python3 -m venv "$tools"
	"$tools/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
	touch "$tools/made"
fi
exec "$tools/bin/python" drive.py "$1"
