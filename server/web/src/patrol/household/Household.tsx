/** One door: who lives there as far as a visit needs it, what is to be done, and the answer in one tap. */
import { useMemo, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Household as Home, Outcome, Visit } from "../records";
import { useLive, useNow, usePhone } from "../shell/live";
import { goBack, hrefOf } from "../shell/route";
import { momentOf } from "../shell/SyncLine";
import { cityDay, dueOf } from "../today/due";
import { dueWords, placeWords } from "../today/words";
import { Answers } from "./Answers";
import { Claiming } from "./Claiming";
import { Corrections } from "./Corrections";
import { ThisVisit } from "./ThisVisit";
import { outcomeWords } from "./words";

const SHOWN_VISITS = 5;

export function Household({ id }: { id: string }) {
  const { book } = usePhone();
  const home = book.households.find((household) => household.id === id);
  if (home === undefined) {
    return (
      <div class="patrol-part">
        <h1>{t("patrol.door.gone")}</h1>
        <p>{t("patrol.door.gone.text")}</p>
        <button type="button" class="patrol-plain" onClick={goBack}>{t("patrol.back")}</button>
      </div>
    );
  }
  return <Door home={home} />;
}

function Door({ home }: { home: Home }) {
  const { phone, book } = usePhone();
  const now = useNow();
  const visits = useMemo(() => book.visits.filter(({ household }) => household === home.id).sort((one, other) => (other.at ?? 0) - (one.at ?? 0)), [book, home.id]);
  const tasks = book.tasks.filter(({ household }) => household === home.id);
  const due = dueOf(home, visits, tasks, now);
  /** The visit of this day that was entered with this phone: what is added goes to it. */
  const [entered, setEntered] = useState<string | null>(null);
  const drafted = useLive(() => phone.drafts.where("id").startsWith("visit/").primaryKeys(), [phone]) ?? [];
  const isDrafted = ({ id }: Visit): boolean => drafted.includes(`visit/${id}`);
  const present = visits.find(({ id }) => id === entered) ?? visits.find(isDrafted) ?? visits.find(isOwnOf(now)) ?? null;

  const answer = async (outcome: Outcome, appointment: string | null): Promise<void> => {
    const id = phone.newId();
    const open = due.task;
    const ends = open !== null && outcome !== "no_answer" && outcome !== "appointment";
    await phone.enter({
      id,
      collection: "visits",
      data: {
        household_id: home.id,
        outcome,
        purpose: due.why === "appointment" ? "appointment" : "routine",
        started_at: new Date().toISOString(),
        ...(appointment !== null && { extra: { appointment_at: appointment } }),
      },
      with: ends ? [{ collection: "tasks", id: open.id, data: { state: "done" } }] : [],
      told: `${placeWords(home)} ${outcomeWords(outcome)}`,
    });
    setEntered(id);
  };

  return (
    <div class="patrol-part">
      <button type="button" class="patrol-back" onClick={goBack}>{t("patrol.back")}</button>
      <h1>{placeWords(home)}</h1>
      <p class="patrol-lead">
        <span class={`patrol-tier is-${home.tier}`}>{t(`patrol.tier.${home.tier}`)}</span> {home.why ?? t(`patrol.tier.${home.tier}.why`)}
      </p>
      {due.why !== "taken" && <p>{dueWords(due, home.tier, now)}</p>}
      {home.contact !== null && <p class="notice">{t(`patrol.contact.${home.contact as "door"}`)}</p>}
      {home.needs.length > 0 && <ul class="patrol-chips" aria-label={t("patrol.needs")}>{home.needs.map((need) => <li key={need}>{need}</li>)}</ul>}
      {due.claim !== null && <Claiming doors={[home]} />}
      {present === null && <Answers onAnswer={answer} />}
      {present !== null && <ThisVisit key={present.id} visit={present} home={home} onAgain={answer} />}
      {due.claim === null && <Claiming doors={[home]} />}
      <a class="patrol-row" href={hrefOf("report", home.id)}><strong>{t("patrol.report.here")}</strong></a>
      {visits.length > 0 && (
        <section aria-labelledby="visits">
          <h2 id="visits">{t("patrol.visits")}</h2>
          <ul class="patrol-list">{visits.slice(0, SHOWN_VISITS).map((visit) => <VisitLine key={visit.id} visit={visit} />)}</ul>
        </section>
      )}
      <Corrections home={home} />
    </div>
  );
}

function VisitLine({ visit }: { visit: Visit }) {
  const said = [visit.at === null ? "" : momentOf(visit.at), outcomeWords(visit.outcome), ...visit.needs].filter(Boolean).join(" · ");
  return (
    <li>
      {said}
      {visit.note !== null && <p class="faint">{visit.note}</p>}
    </li>
  );
}

/** Whether a visit was entered today with this phone and is still to be sent, or was just sent. */
function isOwnOf(now: number): (visit: Visit) => boolean {
  return ({ at, unsettled }) => unsettled > 0 && at !== null && cityDay(at) === cityDay(now);
}
