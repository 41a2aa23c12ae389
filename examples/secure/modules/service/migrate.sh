#!/bin/sh
# Stands for the service's database migration. With MIGRATION_REPORT set it leaves the SHA-256 of the
# password it was given in that file, so that a test can prove the value arrived.
set -eu
echo "migrating $1"
if [ -n "${MIGRATION_REPORT:-}" ]; then
  if command -v sha256sum >/dev/null 2>&1; then
    printf %s "$DATABASE_PASSWORD" | sha256sum | cut -d ' ' -f 1 >"$MIGRATION_REPORT"
  else
    printf %s "$DATABASE_PASSWORD" | shasum -a 256 | cut -d ' ' -f 1 >"$MIGRATION_REPORT"
  fi
fi
