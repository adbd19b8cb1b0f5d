/** Everything by which the supervisor narrows the view: progress, state, category, time, place, words. */
import { useEffect, useState } from "preact/hooks";
import type { Area, AreaKind, Category } from "../api/types";
import { pick, t, tData } from "../i18n";
import { Icon } from "../page/Icon";
import { AreaChoice } from "../page/AreaChoice";
import { CategoryTree } from "./CategoryTree";
import { Choice } from "../page/Choice";
import {
  DOUBTFUL,
  type Filters,
  NO_FILTERS,
  OUTSIDE,
  PERIODS,
  PROGRESS,
  STATES,
  datesWrong,
  narrowing,
} from "./filters";

interface Props {
  filters: Filters;
  kinds: readonly AreaKind[];
  /** The area that is filtered by, once it is known. */
  area: Area | null;
  everywhere: boolean;
  categories: readonly Category[];
  onChange: (filters: Filters) => void;
  onOpen: () => void;
}

export function FilterBar({ filters, kinds, area, everywhere, categories, onChange, onOpen }: Props) {
  const change = (part: Partial<Filters>): void => onChange({ ...filters, ...part });
  return (
    <form class="filters" role="search" aria-label={t("filter.title")} onSubmit={(event) => event.preventDefault()}>
      <SearchBox value={filters.search} onChange={(search) => change({ search })} />
      <Progress filters={filters} change={change} />
      <div class="filters-row">
        <StateChoice filters={filters} change={change} onOpen={onOpen} />
        <CategoryChoice filters={filters} change={change} onOpen={onOpen} categories={categories} />
        <TimeChoice filters={filters} change={change} onOpen={onOpen} />
        <AreaChoice value={filters.place} area={area} kinds={kinds} besides={placesBesides(everywhere)} onOpen={onOpen} onChange={(place) => change({ place })} />
        {narrowing(filters) > 0 && (
          <button type="button" class="quiet" onClick={() => onChange({ ...NO_FILTERS, progress: filters.progress, sort: filters.sort })}>
            {t("filter.clear")}
          </button>
        )}
      </div>
      {datesWrong(filters) && (
        <p class="warning" role="alert">
          {t("filter.bad_dates")}
        </p>
      )}
    </form>
  );
}

function placesBesides(everywhere: boolean): [string, string][] {
  const doubtful: [string, string] = [DOUBTFUL, t("filter.area.doubtful")];
  return everywhere ? [[OUTSIDE, t("filter.area.outside")], doubtful] : [doubtful];
}

interface PartProps {
  filters: Filters;
  change: (part: Partial<Filters>) => void;
  onOpen?: () => void;
}

const TYPING_MS = 300;

function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = window.setTimeout(() => onChange(typed), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [typed]);
  return (
    <label class="search">
      <Icon name="search" />
      <span class="unseen">{t("filter.search")}</span>
      <input
        type="search"
        value={typed}
        maxLength={100}
        placeholder={t("filter.search")}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </label>
  );
}

function Progress({ filters, change }: PartProps) {
  return (
    <fieldset class="segments">
      <legend class="unseen">{t("filter.progress")}</legend>
      {PROGRESS.map((progress) => (
        <label key={progress}>
          <input
            type="radio"
            name="progress"
            checked={filters.progress === progress}
            onChange={() => change({ progress, states: [] })}
          />
          <span>{t(`filter.${progress}`)}</span>
        </label>
      ))}
    </fieldset>
  );
}

function StateChoice({ filters, change, onOpen }: PartProps) {
  const { states } = filters;
  const told = states.length === 1 ? tData("state", states[0] as string) : t("filter.chosen", { n: states.length });
  const toggle = (state: string): void => {
    const chosen = states.includes(state) ? states.filter((one) => one !== state) : [...states, state];
    // A closed state cannot be found among the open: asking for states asks among all.
    change({ states: chosen, progress: chosen.length > 0 ? "all" : filters.progress });
  };
  return (
    <Choice name={t("filter.state")} told={states.length ? told : t("filter.state.any")} active={states.length > 0} {...(onOpen && { onOpen })}>
      <div class="checks">
        {STATES.map((state) => (
          <label key={state} class="check">
            <input type="checkbox" checked={states.includes(state)} onChange={() => toggle(state)} />
            <span>{tData("state", state)}</span>
          </label>
        ))}
      </div>
    </Choice>
  );
}

function CategoryChoice({ filters, change, onOpen, categories }: PartProps & { categories: readonly Category[] }) {
  const chosen = filters.categories;
  const only = chosen.length === 1 ? categories.find((one) => one.code === chosen[0]) : undefined;
  const told = only ? pick(only) : t("filter.chosen", { n: chosen.length });
  return (
    <Choice name={t("filter.category")} told={chosen.length ? told : t("filter.category.any")} active={chosen.length > 0} {...(onOpen && { onOpen })}>
      <CategoryTree categories={categories} chosen={chosen} onChange={(codes) => change({ categories: codes })} />
    </Choice>
  );
}

function TimeChoice({ filters, change, onOpen }: PartProps) {
  const told =
    filters.period === "custom" && (filters.from || filters.to)
      ? `${filters.from.slice(5)} – ${filters.to.slice(5)}`
      : t(`filter.time.${filters.period}`);
  return (
    <Choice name={t("filter.time")} told={told} active={filters.period !== "any"} {...(onOpen && { onOpen })}>
      <div class="checks">
        {PERIODS.map((period) => (
          <label key={period} class="check">
            <input type="radio" name="period" checked={filters.period === period} onChange={() => change({ period })} />
            <span>{t(`filter.time.${period}`)}</span>
          </label>
        ))}
      </div>
      {filters.period === "custom" && (
        <div class="dates">
          <label>
            <span>{t("filter.from")}</span>
            <input type="date" value={filters.from} onChange={(event) => change({ from: event.currentTarget.value })} />
          </label>
          <label>
            <span>{t("filter.to")}</span>
            <input type="date" value={filters.to} onChange={(event) => change({ to: event.currentTarget.value })} />
          </label>
        </div>
      )}
    </Choice>
  );
}
