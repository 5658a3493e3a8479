// In which region zones are, by their names.

/** Four forms: us-west-2a, us-gov-east-1a, us-west-2-lax-1a (local zone), us-east-1-wl1-bos-wlz-1 (wavelength). */
export function awsRegionOf(zones: readonly string[]): string {
  return commonRegion(zones, (zone) => {
    const parts = zone.split('-');
    const last = parts.at(-1)!;
    if ((parts.length === 3 || parts.length === 4) && last.length === 2)
      return [...parts.slice(0, -1), last[0]].join('-');
    if (parts.length === 5 || parts.length === 7) return parts.slice(0, 3).join('-');
    throw new Error(`Unexpected zone format: ${zone} is not a valid AWS zone`);
  });
}

/** {locale}-{region}-{zone} */
export function gceRegionOf(zones: readonly string[]): string {
  return commonRegion(zones, (zone) => {
    const parts = zone.split('-');
    if (parts.length === 3) return parts.slice(0, 2).join('-');
    throw new Error(`zone in unexpected format, expected: {locale}-{region}-{zone}, got: ${zone}`);
  });
}

function commonRegion(zones: readonly string[], regionOf: (zone: string) => string): string {
  if (zones.length === 0) throw new Error('no zones specified');
  const regions = new Set(zones.map(regionOf));
  const [region, ...others] = regions;
  if (others.length > 0)
    throw new Error(`multiple or no regions gotten from zones, got: ${[...regions].join(',')}`);
  return region!;
}
