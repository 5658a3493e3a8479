/** The longest that a driver, or its attacher, may take over a call. Source: csiTimeout, pkg/volume/csi. */
export const CSI_TIMEOUT_MS = 120_000;
