// The one form in which every contestant of the matrix is asked, and in which it tells what came of it.

import { Readable } from "node:stream";

export interface Ask {
  readonly url: string;
  /** Default GET. */
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: AskBody | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type AskBody =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "form"; readonly field: string; readonly file: string }
  | { readonly kind: "stream"; readonly text: string };

/** What its user is told: the response, wherever it was found (a result, or an error that carries it), and the error. */
export interface Told {
  readonly status?: number | undefined;
  readonly body?: string | undefined;
  readonly error?: unknown;
}

/** What a case may set. Everything else is as the contestant comes. */
export interface Settings {
  /** By the option that bounds a try or, where it has none, the call. */
  readonly timeoutMs?: number | undefined;
  /** Before the first retry. */
  readonly baseDelayMs?: number | undefined;
}

export interface Contestant {
  ask(ask: Ask): Promise<Told>;
  close?(): Promise<void>;
}

export interface Entry {
  /** As in the table. */
  readonly name: string;
  /** What is run, in a line. */
  readonly setUp: string;
  /** Whose versions it is made of. */
  readonly packages: readonly string[];
  readonly isOurs?: boolean;
  create(settings: Settings): Contestant;
}

/** Node's own, or the like-named one of the library that is asked: fetch takes none but its own for a form. */
export type FormClass = new () => FormData;

/** The body as the fetch API takes it. */
export function webBody(body: AskBody, form: FormClass): string | FormData | ReadableStream<Uint8Array> {
  return body.kind === "stream" ? new Blob([body.text]).stream() : textOrForm(body, form);
}

/** The body as Node's own streams have it. */
export function nodeBody(body: AskBody, form: FormClass): string | FormData | Readable {
  return body.kind === "stream" ? Readable.from([Buffer.from(body.text)]) : textOrForm(body, form);
}

function textOrForm(body: Exclude<AskBody, { readonly kind: "stream" }>, form: FormClass): string | FormData {
  if (body.kind === "text") return body.text;
  const made = new form();
  made.append("field", body.field);
  made.append("file", new Blob([body.file]), "file.txt");
  return made;
}
