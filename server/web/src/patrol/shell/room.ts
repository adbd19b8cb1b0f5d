/**
 * Room on the phone: what a full one means, and the reserve that keeps it from coming as a surprise.
 *
 * Browsers do not say truly how much room there is: Chromium names ten GiB whatever the disk holds. So the app keeps a
 * reserve of its own. The first write that finds no room gives the reserve up and is tried again: it is kept, and the
 * worker is warned while there is still room for words. What finds no room then is told as not kept; IndexedDB keeps a
 * transaction whole or not at all, so nothing is half there.
 */
import { Dexie } from "dexie";
import { useEffect, useState } from "preact/hooks";
import type { Phone } from "../phone";

const RESERVE = "gridpatrol-reserve";
const PARTS = 4;
const PART_BYTES = 1024 * 1024;
/** Where a browser does say how much room there is: about a day of photos. */
const SHORT_BYTES = 50 * 1024 * 1024;
const LOOK_MS = 30_000;
const FIRST_LOOK_MS = 3_000;

/** `short`: there is little room. `full`: the last write found none, until `seen` is called. */
interface Standing {
  readonly short: boolean;
  readonly full: boolean;
}

const listeners = new Set<() => void>();
let standing: Standing = { short: false, full: false };

function note(changes: Partial<Standing>): void {
  standing = { ...standing, ...changes };
  for (const each of listeners) each();
}

/** Whether an error, or what it was caused by, says that there is no room. */
export function isFull(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { name, inner, cause } = error as { name?: unknown; inner?: unknown; cause?: unknown };
  return name === "QuotaExceededError" || isFull(inner) || isFull(cause);
}

/** Do a piece of work that writes; where it finds no room, once more on that of the reserve. */
export async function withRoom<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isFull(error)) throw error;
    await giveUpReserve();
    return work();
  }
}

/** Tell that something was not kept for want of room; throws every other error again. */
export function toldWhereFull(error: unknown): void {
  if (!isFull(error)) throw error;
  note({ full: true });
}

/** Make room where an exchange in the background found none. */
export function makeRoomAfter(error: unknown): void {
  if (isFull(error)) void giveUpReserve();
}

/** From now on, tell of every write that found no room and that nobody waited for. */
export function watchRoom(): void {
  addEventListener("unhandledrejection", (event) => {
    if (!isFull(event.reason)) return;
    event.preventDefault();
    note({ full: true });
    void giveUpReserve();
  });
}

async function giveUpReserve(): Promise<void> {
  note({ short: true });
  await Dexie.delete(RESERVE);
}

/**
 * Lay the reserve where there is none; return whether it is there. One that was given up is laid again only where as much
 * again is free: else it would take back the very room that it gave.
 */
async function layReserve(): Promise<boolean> {
  const database = new Dexie(RESERVE);
  database.version(1).stores({ parts: "id" });
  try {
    const parts = database.table<{ readonly id: number; readonly bytes: Uint8Array }, number>("parts");
    if ((await parts.count()) === PARTS) return true;
    await parts.bulkPut(Array.from({ length: 2 * PARTS }, (_, id) => ({ id, bytes: noise() })));
    await parts.where("id").aboveOrEqual(PARTS).delete();
    return true;
  } catch (error) {
    if (!isFull(error)) throw error;
    await database.delete();
    return false;
  } finally {
    database.close();
  }
}

/** What cannot be packed together. */
function noise(): Uint8Array {
  const bytes = new Uint8Array(PART_BYTES);
  const most = 65_536;
  for (let at = 0; at < PART_BYTES; at += most) crypto.getRandomValues(bytes.subarray(at, at + most));
  return bytes;
}

/** Look at the room now and then. Where it is short, photos that the server has are given up before their week is over. */
export function useRoom(phone: Phone): Standing & { readonly seen: () => void } {
  const [, redraw] = useState(0);
  useEffect(() => {
    const heard = (): void => redraw((n) => n + 1);
    const look = async (): Promise<void> => {
      if (standing.short) await phone.photos.prune(Date.now());
      const short = (await saysShort()) || !(await layReserve());
      if (short !== standing.short) note({ short });
    };
    const looked = (): void => void look().catch((error: unknown) => console.warn(error));
    listeners.add(heard);
    const first = setTimeout(looked, FIRST_LOOK_MS);
    const timer = setInterval(looked, LOOK_MS);
    return () => {
      listeners.delete(heard);
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [phone]);
  return { ...standing, seen: () => note({ full: false }) };
}

async function saysShort(): Promise<boolean> {
  const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {};
  return usage !== undefined && quota !== undefined && quota - usage < SHORT_BYTES;
}
