import type { Model, Prior } from '../../detectors/contract.ts';
import { createModel } from '../../detectors/model.ts';

/** The shipped model, and the alert threshold of the prior that was opened last. */
export type WatchedModel = { readonly model: Model; readonly alertBits: () => number };

export function watchedModel(model: Model = createModel()): WatchedModel {
  let alert_bits = model.emptyPrior().alert_bits;
  return {
    alertBits: () => alert_bits,
    model: {
      ...model,
      openPrior(bytes, version) {
        const prior = model.openPrior(bytes, version);
        alert_bits = prior.alert_bits;
        return prior;
      },
    },
  };
}

/**
 * The shipped model with each identity alone: a prior sets the thresholds, and knows neither peer groups nor a
 * population, whatever the events declare.
 */
export function modelWithoutPeers(model: Model = createModel()): Model {
  return { ...model, openPrior: (bytes, version) => alone(model.openPrior(bytes, version)) };
}

const nobody = { value: () => undefined };

function alone(prior: Prior): Prior {
  return Object.create(prior, { group: nobody, population: nobody, cluster: nobody }) as Prior;
}
