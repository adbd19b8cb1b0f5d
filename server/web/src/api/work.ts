/** What waits for whoever is signed in, as `/v1/work` counts it. */
export interface Waiting {
  lights: Record<string, number>;
  states: Record<string, number>;
  /** How many of them ask for more time. */
  asking: number;
}

export interface WaitingWork {
  duty: Waiting | null;
  desk: Waiting | null;
}
