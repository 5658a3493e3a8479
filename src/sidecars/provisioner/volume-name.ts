/**
 * The name of a claim's volume: the same at every try, so that no try makes a second one.
 * @param uuidLength the uid without dashes is cut to so many characters; -1 keeps it whole.
 */
export function volumeNameFor(claimUid: string, prefix: string, uuidLength: number): string {
  if (prefix === '') throw new Error('volume name prefix cannot be of length 0');
  if (claimUid === '') throw new Error('corrupted PVC object, it is missing UID');
  return `${prefix}-${uuidLength === -1 ? claimUid : claimUid.replaceAll('-', '').slice(0, uuidLength)}`;
}
