import { expect, test } from "vitest";
import { type Chosen, addressOf, chosenFromAddress } from "./address";
import { NO_FILTERS } from "./filters";

test("what is chosen comes back from the address, beside the filters", () => {
  const choices: Chosen[] = [
    null,
    { kind: "issue", id: "0190a0b0-0000-4000-8000-000000000001" },
    { kind: "grid", code: "340102001001011" },
    { kind: "spot", at: [117.283042, 31.86119] },
  ];
  for (const chosen of choices) expect(chosenFromAddress(`?${addressOf({ ...NO_FILTERS, place: "3401" }, chosen)}`)).toEqual(chosen);
});

test("what an address says wrongly chooses nothing", () => {
  for (const search of ["?issue=1", "?grid=a%20b", "?grid=", "?spot=here", "?issue=../../x"]) expect(chosenFromAddress(search)).toBeNull();
});
