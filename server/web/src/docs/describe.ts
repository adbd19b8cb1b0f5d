/** Reads an OpenAPI 3 document for people: operations by subject, and what a schema takes, in a line each. Pure. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  nullable?: boolean;
  allOf?: Schema[];
  oneOf?: Schema[];
  anyOf?: Schema[];
  additionalProperties?: boolean | Schema;
  description?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
}

type Content = Record<string, { schema?: Schema }>;

interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

interface Answer {
  $ref?: string;
  description?: string;
  content?: Content;
}

interface RawOperation {
  tags?: string[];
  operationId?: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; description?: string; content?: Content };
  responses?: Record<string, Answer>;
  security?: Record<string, unknown>[];
}

export interface Document {
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, RawOperation | Parameter[]>>;
  components?: Record<string, Record<string, unknown>>;
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  bodies: [kind: string, schema: Schema | undefined][];
  answers: { status: string; words: string; bodies: [kind: string, schema: Schema | undefined][] }[];
  /** The names of the ways in, each of which is enough; empty for a public operation. */
  security: string[];
}

export interface Subject {
  name: string;
  words: string;
  operations: Operation[];
}

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options"];

/** The operations of each subject, in the document's order; those without one come last. */
export function subjectsOf(document: Document): Subject[] {
  const subjects = new Map((document.tags ?? []).map(({ name, description }) => [name, { name, words: description ?? name, operations: [] as Operation[] }]));
  for (const [path, item] of Object.entries(document.paths)) {
    const shared = (item["parameters"] ?? []) as Parameter[];
    for (const method of METHODS) {
      const raw = item[method] as RawOperation | undefined;
      if (!raw) continue;
      const tag = raw.tags?.[0] ?? "";
      if (!subjects.has(tag)) subjects.set(tag, { name: tag, words: tag, operations: [] });
      subjects.get(tag)?.operations.push(operationOf(document, method, path, raw, shared));
    }
  }
  return [...subjects.values()].filter(({ operations }) => operations.length > 0);
}

function operationOf(document: Document, method: string, path: string, raw: RawOperation, shared: Parameter[]): Operation {
  const parameters = [...shared, ...(raw.parameters ?? [])].map((each) => resolved(document, each));
  return {
    id: raw.operationId ?? `${method}-${path}`.replace(/\W+/g, "-"),
    method: method.toUpperCase(),
    path,
    summary: raw.summary ?? "",
    description: raw.description ?? "",
    parameters,
    bodies: bodiesOf(raw.requestBody?.content),
    answers: Object.entries(raw.responses ?? {}).map(([status, answer]) => {
      const whole = resolved(document, answer);
      return { status, words: whole.description ?? "", bodies: bodiesOf(whole.content) };
    }),
    security: [...new Set((raw.security ?? []).flatMap((way) => Object.keys(way)))],
  };
}

function bodiesOf(content: Content | undefined): [string, Schema | undefined][] {
  return Object.entries(content ?? {}).map(([kind, { schema }]) => [kind, schema]);
}

function resolved<T extends { $ref?: string }>(document: Document, thing: T): T {
  const [, , section, name] = (thing.$ref ?? "").split("/");
  return section && name ? ((document.components?.[section]?.[name] ?? thing) as T) : thing;
}

/** The name of the component that a schema refers to; null where it is written out. */
export function nameOf(schema: Schema): string | null {
  return schema.$ref?.split("/").at(-1) ?? null;
}

/** What a value may be, in a line; `[Name]` stands for a component's name, which the page links. */
export function typeOf(schema: Schema | undefined): string {
  if (!schema) return "";
  const name = nameOf(schema);
  if (name) return `[${name}]`;
  const parts = schema.allOf ?? schema.oneOf ?? schema.anyOf;
  if (parts) return parts.map(typeOf).join(schema.allOf ? " & " : " | ") + (schema.nullable ? " | null" : "");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? "any"];
  const told = types.map((type) => (type === "array" ? `${typeOf(schema.items) || "any"}[]` : type === "object" ? objectOf(schema) : type));
  return told.join(" | ") + (schema.format ? ` (${schema.format})` : "") + (schema.nullable ? " | null" : "") + boundsOf(schema);
}

function objectOf({ additionalProperties: more }: Schema): string {
  return typeof more === "object" ? `{ …: ${typeOf(more)} }` : "object";
}

function boundsOf({ minimum, maximum, minLength, maxLength, minItems, maxItems }: Schema): string {
  const from = minimum ?? minLength ?? minItems;
  const to = maximum ?? maxLength ?? maxItems;
  if (from === undefined && to === undefined) return "";
  return `, ${from ?? ""}…${to ?? ""}`;
}

/** The fields of a schema that is written out, each with whether it must be there. */
export function fieldsOf(schema: Schema): [name: string, field: Schema, required: boolean][] {
  const own = Object.entries(schema.properties ?? {}).map(([name, field]): [string, Schema, boolean] => [name, field, schema.required?.includes(name) ?? false]);
  return [...(schema.allOf ?? []).flatMap(fieldsOf), ...own];
}

/** Those of the operations that hold all the words. */
export function sought(subjects: readonly Subject[], words: string): Subject[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return subjects
    .map((subject) => ({
      ...subject,
      operations: subject.operations.filter(({ method, path, summary, id }) => {
        const line = `${method} ${path} ${summary} ${id} ${subject.words}`.toLowerCase();
        return wanted.every((word) => line.includes(word));
      }),
    }))
    .filter(({ operations }) => operations.length > 0);
}
