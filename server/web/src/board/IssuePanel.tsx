/** Everything about one issue: what, where, photos, state, deadline, body, why it was routed there, history. */
import { useEffect, useRef } from "preact/hooks";
import type { IssueInFull, Photo } from "../api/types";
import { signOf } from "../ground/icons";
import { currentLanguage, t, tData } from "../i18n";
import { Facts, Section } from "../page/Facts";
import { Icon } from "../page/Icon";
import { Sign } from "../page/Sign";
import { leftOf, moment } from "../time";
import { History } from "./History";
import type { Live } from "./live";
import { PanelSteps } from "./PanelSteps";
import { RoutingReasons } from "./RoutingReasons";

interface Props {
  live: Live<IssueInFull>;
  /** Whether this person may read the record operation by operation. */
  mayRead: boolean;
  now: Date;
  onClose: () => void;
  onShow: (issue: IssueInFull) => void;
}

export function IssuePanel({ live, mayRead, now, onClose, onShow }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const issue = live.value;
  useEffect(() => heading.current?.focus({ preventScroll: true }), [issue?.id]);
  return (
    <article class="card" aria-busy={issue === null && live.status === "loading"}>
      <header class="card-head">
        <div class="card-heading">
          <h2 ref={heading} tabIndex={-1}>
            {issue ? title(issue) : t(live.status === "refused" ? "error.title" : "issue.loading")}
          </h2>
          {issue && <Standing issue={issue} now={now} />}
        </div>
        <button type="button" class="icon-button" aria-label={t("issue.close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {live.status === "refused" && <p class="warning" role="alert">{live.gone ? t("issue.gone") : t("error.text", { detail: live.detail })}</p>}
      {live.status === "offline" && issue === null && <p class="warning" role="alert">{t("error.unreachable")}</p>}
      {issue && !live.gone && <Body issue={issue} mayRead={mayRead} now={now} onShow={onShow} onChanged={live.retry} />}
    </article>
  );
}

function title(issue: IssueInFull): string {
  return currentLanguage() === "en" && issue.category.name_en ? issue.category.name_en : issue.category.name_zh;
}

function Standing({ issue, now }: { issue: IssueInFull; now: Date }) {
  const sign = signOf(issue);
  const parent = currentLanguage() === "en" ? issue.category.parent_en : issue.category.parent_zh;
  return (
    <p class="standing">
      <Sign light={sign} />
      <span class={`due is-${sign}`}>{issue.closed_at ? t("light.closed") : leftOf(issue, now)}</span>
      <span class="pill">{tData("state", issue.state)}</span>
      <span class="faint">{[parent, issue.category.code].filter(Boolean).join(" · ")}</span>
      {issue.severity === "urgent" && <span class="mark is-urgent">{t("mark.urgent")}</span>}
      {issue.private && <span class="mark">{t("mark.private")}</span>}
    </p>
  );
}

function Body({ issue, mayRead, now, onShow, onChanged }: Omit<Props, "live" | "onClose"> & { issue: IssueInFull; onChanged: () => void }) {
  return (
    <>
      <Section name={t("issue.what")}>
        <p class={issue.description ? "description" : "faint"}>
          {issue.masked ? <Masked /> : (issue.description ?? t("issue.nodescription"))}
        </p>
        {issue.tags.length > 0 && <p class="tags">{issue.tags.map((tag) => <span class="pill" key={tag}>{tag}</span>)}</p>}
        <Photos issue={issue} mayRead={mayRead} />
      </Section>
      <PanelSteps key={issue.id} id={issue.id} now={now} onChanged={onChanged} />
      <Section name={t("issue.handling")}>
        <Handling issue={issue} now={now} />
      </Section>
      <Section name={t("issue.why")}>
        <RoutingReasons issue={issue} now={now} />
      </Section>
      <Section name={t("issue.where")}>
        <Where issue={issue} onShow={onShow} />
      </Section>
      <Section name={t("issue.history")}>
        <History entries={issue.history} now={now} />
        <Facts
          rows={[
            [t("issue.reporter"), issue.reporter],
            [t("issue.captured"), moment(issue.captured_at, now)],
            [t("issue.received"), moment(issue.received_at, now)],
            [t("issue.number"), <code key="number">{issue.id}</code>],
          ]}
        />
        {mayRead && (
          <a class="quiet" href={`/support?record=issues/${issue.id}`}>{t("issue.operations")}</a>
        )}
      </Section>
    </>
  );
}

function Masked() {
  return (
    <span class="masked">
      <Icon name="lock" size={16} /> {t("masked.text")}
    </span>
  );
}

function Photos({ issue, mayRead }: { issue: IssueInFull; mayRead: boolean }) {
  if (issue.masked) return null;
  if (issue.photos.length === 0) return <p class="faint">{t("issue.photos.none")}</p>;
  return (
    <ul class="photos" aria-label={t("issue.photos")}>
      {issue.photos.map((photo, index) => (
        <li key={photo.id}>
          <PhotoFrame photo={photo} mayRead={mayRead} words={t("issue.photo", { n: index + 1 })} />
        </li>
      ))}
    </ul>
  );
}

function PhotoFrame({ photo, mayRead, words }: { photo: Photo; mayRead: boolean; words: string }) {
  if (photo.awaited || photo.refused !== undefined) {
    return (
      <span class="photo is-awaited">
        {words} <small>{t(photo.awaited ? "issue.photo.awaited" : "issue.photo.refused")}</small>
        {photo.refused !== undefined && mayRead && <a href={`/v1/files/${photo.id}/original`} download title={t("issue.photo.original.care")}>{t("issue.photo.original")}</a>}
      </span>
    );
  }
  return (
    <a class="photo" href={`/v1/files/${photo.id}/content`} target="_blank" rel="noopener">
      {photo.preview === "ready" ? <img src={`/v1/files/${photo.id}/preview`} alt={words} loading="lazy" /> : words}
    </a>
  );
}

function Handling({ issue, now }: { issue: IssueInFull; now: Date }) {
  const { routing_failure: failure } = issue;
  if (failure !== null) {
    const next = moment(failure.next_attempt_at, now);
    return (
      <p class="notice">
        {t("issue.unroutable", { attempts: failure.attempts, next })}
        {failure.reason !== null && <code class="cause">{failure.reason}</code>}
      </p>
    );
  }
  if (issue.awaiting_routing) return <p class="notice">{t("issue.awaiting")}</p>;
  if (issue.body === null) return <p class="faint">{t("issue.norouting")}</p>;
  return (
    <Facts
      rows={[
        [t("issue.body"), <strong key="body">{issue.body.name}</strong>],
        [t("issue.assisting"), issue.assisting.map((body) => body.name).join(t("list.comma"))],
        [t("issue.deadline"), issue.due_at && moment(issue.due_at, now)],
        [t("issue.answer"), issue.public_answer],
        [t("issue.closed"), issue.closed_at && `${moment(issue.closed_at, now)} ${tData("closing", issue.closing_reason ?? "")}`],
      ]}
    />
  );
}

function Where({ issue, onShow }: { issue: IssueInFull; onShow: (issue: IssueInFull) => void }) {
  const { location, grid_at_capture: then } = issue;
  const moved = then !== null && then.code !== issue.grid?.code;
  return (
    <>
      <Facts
        rows={[
          [t("field.address_text"), issue.masked ? null : (issue.address ?? t("issue.noaddress"))],
          [t("issue.grid"), issue.grid ? <GridPath issue={issue} key="grid" /> : t("issue.outside")],
          [t("issue.grid.worker"), issue.workers.join(t("list.comma"))],
          [t("issue.grid.then"), moved && then ? `${then.name}${then.edition ? ` · ${t("issue.edition")} ${then.edition}` : ""}` : null],
          [t("issue.coordinates"), location && <Coordinates location={location} key="place" />],
          [t("issue.candidates"), issue.ambiguous ? issue.candidates.map((grid) => grid.name).join(t("list.comma")) : null],
        ]}
      />
      {doubts(issue).map((doubt) => (
        <p class="notice" key={doubt}>{doubt}</p>
      ))}
      {(location || issue.approximate) && (
        <button type="button" class="quiet" onClick={() => onShow(issue)}>
          <Icon name="pin" size={16} /> {t("issue.show")}
        </button>
      )}
    </>
  );
}

function GridPath({ issue }: { issue: IssueInFull }) {
  return (
    <>
      <strong>{issue.grid?.name}</strong> <code>{issue.grid?.code}</code>
      <br />
      <span class="faint">{issue.path.map((area) => area.name).join(" › ")}</span>
    </>
  );
}

function Coordinates({ location }: { location: NonNullable<IssueInFull["location"]> }) {
  const accuracy = location.accuracy_m === null ? null : t("issue.accuracy", { m: Math.round(location.accuracy_m) });
  return (
    <>
      <span class="numbers">{`${location.lon.toFixed(6)}, ${location.lat.toFixed(6)}`}</span>
      {accuracy && <span class="faint"> {accuracy}</span>}
    </>
  );
}

function doubts(issue: IssueInFull): string[] {
  const told: string[] = [];
  if (issue.how === "near") told.push(t("issue.near", { m: Math.round(issue.distance_m ?? 0) }));
  if (issue.how === "outside") told.push(t("issue.outside"));
  if (issue.ambiguous) told.push(t("issue.ambiguous"));
  if (issue.approximate) told.push(t("masked.point"));
  return told;
}
