import { type EndpointSlice, type Endpoints, endpointSlices, endpoints } from '../../../kube/index.ts';
import { isDNS1123Subdomain, oneOf, required } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { change, each, fill } from './defaulting.ts';
import { defineResource } from './define.ts';

/** How many addresses a cell shows. */
const SHOWN = 3;

export const endpointsDefinition = defineResource<Endpoints>(endpoints, {
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  columns: [
    nameColumn(),
    column('Endpoints', addressesCell, { description: 'Where the service is served.' }),
    ageColumn(),
  ],
  strategy: {
    createsOnUpdate: true,
    validateName: isDNS1123Subdomain,
    defaults: (one) =>
      change(one, 'subsets', (subsets) =>
        each(subsets, (subset) =>
          change(subset, 'ports', (ports) => each(ports, (port) => fill(port, { protocol: 'TCP' }))),
        ),
      ),
  },
});

function addressesCell({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
  const shown = all.slice(0, SHOWN).join(',');
  return all.length > SHOWN ? `${shown} + ${all.length - SHOWN} more...` : shown;
}

export const endpointSliceDefinition = defineResource<EndpointSlice>(endpointSlices, {
  columns: [
    nameColumn(),
    column('AddressType', ({ addressType }) => addressType, {
      description: 'What kind of addresses they are.',
    }),
    column('Ports', ({ ports }) => few((ports ?? []).map((one) => String(one.port ?? one.name ?? '*'))), {
      description: 'The ports of every endpoint.',
    }),
    column('Endpoints', (slice) => few((slice.endpoints ?? []).flatMap((one) => one.addresses)), {
      description: 'Where the service is served.',
    }),
    ageColumn(),
  ],
  strategy: {
    tracksGeneration: true,
    defaults: (slice) =>
      change(slice, 'ports', (ports) =>
        each(ports, (port) => ({ ...fill(port, { protocol: 'TCP' }), name: port.name ?? '' })),
      ),
    validate: ({ addressType }) =>
      addressType ? oneOf('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']) : [required('addressType')],
  },
});

/** The first few, and how many more there are. */
function few(texts: readonly string[]): string {
  const shown = texts.slice(0, SHOWN).join(',');
  if (texts.length > SHOWN) return `${shown} + ${texts.length - SHOWN} more...`;
  return shown || '<unset>';
}
