/** The support page: how the phones fare, who is silent, which visits lie in no grid, who made which code, what a phone exported, one phone, one record. The address says which. */
import { t } from "../i18n";
import { steps, usePlace } from "../page/place";
import { type Here, startStaffPage } from "../page/Staff";
import { Codes } from "./Codes";
import { DeviceList } from "./DeviceList";
import { DevicePage } from "./DevicePage";
import { OutboxFile } from "./OutboxFile";
import { RecordPage } from "./RecordPage";
import { SetAside } from "./SetAside";
import { SilentWorkers } from "./SilentWorkers";
import { VisitsAdrift } from "./VisitsAdrift";

const TABS = ["devices", "workers", "adrift", "codes", "outbox", "aside"] as const;
type Tab = (typeof TABS)[number];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function Support(here: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const [collection, id] = (asked.get("record") ?? "").split("/");
  const device = asked.get("device") ?? "";
  if (collection && id && UUID.test(id)) return <RecordPage {...here} collection={collection} id={id} />;
  if (UUID.test(device)) return <DevicePage {...here} uid={device} />;
  return <Lists {...here} tab={TABS.find((each) => each === asked.get("list")) ?? "devices"} />;
}

function Lists({ tab, ...here }: Here & { tab: Tab }) {
  const choose = (chosen: Tab): void => steps.take(chosen === "devices" ? "" : `list=${chosen}`);
  return (
    <>
      <h1>{t("support.title")}</h1>
      <div class="tabs">
        {TABS.map((each) => (
          <button key={each} type="button" aria-pressed={tab === each} onClick={() => choose(each)}>
            {t(`support.tab.${each}`)}
          </button>
        ))}
      </div>
      {tab === "devices" && <DeviceList {...here} />}
      {tab === "workers" && <SilentWorkers {...here} />}
      {tab === "adrift" && <VisitsAdrift {...here} />}
      {tab === "codes" && <Codes {...here} />}
      {tab === "outbox" && <OutboxFile />}
      {tab === "aside" && <SetAside />}
    </>
  );
}

startStaffPage("support", Support);
