import { expect, test } from "vitest";
import { type Document, fieldsOf, sought, subjectsOf, typeOf } from "./describe";

const DOCUMENT: Document = {
  info: { title: "City", version: "1" },
  tags: [{ name: "sync", description: "同步" }],
  paths: {
    "/v1/things/{id}": {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "integer" } }],
      get: { tags: ["sync"], operationId: "get_thing", summary: "Read a thing.", responses: { "200": { description: "OK" }, default: { $ref: "#/components/responses/BAD" } }, security: [{ device: [] }, { staff: [] }] },
      delete: { responses: {} },
    },
  },
  components: { responses: { BAD: { description: "A problem", content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } } } },
};

test("each operation is told once, under its subject, with what its path shares", () => {
  const [sync, other] = subjectsOf(DOCUMENT);
  expect(sync).toMatchObject({ words: "同步", operations: [{ id: "get_thing", method: "GET", security: ["device", "staff"] }] });
  expect(sync?.operations[0]?.parameters.map(({ name }) => name)).toEqual(["id"]);
  expect(sync?.operations[0]?.answers.at(-1)).toMatchObject({ status: "default", words: "A problem" });
  expect(other?.operations.map(({ method }) => method)).toEqual(["DELETE"]);
});

test("types are told in a line", () => {
  expect(typeOf({ type: "array", items: { $ref: "#/components/schemas/Area" } })).toBe("[Area][]");
  expect(typeOf({ type: "string", format: "date-time", nullable: true })).toBe("string (date-time) | null");
  expect(typeOf({ type: ["string", "null"], maxLength: 40 })).toBe("string | null, …40");
  expect(typeOf({ type: "integer", minimum: 0, maximum: 5 })).toBe("integer, 0…5");
  expect(typeOf({ oneOf: [{ enum: ["a"] }, { type: "number" }] })).toBe('"a" | number');
  expect(typeOf({})).toBe("any");
});

test("fields say whether they must be there, those of joined schemas too", () => {
  const schema = { allOf: [{ properties: { a: { type: "string" } }, required: ["a"] }], properties: { b: {} } };
  expect(fieldsOf(schema).map(([name, , required]) => [name, required])).toEqual([["a", true], ["b", false]]);
});

test("all words must be found, in any order", () => {
  const subjects = subjectsOf(DOCUMENT);
  expect(sought(subjects, "things get")).toHaveLength(1);
  expect(sought(subjects, "things post")).toHaveLength(0);
  expect(sought(subjects, " ")).toEqual(subjects);
});
