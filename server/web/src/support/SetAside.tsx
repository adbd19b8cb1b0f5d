/** What jobs failed on and set aside, with the reason of each; a person may have one tried again. */
import { useState } from "preact/hooks";
import { tell } from "../api/client";
import type { SetAsideItem } from "../api/support";
import { t, tData } from "../i18n";
import { Trouble } from "../page/Staff";
import { refuseOrLeave, useRead } from "../page/reading";
import { moment } from "../time";

export function SetAside() {
  const found = useRead<{ items: SetAsideItem[] }>("/v1/support/set-aside");
  const items = found.value?.items;
  return (
    <>
      <p class="faint">{t("support.aside.about")}</p>
      {found.trouble !== null && <Trouble words={found.trouble} again={found.again} />}
      {items && <p class="faint" role="status">{t("support.aside.count", { n: items.length })}</p>}
      {items && items.length > 0 && (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t("support.aside.queue")}</th>
              <th scope="col">{t("support.aside.item")}</th>
              <th scope="col">{t("support.aside.reason")}</th>
              <th scope="col">{t("support.aside.times")}</th>
              <th scope="col">{t("support.aside.next")}</th>
            </tr>
          </thead>
          <tbody>{items.map((item) => <Row key={`${item.queue}/${item.item}`} item={item} again={found.again} />)}</tbody>
        </table>
      )}
    </>
  );
}

function Row({ item, again }: { item: SetAsideItem; again: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const retry = (): void => {
    const { queue, item: name } = item;
    tell("/v1/support/set-aside/retry", { queue, item: name }).then(again, (error: unknown) => refuseOrLeave(error, setTrouble));
  };
  const isRecord = item.queue === "merge" || item.queue === "editions";
  return (
    <tr>
      <th scope="row">{tData("support.queue", item.queue)}</th>
      <td data-head={t("support.aside.item")}>
        {isRecord ? <a href={`/support?record=${encodeURIComponent(item.item)}`}>{item.item}</a> : item.item}
      </td>
      <td data-head={t("support.aside.reason")}>{item.reason}</td>
      <td data-head={t("support.aside.times")} class="numbers">
        {t("support.aside.since", { n: item.attempts, at: moment(item.since, new Date()) })}
      </td>
      <td data-head={t("support.aside.next")} class="numbers">
        {moment(item.next_attempt_at, new Date())} <button type="button" onClick={retry}>{t("support.aside.retry")}</button>
        {trouble !== null && <span role="alert">{trouble}</span>}
      </td>
    </tr>
  );
}
