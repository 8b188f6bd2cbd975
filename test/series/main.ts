import { parseArgs } from 'node:util';
import { compare, comparisonTable } from './compare.ts';
import { labelledSuite } from './labelled.ts';

/** `npm run evaluate:series`: the table of docs/detectors.md. `--seeds 1,2,3` draws other series. */
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1,2,3' } } });
const suite = values.seeds.split(',').map(Number).flatMap(labelledSuite);
process.stdout.write(`${comparisonTable(compare(suite))}\n`);
