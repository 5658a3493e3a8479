#!/bin/sh
# Holds a container: shim.sh STATE_DIR RUNTIME_DIR SCRATCH_SIZE HOSTNAME WORKING_DIR READ_ONLY_ROOT IDENTITY...
#
# Runs in a session of its own and outlives the agent. It keeps the container's output FIFOs open for reading and
# writing, so that a dead agent neither breaks nor loses the output, and writes the exit code to the file `exit`.
# Standard input is the second half of the container's start (see command-script.ts) and is left unread here.
# What happens is told, line by line, in the file `status`.
state=$1
cd / || exit
exec 6>>"$state/status" 2>&6
read -r stat </proc/self/stat
echo "shim $stat" >&6
mkfifo -m 600 "$state/stdout" "$state/stderr" "$state/hold" || exit
exec 3<>"$state/stdout" 4<>"$state/stderr"
# A signal that is meant for the container's group must not take the holder away. Handlers are not inherited.
trap : HUP INT TERM
# unshare(1) could fork by itself, but does not pass on the end by a signal. The shell that waits instead is in the
# namespaces but for the PID namespace; its first child is process 1 of that, and it could not start a second.
unshare --mount --propagation slave --uts --ipc --pid /bin/sh -c '
trap : HUP INT TERM
/bin/sh "$0" "$@"
exit $?
' "$2/init.sh" "$@" >&3 3>&- 7>&4 4>&-
code=$?
echo "$code" >"$state/exit.new"
mv "$state/exit.new" "$state/exit"
# The output that nobody has read yet is lost when its last holder goes. The agent ends us once it reads.
read -r _ <"$state/hold"
