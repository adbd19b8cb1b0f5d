/** What waits and why, sending by hand, and the proof that all is safe: said only when the server's own sums agree. */
import { useState } from "preact/hooks";
import { t, tData } from "../../i18n";
import { progress } from "../../photos";
import { Busy, type Entry } from "../../sync/index";
import { ALL, type Phone } from "../phone";
import { APP_VERSION } from "../vault/described";
import { useLive, usePhone } from "./live";
import { isFull } from "./room";
import { hrefOf } from "./route";
import { momentOf, useReach } from "./SyncLine";

type Proof = { readonly at: "nothing" } | { readonly at: "working" } | { readonly at: "safe"; readonly moment: number } | { readonly at: "not"; readonly words: string };
const SHOWN = 50;
const TURNS = 5;
const BETWEEN_MS = 1_000;

export function SyncSheet() {
  const { phone } = usePhone();
  const reach = useReach(phone);
  const waiting = useLive(() => phone.client.store.outbox.where({ state: "waiting" }).sortBy("seq"), [phone]) ?? [];
  const doubtful = useLive(() => phone.client.doubtful(), [phone]) ?? [];
  const photos = useLive(() => progress(phone.photos), [phone]);
  const [proof, setProof] = useState<Proof>({ at: "nothing" });

  const prove = async (): Promise<void> => {
    setProof({ at: "working" });
    try {
      setProof(await proven(phone));
    } catch (error) {
      setProof({ at: "not", words: t(isFull(error) ? "patrol.room.full" : error instanceof Busy ? "patrol.proof.busy" : "patrol.proof.unreachable") });
    }
  };
  const unsent = useLive(() => phone.unsent(), [phone]) ?? waiting.length;
  return (
    <section class="patrol-part" aria-labelledby="sync">
      <h1 id="sync">{t("patrol.sync")}</h1>
      <p class="patrol-lead">{unsent > 0 ? t("patrol.sync.waits", { n: unsent }) : t("patrol.sync.none")}</p>
      {photos !== undefined && photos.waiting + photos.refused > 0 && (
        <p>
          {photos.waiting > 0 && t("patrol.photos.waiting", { n: photos.waiting, percent: Math.floor((100 * photos.sent_bytes) / Math.max(1, photos.total_bytes)) })}
          {photos.refused > 0 && t("patrol.photos.refused", { n: photos.refused })}
        </p>
      )}
      {unsent > 0 && <p>{t(`patrol.sync.reason.${reach}`)}</p>}
      <button type="button" class="wide" disabled={proof.at === "working"} onClick={() => void prove()}>{t(proof.at === "working" ? "patrol.proof.working" : "patrol.proof.do")}</button>
      <p role="status" class={proof.at === "safe" ? "patrol-safe" : "notice"} hidden={proof.at === "nothing"}>
        {proof.at === "safe" && t("patrol.proof.safe", { at: momentOf(proof.moment) })}
        {proof.at === "not" && proof.words}
        {proof.at === "working" && (unsent > 0 ? t("patrol.proof.left", { n: unsent }) : t("patrol.proof.comparing"))}
      </p>
      {doubtful.length > 0 && <p class="notice"><a href={hrefOf("mine")}>{t("patrol.sync.doubtful", { n: doubtful.length })}</a></p>}
      {waiting.length > 0 && (
        <>
          <h2>{t("patrol.sync.list")}</h2>
          <ul class="patrol-list">
            {waiting.slice(0, SHOWN).map((entry) => <li key={entry.seq}>{wordsOf(entry)}</li>)}
          </ul>
          {waiting.length > SHOWN && <p>{t("patrol.sync.more", { n: waiting.length - SHOWN })}</p>}
        </>
      )}
      {unsent + (photos?.waiting ?? 0) > 0 && <Carry />}
      <p class="faint">{t("patrol.sync.keeps")}</p>
    </section>
  );
}

function wordsOf({ op, collection }: Entry): string {
  const said = op.data.outcome ?? op.data.description ?? op.data.step ?? "";
  const words = typeof op.data.outcome === "string" ? tData("choice.outcome", op.data.outcome) : String(said);
  return [momentOf(Date.parse(op.captured_at)), tData("patrol.what", collection), words].filter(Boolean).join(" · ");
}

/**
 * Send everything and compare with the server's sums. The background may be at the same: what it has in hand is awaited,
 * a few times. Throws what an exchange throws.
 */
export async function proven(phone: Phone): Promise<Proof> {
  await phone.promote(ALL);
  for (let turn = 0; turn < TURNS; turn += 1) {
    const fetchedAgain = await phone.client.verify();
    await phone.uploader.send();
    const left = (await phone.unsent()) + (await phone.photos.waiting()).length;
    if (fetchedAgain === 0 && left === 0) return { at: "safe", moment: Date.now() };
    if (left > 0 && phone.network.reach !== "reached") return { at: "not", words: t("patrol.proof.unreachable") };
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
  }
  return { at: "not", words: t("patrol.proof.differs") };
}

/** What was not sent, as a file that only the server can open: for when no network comes. */
export function Carry({ onCarried }: { onCarried?: () => void }) {
  const { phone } = usePhone();
  const [said, setSaid] = useState("");
  const save = async (): Promise<void> => {
    try {
      await phone.promote(ALL);
      const { blob, name, operations } = await phone.client.carry(APP_VERSION, await phone.photos.unsent());
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
      link.click();
      URL.revokeObjectURL(link.href);
      setSaid(t("patrol.carry.done", { name, n: operations }));
      onCarried?.();
    } catch (error) {
      setSaid(t(isFull(error) ? "patrol.room.full" : "patrol.carry.failed"));
    }
  };
  return (
    <details class="patrol-more">
      <summary>{t("patrol.carry")}</summary>
      <p>{t("patrol.carry.why")}</p>
      <button type="button" class="patrol-plain" onClick={() => void save()}>{t("patrol.carry")}</button>
      <p role="status">{said}</p>
    </details>
  );
}
