/** What a ceiling does with the value of a record. */
export type UseValue = (value: Buffer) => void;

export const ignore: UseValue = () => undefined;

export const parse: UseValue = (value) => {
  if (JSON.parse(value.toString('utf8')) === null) throw new Error('a record of the fleet is null');
};

/** Ticks and the adoption of a prior are no events, and far smaller. */
export function isEvent({ length }: Buffer): boolean {
  return length >= SMALLEST_EVENT_BYTES;
}

const SMALLEST_EVENT_BYTES = 128;
