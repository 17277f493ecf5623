#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proves ./dev on a fresh Debian 12: a debootstrap in a folder, a clean clone of HEAD in it, commands
# run there as root and as an ordinary user with sudo. Runs as root; needs debootstrap and zstd.
# The first time makes FOLDER/debian.tar.zst; later rooms are unpacked from it.
# usage: clean_room.sh FOLDER root|user COMMAND...    COMMAND: setup, run, test, "test -R Page", …
set -euo pipefail

repository=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/..
folder=$(readlink -m "${1:?"usage: clean_room.sh FOLDER root|user COMMAND..."}")
who=${2:?"root or user"}
shift 2
readonly repository folder who
readonly room=$folder/$who tarball=$folder/debian.tar.zst

# A path with a blank and an accent, and a home that is not below /home, for the ordinary user.
case $who in
    root) account=root home=/root clone=/root/headroom ;;
    user) account=ann home=/srv/ann clone="/srv/ann/my work é/headroom" ;;
    *) echo "clean_room.sh: root or user, not $who" >&2 && exit 2 ;;
esac

make_tarball() {
    local fresh
    fresh=$(mktemp -d "$folder/fresh.XXXXXX")
    chmod 0755 "$fresh"  # it becomes the root of every room
    debootstrap --variant=minbase --include=ca-certificates,sudo bookworm "$fresh"
    tar -C "$fresh" -I 'zstd -T0 -3' -cf "$tarball.part" .
    mv "$tarball.part" "$tarball"
    rm -rf "$fresh"
}

# Archives, proxies, name servers and certificates as on this machine: a room behind the same door.
furnish() {
    local file
    cp -L /etc/resolv.conf /etc/hosts "$room/etc/"
    if [[ -e /etc/apt/sources.list.d/debian.sources ]]; then
        cp /etc/apt/sources.list.d/debian.sources "$room/etc/apt/sources.list.d/"
        rm -f "$room/etc/apt/sources.list"
    else
        cp /etc/apt/sources.list "$room/etc/apt/"
    fi
    for file in /etc/apt/apt.conf.d/*; do
        if grep -qE 'Proxy|Check-' "$file"; then cp "$file" "$room/etc/apt/apt.conf.d/"; fi
    done
    cp -r /usr/local/share/ca-certificates/. "$room/usr/local/share/ca-certificates/"
    chroot "$room" update-ca-certificates >/dev/null
    if [[ $account != root ]]; then
        chroot "$room" useradd --create-home --home-dir "$home" --shell /bin/bash "$account"
        echo "$account ALL=(ALL) NOPASSWD: ALL" >"$room/etc/sudoers.d/$account"
    fi
}

make_room() {
    mkdir -p "$folder"
    if [[ ! -e $tarball ]]; then make_tarball; fi
    if [[ ! -e $room ]]; then
        mkdir -p "$room.part"
        tar -C "$room.part" -I zstd -xf "$tarball"
        chmod 0755 "$room.part"  # also when the tarball says otherwise
        mv "$room.part" "$room"
        furnish
    fi
    if [[ ! -e $room$clone ]]; then
        mkdir -p "$(dirname "$room$clone")"
        git -c safe.directory='*' clone -q --no-hardlinks "$repository" "$room$clone"
        chroot "$room" chown -R "$account:" "$home"
    fi
}

# in_room COMMAND...: with a bare environment; mounts and processes end with it. The room becomes the
# root by pivot_root: in a chroot the kernel makes no user namespaces, without which code is not run.
in_room() {
    local network=() name
    for name in http_proxy https_proxy no_proxy NODE_EXTRA_CA_CERTS; do
        if [[ -n ${!name:-} ]]; then network+=("$name=${!name}"); fi
    done
    # shellcheck disable=SC2016  # expanded by the inner shell
    unshare --mount --pid --fork --kill-child bash -c '
        room=$1 account=$2 home=$3 clone=$4; shift 4
        mount --bind "$room" "$room"
        mount -t proc proc "$room/proc"
        mount --rbind /dev "$room/dev"
        cd "$room"
        pivot_root . mnt
        umount --lazy /mnt
        cd /
        exec setpriv --reuid "$account" --regid "$account" --init-groups \
            env -i HOME="$home" USER="$account" PATH=/usr/local/bin:/usr/bin:/bin "$@"
    ' bash "$room" "$account" "$home" "$clone" "${network[@]}" \
        bash -c 'cd "$1" && shift && "$@"' bash "$clone" "$@" </dev/null
}

# Inside: starts ./dev run, waits for the printed address, asks it, stops it politely.
# shellcheck disable=SC2016  # expanded by the inner shell
readonly run_and_ask='
    CHAT_APP_PORT=0 CHAT_ADMIN_PORT=0 REDIS_MAX_CONNECTIONS=6 ./dev run >/tmp/run.log 2>&1 &
    pid=$!
    address=
    while [[ -z $address ]] && kill -0 $pid 2>/dev/null; do
        sleep 0.2
        address=$(sed -nE "s|^chatd is ready: http://([^/ ]+).*|\1|p" /tmp/run.log)
    done
    if [[ -z $address ]]; then tail -n 60 /tmp/run.log; exit 1; fi
    echo "address after $SECONDS s: http://$address"
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
    printf "GET /healthz HTTP/1.0\r\nHost: %s\r\n\r\n" "$address" >&3
    head -n 1 <&3
    kill -TERM $pid
    wait $pid
    status=$?
    tail -n 5 /tmp/run.log
    echo "chatd ended with status $status"
    exit $status'

make_room
for command in "$@"; do
    SECONDS=0 status=0
    echo "--- ./dev $command, as $account in $clone"
    case $command in
        run) in_room bash -c "$run_and_ask" || status=$? ;;
        *)
            read -ra words <<<"$command"
            in_room ./dev "${words[@]}" || status=$?
            ;;
    esac
    printf -- '--- ./dev %s, as %s: status %d after %d min %02d s\n' "$command" "$account" "$status" \
        $((SECONDS / 60)) $((SECONDS % 60))
    if ((status != 0)); then exit "$status"; fi
done
