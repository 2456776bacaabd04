sh -c '
plain() { plain=$(printf "%bx" "$1"); plain=${plain%x}; }
IFS= read -r token && [ "$token" = railstage-writer ] || exit 97
read -r todo && read -r number && IFS= read -r root && IFS= read -r name || exit 97
plain "$root"
cd -P -- "$plain" || exit 98
plain "$name"
export LC_ALL=C TAR_OPTIONS= TZ=UTC0
case $todo in
archive) tar -x -p -f - ;;
remove) xargs -0 rm -rf -- ;;
size) dd if=/dev/null of="$plain" bs=1 seek="$number" count=0 2>/dev/null ;;
range)
  sparse=
  dd if=/dev/null of=/dev/null conv=sparse 2>/dev/null && sparse=,sparse
  dd of="$plain" bs=1048576 seek="$number" conv=notrunc$sparse ;;
touch) touch -t "$number" "$plain" ;;
*) false ;;
esac
echo "railstage-wrote $?"
' railstage
