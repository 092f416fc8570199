// FormData as multipart/form-data, by RFC 7578 and the HTML standard's encoding algorithm
// (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data).

import { randomUUID } from "node:crypto";
import type { FormData as UndiciFormData } from "undici";

/** Node's own, or undici's: they are not the same class. */
export type AnyFormData = FormData | UndiciFormData;

export interface Multipart {
  readonly contentType: string;
  /** Of all parts together. */
  readonly length: number;
  /** In the order in which they are sent. Blobs are read when it is their turn. */
  readonly parts: readonly (Uint8Array | Blob)[];
}

/** By its methods and its tag, since there are several classes. */
export function isFormData(value: object): value is AnyFormData {
  return Object.prototype.toString.call(value) === "[object FormData]" && "getAll" in value && "append" in value;
}

/** As the form is now: what is changed in it later is not sent. The boundary stays the same each time it is sent. */
export function encodeMultipart(form: AnyFormData): Multipart {
  // 122 random bits, which no content can be made to hold.
  const boundary = `holdfast-${randomUUID()}`;
  const parts: (Uint8Array | Blob)[] = [];
  let text = "";
  for (const [name, value] of form as Iterable<[string, string | File]>) {
    text += `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(toCrlf(name))}"`;
    if (typeof value === "string") {
      text += `\r\n\r\n${toCrlf(value)}\r\n`;
    } else {
      text += `; filename="${escapeName(value.name)}"\r\nContent-Type: ${value.type || "application/octet-stream"}\r\n\r\n`;
      parts.push(Buffer.from(text), value);
      text = "\r\n";
    }
  }
  parts.push(Buffer.from(`${text}--${boundary}--\r\n`));
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length: parts.reduce((sum, part) => sum + (part instanceof Blob ? part.size : part.byteLength), 0),
    parts,
  };
}

function toCrlf(text: string): string {
  return text.replaceAll(/\r\n|\r|\n/g, "\r\n");
}

function escapeName(name: string): string {
  return name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}
