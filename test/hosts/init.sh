#!/bin/bash
# Process 1 of a simulated host, in namespaces of its own: its name, /proc, /tmp and /dev/shm.
# init.sh NAME HOSTS_FILE ROOM SHARED...
# SHARED are folders that all hosts see, as on a parallel file system; ROOM is an empty one that becomes /tmp.
set -eu
name=$1 file=$2 room=$3
shift 3
hostname "$name"
mount -t proc proc /proc
mount --bind "$file" /etc/hosts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=1777 tmpfs "$room"
for folder in "$@"; do
  case $folder in
    /tmp/*) mkdir -p "$room${folder#/tmp}" && mount --rbind "$folder" "$room${folder#/tmp}" ;;
  esac
done
mount --move "$room" /tmp
echo ready
# whoever is left without a parent is ours to wait for; when the test is gone, so is the host
trap : CHLD
while read -r _; do :; done
