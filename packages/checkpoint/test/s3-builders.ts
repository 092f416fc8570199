// What tests of the store in S3 are made of: a loopback server that misbehaves as told, and stores on it.

import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { type LoopbackS3, type S3Deed, type S3Request, startLoopbackS3 } from "@holdfast/testing";
import { type S3Store, type S3StoreOptions, s3Store } from "../src/stores/s3.ts";
import { newClient } from "./s3-client.ts";

export const BUCKET = "checkpoints";
const PREFIX = "of/tests/";

export interface Bucket extends AsyncDisposable {
  readonly url: string;
  readonly objects: LoopbackS3["objects"];
  /** Each request but those of the probe: `PUT k-a.checkpoint`, say. */
  readonly asked: string[];
  /** What is done with a request that is not of the probe; a test puts its own in the place of it. */
  deed(request: S3Request): S3Deed | Promise<S3Deed>;
  probeDeed(request: S3Request): S3Deed | Promise<S3Deed>;
  /** A store of its own client. */
  newStore(options?: Partial<S3StoreOptions>, config?: S3ClientConfig): S3Store;
}

export async function newBucket(options: { readonly pageSize?: number } = {}): Promise<Bucket> {
  const clients: S3Client[] = [];
  const server = await startLoopbackS3({
    ...options,
    bucket: BUCKET,
    deed(request) {
      if (/probe-[0-9a-f-]{36}/.test(request.name)) return bucket.probeDeed(request);
      bucket.asked.push(`${request.method} ${request.name.slice(PREFIX.length)}`);
      return bucket.deed(request);
    },
  });
  const bucket: Bucket = {
    url: server.url,
    objects: server.objects,
    asked: [],
    deed: () => "obey",
    probeDeed: () => "obey",
    newStore(more = {}, config) {
      const client = newClient(server.url, config);
      clients.push(client);
      return s3Store({ client, bucket: BUCKET, prefix: PREFIX, ...more });
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
  return bucket;
}

/** For a client that does not repeat what failed. */
export const ONCE: S3ClientConfig = { maxAttempts: 1 };

/** The object of the key `a`. */
export const OBJECT: string = `${PREFIX}k-a.checkpoint`;

/** Does these one after the other, and obeys from then on. */
export function first(...deeds: readonly S3Deed[]): (request: S3Request) => S3Deed {
  const left = [...deeds];
  return ({ method }) => (method === "PUT" ? left.shift() : undefined) ?? "obey";
}
