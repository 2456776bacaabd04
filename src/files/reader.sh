xargs -0 sh -c '
[ "$1" = railstage-reader ] || exit 97
todo=$2
cd -P -- "$3" 2>/dev/null || { echo railstage-refuses; exit 98; }
shift 3
echo railstage-reads
export LC_ALL=C TAR_OPTIONS=
gently=
command -v nice >/dev/null && gently="nice -n 19"
command -v ionice >/dev/null && ionice -c 3 true 2>/dev/null && gently="$gently ionice -c 3"
case $todo in
tools)
  for tool in find stat tar dd sha256sum df; do command -v "$tool" >/dev/null || echo "lacks $tool"; done
  echo "uid $(id -u)"
  df -P -k . | while read -r device size used free more; do echo "free $free"; done ;;
list) $gently find . -xdev \( -path ./lost+found -o -path "./.railstage-*" \) -prune -o -exec stat -c "%f %u %g %s %Y %Z %i %h %n//" {} + ;;
files)
  literally=
  tar --no-unquote --help >/dev/null 2>&1 && literally=--no-unquote
  $gently tar $literally -c -f - "$@" ;;
range) $gently dd if="$1" bs=1048576 skip="$2" count="$3" 2>/dev/null ;;
digests) $gently sha256sum "$@" ;;
digests-apart) for name; do $gently sha256sum <"$name"; done ;;
range-digests)
  while [ $# -ge 3 ]; do
    $gently dd if="$1" bs=1048576 skip="$2" count="$3" 2>/dev/null | sha256sum
    shift 3
  done ;;
esac
code=$?
[ "$todo" = list ] && echo "railstage-end $code//"
' railstage
