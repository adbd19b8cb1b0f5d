/** The support page: how the phones fare, who is silent, one phone, one record. The address says which. */
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { type Here, startStaffPage } from "../page/Staff";
import { DeviceList } from "./DeviceList";
import { DevicePage } from "./DevicePage";
import { RecordPage } from "./RecordPage";
import { SilentWorkers } from "./SilentWorkers";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function Support(here: Here) {
  const asked = new URLSearchParams(location.search);
  const [collection, id] = (asked.get("record") ?? "").split("/");
  const device = asked.get("device") ?? "";
  if (collection && id && UUID.test(id)) return <RecordPage {...here} collection={collection} id={id} />;
  if (UUID.test(device)) return <DevicePage {...here} uid={device} />;
  return <Lists {...here} />;
}

function Lists(here: Here) {
  const [tab, setTab] = useState(new URLSearchParams(location.search).get("list") === "workers" ? "workers" : "devices");
  const choose = (chosen: "devices" | "workers"): void => {
    history.replaceState(null, "", chosen === "workers" ? "?list=workers" : location.pathname);
    setTab(chosen);
  };
  return (
    <>
      <h1>{t("support.title")}</h1>
      <div class="tabs">
        {(["devices", "workers"] as const).map((each) => (
          <button key={each} type="button" aria-pressed={tab === each} onClick={() => choose(each)}>
            {t(`support.tab.${each}`)}
          </button>
        ))}
      </div>
      {tab === "devices" ? <DeviceList {...here} /> : <SilentWorkers {...here} />}
    </>
  );
}

startStaffPage("support", Support);
