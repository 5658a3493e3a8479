/**
 * A line of shell for a new mount namespace: it lets go of what others have mounted from image files and it would not be told
 * to let go of (the lines of mountinfo without a peer group). As long as the namespace had such a mount, too, its loop device
 * could not be detached. Names in mountinfo are escaped.
 */
export const LET_GO_OF_OTHERS_LOOPS = String.raw`sed -n '/ shared:\| master:/!s/^\([^ ]* \)\{4\}\([^ ]*\) .* - [^ ]* \/dev\/loop.*/\2/p' /proc/self/mountinfo |
  while read -r at; do umount --lazy "$(printf %b "$at")" 2>/dev/null || :; done`;
