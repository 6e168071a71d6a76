#!/bin/sh
# Creates the namespace and the search attributes of core/names.ts; a second time it changes nothing.
# Where the server is, `temporal` reads from TEMPORAL_ADDRESS.
set -eu
namespace=${HOLDFAST_NAMESPACE:-default}

# It listens before its parts have found each other.
tries=0
until temporal operator cluster health >/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || exit 1
  sleep 1
done

temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention "${HOLDFAST_RETENTION:-30d}"

attribute() {
  temporal operator search-attribute list --namespace "$namespace" | grep -qw "$1" ||
    temporal operator search-attribute create --namespace "$namespace" --name "$1" --type "$2"
}

attribute HoldfastWaitingSince Datetime
attribute HoldfastAgent Keyword
