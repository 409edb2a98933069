#!/bin/sh
# Drives a server of ours with the clients of the Open Inference Protocol that people use, and holds
# its WebSocket against RFC 6455.
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
status=0
"$tools/bin/python" drive.py "$1" || status=1
"$tools/bin/python" websocket.py "$1" || status=1
exit $status
