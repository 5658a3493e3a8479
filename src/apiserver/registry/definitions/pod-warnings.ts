import { type Container, type ObjectMeta, type PodSpec, quantityMilliValue } from '../../../kube/index.ts';
import { at } from '../validation/index.ts';
import { claimSpecWarnings } from './claim-spec-validation.ts';
import { oldNodeLabel, oldNodeLabelWarnings } from './deprecations.ts';
import { overlapWarnings } from './overlap-warnings.ts';

// What may not be meant, in a pod or a template. Texts and order: Kubernetes 1.36, pkg/api/pod/warnings.go.

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod':
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

const OLD_VOLUMES = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const;
/** A field that upstream's warning calls by Go's name. */
const SHOWN_AS: Readonly<Record<string, string>> = { storageos: 'storageOS' };

/** `prefix`: where the pod begins, '' or `spec.template.`. */
export function podWarnings(
  spec: PodSpec | undefined,
  metadata: ObjectMeta | undefined,
  prefix = '',
): string[] {
  if (!spec) return [];
  const path = `${prefix}spec`;
  return [
    ...placementWarnings(spec, path),
    ...Object.entries(OLD_ANNOTATIONS)
      .filter(([key]) => metadata?.annotations?.[key] !== undefined)
      .map(([key, why]) => `${at(`${prefix}metadata.annotations`, key)}: ${why}`),
    ...volumeWarnings(spec, `${path}.volumes`),
    ...overlapWarnings(spec.volumes),
    ...twice(spec.hostAliases, 'ip', `${path}.hostAliases`),
    ...twice(spec.imagePullSecrets, 'name', `${path}.imagePullSecrets`),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, index) =>
      name ? [] : [`${at(`${path}.imagePullSecrets`, index)}.name: invalid empty name ""`],
    ),
    ...fractionWarnings(spec.overhead, `${path}.overhead`),
    ...containersOf(spec, path).flatMap(([container, here]) => containerWarnings(container, here)),
    ...portWarnings(spec, path),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [
          `${path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
        ]
      : []),
    ...affinityWarnings(spec, `${path}.affinity`),
  ];
}

function containersOf(spec: PodSpec, path: string): readonly (readonly [Container, string])[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => [container, at(`${path}.${list}`, index)] as const),
  );
}

function placementWarnings(spec: PodSpec, path: string): string[] {
  const { nodeAffinity } = spec.affinity ?? {};
  const needed = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const preferred = nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const here = `${path}.affinity.nodeAffinity`;
  return [
    ...Object.keys(spec.nodeSelector ?? {}).flatMap((key) => {
      const what = oldNodeLabel(key);
      return what ? [`${at(`${path}.nodeSelector`, key)}: ${what}`] : [];
    }),
    ...needed.flatMap(({ matchExpressions = [] }, index) =>
      oldNodeLabelWarnings(
        matchExpressions,
        `${at(`${here}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`, index)}.matchExpressions`,
      ),
    ),
    ...preferred.flatMap(({ preference }, index) =>
      oldNodeLabelWarnings(
        preference?.matchExpressions ?? [],
        `${at(`${here}.preferredDuringSchedulingIgnoredDuringExecution`, index)}.preference.matchExpressions`,
      ),
    ),
    ...(spec.topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, index) => {
      const constraint = at(`${path}.topologySpreadConstraints`, index);
      const what = oldNodeLabel(topologyKey);
      return [
        ...(what ? [`${constraint}.topologyKey: ${topologyKey} is ${what}`] : []),
        ...(labelSelector ? [] : [matchesNothing(`${constraint}.labelSelector`)]),
      ];
    }),
  ];
}

const matchesNothing = (path: string) => `${path}: a null labelSelector results in matching no pod`;

function affinityWarnings({ affinity }: PodSpec, path: string): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((name) => {
    const here = `${path}.${name}`;
    const needed = affinity?.[name]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.[name]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const places = [
      ...needed.map((term, index) => ({
        term,
        at: at(`${here}.requiredDuringSchedulingIgnoredDuringExecution`, index),
      })),
      ...preferred.map(({ podAffinityTerm: term }, index) => ({
        term,
        at: `${at(`${here}.preferredDuringSchedulingIgnoredDuringExecution`, index)}.podAffinityTerm`,
      })),
    ];
    return places
      .filter(({ term }) => !term?.labelSelector)
      .map((place) => matchesNothing(`${place.at}.labelSelector`));
  });
}

function volumeWarnings({ volumes = [] }: PodSpec, path: string): string[] {
  return volumes.flatMap((volume, index) => {
    const here = at(path, index);
    return [
      ...(Object.keys(OLD_VOLUMES) as (keyof typeof OLD_VOLUMES)[])
        .filter((name) => volume[name])
        .map((name) => `${here}.${SHOWN_AS[name] ?? name}: ${OLD_VOLUMES[name]}`),
      ...claimSpecWarnings(
        volume.ephemeral?.volumeClaimTemplate?.spec,
        `${here}.ephemeral.volumeClaimTemplate.spec`,
      ),
    ];
  });
}

function twice<F extends string>(
  items: readonly { readonly [K in F]?: string }[] = [],
  field: F,
  path: string,
): string[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const value = item[field] ?? '';
    const again = seen.has(value);
    seen.add(value);
    return again ? [`${at(path, index)}.${field}: duplicate ${field} ${JSON.stringify(value)}`] : [];
  });
}

/** A part of a byte. */
function fractionWarnings(amounts: Readonly<Record<string, string>> = {}, path: string): string[] {
  return ['memory', 'ephemeral-storage']
    .filter((name) => amounts[name] !== undefined && quantityMilliValue(amounts[name]) % 1000n !== 0n)
    .map(
      (name) =>
        `${at(path, name)}: fractional byte value ${JSON.stringify(amounts[name])} is invalid, must be an integer`,
    );
}

function containerWarnings({ resources, env = [] }: Container, path: string): string[] {
  const names = new Set<string>();
  return [
    ...['memory', 'ephemeral-storage'].flatMap((name) =>
      (['limits', 'requests'] as const).flatMap((list) => {
        const amount = resources?.[list]?.[name];
        return amount === undefined ? [] : fractionWarnings({ [name]: amount }, `${path}.resources.${list}`);
      }),
    ),
    ...env.flatMap(({ name, value = '', valueFrom }, index) => {
      const again = names.has(name);
      names.add(name);
      // A value that goes on from the one before is meant so.
      const refersToIt = value.includes(`$(${name})`) && value !== `$(${name})`;
      if (!again || (refersToIt && !valueFrom)) return [];
      return [
        `${at(`${path}.env`, index)}: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
      ];
    }),
  ];
}

