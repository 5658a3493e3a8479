/** What failed is tried again: from a blink (a cache that lags behind) to the kubelet's ten seconds. */
export const RETRY = { initialMs: 20, maxMs: 10_000 };
