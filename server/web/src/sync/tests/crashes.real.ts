import { beforeEach, expect, test } from "vitest";
import type { SyncClient } from "../index.js";
import { agrees, type Browser, control, enrolled, issue, survives, visit, worker } from "./stage.js";

beforeEach(async () => control("clear"));

/** Do some work in a tab that dies at its first step, then in one that dies at its second, until one gets through. */
async function dyingEverywhere(browser: Browser, work: (tab: SyncClient) => Promise<unknown>): Promise<number> {
  for (let last = 1; ; last += 1) {
    if (await survives(browser, last, work)) return last;
    expect(last).toBeLessThan(200);
  }
}

test("an operation is entered whole or not at all, wherever the tab dies, and numbers have no gap", async () => {
  const browser = await enrolled(await worker("west"));
  const acknowledged: string[] = [];
  const deaths = await dyingEverywhere(browser, async (tab) => acknowledged.push((await tab.put("visits", visit())).id));
  expect(deaths).toBeGreaterThan(2);
  const tab = browser.tab();
  acknowledged.push((await tab.put("visits", visit())).id);
  expect((await tab.list("visits")).map(({ id }) => id)).toEqual(acknowledged);
  await agrees(tab);
});

test("an exchange goes on where a tab died: nothing is lost and nothing is there twice", async () => {
  const login = await worker("west");
  const [browser, other] = [await enrolled(login), (await enrolled(login)).tab()];
  const { id: shared } = await other.put("issues", issue());
  await other.exchange();
  const tab = browser.tab();
  await tab.exchange();
  for (let count = 0; count < 3; count += 1) await tab.put("visits", visit());
  await tab.put("visits", visit({ outcome: "shrugged" }));
  await tab.patch("issues", shared, { severity: "urgent" });
  await other.patch("issues", shared, { address_text: "阳岭大道 1 号" });
  await other.exchange();
  expect(await dyingEverywhere(browser, (each) => each.exchange())).toBeGreaterThan(4);
  await agrees(tab);
  await agrees(other);
  expect(await tab.list("visits")).toHaveLength(3);
  expect((await tab.get("issues", shared))?.data).toMatchObject({ severity: "urgent", address_text: "阳岭大道 1 号" });
});

test("a move of the worker's grids is carried through wherever tabs die", async () => {
  const login = await worker("west");
  const browser = await enrolled(login);
  const tab = browser.tab();
  for (let count = 0; count < 5; count += 1) await tab.put("visits", visit());
  await tab.exchange();
  await control("worker", { login, areas: ["east"] });
  await tab.put("issues", issue());
  await dyingEverywhere(browser, (each) => each.exchange());
  expect(await tab.list("visits")).toEqual([]);
  await agrees(tab);
});

test("beginning anew after a restore is carried through wherever tabs die, even of a second restore", async () => {
  const browser = await enrolled(await worker("west"));
  const tab = browser.tab();
  await tab.put("visits", visit());
  await tab.exchange();
  await control("dump");
  for (let count = 0; count < 3; count += 1) await tab.put("visits", visit());
  await tab.exchange();
  await control("restore");
  for (let last = 1; last < 12; last += 1) await survives(browser, last, (each) => each.exchange());
  await control("restore");
  await dyingEverywhere(browser, (each) => each.exchange());
  expect(await tab.list("visits")).toHaveLength(4);
  await agrees(tab);
});

test("two tabs that enter and exchange at the same moment make one device", async () => {
  const browser = await enrolled(await worker("west"));
  const tabs = [browser.tab(), browser.tab(), browser.tab()];
  await Promise.all(
    tabs.map(async (tab) => {
      for (let count = 0; count < 4; count += 1) {
        const { id } = await tab.put("issues", issue());
        await tab.exchange();
        await tab.patch("issues", id, { severity: "urgent" });
      }
      await tab.exchange();
    }),
  );
  for (const tab of tabs) await agrees(tab);
  const entries = await (tabs[0] as SyncClient).store.outbox.toArray();
  expect(entries).toHaveLength(24);
  expect(new Set(entries.map(({ state }) => state))).toEqual(new Set(["applied"]));
});

test("a page that comes late, when another tab has pulled on, is never seen", async () => {
  const browser = await enrolled(await worker("west"));
  const tab = browser.tab();
  const { id } = await tab.put("issues", issue());
  const [arrived, released] = [gate(), gate()];
  const slow: typeof fetch = async (...asked) => {
    const answer = await fetch(...asked);
    if (!String(asked[0]).includes("/pull")) return answer;
    arrived.open();
    await released.opened;
    return answer;
  };
  const late = browser.tab(undefined, { fetch: slow }).exchange();
  await arrived.opened;
  await tab.patch("issues", id, { severity: "urgent" });
  await tab.exchange();
  const seen = new Set<unknown>();
  const watching = tab.watch(() => tab.get("issues", id)).subscribe((record) => void seen.add(record?.data.severity));
  released.open();
  await late;
  await agrees(tab);
  watching.unsubscribe();
  expect([...seen]).toEqual(["urgent"]);
});

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
