import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Stream } from './schema.ts';

/** The SQL of an opened log, prepared once; a stream's own when it is first used. */
export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(db: DatabaseSync) {
  const perStream = new Map<Stream, StreamStatements>();
  return {
    begin: db.prepare('BEGIN'),
    beginWrite: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    bounds: db.prepare('SELECT start_offset AS start, end_offset AS end FROM streams WHERE id = ?'),
    head: db.prepare('SELECT end_offset AS end, append_ms FROM streams WHERE id = ?'),
    setHead: db.prepare('UPDATE streams SET end_offset = ?, append_ms = ? WHERE id = ?'),
    moveStart: db.prepare('UPDATE streams SET start_offset = max(start_offset, min(?, end_offset)) WHERE id = ?'),
    position: db.prepare('SELECT position FROM positions WHERE name = ?'),
    positions: db.prepare('SELECT name, position FROM positions'),
    setPosition: db.prepare('INSERT OR REPLACE INTO positions VALUES (?, ?)'),
    counters: db.prepare('SELECT name, value FROM counters'),
    addCounter: db.prepare(
      'INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value',
    ),
    dataVersion: db.prepare('PRAGMA data_version'),
    quickCheck: db.prepare('PRAGMA quick_check(16)'),
    of: (stream: Stream): StreamStatements => {
      const known = perStream.get(stream);
      if (known !== undefined) return known;
      const prepared = prepareStream(db, stream);
      perStream.set(stream, prepared);
      return prepared;
    },
  };
}

type StreamStatements = Readonly<Record<'insert' | 'from' | 'time' | 'trim', StatementSync>>;

function prepareStream(db: DatabaseSync, { id }: Stream): StreamStatements {
  return {
    insert: db.prepare(`INSERT INTO stream_${id} VALUES (?, ?, ?, ?, ?)`),
    from: db.prepare(`SELECT * FROM stream_${id} WHERE last_offset >= ? ORDER BY last_offset LIMIT 1`),
    time: db.prepare(
      `SELECT last_offset, append_ms FROM stream_${id} WHERE last_offset >= ? ORDER BY last_offset LIMIT 1`,
    ),
    // Bounded, because freeing a batch's pages reads each of them.
    trim: db.prepare(`DELETE FROM stream_${id} WHERE last_offset IN (
      SELECT last_offset FROM stream_${id} WHERE last_offset < (SELECT start_offset FROM streams WHERE id = ?)
      ORDER BY last_offset LIMIT 64)`),
  };
}
