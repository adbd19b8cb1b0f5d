/**
 * The choice of an area of any kind, from county to grid, by a few letters of its name or code: a combobox over the server's
 * search, as nobody finds one among thousands in a list.
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { read } from "../api/client";
import type { Area, AreaKind, Ground } from "../api/types";
import { currentLanguage, pick, t } from "../i18n";
import { Icon } from "./Icon";
import { Choice } from "./Choice";
import { useArea } from "./areas";
import { nextRow } from "./rows";

const TYPING_MS = 200;
const SHOWN = 20;
const PAGE = 5;

interface Props {
  value: string;
  /** The area chosen, once its name is known. */
  area: Area | null;
  kinds: readonly AreaKind[];
  /** What can be chosen besides areas: the value of each, with its words. */
  besides?: readonly (readonly [value: string, words: string])[];
  /** What choosing none means; where nothing is said, any area. */
  any?: string;
  onOpen?: () => void;
  onChange: (code: string) => void;
}

export function AreaChoice({ value, area, kinds, besides = [], any = t("filter.area.any"), onOpen, onChange }: Props) {
  const told = value === "" ? any : (besides.find(([each]) => each === value)?.[1] ?? area?.name ?? value);
  return (
    <Choice name={t("filter.area")} told={told} active={value !== ""} {...(onOpen && { onOpen })}>
      {(close) => (
        <Search
          kinds={kinds}
          value={value}
          besides={[["", any], ...besides]}
          onPick={(code) => {
            onChange(code);
            close();
          }}
        />
      )}
    </Choice>
  );
}

/** The same over the ground of a page that has no filters of its own beside it. */
export function AreaSelect({ ground, value, any, onChange }: { ground: Ground; value: string; any?: string; onChange: (code: string) => void }) {
  const area = useArea(value === "" ? null : value, ground.tiles);
  return <AreaChoice value={value} area={area} kinds={ground.kinds} onChange={onChange} {...(any !== undefined && { any })} />;
}

interface SearchProps {
  kinds: readonly AreaKind[];
  value: string;
  besides: readonly (readonly [value: string, words: string])[];
  onPick: (code: string) => void;
}

interface Option {
  code: string;
  name: string;
  beside: string;
}

function Search({ kinds, value, besides, onPick }: SearchProps) {
  const [words, setWords] = useState("");
  const [kind, setKind] = useState("");
  const [active, setActive] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const found = useFound(words.trim(), kind);
  const options = [...(words.trim() || kind ? [] : withoutWords(besides)), ...found.areas.map((area) => optionOf(area, kinds))];
  const at = Math.min(active, options.length - 1);

  useEffect(() => field.current?.focus(), []);
  useEffect(() => setActive(words.trim() ? 0 : -1), [words, kind]);
  useEffect(() => document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" }), [at]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const chosen = options[at];
    if (event.key === "Enter") {
      event.preventDefault();
      if (chosen) onPick(chosen.code);
      return;
    }
    if (event.key === "Home" || event.key === "End") return; // they move in what is typed
    const next = nextRow(event.key, at, options.length, PAGE);
    if (next === null) return;
    event.preventDefault();
    setActive(next);
  };
  return (
    <div class="areas">
      <div class="areas-head">
        <label class="areas-words">
          <span>{t("area.words")}</span>
          <input
            ref={field}
            type="text"
            role="combobox"
            autocomplete="off"
            spellcheck={false}
            maxLength={100}
            value={words}
            aria-expanded="true"
            aria-autocomplete="list"
            aria-controls={id}
            aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
            onInput={(event) => setWords(event.currentTarget.value)}
            onKeyDown={onKeyDown}
          />
        </label>
        <label>
          <span>{t("area.kind")}</span>
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="">{t("area.kind.any")}</option>
            {kinds.map((each) => (
              <option key={each.code} value={each.code}>{pick(each)}</option>
            ))}
          </select>
        </label>
      </div>
      <ul id={id} class="areas-list" role="listbox" aria-label={t("filter.area")}>
        {options.map((option, index) => (
          <li
            key={option.code}
            id={`${id}-${index}`}
            role="option"
            aria-selected={option.code === value}
            class={index === at ? "is-active" : ""}
            onClick={() => onPick(option.code)}
          >
            <span>{option.name}{option.code === value && <Icon name="check" />}</span>
            {option.beside && <small>{option.beside}</small>}
          </li>
        ))}
      </ul>
      <p class="faint" role="status">{toldOf(found, words.trim())}</p>
    </div>
  );
}

function withoutWords(besides: SearchProps["besides"]): Option[] {
  return besides.map(([code, name]) => ({ code, name, beside: "" }));
}

function optionOf(area: Area, kinds: readonly AreaKind[]): Option {
  const kind = kinds.find((each) => each.code === area.kind);
  return { code: area.code, name: area.name, beside: [kind ? pick(kind) : "", (area.path ?? []).join(" › ")].filter(Boolean).join(" · ") };
}

interface Found {
  areas: readonly Area[];
  total: number;
  failed: boolean;
  asked: string | null;
}

function useFound(words: string, kind: string): Found {
  const [found, setFound] = useState<Found>({ areas: [], total: 0, failed: false, asked: null });
  useEffect(() => {
    const asking = new AbortController();
    const query = new URLSearchParams({ in_charge: "true", limit: String(SHOWN), ...(words && { words }), ...(kind && { kind }) });
    const ask = (): void =>
      void read<Ground & { total: number }>(`/v1/areas?${query}`, asking.signal).then(
        ({ areas, total }) => setFound({ areas, total, failed: false, asked: words }),
        () => asking.signal.aborted || setFound((last) => ({ ...last, failed: true })),
      );
    const timer = window.setTimeout(ask, words ? TYPING_MS : 0);
    return () => {
      window.clearTimeout(timer);
      asking.abort();
    };
  }, [words, kind, currentLanguage()]);
  return found;
}

function toldOf({ areas, total, failed, asked }: Found, words: string): string {
  if (failed) return t("error.unreachable");
  if (asked === null) return t("live.loading");
  if (total === 0) return words ? t("area.none", { words }) : "";
  return total > areas.length ? t("area.more", { n: total, shown: areas.length }) : "";
}
