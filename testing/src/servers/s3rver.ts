// s3rver, a server of S3's interface over files. It takes no notice of the conditions of a write, as some servers in use do.

import { createRequire } from "node:module";
import { join } from "node:path";
import { ask, LOOPBACK } from "./loopback.ts";
import { type Server, startServer } from "./server.ts";

const require = createRequire(import.meta.url);
const PROGRAM = require.resolve("s3rver/bin/s3rver.js");
const BUCKET = "holdfast";
/** What it takes for access key and secret if not told otherwise. */
const CREDENTIALS = "S3RVER:S3RVER";

/** The path of its URL is the bucket. */
export function startS3rver(): Promise<Server> {
  return startServer({
    name: "s3rver",
    url: (port) => `http://${CREDENTIALS}@${LOOPBACK}:${port}/${BUCKET}`,
    command: (folder, port) => ({
      file: process.execPath,
      args: [
        PROGRAM,
        ...["--directory", join(folder, "buckets"), "--configure-bucket", BUCKET],
        ...["--address", LOOPBACK, "--port", String(port)],
      ],
    }),
    isReady: async (port) => (await ask(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).startsWith("HTTP/1.1"),
    endSignal: "SIGTERM",
  });
}
