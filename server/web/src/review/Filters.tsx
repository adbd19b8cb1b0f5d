/** The filters that both lists of the review page have; kept in the page's address, so that a link shows the same. */
import type { Ground } from "../api/types";
import { t, tData } from "../i18n";
import { steps, usePlace } from "../page/place";
import { AreaSelect } from "../page/AreaChoice";
import { Select, Words } from "../page/Staff";
import { query } from "../page/reading";

export interface Wanted {
  q: string;
  area: string;
  collection: string;
  kind: string;
  older_than_h: string;
}

const NAMES = ["q", "area", "collection", "kind", "older_than_h"] as const;
const AGES = ["", "1", "24", "72", "168"] as const;
const COLLECTIONS = ["", "issues", "visits", "households", "tasks"] as const;

export function useWanted(list: string): [Wanted, (part: Partial<Wanted>) => void] {
  const asked = new URLSearchParams(usePlace().search);
  const wanted = Object.fromEntries(NAMES.map((name) => [name, asked.get(name) ?? ""])) as unknown as Wanted;
  const change = (part: Partial<Wanted>): void => steps.settle(query({ list, ...wanted, ...part }));
  return [wanted, change];
}

interface Props {
  ground: Ground;
  wanted: Wanted;
  kinds: readonly (readonly [value: string, words: string])[];
  change: (part: Partial<Wanted>) => void;
}

export function Filters({ ground, wanted, kinds, change }: Props) {
  return (
    <div class="picks">
      <Words value={wanted.q} hint={t("review.search")} onChange={(q) => change({ q })} />
      <AreaSelect ground={ground} value={wanted.area} onChange={(area) => change({ area })} />
      <Select
        name={t("review.collection")}
        value={wanted.collection}
        options={COLLECTIONS.map((each) => [each, each ? tData("collection", each) : t("review.any")] as const)}
        onChange={(collection) => change({ collection })}
      />
      <Select name={t("review.kind")} value={wanted.kind} options={[["", t("review.any")], ...kinds]} onChange={(kind) => change({ kind })} />
      <Select
        name={t("review.age")}
        value={wanted.older_than_h}
        options={AGES.map((each) => [each, each ? t(`review.age.${each}`) : t("review.any")] as const)}
        onChange={(age) => change({ older_than_h: age })}
      />
    </div>
  );
}