type Port = NonNullable<Container['ports']>[number];

/** How a port and an earlier one of the same number are in each other's way. */
function clash(port: Port, other: Port): string | undefined {
  const [a, b] = [port.hostIP ?? '', other.hostIP ?? ''];
  const [p, q] = [port.hostPort ?? 0, other.hostPort ?? 0];
  if (a === b && p === q) return 'duplicate';
  if (p === 0 || q === 0) return 'overlapping';
  return p === q && (a === '') !== (b === '') ? 'dangerously ambiguous' : undefined;
}

function portWarnings(spec: PodSpec, path: string): string[] {
  const all = containersOf(spec, path).flatMap(([{ ports = [] }, here]) =>
    ports.map((port, index) => ({ port, here: at(`${here}.ports`, index) })),
  );
  const clashes = all.flatMap(({ port, here }, index) =>
    all.slice(0, index).flatMap((other) => {
      const same = other.port.containerPort === port.containerPort && other.port.protocol === port.protocol;
      const how = same ? clash(port, other.port) : undefined;
      return how ? [`${here}: ${how} port definition with ${other.here}`] : [];
    }),
  );
  const named = new Map<string, string>();
  const names = all.flatMap(({ port: { name }, here }) => {
    if (!name) return [];
    const other = named.get(name);
    if (!other) {
      named.set(name, here);
      return [];
    }
    return [
      `${here}: duplicate port name ${JSON.stringify(name)} with ${other}, services and probes that select ports by name will use ${other}`,
    ];
  });
  return [...clashes, ...names];
}
