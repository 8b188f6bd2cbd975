import { MODES, type Mode } from './modes.ts';
import { type Figures, STAGES } from './stages/index.ts';

/** One stage in a process of its own, so that no stage meets the heap and the compiled code of another. */
const [stage, mode] = process.argv.slice(2) as [keyof Figures, Mode];
const figures = await STAGES[stage](MODES[mode]);
process.send?.(figures, () => process.disconnect());
