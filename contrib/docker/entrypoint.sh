#!/bin/sh
# cloudplow inside the container, for its start as well as for `docker compose exec cloudplow cloudplow status`: as the
# user that PUID and PGID name, so that no file ever belongs to root. Every word goes to cloudplow; without one, `run`.
set -eu

program=${CLOUDPLOW_PROGRAM:-/opt/cloudplow/bin/cloudplow}
config=${CLOUDPLOW_CONFIG:=/config/config.json}
folder=$(dirname -- "$config")
export CLOUDPLOW_CONFIG

[ "${1:-}" != cloudplow ] || shift
[ $# -gt 0 ] || set -- run

say() {
    printf 'cloudplow (container): %s\n' "$*" >&2
}

# Where people keep rclone's configuration; core.rclone_config_path comes first.
if [ -z "${RCLONE_CONFIG:-}" ]; then
    for file in "$folder/rclone/rclone.conf" "$folder/rclone.conf" /rclone_config/rclone.conf; do
        if [ -e "$file" ]; then
            RCLONE_CONFIG=$file
            export RCLONE_CONFIG
            break
        fi
    done
fi

# With "user:" in compose somebody else has decided who we are.
if [ "$(id -u)" -ne 0 ]; then
    exec "$program" "$@"
fi

uid=${PUID:-1000}
gid=${PGID:-1000}
for id in "$uid" "$gid"; do
    case $id in
        '' | *[!0-9]*)
            say "PUID and PGID must be numbers, as \`id -u\` and \`id -g\` print them; they are \"$uid\" and \"$gid\""
            exit 2
            ;;
    esac
done

# Docker makes a missing folder as root, and older images wrote into it as root. Only cloudplow's own files change hands.
case $1 in
    run | upload | update_config)
        [ -d "$folder" ] || mkdir -p -- "$folder"
        find "$folder" -xdev -maxdepth 2 -user 0 ! -type l \( -path "$folder" -o -path "$folder/stages" \
            -o -path "$folder/stages/*" -o -path "$config" -o -path "$folder/cloudplow.*" -o -path "$folder/cache.db*" \
            -o -path "$folder/control.sock*" -o -path "$folder/*_cache.json*" -o -path "$folder/dashboard_*.json*" \) \
            -exec chown -h "$uid:$gid" {} + 2>/dev/null ||
            say "not everything in $folder could be given to $uid:$gid; \`cloudplow check\` says what cannot be used"
        ;;
esac

exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs "$program" "$@"
