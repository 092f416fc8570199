import fc from "fast-check";
import { FormData as UndiciFormData } from "undici";
import { expect, test } from "vitest";
import { bodyOf } from "../src/body/body-of.ts";
import type { AnyFormData } from "../src/body/multipart.ts";

async function bytesOf(form: AnyFormData): Promise<{ readonly bytes: Buffer; readonly contentType: string }> {
  const body = bodyOf(form, { replayLimit: 0 });
  const wire = await body.open();
  // A Response takes all that undici sends.
  const bytes = Buffer.from(await new Response(wire as ReadableStream).arrayBuffer());
  expect(body.length).toBe(bytes.byteLength);
  return { bytes, contentType: body.contentType ?? "" };
}

/** What a server would read. */
async function parse({ bytes, contentType }: Awaited<ReturnType<typeof bytesOf>>): Promise<FormData> {
  return new Response(new Uint8Array(bytes), { headers: { "content-type": contentType } }).formData();
}

const toCrlf = (text: string): string => text.replaceAll(/\r\n|\r|\n/g, "\r\n");

/** What the standard can't tell apart: it escapes three characters, but not the escape sign. */
const unescaped = (name: string): string => name.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%22", '"');

const awkward = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom('"', "\r", "\n", "%", "0A", "22", "\\", ";", "=", "-", "ü", "😀", "\u0000") }),
);
const file = fc.record({ name: awkward, type: fc.constantFrom("", "text/plain", "image/png"), bytes: fc.uint8Array() });

test("every form is read back as it was, but for line ends, which are CRLF in names and texts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(awkward, fc.oneof(awkward, file))),
      fc.constantFrom(FormData, UndiciFormData),
      async (entries, Form) => {
        const form = new Form() as FormData;
        for (const [name, value] of entries) {
          if (typeof value === "string") form.append(name, value);
          else form.append(name, new File([new Uint8Array(value.bytes)], value.name, { type: value.type }));
        }
        const parsed = await parse(await bytesOf(form));
        const seen = await Promise.all(
          [...parsed].map(async ([name, value]) => [
            name,
            typeof value === "string" ? value : [value.name, value.type, [...(await value.bytes())]],
          ]),
        );
        expect(seen).toEqual(
          entries.map(([name, value]) => [
            unescaped(toCrlf(name)),
            typeof value === "string"
              ? toCrlf(value)
              : [unescaped(value.name), value.type || "application/octet-stream", [...value.bytes]],
          ]),
        );
      },
    ),
  );
});

test("names are escaped as the HTML standard says", async () => {
  const form = new FormData();
  form.append('a"b\r\nc%', "v");
  form.append("file", new File(["x"], 'e"\n.txt'));
  const text = (await bytesOf(form)).bytes.toString();
  expect(text).toContain('name="a%22b%0D%0Ac%"\r\n');
  expect(text).toContain('name="file"; filename="e%22%0A.txt"\r\nContent-Type: application/octet-stream\r\n');
});

test("a form without entries is a body too", async () => {
  const { bytes, contentType } = await bytesOf(new FormData());
  expect(bytes.toString()).toBe(`--${contentType.split("boundary=")[1]}--\r\n`);
});

test("the boundary stays the same each time it is sent, and is another for another form", async () => {
  const form = new FormData();
  form.append("file", new Blob(["content"]));
  const body = bodyOf(form, { replayLimit: 0 });
  const sent = async (): Promise<string> => new Response((await body.open()) as ReadableStream).text();
  expect(await sent()).toBe(await sent());
  expect(bodyOf(form, { replayLimit: 0 }).contentType).not.toBe(body.contentType);
});

test("what is changed in a form later is not sent", async () => {
  const form = new FormData();
  form.append("a", "1");
  const body = bodyOf(form, { replayLimit: 0 });
  form.append("b", "2");
  expect(Buffer.from((await body.open()) as Uint8Array).toString()).not.toContain('name="b"');
});
