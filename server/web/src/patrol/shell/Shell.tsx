/** What stands around every screen: the line that tells what is sent, the undo, and the four ways. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { type Key, t, useLanguage } from "../../i18n";
import { Icon } from "../../page/Icon";
import { sendClaims } from "../household/claims";
import { Household } from "../household/Household";
import { NewDoor } from "../household/NewDoor";
import { MapScreen } from "../map/MapScreen";
import { refreshNeighbours } from "../map/neighbours";
import { Me } from "../me/Me";
import type { Phone } from "../phone";
import { refreshCatalogue } from "../report/catalogue";
import { Report } from "../report/Report";
import { IssuePage } from "../reports/IssuePage";
import { Mine } from "../reports/Mine";
import { TaskPage } from "../reports/TaskPage";
import { refreshScopeChanges } from "../today/ScopeChanged";
import { Today } from "../today/Today";
import { PhoneContext, useBook, useLive } from "./live";
import { type Route, type ScreenName, hrefOf, useRoute } from "./route";
import { RoomLine } from "./RoomLine";
import { Standing } from "./Standing";
import { SyncLine } from "./SyncLine";
import { SyncSheet } from "./SyncSheet";
import { UndoBar } from "./UndoBar";
import { UpdateLine } from "./UpdateLine";

const WAYS = [
  ["today", "patrol.today", "home"],
  ["report", "patrol.report", "plus"],
  ["mine", "patrol.mine", "check"],
  ["map", "patrol.map", "map"],
] as const satisfies readonly (readonly [ScreenName, Key, string])[];

export function Shell({ phone, onLock, onLeave }: { phone: Phone; onLock: () => void; onLeave: () => Promise<void> }) {
  useLanguage();
  const route = useRoute();
  const book = useBook(phone);
  const summary = useLive(() => phone.client.summary(), [phone]);
  const worker = summary?.worker?.name ?? "";
  const context = useMemo(() => (book === null ? null : { phone, book, worker }), [phone, book, worker]);
  const scope = summary?.position.scope?.version;
  useEffect(() => {
    // While there is a network: what reports need when there is none.
    void refreshCatalogue(phone);
    void refreshNeighbours(phone);
  }, [phone, scope]);
  const ground = useLive(async () => (await phone.client.list("grids")).map(({ id, rev }) => `${id} ${rev}`).join(), [phone]);
  const isWhole = summary !== undefined && !summary.position.filling;
  useEffect(() => {
    if (isWhole) void refreshScopeChanges(phone);
  }, [phone, ground, isWhole]);
  const pulled = summary?.position.pulled_at;
  useEffect(() => void sendClaims(phone), [phone, pulled]);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    main.current?.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [route.screen, route.id]);
  if (context === null || summary === undefined) return <p class="patrol-wait" role="status">{t("live.loading")}</p>;
  return (
    <PhoneContext.Provider value={context}>
      <div class="patrol">
        <header><SyncLine phone={phone} summary={summary} here={route.screen === "sync"} /></header>
        <RoomLine phone={phone} />
        <main ref={main} class={route.screen === "map" ? "patrol-main is-map" : "patrol-main"} tabIndex={-1}>
          <UpdateLine />
          <Standing phone={phone} summary={summary} />
          <Screen route={route} onLock={onLock} onLeave={onLeave} />
        </main>
        <UndoBar phone={phone} />
        <nav class="patrol-ways" aria-label={t("nav.pages")}>
          {WAYS.map(([screen, words, icon]) => (
            <a key={screen} href={hrefOf(screen)} aria-current={route.screen === screen ? "page" : undefined}>
              <Icon name={icon} size={24} />
              <span>{t(words)}</span>
            </a>
          ))}
        </nav>
      </div>
    </PhoneContext.Provider>
  );
}

function Screen({ route: { screen, id }, onLock, onLeave }: { route: Route; onLock: () => void; onLeave: () => Promise<void> }) {
  switch (screen) {
    case "household": return <Household key={id} id={id ?? ""} />;
    case "door": return <NewDoor />;
    case "report": return <Report key={id} household={id} />;
    case "mine": return <Mine />;
    case "issue": return <IssuePage key={id} id={id ?? ""} />;
    case "task": return <TaskPage key={id} id={id ?? ""} />;
    case "map": return <MapScreen />;
    case "sync": return <SyncSheet />;
    case "me": return <Me onLock={onLock} onLeave={onLeave} />;
    default: return <Today />;
  }
}
