#!/bin/sh
# Lets PyTriton start on a Python whose library is newer than the interpreter it brings along: the
# lock of that one lacks a method. Touches nothing else, and nothing outside the environment given.
set -eu
for file in "$1"/lib/python3.*/site-packages/pytriton/proxy/data.py; do
    [ -e "$file" ] || continue
    sed -i 's/^import multiprocessing.shared_memory$/import multiprocessing.resource_tracker, multiprocessing.shared_memory, threading; multiprocessing.resource_tracker._resource_tracker._lock = threading._PyRLock()/' "$file"
done
