#!/bin/sh
# ./deploy.sh: what is new in this folder goes out, instance by instance.  Ends with 1, and with the old servers serving, if it is no good.
set -eu
cd "$(dirname "$0")"

# Here an app would be fetched and built:  git pull --ff-only && npm ci && npm run build
node --check server.js
oxctl validate

# Also when only the program changed, and not its oxfile.
oxctl deploy --force api
