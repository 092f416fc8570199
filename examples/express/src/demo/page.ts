// What the demo writes: plain text of at most 100 columns, with colour on a terminal that wants it.

import { styleText } from "node:util";

let sections = 0;
let afterBlock = false;

export function title(text: string): void {
  console.log(styleText("bold", text));
}

export function section(name: string): void {
  sections += 1;
  console.log(`\n${styleText("bold", `${sections}  ${name}`)}`);
  afterBlock = false;
}

/** A sentence of the demo's own. */
export function say(text: string): void {
  if (afterBlock) console.log("");
  console.log(`   ${text}`);
  afterBlock = false;
}

/** What the service gave, as it is, set off from what is said of it. */
export function show(text: string): void {
  console.log(`\n${text.replace(/^(?=.)/gm, "    ")}`);
  afterBlock = true;
}

/** A line of the service's log, for people: `12:00:01  GET /api/echo  200  1.2 ms`. */
export function logLine(json: string): string {
  const entry = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const { time, msg, method, path, status, durationMs } = entry;
  const clock = String(time).slice(11, 19);
  if (msg !== "request") return `   ${clock}  ${msg}`;
  return `   ${clock}  ${method} ${String(path).slice(0, 60)}  ${status}  ${durationMs} ms`;
}
