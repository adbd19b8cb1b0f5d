/** The day: appointments, tasks and what came back, then the doors that are due, building by building as one walks. */
import { Fragment } from "preact";
import { useMemo, useState } from "preact/hooks";
import { listed, t } from "../../i18n";
import { Icon } from "../../page/Icon";
import type { Household, Task } from "../records";
import { useNow, usePhone } from "../shell/live";
import { hrefOf } from "../shell/route";
import { momentOf } from "../shell/SyncLine";
import { Claiming } from "../household/Claiming";
import { Lost } from "../household/Lost";
import { Drafts } from "./Drafts";
import { ScopeChanged } from "./ScopeChanged";
import { Welcome } from "./Welcome";
import { type Due, cityDay, dueOf } from "./due";
import { byNumbers, floorOf, walking } from "./order";
import { dueWords, placeWords } from "./words";

interface Door {
  readonly household: Household;
  readonly due: Due;
}

interface Building {
  readonly name: string;
  readonly doors: readonly Door[];
  readonly due: number;
}

export function Today() {
  const { book } = usePhone();
  const now = useNow();
  const [all, setAll] = useState(false);
  const [sought, setSought] = useState("");
  const doors = useMemo(() => doorsOf(book, now), [book, now]);
  const due = doors.filter((door) => door.due.due);
  const seen = new Set(book.visits.filter(({ at, mine }) => mine && at !== null && cityDay(at) === cityDay(now)).map((visit) => visit.household ?? visit.id)).size;
  const words = sought.trim();
  const shown = words ? doors.filter(({ household }) => placeWords(household).includes(words)) : all ? doors : due;
  const appointments = due.filter((door) => door.due.why === "appointment");
  const tasks = book.tasks.filter(({ kind, state }) => kind !== "visit" && (state === "open" || state === "started"));
  return (
    <div class="patrol-part">
      <div class="patrol-head">
        <h1>{t("patrol.today")}</h1>
        <a class="quiet" href={hrefOf("me")}>{t("patrol.me")}</a>
      </div>
      <p class="patrol-lead">{t("patrol.today.lead", { due: due.length, seen })}</p>
      <Welcome />
      <Drafts />
      <ScopeChanged />
      <Lost />
      {appointments.length > 0 && (
        <section aria-labelledby="appointments">
          <h2 id="appointments">{t("patrol.appointments")}</h2>
          <ul class="patrol-rows">{appointments.map((door) => <DoorRow key={door.household.id} door={door} now={now} whole />)}</ul>
        </section>
      )}
      {tasks.length > 0 && (
        <section aria-labelledby="tasks">
          <h2 id="tasks">{t("patrol.tasks")}</h2>
          <ul class="patrol-rows">{[...tasks].sort((one, other) => (one.due ?? Infinity) - (other.due ?? Infinity)).map((task) => <TaskRow key={task.id} task={task} now={now} />)}</ul>
        </section>
      )}
      <section aria-labelledby="doors">
        <h2 id="doors">{t("patrol.doors")}</h2>
        <div class="patrol-two" role="group" aria-label={t("patrol.doors.which")}>
          <button type="button" aria-pressed={!all} onClick={() => setAll(false)}>{t("patrol.doors.due", { n: due.length })}</button>
          <button type="button" aria-pressed={all} onClick={() => setAll(true)}>{t("patrol.doors.all", { n: doors.length })}</button>
        </div>
        <label class="patrol-field" for="sought">
          <span>{t("patrol.doors.find")}</span>
          <input id="sought" type="search" value={sought} autocomplete="off" onInput={({ currentTarget }) => setSought(currentTarget.value)} />
        </label>
        {shown.length === 0 && <p class="faint">{t(words ? "patrol.doors.notfound" : doors.length === 0 ? "patrol.doors.none" : "patrol.doors.nonedue")}</p>}
        <Buildings doors={shown} now={now} open={words !== ""} />
        <a class="patrol-row" href={hrefOf("door")}><Icon name="plus" size={24} /> <span>{t("patrol.door.new")}</span></a>
      </section>
    </div>
  );
}

