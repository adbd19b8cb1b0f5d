import type { Ground } from "../api/types";
import type { Hands, RedrawMap } from "./map";

/** What the parts of the page have of the map: the map, and the hands that are on it now. */
export interface Table {
  ground: Ground;
  map: RedrawMap | null;
  hands: { current: Hands };
}
