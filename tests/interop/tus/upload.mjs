// Uploads one file with tus-js-client, as an app would, and prints what came of it as one line of JSON.
// Reads its orders as JSON from the command line: endpoint, token, file, metadata, chunkSize, withCreation, attempts.
import { createReadStream, statSync } from "node:fs";
import { Upload } from "tus-js-client";

const orders = JSON.parse(process.argv[2]);
let retries = 0;

const upload = new Upload(createReadStream(orders.file), {
  endpoint: orders.endpoint,
  headers: { Authorization: `Bearer ${orders.token}` },
  metadata: orders.metadata,
  chunkSize: orders.chunkSize ?? Infinity,
  uploadSize: statSync(orders.file).size,
  uploadDataDuringCreation: orders.withCreation ?? false,
  retryDelays: Array(orders.attempts ?? 50).fill(0),
  onShouldRetry: (error) => {
    retries += 1;
    const status = error.originalResponse?.getStatus() ?? 0;
    return status === 0 || status === 409 || status === 423 || status === 503;
  },
  onSuccess: () => done({ url: upload.url }),
  onError: (error) =>
    done({ status: error.originalResponse?.getStatus() ?? 0, body: error.originalResponse?.getBody() ?? String(error) }),
});

function done(told) {
  console.log(JSON.stringify({ ...told, retries }));
  process.exit(0);
}

// Under node this client waits for ever for an answer that is cut in its body: it hears no error of the answer. An app
// would give up by its clock; here nothing else is waited for, so that the loop runs empty.
process.on("beforeExit", async () => {
  retries += 1;
  await upload.abort();
  upload.start();
});

upload.start();
