/** What both drivers share: their orders, and a session's cookie, which fetch outside a browser does not keep. */
declare const process: { argv: string[]; stdout: { write(text: string): void } };

export interface Orders {
  url: string;
  code: string;
  worker: string;
  login: string;
  password: string;
  lon: number;
  lat: number;
}

export const orders = JSON.parse(process.argv[2] ?? "{}") as Orders;
export const now = (): string => new Date().toISOString();
export const uuid = (): string => crypto.randomUUID();
export const told = (document: object): void => process.stdout.write(JSON.stringify(document));

let jar = "";

/** fetch with the cookies of one browser. */
export const browser: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  if (jar) request.headers.set("Cookie", jar);
  const answer = await fetch(request);
  const given = answer.headers.getSetCookie().map((each) => each.split(";")[0]);
  if (given.length) jar = given.join("; ");
  return answer;
};

export const place = { lon: orders.lon, lat: orders.lat, datum: "wgs84" as const };
export const device = { name: "generated", platform: "node", app_version: "1.0" };

/** A visit, an issue, and a change to the issue before the server has answered. */
export function dayOf() {
  const issue = { op_id: uuid(), id: uuid() };
  const begun = now();
  return {
    issue,
    ops: [
      {
        op_id: uuid(), seq: 1, collection: "visits" as const, id: uuid(), action: "put" as const, captured_at: begun,
        base: null,
        data: {
          outcome: "met" as const, purpose: "routine" as const, address_text: "1 号", location: place,
          started_at: begun, ended_at: begun,
        },
      },
      {
        ...issue, seq: 2, collection: "issues" as const, action: "put" as const, captured_at: begun, base: null,
        data: { category: "0301", description: "井盖缺失 · generated", location: place },
      },
      {
        op_id: uuid(), seq: 3, collection: "issues" as const, id: issue.id, action: "patch" as const,
        captured_at: begun, base: { op_id: issue.op_id }, data: { severity: "urgent" as const },
      },
    ],
  };
}
