#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Imports an image of a few of this machine's programs and a chat-executor, without any registry.
# Usage: container_image.sh NAME FOLDER_OF_CHAT_EXECUTOR
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# The container's /: the user nobody passes through it.
chmod 755 "$root"
mkdir -p "$root/usr/bin" "$root/usr/local/bin" "$root/tmp" "$root/etc"
ln -s usr/bin "$root/bin"
printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' > "$root/etc/passwd"

# A program and the libraries that it loads, where it looks for them.
add() {
    cp -L "$1" "$root$2"
    ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -nL "$library" "$root$library"
    done
}
for name in sh bash cat env grep head id ls readlink tail tr; do
    add "$(command -v "$name")" "/usr/bin/$name"
done
for program in "$2"/*; do
    add "$program" "/usr/local/bin/$(basename "$program")"
done
tar -C "$root" -cf - . | docker import - "$1" > /dev/null
