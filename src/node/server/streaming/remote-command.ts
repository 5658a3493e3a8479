import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Logger } from '../../../base/index.ts';
import { containerOf, type Pod, type Stored } from '../../../kube/index.ts';
import type { ContainerRecord, Runtime } from '../../runtime/index.ts';
import { Refusal } from '../refusal.ts';
import { chooseProtocol, requestedProtocols } from './channel-protocol.ts';
import { acceptSpdy } from './protocol-negotiation.ts';
import { type ClientStreams, serveSession } from './serve-session.ts';
import { REMOTE_COMMAND_PROTOCOLS, spdyStreams } from './spdy-streams.ts';
import { parseStreamOptions, type StreamOptions } from './stream-options.ts';
import type { StreamRoute } from './stream-route.ts';
import { exitStatus, SUCCESS } from './stream-status.ts';
import { acceptWebSocket, webSocketStreams } from './web-socket.ts';

/** A request that is to become a connection of another protocol. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What has come after the request already. */
  readonly head: Buffer;
}

export interface PodAccess {
  readonly runtime: Runtime;
  /** The node's pods. */
  readonly pods: () => Iterable<Stored<Pod>>;
}

interface RemoteCommandContext extends PodAccess {
  readonly clock: Clock;
  readonly log: Logger;
}

/** /exec and /attach. @throws Refusal before the handshake. */
export async function serveRemoteCommand(
  access: RemoteCommandContext,
  route: StreamRoute,
  query: URLSearchParams,
  upgrade: Upgrade | undefined,
): Promise<void> {
  const options = wanted(query);
  const pod = findPod(access, route);
  const record = findContainer(access, pod, route);
  if (!upgrade) throw new Refusal(500, 'Upgrade request required');
  if (route.kind === 'exec') {
    const command = query.getAll('command');
    const client = await acceptStreams(access, upgrade, options);
    const open = () => access.runtime.session(record.id, command, options);
    await serveSession(client, open, {
      what: 'error executing command in container: failed to exec in container',
      status: (exitCode) => exitStatus(command, exitCode ?? 137),
    });
    return;
  }
  // Whether there is a terminal is for the container to say, not for those who look at it.
  const { tty = false } = containerOf(pod, route.container) ?? {};
  const streams = { ...options, tty, stderr: options.stderr && !tty };
  const client = await acceptStreams(access, upgrade, streams);
  await serveSession(client, () => access.runtime.attach(record.id, streams), {
    what: 'error attaching to container',
    status: () => SUCCESS,
  });
}

/** /run: the command to its end, and what it wrote. */
export async function runInContainer(
  access: PodAccess,
  route: StreamRoute,
  query: URLSearchParams,
): Promise<string> {
  const { id } = findContainer(access, findPod(access, route), route);
  const command = (query.get('cmd') ?? '').split(' ');
  const { exitCode, stdout, stderr } = await access.runtime.exec(id, command, { timeoutMs: RUN_LIMIT_MS });
  if (exitCode !== 0)
    throw new Refusal(500, `command '${command.join(' ')}' exited with ${exitCode}: ${stderr}`);
  return stdout + stderr;
}

const RUN_LIMIT_MS = 120_000;

/** @throws Refusal 404 */
export function findPod(access: PodAccess, { namespace, podName, podUid }: StreamRoute): Stored<Pod> {
  for (const pod of access.pods())
    if (pod.metadata.name === podName && pod.metadata.namespace === namespace) {
      if (podUid !== undefined && pod.metadata.uid !== podUid) throw new Refusal(404, 'pod not found');
      return pod;
    }
  throw new Refusal(404, 'pod does not exist');
}

function wanted(query: URLSearchParams): StreamOptions {
  try {
    return parseStreamOptions(query);
  } catch (error) {
    throw new Refusal(400, (error as Error).message);
  }
}

function findContainer({ runtime }: PodAccess, pod: Stored<Pod>, route: StreamRoute): ContainerRecord {
  const { container } = route;
  const found = runtime
    .containers(pod.metadata.uid)
    .find((record) => record.containerName === container && record.state === 'running');
  if (found) return found;
  const { namespace, name } = pod.metadata;
  throw new Refusal(
    500,
    route.kind === 'attach'
      ? `container ${container} not found in pod ${name}_${namespace}`
      : `container not found (${JSON.stringify(container)})`,
  );
}

async function acceptStreams(
  access: RemoteCommandContext,
  { request, socket, head }: Upgrade,
  options: StreamOptions,
): Promise<ClientStreams> {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    const protocol = acceptSpdy(request, socket, head, REMOTE_COMMAND_PROTOCOLS);
    return spdyStreams(access, socket, protocol, options);
  }
  const protocol = chooseProtocol(requestedProtocols(request.headers['sec-websocket-protocol']));
  if (!protocol) throw new Refusal(403, '');
  return webSocketStreams(await acceptWebSocket(request, socket, head, protocol.name), protocol, options);
}
