#!/bin/sh
# Creates the namespace and the search attributes of core/names.ts. Idempotent.
# `temporal` reads the server's address from TEMPORAL_ADDRESS.
set -eu
namespace=${HOLDFAST_NAMESPACE:-default}

retry() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    # The last try shows its error.
    [ "$tries" -lt 60 ] || exec "$@"
    sleep 1
  done
}

# The server listens before its services have found each other.
retry temporal operator cluster health

temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention "${HOLDFAST_RETENTION:-30d}"

# The services learn of a new namespace with a delay.
retry temporal operator search-attribute list --namespace "$namespace"

attribute() {
  temporal operator search-attribute list --namespace "$namespace" | grep -qw "$1" ||
    temporal operator search-attribute create --namespace "$namespace" --name "$1" --type "$2"
}

attribute HoldfastWaitingSince Datetime
attribute HoldfastAgent Keyword
attribute HoldfastForkOf Keyword
attribute HoldfastLabels KeywordList
attribute HoldfastStatus Keyword
attribute HoldfastTurns Int
attribute HoldfastTokens Int
attribute HoldfastCost Double
