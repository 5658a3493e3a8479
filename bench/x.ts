import { sidecars } from './x-sidecars.ts';
import { figureLine } from './figure.ts';
for (const f of await sidecars()) console.log(figureLine(f));
process.exit(0);
