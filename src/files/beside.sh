sh -c ': railstage-beside
is_there() { [ -e "$1" ] || [ -h "$1" ]; }
# One that somebody else has put there is no folder of ours.
is_folder() { [ -d "$own" ] && [ ! -h "$own" ] && [ -O "$own" ]; }
plain() { plain=$(printf "%bx" "$1"); plain=${plain%x}; }
each() {
  for path in "$2"/* "$2"/.[!.]* "$2"/..?*; do
    is_there "$path" || continue
    name=${path##*/}
    "$1" || return 1
  done
}
# What another script of this folder still does goes on where its line was cut.
alone() {
  waited=0
  while read -r other <"$own/pid" && [ "$other" != $$ ] && read -r line <"/proc/$other/cmdline"; do
    case $line in *": railstage-beside"*) ;; *) break ;; esac
    waited=$((waited + 1))
    [ $waited -lt 60 ] || return 1
    sleep 1
  done 2>/dev/null
  rm -f "$own/pid"
  echo $$ >"$own/pid" || true
}
# A folder of this name that the app has made meanwhile would not be replaced by its renaming.
put() {
  tries=0
  until mv -f -- "$own/$1/$name" ./; do
    tries=$((tries + 1))
    [ $tries -lt 9 ] && rm -rf -- "./$name" || return 1
  done
}
take() { ! is_there "./$name" || mv -f -- "./$name" "$own/$1/" || ! is_there "./$name"; }
note() { true >"$own/names/$name"; }
bring_in() {
  is_there "$own/new/$name" || return 0
  is_there "$own/old/$name" || take old || return 1
  put new
}
send_out() {
  case $name in .railstage-*|lost+found) return 0 ;; esac
  is_there "$own/names/$name" && return 0
  if is_there "$own/old/$name"; then rm -rf -- "./$name"; else take old; fi
}
swap() {
  [ -e "$own/swapped" ] && return 0
  if [ ! -e "$own/swapping" ]; then
    rm -rf "$own/names" "$own/old" && mkdir "$own/names" "$own/old" || return 1
    each note "$own/new" && true >"$own/swapping" || return 1
  fi
  each bring_in "$own/names" && each send_out . && true >"$own/swapped"
}
# What the app has removed leaves a mark, so that what is put back in its place is not taken for it.
take_out() {
  if ! is_there "$own/new/$name"; then
    take new || return 1
    is_there "$own/new/$name" || true >"$own/new/$name" || return 1
  fi
  put_back
}
put_back() { ! is_there "$own/old/$name" || put old; }
undo() {
  [ -e "$own/swapping" ] && [ ! -e "$own/dropping" ] || return 0
  true >"$own/undoing" && each take_out "$own/names" && each put_back "$own/old" && true >"$own/undone"
}
remove() { rm -rf -- "$@" 2>/dev/null || { chmod -R u+rwx -- "$@" 2>/dev/null; sleep 1; rm -rf -- "$@"; }; }
drop() {
  [ "$(standing)" != swapping ] || return 1
  true >"$own/dropping"
  remove "$own/names" && remove "$own/new" "$own/old" && remove "$own"
}
standing() {
  if ! is_folder; then echo none
  elif [ -e "$own/dropping" ] || [ -e "$own/undone" ]; then echo over
  elif [ -e "$own/swapped" ] && [ ! -e "$own/undoing" ]; then echo swapped
  elif [ -e "$own/swapping" ]; then echo swapping
  else echo built; fi
}
# Of another run, what is in its place stays, and what is there by half goes back.
settle() {
  is_folder || { remove "./$own"; return; }
  alone && { [ "$(standing)" != swapping ] || undo; } && drop
}
begin() {
  mine=$own
  for own in .railstage-*; do
    is_there "$own" || continue
    [ "$own" = "$mine" ] && is_folder && [ ! -e "$own/undoing" ] && [ ! -e "$own/dropping" ] && continue
    settle || return 1
  done
  own=$mine
  is_there "$own" || mkdir "$own" || return 1
  is_folder && { [ -d "$own/new" ] || mkdir "$own/new"; }
}
IFS= read -r token && [ "$token" = railstage-beside ] || exit 97
read -r todo && IFS= read -r root && IFS= read -r run || exit 97
case $run in ""|*[!0-9a-f]*) exit 97 ;; esac
own=.railstage-$run
plain "$root"
cd -P -- "$plain" || exit 98
export LC_ALL=C TAR_OPTIONS=
unset GLOBIGNORE
umask 077
[ "$todo" = reuse ] || trap "" HUP INT TERM PIPE
case $todo in
begin) begin ;;
reuse)
  exactly=
  tar --no-unquote --help >/dev/null 2>&1 && exactly="--no-unquote -S"
  is_folder && xargs -0 sh -c "tar $exactly -c -f - \"\$@\" | (cd -P -- \"\$0\" && tar -x -p -f -)" "$own/new" ;;
swap) is_folder && [ -d "$own/new" ] && alone && [ ! -e "$own/undoing" ] && [ ! -e "$own/dropping" ] && swap ;;
undo) ! is_folder || { alone && undo; } ;;
drop) ! is_folder || { alone && drop; } ;;
standing) : ;;
*) false ;;
esac
code=$?
echo "railstage-standing $(standing)"
echo "railstage-wrote $code"
' railstage
