// The storm as a picture: two panels over the same time, one line a policy.

import { CAPACITY, DROP, END_MS, type Storm } from "../../../packages/http-retry/test/storm/simulation.ts";

export interface Line {
  readonly label: string;
  /** Okabe and Ito's colours, which most colour-blind readers can tell apart. */
  readonly colour: string;
  readonly storm: Storm;
}

const WIDTH = 800;
const LEFT = 60;
const RIGHT = 30;
const LEGEND = 40;
const PANEL = { height: 190, gap: 60 };
const HEIGHT = LEGEND + 2 * (PANEL.height + PANEL.gap);
const SECONDS = END_MS / 1000;

/** An SVG document. */
export function stormPlot(lines: readonly Line[]): string {
  const most = Math.max(...lines.flatMap(({ storm }) => storm.attempts));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>Load on a server that falls to ${DROP.share * 100} % of its capacity for ${(DROP.toMs - DROP.fromMs) / 1000} s</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...legend(lines),
    ...panel(0, "Attempts that reach the server, a second", roundUp(most, 2000), lines, ({ attempts }) => attempts),
    ...panel(1, "Requests answered, a second", CAPACITY + 1000, lines, ({ answers }) => answers),
    "</svg>",
    "",
  ].join("\n");
}

function legend(lines: readonly Line[]): string[] {
  const room = (WIDTH - LEFT - RIGHT) / lines.length;
  return lines.flatMap(({ label, colour }, index) => {
    const x = LEFT + index * room;
    return [
      `<path d="M${x} 16h18" stroke="${colour}" stroke-width="3"/>`,
      `<text x="${x + 24}" y="20">${label}</text>`,
    ];
  });
}

function panel(
  index: number,
  title: string,
  most: number,
  lines: readonly Line[],
  countsOf: (storm: Storm) => readonly number[],
): string[] {
  const top = LEGEND + 20 + index * (PANEL.height + PANEL.gap);
  const x = (second: number): number => LEFT + (second / SECONDS) * (WIDTH - LEFT - RIGHT);
  const y = (count: number): number => top + PANEL.height * (1 - count / most);
  const bottom = y(0);
  return [
    `<text x="${LEFT}" y="${top - 8}" font-weight="bold">${title}</text>`,
    `<rect x="${x(DROP.fromMs / 1000)}" y="${top}" width="${x(DROP.toMs / 1000) - x(DROP.fromMs / 1000)}" height="${PANEL.height}" fill="#eee"/>`,
    ...ticks(most, most > 4000 ? 2000 : 1000).flatMap((count) => [
      `<path d="M${LEFT} ${y(count)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      `<text x="${LEFT - 6}" y="${y(count) + 4}" text-anchor="end">${count}</text>`,
    ]),
    ...ticks(SECONDS, 10).map(
      (second) => `<text x="${x(second)}" y="${bottom + 16}" text-anchor="middle">${second} s</text>`,
    ),
    `<path d="${capacity(x, y)}" fill="none" stroke="#333" stroke-dasharray="4 3"/>`,
    `<text x="${WIDTH - RIGHT}" y="${y(CAPACITY) - 5}" text-anchor="end">capacity</text>`,
    ...lines.map(({ colour, storm }) => {
      const points = countsOf(storm).map((count, second) => `${round(x(second + 0.5))},${round(y(count))}`);
      return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`;
    }),
  ];
}

/** The server's capacity as a path: it steps down, and up again. */
function capacity(x: (second: number) => number, y: (count: number) => number): string {
  const low = y(CAPACITY * DROP.share);
  const [from, to] = [x(DROP.fromMs / 1000), x(DROP.toMs / 1000)];
  return `M${x(0)} ${y(CAPACITY)}H${from}V${low}H${to}V${y(CAPACITY)}H${x(SECONDS)}`;
}

function ticks(most: number, step: number): number[] {
  return Array.from({ length: most / step + 1 }, (_, index) => index * step);
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
