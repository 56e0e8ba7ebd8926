# Stands for fetching dependencies: says where it ran, or fails as without a network.
[ -z "$GREETER_OFFLINE" ] || { echo "could not reach the registry" >&2; exit 7; }
echo fetched > "$(dirname "$0")/fetched"
