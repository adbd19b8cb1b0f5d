/**
 * Keeping rows sealed at rest: a middleware of Dexie's, below everything that reads or writes rows.
 *
 * Owns which part of a row stays readable: the fields of the primary key and of the indexes, by which IndexedDB finds
 * rows. All others go as one sealed blob, bound to table and key, so that no row can be laid in another's place.
 *
 * Sealing is synchronous on purpose: IndexedDB ends a transaction as soon as nothing of it is under way, and so it does
 * while a promise of WebCrypto is awaited. What was read and written in one transaction would fall apart.
 */

import type { DBCore, DBCoreCursor, DBCoreTable, Middleware } from "dexie";

/** Seals and opens bytes. `bound` is what they belong to: what was sealed for one thing opens for no other. */
export interface RowSeal {
  seal(plain: Uint8Array, bound: string): Uint8Array;
  /** Throws where the bytes were not sealed with this key for this thing. */
  open(sealed: Uint8Array, bound: string): Uint8Array;
}

type Row = Record<string, unknown>;
const BLOB = "sealed";
/** Below Dexie's own caches, observers and hooks: they go by plain rows, in memory alone. */
const BELOW_ALL = -2;

export function sealingRows(seal: RowSeal): Middleware<DBCore> {
  return {
    stack: "dbcore",
    name: "sealing",
    level: BELOW_ALL,
    create: (core) => ({ ...core, table: (name) => sealedTable(core.table(name), seal) }),
  };
}

function sealedTable(table: DBCoreTable, seal: RowSeal): DBCoreTable {
  const readable = readableFields(table);
  const keyPath = [table.schema.primaryKey.keyPath ?? []].flat();
  const bound = (row: Row): string => `${table.name}/${JSON.stringify(keyPath.map((field) => row[field]))}`;

  const closed = (row: Row): Row => {
    const clear: Row = {};
    const rest: Row = {};
    for (const [field, value] of Object.entries(row)) (readable.has(field) ? clear : rest)[field] = value;
    return { ...clear, [BLOB]: seal.seal(new TextEncoder().encode(JSON.stringify(rest)), bound(row)) };
  };
  const opened = (row: Row | undefined): Row | undefined => {
    if (!(row?.[BLOB] instanceof Uint8Array)) return row;
    const { [BLOB]: blob, ...clear } = row;
    return { ...(JSON.parse(new TextDecoder().decode(seal.open(blob as Uint8Array, bound(row)))) as Row), ...clear };
  };

  return {
    ...table,
    mutate: (asked) => table.mutate("values" in asked ? { ...asked, values: asked.values.map(closed) } : asked),
    // Chained, not awaited: the promises are Dexie's own, and carry the transaction.
    get: (asked) => table.get(asked).then(opened),
    getMany: (asked) => table.getMany(asked).then((rows) => rows.map(opened)),
    query: (asked) =>
      table.query(asked).then((answer) => (asked.values === false ? answer : { ...answer, result: answer.result.map(opened) })),
    openCursor: (asked) =>
      table.openCursor(asked).then((cursor) => (cursor && asked.values !== false ? openedCursor(cursor, opened) : cursor)),
  };
}

function readableFields({ schema: { primaryKey, indexes } }: DBCoreTable): ReadonlySet<string> {
  return new Set([primaryKey, ...indexes].flatMap(({ keyPath }) => keyPath ?? []));
}

/** The same cursor, with its value opened. Its methods are called as its own: a cursor of Dexie's knows its `this`. */
function openedCursor(cursor: DBCoreCursor, opened: (row: Row) => Row | undefined): DBCoreCursor {
  return Object.create(cursor, {
    key: { get: () => cursor.key as unknown },
    primaryKey: { get: () => cursor.primaryKey as unknown },
    value: { get: () => opened(cursor.value as Row) },
    continue: { value: (key?: unknown) => cursor.continue(key) },
    continuePrimaryKey: { value: (key: unknown, primaryKey: unknown) => cursor.continuePrimaryKey(key, primaryKey) },
    advance: { value: (count: number) => cursor.advance(count) },
  }) as DBCoreCursor;
}
