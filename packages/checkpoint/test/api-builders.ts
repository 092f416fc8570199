// What tests of sources are made of: an API that answers from memory, and a reader of pages.

import type { Get, Page, Source, SourceNotice } from "../src/ingest.ts";

export const BASE = "https://api.example.com/things";

/** A server: what it answers to a URL, as JSON, or as status and headers. */
export function serve(answer: (url: URL) => unknown): Get & { readonly asked: string[] } {
  const asked: string[] = [];
  const get: Get = async (address) => {
    asked.push(address);
    const answered = answer(new URL(address));
    if (answered instanceof Response) return answered;
    return new Response(typeof answered === "string" ? answered : JSON.stringify(answered));
  };
  return Object.assign(get, { asked });
}

/** Pages of one run, from a cursor on, at most so many. */
export async function read<Cursor>(
  source: Source<Cursor>,
  cursor?: Cursor,
  most = 1000,
  tell: (notice: SourceNotice) => void = () => {},
): Promise<Page<Cursor>[]> {
  const { signal } = new AbortController();
  const pages: Page<Cursor>[] = [];
  for await (const page of source.pages(cursor, { signal, tell })) {
    pages.push(page);
    if (pages.length === most) break;
  }
  return pages;
}

export function idsOf(pages: readonly Page<unknown>[]): unknown[] {
  return pages.flatMap(({ records }) => records.map((record) => (record as { id: unknown }).id));
}
