# Words: the folder that becomes the root, a busybox that is to be all its programs or nothing, the start command or nothing, then pairs of a mount path and a folder, or the size of a volume in memory.
set -e
root=$1 busybox=$2 start=$3
shift 3
mount -t tmpfs -o mode=755 container "$root"
cd "$root"
mkdir app dev opt proc root run srv tmp var var/tmp
chmod 1777 tmp var/tmp
parts="bin sbin lib lib32 lib64 libx32 usr etc"
if [ "$busybox" ]; then
  parts="lib lib64 usr/lib usr/lib64 etc"
  mkdir bin usr
  cp "$busybox" bin/busybox
  "$busybox" --list | while read -r name; do ln -s busybox "bin/$name" 2>/dev/null || :; done
fi
for part in $parts; do
  if [ -h "/$part" ]; then
    cp -P "/$part" .
  elif [ -d "/$part" ]; then
    mkdir "$part"
    mount --bind "/$part" "$part"
    mount -o remount,bind,ro "$part"
  fi
done
mount -t proc proc proc
for device in null zero full random urandom; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
while [ $# -gt 0 ]; do
  mkdir -p "./$1"
  case $2 in
    size=*) mount -t tmpfs -o "$2" volume "./$1" ;;
    *) mount --bind "$2" "./$1" ;;
  esac
  shift 2
done
# Whoever hears of it may come in, so nothing may change after that.
exec chroot . /bin/sh -c "echo up; exec >/dev/null 2>&1; ${start:+exec }${start:-while :; do sleep 86400; done}" </dev/null
