/** The bodies that a case can be given to: read once, when a form first asks for them. */
import { useEffect, useState } from "preact/hooks";
import type { Choice } from "../api/cases";
import { read } from "../api/client";
import { pick } from "../i18n";

interface Answer {
  bodies: { code: string; kind: string; zh: string; en: string }[];
}

export interface BodyChoice extends Choice {
  kind: string;
}

const following = new Set<() => void>();
let asked: Promise<readonly BodyChoice[]> | null = null;

function readBodies(): Promise<readonly BodyChoice[]> {
  asked ??= read<Answer>("/v1/bodies").then(({ bodies }) => bodies.map(({ code, kind, zh, en }) => ({ value: code, kind, zh, en })));
  asked.catch(() => (asked = null));
  return asked;
}

/** None until they are read; the form itself says where the server cannot be heard. */
export function useBodies(): readonly BodyChoice[] {
  const [bodies, setBodies] = useState<readonly BodyChoice[]>([]);
  useEffect(() => {
    const ask = (): void => void readBodies().then(setBodies, () => undefined);
    following.add(ask);
    ask();
    return () => void following.delete(ask);
  }, []);
  return bodies;
}

/** The name of a body by its code, in the present language; its code where it is not among them. */
export function useBodyName(): (code: string) => string {
  const bodies = useBodies();
  return (code) => {
    const found = bodies.find((each) => each.value === code);
    return found ? pick({ name_zh: found.zh, name_en: found.en }) : code;
  };
}

/** Have all that show the bodies read them anew: they have changed. */
export function readBodiesAnew(): void {
  asked = null;
  for (const ask of following) ask();
}

/** In groups of one kind, in the order in which they came. */
export function grouped(bodies: readonly BodyChoice[]): [kind: string, bodies: BodyChoice[]][] {
  const groups = new Map<string, BodyChoice[]>();
  for (const each of bodies) groups.set(each.kind, [...(groups.get(each.kind) ?? []), each]);
  return [...groups];
}
