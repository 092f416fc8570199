// What there is to show: a dashboard's rows, as far as a grant lets somebody see them.

import type { Filters } from "@holdfast/embed-token";

export interface Row {
  readonly region: string;
  readonly month: string;
  readonly amount: number;
}

const ROWS: readonly Row[] = [
  { region: "eu", month: "2026-08", amount: 52 },
  { region: "us", month: "2026-08", amount: 41 },
  { region: "eu", month: "2026-09", amount: 66 },
  { region: "us", month: "2026-09", amount: 58 },
  { region: "eu", month: "2026-10", amount: 84 },
  { region: "us", month: "2026-10", amount: 63 },
];

export const DASHBOARDS: ReadonlyMap<string, { readonly title: string; readonly rows: readonly Row[] }> = new Map([
  ["sales", { title: "Sales", rows: ROWS }],
]);

/** Of no region unless the grant names some: what is not granted is not shown. */
export function visibleRows(rows: readonly Row[], { region }: Filters): readonly Row[] {
  const regions: readonly unknown[] = Array.isArray(region) ? region : [region];
  return rows.filter((row) => regions.includes(row.region));
}
