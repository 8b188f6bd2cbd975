/** Runs jobs one at a time. Resolves or rejects as the job does. */
export type Lane = <T>(job: () => Promise<T>, options?: { readonly urgent?: boolean }) => Promise<T>;

/** Urgent jobs go before all others; within each kind the order is that of arrival. A failed job stops no other. */
export function createLane(): Lane {
  const urgent: (() => Promise<void>)[] = [];
  const patient: (() => Promise<void>)[] = [];
  let running = false;

  const drain = async (): Promise<void> => {
    if (running) return;
    running = true;
    for (let next = urgent.shift() ?? patient.shift(); next !== undefined; next = urgent.shift() ?? patient.shift()) {
      await next();
    }
    running = false;
  };

  return (job, options) =>
    new Promise((resolve, reject) => {
      const queue = options?.urgent === true ? urgent : patient;
      queue.push(() => Promise.resolve().then(job).then(resolve, reject));
      void drain();
    });
}
