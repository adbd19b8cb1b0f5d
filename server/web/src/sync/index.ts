/**
 * The sync client of GridPatrol: an outbox and a copy of the worker's records in IndexedDB, exchanged with the server
 * over the device protocol.
 */

export { type Carried, NoOutboxKey, NothingToCarry, type UnsentPhoto } from "./carry.js";
export { AnotherWorker, NotEnrolled, type Options, type Summary, SyncClient } from "./client.js";
export type { Exchanged } from "./exchange.js";
export type { Locks } from "./lease.js";
export { NothingThere } from "./outbox.js";
export type { RowSeal } from "./atRest.js";
export type { Device, Entry, Position, Standing, State, Storage } from "./store.js";
export { CannotSeal } from "./sealing.js";
export { Busy, Refused, Unreachable } from "./transport.js";
export type * from "./types.js";
export type { Seen } from "./view.js";
