const UNITS_OF_BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytesText(bytes: number): string {
  const step = Math.min(UNITS_OF_BYTES.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${step === 0 ? value : value.toFixed(1)} ${UNITS_OF_BYTES[step]}`;
}

export function timeText(epoch_ms: number): string {
  return new Date(epoch_ms).toISOString();
}

export function total(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
