// The import rule of the house: a folder imports only from rows below its own. Read from the bottom up.
const rows = [
  ['testing', 'sim', 'cluster', 'cli'],
  ['apiserver', 'controllers', 'scheduler', 'sidecars', 'node', 'drivers', 'explain'],
  ['volume'],
  ['csi'],
  ['client'],
  ['host'],
  ['kube'],
  ['base'],
];
/** Components: boxes of the picture. They meet in API objects, sockets and executables, never by import. */
const components = rows[1];
const path = (names) => `^src/(${names.join('|')})(/|\\.ts$)`;

export default {
  forbidden: [
    ...rows.slice(1).map((row, index) => ({
      name: `${row.join('-')}-imports-only-below`,
      severity: 'error',
      from: { path: path(row), pathNot: '(\\.test|test-support|fixtures)\\.ts$' },
      to: { path: path(rows.slice(0, index + 1).flat()) },
    })),
    ...components.map((component) => ({
      name: `${component}-imports-no-component`,
      severity: 'error',
      from: { path: path([component]), pathNot: '(\\.test|test-support|fixtures)\\.ts$' },
      to: { path: path(components.filter((other) => other !== component)) },
    })),
    {
      name: 'cli-has-no-logic-to-import',
      severity: 'error',
      from: { pathNot: '^(src/cli|bin|test|bench)/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-machine-outside-host',
      comment:
        'Files, processes and devices are reached through host/ only. The store, the certificates, the CLI, the data directory and the sockets of drivers that this process serves own their files.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(host|cli)/|^src/cluster\\.ts$|^src/apiserver/(store|auth)/|^src/apiserver/http/(server|pod-log|openapi/descriptions)\\.ts$|^src/csi/server/socket\\.ts$|(\\.test|test-support|fixtures)\\.ts$|/schema/',
      },
      to: { path: '^(node:)?(fs|fs/promises|child_process|os|net|dgram|worker_threads|cluster|vm)$' },
    },
    {
      name: 'no-network-outside-its-few-places',
      comment:
        'The simulation owns the network: only the servers, the HTTP client, CSI sockets and host/ open connections.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(host|csi)/|^src/base/plain-http\\.ts$|^src/(apiserver|client)/http/|^src/node/server/|(\\.test|test-support|fixtures|test-server)\\.ts$',
      },
      to: { path: '^(node:)?(http|https|http2|tls|dns|dns/promises)$' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { pathNot: 'csi/generated' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'not-to-unlisted',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependency-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: '(\\.test|test-support|fixtures)\\.ts$|/schema/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'csi/generated' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs'],
    },
  },
};
