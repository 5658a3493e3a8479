import type { IncomingMessage, ServerResponse } from 'node:http';
import { addProcessMetrics, type Clock, type Counter, type Histogram, Metrics } from '../../base/index.ts';
import { qualifiedName } from '../../kube/index.ts';
import type { Registry } from '../registry/contract.ts';
import { isLongRunning } from './fairness/index.ts';
import type { RequestTarget, ResourceTarget } from './request-target.ts';
import { VERSION_INFO } from './version.ts';

// What kube-apiserver tells of its requests and objects, under its names (apiserver/pkg/endpoints/metrics).

const SECONDS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
/** Of what a request is about; the order of their values below. */
const ABOUT = ['component', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'];
const CONNECT: ReadonlySet<string> = new Set(['attach', 'exec', 'portforward', 'proxy']);
const SYSTEM_CLIENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

type Incoming = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** Counts what is asked of a server. */
export class RequestMetrics {
  readonly #metrics = new Metrics();
  readonly #clock: Clock;
  readonly #total: Counter;
  readonly #duration: Histogram;
  readonly #inFlight = { mutating: 0, readOnly: 0 };
  readonly #longRunning = new Map<string, { readonly labels: readonly string[]; count: number }>();

  constructor(registry: Registry, clock: Clock) {
    this.#clock = clock;
    const metrics = this.#metrics;
    const labels = [...ABOUT, 'dry_run'];
    this.#total = metrics.counter({
      name: 'apiserver_request_total',
      help: 'Requests by what they asked for and by the code of the answer.',
      labels: [...labels, 'code', 'system_client'],
    });
    this.#duration = metrics.histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'How long requests took, in seconds.',
      labels,
      buckets: SECONDS,
    });
    metrics.gauge(
      {
        name: 'apiserver_current_inflight_requests',
        help: 'Requests that are served now, watches and streams apart.',
        labels: ['request_kind'],
      },
      () => Object.entries(this.#inFlight).map(([kind, count]) => [[kind], count] as const),
    );
    metrics.gauge(
      {
        name: 'apiserver_longrunning_requests',
        help: 'Watches and streams that are open now.',
        labels: ABOUT,
      },
      () => [...this.#longRunning.values()].map(({ labels, count }) => [labels, count] as const),
    );
    addObjectMetrics(metrics, registry);
    metrics.gauge(
      {
        name: 'kubernetes_build_info',
        help: 'Always 1; the version is in the labels.',
        labels: ['git_version', 'major', 'minor', 'platform'],
      },
      () => {
        const { gitVersion, major, minor, platform } = VERSION_INFO;
        return [[[gitVersion, major, minor, platform], 1]];
      },
    );
    addProcessMetrics(metrics);
  }

  /** A request of something that the server has begins; its answer's end is seen here too. */
  begin(target: RequestTarget, isDryRun: boolean, { request, response }: Incoming): void {
    const about = aboutOf(target, request);
    const since = this.#clock.monotonic();
    const isLong = isLongRunning(target);
    const kind = MUTATING.has(request.method ?? '') ? 'mutating' : 'readOnly';
    const enter = isLong ? this.#open(about) : undefined;
    if (!isLong) this.#inFlight[kind]++;
    response.once('close', () => {
      if (enter) enter.count--;
      else this.#inFlight[kind]--;
      const labels = [...about, isDryRun ? 'All' : ''];
      this.#total.add([...labels, String(response.statusCode), systemClient(request)]);
      this.#duration.observe((this.#clock.monotonic() - since) / 1000, labels);
    });
  }

  #open(labels: readonly string[]): { count: number } {
    const key = labels.join('\0');
    const one = this.#longRunning.get(key) ?? { labels, count: 0 };
    this.#longRunning.set(key, one);
    one.count++;
    return one;
  }

  text(): string {
    return this.#metrics.text();
  }
}

const MUTATING: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

function aboutOf(target: RequestTarget, { method = '', headers }: IncomingMessage): readonly string[] {
  if ('path' in target) return ['', '', '', '', target.path, method, ''];
  const { group, resource, subresource, version } = target;
  const verb = verbOf(target, method, headers['content-type']);
  return ['apiserver', group, resource, scopeOf(target), subresource, verb, version];
}

function verbOf({ verb, subresource }: ResourceTarget, method: string, contentType = ''): string {
  if (CONNECT.has(subresource)) return 'CONNECT';
  if (verb === 'patch') return contentType.startsWith('application/apply-patch') ? 'APPLY' : 'PATCH';
  return verb === 'list' || verb === 'watch' || verb === 'deletecollection' ? verb.toUpperCase() : method;
}

function scopeOf({ name, namespace, verb }: ResourceTarget): string {
  if (name !== '' || verb === 'create') return 'resource';
  return namespace === '' ? 'cluster' : 'namespace';
}

function systemClient({ headers }: IncomingMessage): string {
  const [program = ''] = (headers['user-agent'] ?? '').split('/', 1);
  return SYSTEM_CLIENTS.includes(program) ? program : '';
}

function addObjectMetrics(metrics: Metrics, registry: Registry): void {
  const help = 'How many objects are stored of each kind.';
  const stored = function* () {
    const seen = new Set<string>();
    for (const definition of registry.definitions()) {
      const name = qualifiedName(definition);
      // Every version of a kind shows the same objects, and some kinds show another's.
      if (definition.view || !definition.verbs.includes('get') || seen.has(name)) continue;
      seen.add(name);
      yield [definition, name, registry.count(definition)] as const;
    }
  };
  metrics.gauge({ name: 'apiserver_resource_objects', help, labels: ['group', 'resource'] }, () =>
    [...stored()].map(([{ group, plural }, , count]) => [[group, plural], count] as const),
  );
  metrics.gauge({ name: 'apiserver_storage_objects', help, labels: ['resource'] }, () =>
    [...stored()].map(([, name, count]) => [[name], count] as const),
  );
}
