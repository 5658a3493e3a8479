/** `PREFIX for volume "NAME" SUFFIX`, the form of upstream's operation messages; an empty suffix leaves a trailing space. */
export function volumeMessage(prefix: string, volumeName: string, suffix: string): string {
  return `${prefix} for volume "${volumeName}" ${suffix}`;
}
