/** Areas by their codes, asked for one at a time: a city has thousands, and a page shows a few. */
import { useEffect, useState } from "preact/hooks";
import { read } from "../api/client";
import type { Area, Ground } from "../api/types";

/** More in one person's charge are not asked for: their home is then the box of so many. */
const MOST_IN_CHARGE = 200;

/** The ground with what is in the caller's charge, uppermost first; where nothing is, with the whole city. */
export async function readCharge(signal?: AbortSignal): Promise<Ground> {
  const mine = await read<Ground>(`/v1/areas?in_charge=true&limit=${MOST_IN_CHARGE}`, signal);
  return mine.areas.length > 0 ? mine : read<Ground>("/v1/areas?limit=1", signal);
}

/** The area of a code in the ground drawn by `tiles`; null while it is not known, or is none. */
export function useArea(code: string | null, tiles: string | null): Area | null {
  const [area, setArea] = useState<Area | null>(null);
  useEffect(() => {
    if (code === null) return undefined;
    const asking = new AbortController();
    read<Ground>(`/v1/areas?code=${encodeURIComponent(code)}`, asking.signal).then(
      ({ areas }) => setArea(areas[0] ?? null),
      () => undefined, // the lists on the page say that the server cannot be heard
    );
    return () => asking.abort();
  }, [code, tiles]);
  return area?.code === code ? area : null;
}
