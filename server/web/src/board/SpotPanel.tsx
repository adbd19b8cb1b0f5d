/** All the issues that lie at one spot, each of which can be opened: on the map they are one number. */
import { useEffect, useRef } from "preact/hooks";
import type { Category, IssuePoint } from "../api/types";
import { t } from "../i18n";
import { Icon } from "../page/Icon";
import { IssueList } from "./IssueList";

interface Props {
  points: readonly IssuePoint[];
  categories: ReadonlyMap<string, Category>;
  gridNames: ReadonlyMap<string, string>;
  now: Date;
  onOpen: (id: string) => void;
  onClose: () => void;
}

export function SpotPanel({ points, categories, gridNames, now, onOpen, onClose }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <article class="spot">
      <header class="card-head">
        <h2 ref={heading} tabIndex={-1}>{t("spot.title", { n: points.length })}</h2>
        <button type="button" class="icon-button" aria-label={t("issue.close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <IssueList name="spot" points={points} categories={categories} gridNames={gridNames} open={null} now={now} listRef={list} onOpen={onOpen} />
    </article>
  );
}
