import { StringDecoder } from 'node:string_decoder';
import type { Refusal } from '../../../ingest/refusal.ts';
import { type Recording, readUnpacked } from '../../../ingest/source.ts';
import { LINE_CHARS_MAX } from './row.ts';

/** Lines of a piece of a file, or why the file ended before its end. `bytes_read` are those of the file itself. */
export type LineBatch = {
  readonly lines: readonly string[];
  readonly damage?: Refusal;
  readonly bytes_read: number;
};

/** The lines of a text file, plain or gzip. Of a line that is too long only so much is held as shows that it is. */
export async function* readLines(recording: Recording): AsyncGenerator<LineBatch> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let bytes_read = 0;
  const count = (bytes: number): void => {
    bytes_read += bytes;
  };
  for await (const piece of readUnpacked(recording, count)) {
    if ('kind' in piece) {
      // The last line may have been cut in the middle of its number.
      yield { lines: [], damage: piece, bytes_read };
      return;
    }
    const lines = (rest + decoder.write(piece)).split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX + 1);
    if (lines.length > 0) yield { lines, bytes_read };
  }
  rest += decoder.end();
  if (rest !== '') yield { lines: [rest], bytes_read };
}
