/**
 * Leaving this phone: everything of this worker is taken off it, once the server has all of it, or a file of what it has
 * not got was kept. Others who use the phone are not touched.
 */
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { Busy } from "../../sync/index";
import { revokeOwn } from "../../sync/transport";
import type { Phone } from "../phone";
import { useLive, usePhone } from "../shell/live";
import { Carry, proven } from "../shell/SyncSheet";

/** `safe`: the server has it all; `carried`: what it lacks is in a file; `over`: the phone is out of use, and has nothing left to send. */
type May = "safe" | "carried" | "over";

export function Leave({ onLeave }: { onLeave: () => Promise<void> }) {
  const { phone } = usePhone();
  const [open, setOpen] = useState(false);
  return (
    <details class="patrol-more" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t("patrol.leave")}</summary>
      {open && <Steps phone={phone} onLeave={onLeave} />}
    </details>
  );
}

function Steps({ phone, onLeave }: { phone: Phone; onLeave: () => Promise<void> }) {
  const [may, setMay] = useState<{ readonly by: May; readonly unsent: number } | null>(null);
  const [working, setWorking] = useState(false);
  const [said, setSaid] = useState("");
  const unsent = useLive(() => leftOn(phone), [phone]) ?? 0;
  const drafts = useLive(() => phone.drafts.count(), [phone]) ?? 0;
  const look = async (): Promise<void> => {
    setWorking(true);
    setSaid("");
    try {
      setMay(await found(phone));
    } catch (error) {
      setMay(null);
      setSaid(t(error instanceof Busy ? "patrol.proof.busy" : "patrol.leave.unsafe"));
    }
    setWorking(false);
  };
  const leave = async (by: May): Promise<void> => {
    setWorking(true);
    // What the server cannot be told now, the station or another phone of the worker can tell it.
    if (by === "safe") await outOfUse(phone).catch(() => undefined);
    await onLeave();
  };
  // What was entered since is not in the file, and not proven.
  const standing = may !== null && may.unsent === unsent ? may.by : null;
  return (
    <>
      <p>{t("patrol.leave.text")}</p>
      {drafts > 0 && <p class="notice">{t("patrol.leave.drafts", { n: drafts })}</p>}
      {standing === null && <button type="button" class="wide" disabled={working} onClick={() => void look()}>{t(working ? "patrol.proof.working" : "patrol.leave.look")}</button>}
      <p role="status" class={standing === null ? "notice" : "patrol-safe"} hidden={said === "" && standing === null}>{standing === null ? said : t(`patrol.leave.${standing}`)}</p>
      {standing === null && said !== "" && unsent > 0 && <Carry onCarried={() => setMay({ by: "carried", unsent })} />}
      {standing !== null && <button type="button" class="patrol-grave" disabled={working} onClick={() => void leave(standing)}>{t("patrol.leave.do")}</button>}
    </>
  );
}

/** How much the server has not got: operations and photos. */
async function leftOn(phone: Phone): Promise<number> {
  return (await phone.unsent()) + (await phone.photos.waiting()).length;
}

/** Return why the worker may leave, null where they may not yet. Throws what an exchange throws. */
async function found(phone: Phone): Promise<{ by: May; unsent: number } | null> {
  const { standing, enrolled } = await phone.client.summary();
  const unsent = await leftOn(phone);
  if (unsent === 0 && (standing.revoked || standing.wipe || !enrolled)) return { by: "over", unsent };
  const proof = await proven(phone);
  if (proof.at !== "safe") throw new Error("not safe");
  return { by: "safe", unsent: await leftOn(phone) };
}

async function outOfUse(phone: Phone): Promise<void> {
  const device = await phone.client.store.single("device");
  if (device !== undefined) await revokeOwn(await phone.client.line(), device.device_id);
}
