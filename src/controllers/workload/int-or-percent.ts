/** A number, or a percentage of `total`, rounded up or down (intstr.GetScaledValueFromIntOrPercent). */
export function scaled(value: unknown, total: number, rounding: 'up' | 'down'): number {
  const text = String(value ?? 0);
  if (!text.endsWith('%')) return Number(text);
  const hundredths = Number(text.slice(0, -1)) * total;
  return rounding === 'up' ? Math.ceil(hundredths / 100) : Math.floor(hundredths / 100);
}
