/** How a remote command ended, as a metav1.Status travels to the client (cri-streaming, remotecommand/status.go). */
export interface StreamStatus {
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes: readonly { readonly reason: string; readonly message: string }[] };
  readonly code?: number;
}

export const SUCCESS: StreamStatus = { status: 'Success' };

/** Of a command that ran; the words are the kubelet's and containerd's. */
export function exitStatus(command: readonly string[], exitCode: number): StreamStatus {
  if (exitCode === 0) return SUCCESS;
  const why = `error executing command [${command.join(' ')}], exit code ${exitCode}`;
  return {
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${why}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

export function internalErrorStatus(why: string): StreamStatus {
  return {
    status: 'Failure',
    message: `Internal error occurred: ${why}`,
    reason: 'InternalError',
    code: 500,
  };
}

/** What goes over the error stream: with the older protocols, the text of a failure alone. */
export function statusText(status: StreamStatus, asObject: boolean): string {
  if (asObject) return JSON.stringify(status);
  return status.status === 'Success' ? '' : (status.message ?? '');
}
