#!/bin/sh
# Stands for the service's database migration.
set -eu
echo "migrating $1"
