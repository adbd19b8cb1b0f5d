/** The page of one case, by its id or by the number that people say on the telephone. */
import { useEffect, useState } from "preact/hooks";
import { read } from "../api/client";
import { t } from "../i18n";
import { steps, usePlace } from "../page/place";
import { refuseOrLeave } from "../page/reading";
import { type Here, Trouble, startStaffPage } from "../page/Staff";
import { CaseView } from "./CaseView";
import { useCase } from "./useCase";
import "../styles/case.css";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Found {
  cases: { id: string }[];
  /** No: a digit was misheard or mistyped. */
  is_number: boolean;
}

function Case(_: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const id = asked.get("id") ?? "";
  const number = asked.get("number") ?? "";
  const [found, setFound] = useState<{ number: string; id: string } | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    setTrouble(null);
    if (number === "") return undefined;
    const asking = new AbortController();
    read<Found>(`/v1/cases?number=${encodeURIComponent(number)}`, asking.signal).then(
      ({ cases: [first], is_number }) => {
        if (first) setFound({ number, id: first.id });
        else setTrouble(t(is_number ? "case.unknown" : "case.misheard", { number }));
      },
      (error: unknown) => refuseOrLeave(error, setTrouble),
    );
    return () => asking.abort();
  }, [number]);
  const one = useCase(UUID.test(id) ? id : found?.number === number ? found.id : null);
  const [chosen, choose] = useState<string | null>(null);
  return (
    <>
      <ByNumber number={number} />
      {trouble !== null && <Trouble words={trouble} />}
      {one.id === null ? <h1 class={number === "" ? "" : "unseen"}>{t("nav.case")}</h1> : <CaseView key={one.id} one={one} chosen={chosen} whole now={new Date()} onChoose={choose} />}
    </>
  );
}

/** Ask for another case by its number. */
function ByNumber({ number }: { number: string }) {
  const [typed, setTyped] = useState(number);
  const go = (event: SubmitEvent): void => {
    event.preventDefault();
    if (typed.trim()) steps.take(`number=${encodeURIComponent(typed.trim())}`);
  };
  return (
    <form class="by-number" role="search" onSubmit={go}>
      <label class="pick">
        <span>{t("case.number")}</span>
        <input type="search" value={typed} maxLength={40} onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>
      <button type="submit" class="quiet">{t("case.find")}</button>
    </form>
  );
}

startStaffPage("case", Case, () => true);
