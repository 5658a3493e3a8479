#!/bin/sh
# Holds a container: shim.sh STATE_DIR RUNTIME_DIR ARGUMENT... (the arguments of enter.pl's mode start)
#
# Runs in a session of its own and outlives the agent. It keeps the container's FIFOs open for reading and writing, so
# that a dead agent neither breaks nor loses the output, and writes the exit code to the file `exit`.
# Standard input becomes the FIFO `order`, by which the agent says what volumes the container has and what it runs
# (program.ts), once it knows: until then all is made ready. It is held open for writing too, and left unread here.
# What happens is told, line by line, in the file `status`. What is asked for stands in the file `settings`
# (settings.ts): stdin, tty, pid_of, unshare, and what init.sh reads.
state=$1 runtime=$2
cd / || exit
exec 6>>"$state/status" 2>&6
read -r stat </proc/self/stat
echo "shim $stat" >&6
. "$state/settings" || exit
mkfifo -m 600 "$state/stdout" "$state/stderr" "$state/hold" "$state/order" || exit
exec 3<>"$state/stdout" 4<>"$state/stderr" <>"$state/order"
holder=
if [ "$stdin" ]; then
  mkfifo -m 600 "$state/stdin" "$state/stdin-end" || exit
  exec 9<>"$state/stdin"
  # Holds the input open until it is told that no more will come.
  (exec 3>&- 4>&- 6>&- && read -r _ <"$state/stdin-end"; rm -f "$state/stdin") &
  holder=$!
  exec 8<"$state/stdin" 9>&-
fi
[ -z "$tty" ] || mkfifo -m 600 "$state/resize" || exit
# Where the volumes are.
exec 5</proc/self/ns/mnt
# A signal that is meant for the container's group must not take the holder away. Handlers are not inherited.
trap : HUP INT TERM
# unshare(1) could fork by itself, but does not pass on the end by a signal. What waits instead is in the namespaces but
# for the PID namespace; its first child is process 1 of that, and it could not start a second.
if [ "$tty" ]; then
  set -- perl "$runtime/enter.pl" terminal "$@"
else
  set -- /bin/sh -c '
trap : HUP INT TERM
/bin/sh "$0" "$@"
exit $?
' "$runtime/init.sh" "$@"
fi
set -- unshare --mount --propagation slave --uts $unshare "$@"
[ -z "$pid_of" ] || set -- nsenter --target "$pid_of" --pid --no-fork "$@"
"$@" >&3 3>&- 7>&4 4>&-
code=$?
# Whoever hears of the end finds nothing but us.
[ -z "$holder" ] || { kill "$holder"; wait "$holder"; } 2>/dev/null
echo "$code" >"$state/exit.new"
mv "$state/exit.new" "$state/exit"
# The output that nobody has read yet is lost when its last holder goes. The agent ends us once it reads.
read -r _ <"$state/hold"
