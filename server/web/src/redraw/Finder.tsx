/**
 * Finding areas without the map: words into a field, arrows and Enter through what was found. A grid is picked; an area
 * above grids is gone into, so that a street's grids are listed without a word of their own.
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { read } from "../api/client";
import type { Bounds, Ground } from "../api/types";
import { t } from "../i18n";
import { refuseOrLeave } from "../page/reading";

export interface Found {
  code: string;
  name: string;
  kind: string;
  bounds: Bounds;
  path?: string[];
}

interface Props {
  ground: Ground;
  /** What a draft made or renamed, which the ground in force has not; and what it took away. */
  drawn: readonly Found[];
  gone: ReadonlySet<string>;
  onPick: (area: Found) => void;
  /** An area above grids was gone into. */
  onEnter: (area: Found) => void;
}

const RESTED_MS = 200;
const SHOWN = 30;

export function Finder({ ground, drawn, gone, onPick, onEnter }: Props) {
  const id = useId();
  const [words, setWords] = useState("");
  const [within, setWithin] = useState<Found | null>(null);
  const [found, setFound] = useState<{ areas: readonly Found[]; total: number } | null>(null);
  const [active, setActive] = useState(0);
  const [trouble, setTrouble] = useState<string | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const locating = ground.kinds.find((kind) => kind.is_locating);
  const above = ground.kinds.filter((kind) => locating && kind.rank <= locating.rank).map((kind) => kind.code);

  useEffect(() => {
    setTrouble(null);
    if (words.trim() === "" && within === null) return setFound(null);
    const asking = new AbortController();
    const ask = (): void => {
      const asked = new URLSearchParams({ kind: (words.trim() === "" && locating ? [locating.code] : above).join(","), limit: String(SHOWN) });
      if (words.trim() !== "") asked.set("words", words.trim());
      if (within !== null) asked.set("within", within.code);
      read<{ areas: Found[]; total: number }>(`/v1/areas?${asked}`, asking.signal).then(
        (told) => {
          setActive(0);
          setFound(joined(told, drawn, gone, words, within));
        },
        (error: unknown) => refuseOrLeave(error, setTrouble),
      );
    };
    const timer = window.setTimeout(ask, words === "" ? 0 : RESTED_MS);
    return () => {
      window.clearTimeout(timer);
      asking.abort();
    };
  }, [words, within, drawn]);
  useEffect(() => list.current?.children[active]?.scrollIntoView({ block: "nearest" }), [active]);

  const take = (area: Found | undefined): void => {
    if (area === undefined) return;
    if (area.kind === locating?.code) return onPick(area);
    setWithin(area);
    setWords("");
    onEnter(area);
  };
  const keyed = (event: KeyboardEvent): void => {
    const areas = found?.areas ?? [];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (areas.length > 0) setActive((active + step + areas.length) % areas.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(areas[active]);
    } else if (event.key === "Escape" && (words !== "" || within !== null)) {
      event.preventDefault();
      if (words !== "") setWords("");
      else setWithin(null);
    }
  };
  return (
    <div class="finder">
      <label class="pick">
        <span>{t("find.label")}</span>
        <input
          type="search"
          role="combobox"
          list={undefined}
          aria-expanded={found !== null}
          aria-controls={`${id}-list`}
          aria-activedescendant={found && found.areas.length > 0 ? `${id}-${active}` : undefined}
          aria-autocomplete="list"
          autocomplete="off"
          maxLength={100}
          placeholder={t("find.hint")}
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
          onKeyDown={keyed}
        />
      </label>
      {within !== null && (
        <button type="button" class="chip" onClick={() => setWithin(null)} aria-label={t("find.leave", { name: within.name })}>
          {t("find.within", { name: within.name })} ✕
        </button>
      )}
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      <p class="unseen" role="status">{found && t("find.count", { n: found.total })}</p>
      {found !== null && found.areas.length === 0 && <p class="faint">{t("find.none")}</p>}
      <ul ref={list} id={`${id}-list`} class="finder-list" role="listbox" aria-label={t("find.label")} hidden={found === null || found.areas.length === 0}>
        {found?.areas.map((area, place) => (
          <li key={`${area.kind}/${area.code}`} id={`${id}-${place}`} role="option" aria-selected={place === active} class={place === active ? "is-active" : ""} onClick={() => take(area)}>
            <b>{area.name}</b> <code>{area.code}</code>
            <span class="faint">
              {area.kind !== locating?.code && `${t("find.into")} · `}
              {area.path?.slice(-3).join(" › ")}
            </span>
          </li>
        ))}
      </ul>
      {found !== null && found.total > found.areas.length && <p class="faint">{t("find.more", { shown: found.areas.length, n: found.total })}</p>}
    </div>
  );
}

/** What the server found, as the draft leaves it: what the draft made before all, without what it took away. */
function joined(told: { areas: Found[]; total: number }, drawn: readonly Found[], gone: ReadonlySet<string>, words: string, within: Found | null): { areas: Found[]; total: number } {
  const asked = words.trim().normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
  const mine = within !== null || asked.length === 0 ? [] : drawn.filter((area) => asked.every((word) => `${area.name} ${area.code}`.toLowerCase().includes(word)));
  const known = new Set(mine.map((area) => area.code));
  const others = told.areas.filter((area) => !known.has(area.code) && !gone.has(area.code));
  return { areas: [...mine, ...others], total: told.total - (told.areas.length - others.length) + mine.length };
}
