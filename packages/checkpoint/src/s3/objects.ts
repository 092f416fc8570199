// The objects of a bucket, as far as a store needs them: what S3 is asked, and what its answers mean.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client as SdkClient,
} from "@aws-sdk/client-s3";
import { CheckpointError } from "../errors.ts";

/** What the store needs of a client: an `S3Client` of `@aws-sdk/client-s3` fits. */
export type S3Client = Pick<SdkClient, "send">;

export interface Found {
  readonly text: string;
  readonly etag: string;
  /** What its writers told along with it. */
  readonly marks: readonly string[];
}

/** Writes only where nothing is, or only where what has this ETag is. */
export type WriteCondition = "absent" | { readonly etag: string };

/**
 * What became of a write.
 * - `written`
 * - `refused`: its condition did not hold, or another write of the same object was under way
 * - `unknown`: there was no answer, or one that does not say whether it was written
 * - `failed`: it was not written
 */
export type Written = { readonly status: number | undefined } & (
  | { readonly became: "written" }
  | { readonly became: "refused" | "unknown" | "failed"; readonly error: CheckpointError }
);

export interface Objects {
  /** For people. */
  urlOf(name: string): string;
  /** Undefined only where S3 says that there is no such object. */
  get(name: string, signal: AbortSignal | undefined): Promise<Found | undefined>;
  put(
    name: string,
    bytes: Buffer,
    marks: readonly string[],
    condition: WriteCondition | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Written>;
  remove(name: string): Promise<void>;
  /** Of all objects whose names begin so, page by page. */
  names(start: string, signal: AbortSignal | undefined): AsyncIterable<string>;
}

/** Of the object's metadata, which S3 keeps with it. */
const MARKS = "holdfast-marks";

export function objectsOf(client: S3Client, bucket: string): Objects {
  const urlOf = (name: string): string => `s3://${bucket}/${name}`;

  function failure(action: string, name: string, cause: unknown): CheckpointError {
    const { name: code, message } = cause as Error;
    const remedy = REMEDIES[code];
    return new CheckpointError(
      "STORE_FAILED",
      `S3 could not ${action} ${urlOf(name)} (${code}: ${message})${remedy ? `: ${remedy}` : ""}`,
      { cause },
    );
  }

  return {
    urlOf,
    async get(name, signal) {
      try {
        const command = new GetObjectCommand({ Bucket: bucket, Key: name });
        const { Body, ETag = "", Metadata = {} } = await client.send(command, until(signal));
        const text = (await Body?.transformToString()) ?? "";
        return { text, etag: ETag, marks: Metadata[MARKS]?.split(",") ?? [] };
      } catch (cause) {
        if ((cause as Error).name === "NoSuchKey") return undefined;
        throw failure("read", name, cause);
      }
    },
    async put(name, bytes, marks, condition, signal) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: name,
        Body: bytes,
        Metadata: { [MARKS]: marks.join(",") },
        ...(condition === "absent" ? { IfNoneMatch: "*" } : condition && { IfMatch: condition.etag }),
      });
      try {
        const { $metadata } = await client.send(command, until(signal));
        return { became: "written", status: $metadata.httpStatusCode };
      } catch (cause) {
        const status = (cause as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
        return { became: meaningOf(status, (cause as Error).name), status, error: failure("write", name, cause) };
      }
    },
    async remove(name) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }));
    },
    async *names(start, signal) {
      let next: string | undefined;
      do {
        const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: start, ContinuationToken: next });
        const page = await client.send(command, until(signal)).catch((cause: unknown) => {
          throw failure("list", start, cause);
        });
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
        next = page.NextContinuationToken;
      } while (next !== undefined);
    },
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
function meaningOf(status: number | undefined, code: string): "refused" | "unknown" | "failed" {
  if (status === 412 || status === 409 || code === "NoSuchKey") return "refused";
  // 501 is an answer: what was asked is not to be had.
  return status === undefined || (status >= 500 && status !== 501) ? "unknown" : "failed";
}

const REMEDIES: Readonly<Record<string, string>> = {
  AccessDenied:
    "let it get and put the objects under the prefix, and list the bucket, without which S3 does not tell what is not there",
  NoSuchBucket: "make the bucket, or name another",
};

function until(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}
