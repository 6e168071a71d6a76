#!/bin/sh
# Creates the namespace and the search attributes of core/names.ts; a second time it changes nothing.
# Where the server is, `temporal` reads from TEMPORAL_ADDRESS.
set -eu
namespace=${HOLDFAST_NAMESPACE:-default}

patiently() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    # The last time, with what is wrong.
    [ "$tries" -lt 60 ] || exec "$@"
    sleep 1
  done
}

# It listens before its parts have found each other.
patiently temporal operator cluster health

temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention "${HOLDFAST_RETENTION:-30d}"

# The parts of the server hear of a new namespace in their own time.
patiently temporal operator search-attribute list --namespace "$namespace"

attribute() {
  temporal operator search-attribute list --namespace "$namespace" | grep -qw "$1" ||
    temporal operator search-attribute create --namespace "$namespace" --name "$1" --type "$2"
}

attribute HoldfastWaitingSince Datetime
attribute HoldfastAgent Keyword
