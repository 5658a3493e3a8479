import {
  type ConfigMap,
  configMaps,
  type Secret,
  type Service,
  type ServiceAccount,
  type StatusCause,
  type Stored,
  secrets,
  serviceAccounts,
  services,
} from '../../../kube/index.ts';
import {
  at,
  forbiddenField,
  invalidValue,
  isConfigKey,
  isDNS1123Label,
  isDNS1123Subdomain,
  oneOf,
  required,
  unchanged,
  validateWith,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { change, each, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { secretTypeCauses } from './secret-types.ts';

const MAX_SECRET_BYTES = 1024 * 1024;

const dataCount = (...maps: readonly (object | undefined)[]) =>
  maps.reduce((sum, map) => sum + Object.keys(map ?? {}).length, 0);

export const secretDefinition = defineResource<Secret>(secrets, {
  columns: [
    nameColumn(),
    column('Type', (secret) => secret.type ?? '', { description: 'What the secret is for.' }),
    column('Data', (secret) => dataCount(secret.data), { description: 'How many entries it has.' }),
    ageColumn(),
  ],
  selectableFields: { type: (secret) => secret.type ?? '' },
  strategy: {
    defaults: (secret) => fill(secret, { type: 'Opaque' }),
    prepareForCreate: withoutStringData,
    prepareForUpdate: withoutStringData,
    validate: (secret) => [
      ...keyCauses('data', secret.data),
      ...secretTypeCauses(secret),
      ...sizeCauses('data', secret.data, (value) => Buffer.byteLength(value, 'base64')),
    ],
    validateUpdate: (next, previous) => [
      ...unchanged('type', next.type, previous.type),
      ...immutableCauses(next, previous, ['data']),
    ],
  },
});

/** stringData is write-only: it is merged into data. */
function withoutStringData(secret: Secret): Secret {
  if (!secret.stringData) return secret;
  const { stringData, ...rest } = secret;
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ]);
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } };
}

export const configMapDefinition = defineResource<ConfigMap>(configMaps, {
  columns: [
    nameColumn(),
    column('Data', (map) => dataCount(map.data, map.binaryData), { description: 'How many entries it has.' }),
    ageColumn(),
  ],
  strategy: {
    validate: (map) => [
      ...keyCauses('data', map.data),
      ...keyCauses('binaryData', map.binaryData),
      ...Object.keys(map.data ?? {})
        .filter((key) => map.binaryData?.[key] !== undefined)
        .map((key) => invalidValue(at('data', key), key, 'duplicate of key present in binaryData')),
      ...sizeCauses('', { ...map.data, ...map.binaryData }, (value) => Buffer.byteLength(value)),
    ],
    validateUpdate: (next, previous) => immutableCauses(next, previous, ['data', 'binaryData']),
  },
});

function keyCauses(path: string, data: Readonly<Record<string, string>> | undefined): StatusCause[] {
  return Object.keys(data ?? {}).flatMap((key) => validateWith(at(path, key), key, isConfigKey));
}

