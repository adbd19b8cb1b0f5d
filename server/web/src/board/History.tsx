/** What happened to an issue, newest first: who did what, from where, and what became of it. */
import type { HistoryEntry } from "../api/types";
import { currentLanguage, t, tData } from "../i18n";
import { clock, moment } from "../time";

const OFFLINE_MS = 120_000;

export function History({ entries, now }: { entries: readonly HistoryEntry[]; now: Date }) {
  return (
    <ol class="history">
      {entries.map((entry, index) => (
        <li key={index} class={`is-${entry.status}`}>
          <p class="history-head">
            <strong>{deed(entry)}</strong> <span>{entry.by ?? t(entry.from === "server" ? "history.server" : "history.unknown")}</span>
            <time dateTime={entry.at}>{moment(entry.at, now)}</time>
          </p>
          <p class="faint">{details(entry, now).join(" · ")}</p>
        </li>
      ))}
    </ol>
  );
}

function deed(entry: HistoryEntry): string {
  if (entry.body) return t("history.route");
  if (entry.state) return tData("state", entry.state);
  return tData("history", entry.action);
}

function details(entry: HistoryEntry, now: Date): string[] {
  const told: string[] = [];
  if (entry.body) told.push(t("history.routed", { body: entry.body }));
  if (entry.action === "patch" && entry.fields.length > 0) {
    told.push(entry.fields.map((field) => tData("field", field)).join(t("list.comma")));
  }
  if (entry.moved) {
    told.push(`${moment(entry.moved.from, now)} → ${moment(entry.moved.to, now)}`, entry.moved.why);
  }
  if (entry.status !== "applied") told.push(tData("history.status", entry.status));
  if (entry.problem) told.push(currentLanguage() === "zh" ? entry.problem.zh : entry.problem.en);
  const received = new Date(entry.received_at);
  if (entry.from === "device" && received.getTime() - Date.parse(entry.at) > OFFLINE_MS) {
    told.push(t("history.offline", { time: clock(received).slice(0, 5) }));
  }
  return told;
}
