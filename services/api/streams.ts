import { LIMITS } from '../../schemas/limits.ts';

/** Answers that last, streams and long polls: a bounded number of them. */
export type Streams = {
  /** Undefined when there are too many; otherwise the way to give the place back, once. */
  take(): (() => void) | undefined;
  open(): number;
};

export function createStreams(most = LIMITS.stream_clients_max): Streams {
  let open = 0;
  return {
    open: () => open,
    take() {
      if (open >= most) return undefined;
      open++;
      let held = true;
      return () => {
        if (held) open--;
        held = false;
      };
    },
  };
}
