/** The page's steps, as hooks: where the person stands, and what lies opened over it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Place, Steps } from "./steps";

export const steps = new Steps(window);

/** Where the person stands; draws the component anew when that changes, by the page or by Back. */
export function usePlace(): Place {
  const [place, setPlace] = useState(steps.place);
  useEffect(() => {
    setPlace(steps.place); // it may have changed before this listened
    return steps.listen(() => setPlace(steps.place));
  }, []);
  return place;
}

/** While the component is there, something lies opened over the page: Back calls `onBack` and leaves nothing else. */
export function useBackCloses(name: string, onBack: () => void): void {
  const latest = useRef(onBack);
  latest.current = onBack;
  useEffect(() => {
    steps.open(name);
    let open = false;
    const stop = steps.listen(() => {
      if (steps.place.opened === name) open = true;
      else if (open) latest.current();
    });
    open = steps.place.opened === name;
    return () => {
      stop();
      steps.close(name);
    };
  }, []);
}
