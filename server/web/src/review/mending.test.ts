import { expect, test } from "vitest";
import type { Field, Kept } from "../api/support";
import { cityTime, fromCityTime, listed, mended, opened, topOf } from "./mending";

const FIELDS: Field[] = [
  { name: "category", kind: "text", choices: null, required: true },
  { name: "location", kind: "place", choices: null, required: false },
  { name: "tags", kind: "list", choices: null, required: false },
  { name: "private", kind: "flag", choices: null, required: false },
];
const KEPT: Kept = {
  id: 1, op_id: "o", seq: 1, collection: "issues", record_id: "r", action: "put", raw: null, captured_at: null,
  corrected_at: null, received_at: "2026-11-18T02:00:00Z", login: "w01", name: "w", device_id: null, areas: [],
  problem: { type: "/problems/fields-invalid", title: "" },
  data: { category: "13", location: { lon: 114.3, lat: 25.6 }, tags: ["a", "b"], private: true, colour: "red" },
};

test("what nobody touched is sent as it came", () => {
  const body = mended(opened(KEPT, FIELDS), FIELDS, "note");
  expect(body).toEqual({ note: "note", collection: "issues", id: "r", action: "put", data: KEPT.data });
});

test("a field that is emptied is not sent", () => {
  const form = opened(KEPT, FIELDS);
  const body = mended({ ...form, texts: { ...form.texts, colour: " " } }, FIELDS, "");
  expect(body.data).not.toHaveProperty("colour");
});

test("a time is sent as of the city", () => {
  const body = mended({ ...opened(KEPT, FIELDS), capturedAt: "2026-11-18T10:00" }, FIELDS, "");
  expect(body.captured_at).toBe("2026-11-18T10:00:00+08:00");
});

test("what must be there and what is at fault is shown, strangers last", () => {
  const form = opened({ ...KEPT, data: { colour: "red" } }, FIELDS);
  expect(listed(form, FIELDS, [{ field: "data.tags[0]", message: "" }], []).map((each) => each.name)).toEqual(["category", "tags", "colour"]);
  expect(topOf("data.location.lat")).toBe("location");
});

test("an operation that could not be decoded fills the form as far as it can be read", () => {
  const raw = btoa('{"collection": "visits", "id": "x", "action": "put", "data": {"tags": ["a"]}}');
  const form = opened({ ...KEPT, collection: "", record_id: null, action: "", data: null, raw }, FIELDS);
  expect(form).toMatchObject({ collection: "visits", id: "x", action: "put", texts: { tags: "a" } });
  expect(opened({ ...KEPT, data: null, raw: btoa("junk") }, FIELDS).texts).toEqual({});
});

test("a time is shown as of the city and goes back as the same moment; what is none is not shown as one", () => {
  expect(cityTime("2026-11-18T02:00:00Z")).toBe("2026-11-18T10:00");
  expect(Date.parse(fromCityTime("2026-11-18T10:00"))).toBe(Date.parse("2026-11-18T02:00:00Z"));
  for (const words of ["", "yesterday", "2026-11-18T10:00", "2026-13-40T10:00:00Z"]) expect(cityTime(words), words).toBeNull();
});
