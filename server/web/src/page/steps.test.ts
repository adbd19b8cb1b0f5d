import { expect, test } from "vitest";
import { type Browser, Steps } from "./steps";

/** A browser's history as far as it matters here: `back` takes its time, as in a real one. */
class History implements Browser {
  entries: { state: unknown; url: string }[];
  at = 0;
  backs = 0;
  #popped: () => void = () => undefined;

  constructor(url = "/map") {
    this.entries = [{ state: null, url }];
  }
  get location(): { pathname: string; search: string } {
    const { pathname, search } = new URL(this.entries[this.at]?.url ?? "/", "http://city");
    return { pathname, search };
  }
  get history() {
    const present = this;
    return {
      get state() { return present.entries[present.at]?.state; },
      pushState(state: unknown, _: string, url: string) {
        present.entries = [...present.entries.slice(0, present.at + 1), { state: structuredClone(state), url }];
        present.at += 1;
      },
      replaceState(state: unknown, _: string, url: string) {
        present.entries[present.at] = { state: structuredClone(state), url };
      },
      back() { present.backs += 1; },
    };
  }
  addEventListener(_: "popstate", listener: () => void): void {
    this.#popped = listener;
  }
  /** What the browser does when it gets round to it; or when the person presses Back. */
  go(by = -1): void {
    this.backs = 0;
    this.at += by;
    this.#popped();
  }
}

const urls = (browser: History): string[] => browser.entries.map((entry) => entry.url);

test("a step can be undone, and typing is none", () => {
  const browser = new History();
  const steps = new Steps(browser);
  steps.settle("search=a");
  steps.settle("search=ab");
  steps.take("search=ab&issue=1");
  expect(urls(browser)).toEqual(["/map?search=ab", "/map?search=ab&issue=1"]);
  browser.go();
  expect(steps.place).toMatchObject({ search: "?search=ab", opened: null });
});

test("going where one stands is no step", () => {
  const browser = new History("/map?issue=1");
  new Steps(browser).take("issue=1");
  expect(browser.entries).toHaveLength(1);
});

test("leaving a step goes back to where it was taken from", () => {
  const browser = new History();
  const steps = new Steps(browser);
  steps.take("issue=1");
  steps.leave("");
  expect(browser.backs).toBe(1);
  browser.go();
  expect(steps.place.search).toBe("");
});

test("leaving a step that a link led to stays in the page", () => {
  const browser = new History("/map?issue=1");
  const steps = new Steps(browser);
  steps.leave("");
  expect(browser.backs).toBe(0);
  expect(urls(browser)).toEqual(["/map?issue=1", "/map"]);
});

test("what is asked while the browser goes back happens after it", () => {
  const browser = new History();
  const steps = new Steps(browser);
  steps.take("issue=1");
  steps.leave("");
  steps.take("issue=2");
  expect(urls(browser)).toEqual(["/map", "/map?issue=1"]);
  browser.go();
  expect(urls(browser)).toEqual(["/map", "/map?issue=2"]);
});

test("Back closes what lies opened and keeps what was chosen in it, which a second one undoes", () => {
  const browser = new History();
  const steps = new Steps(browser);
  steps.open("states");
  steps.settle("states=filed");
  expect(steps.place.opened).toBe("states");
  browser.go();
  expect(steps.place).toMatchObject({ search: "?states=filed", opened: null });
  browser.go();
  expect(steps.place).toMatchObject({ search: "", opened: null });
});

test("what closes by itself without a choice leaves no step behind", () => {
  const browser = new History();
  const steps = new Steps(browser);
  steps.open("states");
  steps.close("states");
  browser.go();
  steps.take("issue=1");
  expect(urls(browser)).toEqual(["/map", "/map?issue=1"]);
});

test("what closes by itself after a choice is that step", () => {
  const browser = new History();
  const steps = new Steps(browser);
  steps.open("states");
  steps.settle("states=filed");
  steps.close("states");
  expect(browser.backs).toBe(0);
  expect(steps.place).toMatchObject({ search: "?states=filed", opened: null });
  expect(urls(browser)).toEqual(["/map", "/map?states=filed"]);
});

test("a page that is read anew knows the steps before it", () => {
  const browser = new History();
  new Steps(browser).take("issue=1");
  const again = new Steps(browser);
  again.leave("");
  expect(browser.backs).toBe(1);
});

test("whatever is done and undone, the address and the place agree", () => {
  const browser = new History();
  const steps = new Steps(browser);
  const acts: (() => void)[] = [
    () => steps.take(`issue=${browser.entries.length}`), () => steps.settle(`search=${browser.entries.length}`),
    () => steps.open("panel"), () => steps.close("panel"), () => steps.leave(""),
    () => browser.at > 0 && browser.go(), () => browser.at < browser.entries.length - 1 && browser.go(1),
  ];
  let seed = 7;
  for (let turn = 0; turn < 3_000; turn += 1) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    acts[seed % acts.length]?.();
    while (browser.backs > 0) browser.go();
    expect(steps.place.search).toBe(browser.location.search);
    expect(browser.at).toBeGreaterThanOrEqual(0);
  }
});