function sizeCauses(
  field: string,
  data: Readonly<Record<string, string>> | undefined,
  sizeOf: (value: string) => number,
): StatusCause[] {
  const values = Object.values(data ?? {});
  // No character takes more than three bytes: nearly always nothing needs to be counted.
  if (values.reduce((sum, { length }) => sum + 3 * length, 0) <= MAX_SECRET_BYTES) return [];
  const bytes = values.reduce((sum, value) => sum + sizeOf(value), 0);
  if (bytes <= MAX_SECRET_BYTES) return [];
  return [
    {
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${MAX_SECRET_BYTES} bytes`,
      field: field || '',
    },
  ];
}

/** Once `immutable` is set, neither it nor the data change. */
function immutableCauses<T extends Secret | ConfigMap>(
  next: T,
  previous: Stored<T>,
  fields: readonly (keyof T & string)[],
): StatusCause[] {
  if (!previous.immutable) return [];
  const rule = 'field is immutable when `immutable` is set';
  const causes = next.immutable ? [] : [forbiddenField('immutable', rule)];
  for (const field of fields) {
    if (unchanged(field, next[field], previous[field]).length > 0) causes.push(forbiddenField(field, rule));
  }
  return causes;
}

export const serviceAccountDefinition = defineResource<ServiceAccount>(serviceAccounts, {
  subresources: ['token'],
  columns: [nameColumn(), ageColumn()],
  strategy: { prepareForCreate: namingSecretsOnly, prepareForUpdate: namingSecretsOnly },
});

/** An account names its secrets and nothing else of them (cleanSecretReferences). */
function namingSecretsOnly(account: ServiceAccount): ServiceAccount {
  if (!account.secrets) return account;
  return { ...account, secrets: account.secrets.map(({ name }) => (name ? { name } : {})) };
}

export const serviceDefinition = defineResource<Service>(services, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Type', (service) => service.spec?.type ?? '', { description: 'How the service is exposed.' }),
    column('Cluster-IP', (service) => service.spec?.clusterIPs?.[0] ?? '<none>', {
      description: 'The address of the service in the cluster.',
    }),
    column('External-IP', externalAddress, {
      description: 'The addresses of the service outside the cluster.',
    }),
    column('Port(s)', ports, { description: 'The ports of the service.' }),
    ageColumn(),
    wideColumn(
      'Selector',
      (service) =>
        Object.entries(service.spec?.selector ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .sort()
          .join(',') || '<none>',
    ),
  ],
  selectableFields: {
    'spec.clusterIP': (service) => service.spec?.clusterIP ?? '',
    'spec.type': (service) => service.spec?.type ?? '',
  },
  strategy: {
    validateName: isDNS1123Label,
    createsOnUpdate: true,
    defaults: (service) =>
      change(service, 'spec', (spec) => {
        const filled = fill(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
        const headless = filled.clusterIP === 'None' ? fill(filled, { clusterIPs: ['None'] }) : filled;
        const internal =
          headless.type === 'ExternalName' ? headless : fill(headless, { internalTrafficPolicy: 'Cluster' });
        return change(internal, 'ports', (list) =>
          each(list, (port) => fill(port, { protocol: 'TCP', targetPort: port.port as unknown as string })),
        );
      }),
    prepareForCreate: (service) => ({
      ...change(service, 'spec', withIpFamilies),
      status: { loadBalancer: {} },
    }),
    validate: validateService,
    validateUpdate: (next, previous) =>
      previous.spec?.clusterIP && next.spec?.type !== 'ExternalName'
        ? unchanged('spec.clusterIP', next.spec?.clusterIP, previous.spec.clusterIP)
        : [],
  },
});

/** One family, but for headless services without a selector, whose endpoints may be of any. */
function withIpFamilies(spec: NonNullable<Service['spec']>): NonNullable<Service['spec']> {
  if (spec.type === 'ExternalName' || spec.ipFamilies) return spec;
  const isOpen = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  return fill(spec, {
    ipFamilies: isOpen ? ['IPv4', 'IPv6'] : ['IPv4'],
    ipFamilyPolicy: isOpen ? 'RequireDualStack' : 'SingleStack',
  });
}

function validateService({ spec }: Service): StatusCause[] {
  const causes: StatusCause[] = [];
  const headless = spec?.clusterIP === 'None';
  if (!spec?.ports?.length && !headless && spec?.type !== 'ExternalName') causes.push(required('spec.ports'));
  for (const [index, port] of (spec?.ports ?? []).entries()) {
    const path = at('spec.ports', index);
    if ((spec?.ports?.length ?? 0) > 1 && !port.name) causes.push(required(`${path}.name`));
    if (!(port.port >= 1 && port.port <= 65535)) {
      causes.push(invalidValue(`${path}.port`, port.port, 'must be between 1 and 65535, inclusive'));
    }
    causes.push(...oneOf(`${path}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
  }
  if (spec?.type === 'ExternalName') {
    if (spec.externalName)
      causes.push(...validateWith('spec.externalName', spec.externalName, isDNS1123Subdomain));
    else causes.push(required('spec.externalName'));
  }
  const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
  return [...causes, ...oneOf('spec.type', spec?.type, types)];
}

function externalAddress({ spec, status }: Stored<Service>): string {
  const external = spec?.externalIPs?.join(',') ?? '';
  switch (spec?.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external || '<none>';
    case 'LoadBalancer': {
      const given = (status?.loadBalancer?.ingress ?? [])
        .map((one) => one.ip || one.hostname)
        .filter(Boolean);
      return (
        [...new Set(given)]
          .sort()
          .concat(spec.externalIPs ?? [])
          .join(',') || '<pending>'
      );
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function ports({ spec }: Stored<Service>): string {
  const pieces = (spec?.ports ?? []).map((port) =>
    port.nodePort ? `${port.port}:${port.nodePort}/${port.protocol}` : `${port.port}/${port.protocol}`,
  );
  return pieces.join(',') || '<none>';
}
