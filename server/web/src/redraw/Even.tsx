/** Dividing a grid evenly, into so many or within a range of households; and bringing several within a range. */
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { Entry, Form, type FormProps } from "./Form";

export function Even({ heals = false, ...props }: FormProps & { heals?: boolean }) {
  const [way, setWay] = useState<"count" | "range">(heals ? "range" : "count");
  const [count, setCount] = useState("2");
  const [least, setLeast] = useState("300");
  const [most, setMost] = useState("500");
  const how = way === "count" ? { count: Number(count) } : { households: [Number(least), Number(most)] };
  const operation = heals ? { kind: "heal", codes: props.picked, ...how } : { kind: "propose", code: props.picked[0], ...how };
  return (
    <Form {...props} operation={operation} ready={way === "count" || Number(least) <= Number(most)}>
      <p class="notice ground-whole">{t(heals ? "draft.heal.text" : "draft.even.text")}</p>
      {!heals && (
        <fieldset class="segments is-small ground-whole">
          <legend class="unseen">{t("draft.even")}</legend>
          {(["count", "range"] as const).map((each) => (
            <label key={each}>
              <input type="radio" name="way" checked={way === each} onChange={() => setWay(each)} />
              <span>{t(`draft.even.${each}`)}</span>
            </label>
          ))}
        </fieldset>
      )}
      {way === "count" ? <Entry words={t("draft.even.n")} value={count} least={1} onChange={setCount} /> : (
        <>
          <Entry words={t("draft.even.least")} value={least} least={0} onChange={setLeast} />
          <Entry words={t("draft.even.most")} value={most} least={0} onChange={setMost} />
        </>
      )}
    </Form>
  );
}

interface Balance {
  households: Record<string, number>;
  moved?: number;
  out: { code: string; households: number; by: number }[];
}

/** What a division came to: the households of each grid, and which are out of the range that was asked for. */
export function Balanced({ balance }: { balance: Balance }) {
  const loads = Object.entries(balance.households).map(([code, households]) => t("draft.even.load", { code, n: households }));
  return (
    <span class="faint ground-balance">
      {balance.moved !== undefined && <>{t("draft.heal.moved", { n: balance.moved })} </>}
      {loads.join(t("draft.even.and"))}
      {balance.out.map(({ code, by }) => (
        <span key={code} class="ground-out">{t(by > 0 ? "draft.even.over" : "draft.even.under", { code, n: Math.abs(by) })}</span>
      ))}
    </span>
  );
}

export function balanceOf(parameters: Record<string, unknown>): Balance | null {
  return (parameters.balance as Balance | undefined) ?? null;
}
