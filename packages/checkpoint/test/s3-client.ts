// The real SDK's client, for a server on loopback.

import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";

/** Credentials may stand in the URL. */
export function newClient(url: string, options: S3ClientConfig = {}): S3Client {
  const { origin, username, password } = new URL(url);
  return new S3Client({
    endpoint: origin,
    forcePathStyle: true,
    region: "us-east-1",
    credentials: { accessKeyId: username || "anybody", secretAccessKey: password || "anything" },
    // By default it complains when more wait for a socket than it has.
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: 300 } },
    ...options,
  });
}
