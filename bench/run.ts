import { cpus, totalmem } from 'node:os';
import { api } from './api.ts';
import { boot } from './boot.ts';
import { claims } from './claims.ts';
import { figureLine } from './figure.ts';
import { matching } from './matching.ts';
import { node } from './node.ts';
import { pairCost } from './pair-cost.ts';
import { pod } from './pod.ts';
import { provisioning } from './provisioning.ts';
import { reaction } from './reaction.ts';
import { scheduling } from './scheduling.ts';
import { sidecars } from './sidecars.ts';
import { simulatedNodes } from './simulated-nodes.ts';
import { snapshots } from './snapshots.ts';

const benchmarks = {
  boot,
  api,
  claims,
  pairs: pairCost,
  matching,
  pod,
  node: () => node(),
  scheduling,
  reaction,
  provisioning,
  snapshots,
  sidecars,
  'simulated-nodes': simulatedNodes,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  process.stderr.write(
    `unknown benchmark ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}\n`,
  );
  process.exit(2);
}
process.stdout.write(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB\n`,
);
for (const [name, benchmark] of Object.entries(benchmarks)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for (const figure of await benchmark()) process.stdout.write(`${figureLine(figure)}\n`);
}