function doorsOf({ households, visits, tasks }: ReturnType<typeof usePhone>["book"], now: number): Door[] {
  const visitsOf = grouped(visits, ({ household }) => household);
  const tasksOf = grouped(tasks, ({ household }) => household);
  return [...households].sort(walking).map((household) => ({ household, due: dueOf(household, visitsOf.get(household.id) ?? [], tasksOf.get(household.id) ?? [], now) }));
}

function grouped<T, K>(rows: readonly T[], key: (row: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}

/** The doors by building; of a closed building no row is made, so that thousands of doors cost nothing. */
function Buildings({ doors, now, open }: { doors: readonly Door[]; now: number; open: boolean }) {
  const buildings = useMemo(() => buildingsOf(doors), [doors]);
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = chosen ?? buildings[0]?.name ?? "";
  return (
    <ul class="patrol-buildings">
      {buildings.map((building) => {
        const unfolded = open || building.name === shown;
        return (
          <li key={building.name}>
            <h3>
              <button type="button" class="patrol-building" aria-expanded={unfolded} onClick={() => setChosen(unfolded ? "" : building.name)}>
                <span>{building.name}</span>
                <span>{t("patrol.building", { due: building.due, n: building.doors.length })}</span>
                <Icon name="chevron" size={24} />
              </button>
            </h3>
            {unfolded && <Floors doors={building.doors} now={now} />}
            {unfolded && !open && <Claiming doors={building.doors.filter(({ due }) => due.due || due.claim?.mine).map(({ household }) => household)} building={building.name} />}
          </li>
        );
      })}
    </ul>
  );
}

function buildingsOf(doors: readonly Door[]): Building[] {
  const groups = [...grouped(doors, ({ household }) => household.building)];
  return groups
    .map(([name, within]) => ({ name, doors: within, due: within.filter((door) => door.due.due).length }))
    .sort((one, other) => byNumbers(one.name, other.name));
}

function Floors({ doors, now }: { doors: readonly Door[]; now: number }) {
  return (
    <ul class="patrol-rows">
      {doors.map((door, at) => {
        const [floor, before] = [floorWords(door.household), at === 0 ? "" : floorWords(doors[at - 1]?.household)];
        return (
          <Fragment key={door.household.id}>
            {floor !== before && floor !== "" && <li class="patrol-floor">{floor}</li>}
            <DoorRow door={door} now={now} />
          </Fragment>
        );
      })}
    </ul>
  );
}

function floorWords(household: Household | undefined): string {
  if (household === undefined) return "";
  const floor = floorOf(household.room);
  return listed([household.unit, floor === null ? "" : t("patrol.floor", { n: floor })].filter(Boolean));
}

function DoorRow({ door: { household, due }, now, whole = false }: { door: Door; now: number; whole?: boolean }) {
  return (
    <li>
      <a class={due.due ? "patrol-row" : "patrol-row is-done"} href={hrefOf("household", household.id)}>
        <strong>{whole ? placeWords(household) : household.room || t("patrol.room.none")}</strong>
        {household.tier !== "general" && <span class={`patrol-tier is-${household.tier}`}>{t(`patrol.tier.${household.tier}`)}</span>}
        <span class="patrol-row-more">{dueWords(due, household.tier, now)}</span>
        {due.claim?.mine && <span class="patrol-tier">{t("patrol.claim.mine.short")}</span>}
      </a>
    </li>
  );
}

function TaskRow({ task, now }: { task: Task; now: number }) {
  const late = task.due !== null && task.due < now;
  return (
    <li>
      <a class="patrol-row" href={hrefOf("task", task.id)}>
        <strong>{task.title}</strong>
        {task.case?.address_text && <span class="patrol-row-more">{task.case.address_text}</span>}
        {task.due !== null && <span class={late ? "patrol-row-more is-late" : "patrol-row-more"}>{t(late ? "patrol.task.late" : "patrol.task.by", { at: momentOf(task.due) })}</span>}
      </a>
    </li>
  );
}
