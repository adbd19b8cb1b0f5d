/** The phones that the worker uses, as the server knows them; one that was lost is put out of use from here. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import { type OwnDevice, ownDevices, revokeOwn } from "../../sync/transport";
import { usePhone } from "../shell/live";
import { momentOf } from "../shell/SyncLine";

export function Phones() {
  const { phone } = usePhone();
  const [devices, setDevices] = useState<readonly OwnDevice[] | null>(null);
  const [failed, setFailed] = useState(false);
  const look = useCallback(async () => {
    try {
      setDevices(await ownDevices(await phone.client.line()));
      setFailed(false);
    } catch {
      setFailed(true);
    }
  }, [phone]);
  useEffect(() => void look(), [look]);
  const revoke = async (id: string, wipe: boolean): Promise<void> => {
    try {
      await revokeOwn(await phone.client.line(), id, wipe);
    } catch {
      setFailed(true);
      return;
    }
    await look();
  };
  return (
    <section aria-labelledby="phones">
      <h2 id="phones">{t("patrol.phones")}</h2>
      {failed && <p class="notice" role="alert">{t("patrol.phones.unreachable")}</p>}
      {devices !== null && (
        <ul class="patrol-list">
          {devices.map((device) => <li key={device.id}><OnePhone device={device} onRevoke={(wipe) => revoke(device.id, wipe)} /></li>)}
        </ul>
      )}
    </section>
  );
}

function OnePhone({ device, onRevoke }: { device: OwnDevice; onRevoke: (wipe: boolean) => Promise<void> }) {
  const [wipe, setWipe] = useState(false);
  const since = momentOf(Date.parse(device.enrolled_at));
  const heard = device.last_exchange_at === null ? "" : t("patrol.phones.heard", { at: momentOf(Date.parse(device.last_exchange_at)) });
  const name = device.name === device.platform ? device.name : `${device.name} · ${device.platform}`;
  return (
    <>
      <p><strong>{name}</strong> {device.this && <span class="patrol-tier">{t("patrol.phones.this")}</span>}</p>
      <p class="faint">{[t("patrol.phones.since", { at: since }), heard].filter(Boolean).join(t("patrol.place.and"))}</p>
      {!device.this && (
        <details class="patrol-more">
          <summary>{t("patrol.phones.revoke")}</summary>
          <p>{t("patrol.phones.revoke.text")}</p>
          <label class="check patrol-check"><input type="checkbox" checked={wipe} onChange={({ currentTarget }) => setWipe(currentTarget.checked)} />{t("patrol.phones.wipe")}</label>
          <button type="button" class="patrol-grave" onClick={() => void onRevoke(wipe)}>{t("patrol.phones.revoke.do")}</button>
        </details>
      )}
    </>
  );
}
