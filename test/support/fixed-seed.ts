import fc from 'fast-check';

/**
 * Loaded before every test file: property tests draw the same cases in every run, so the gate is the same for everybody.
 * COUNTERSIGN_FC_SEED=N draws others; a failure prints the seed and path that replay it.
 */
fc.configureGlobal({ seed: Number(process.env.COUNTERSIGN_FC_SEED ?? 20_261_122) });
