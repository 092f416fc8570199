// Has something slipped in that is of one machine alone, or not finished?

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Check } from "./check.ts";
import { committedFiles } from "./files.ts";

interface Trace {
  readonly what: string;
  readonly pattern: RegExp;
  /** Files in which it is looked for. */
  readonly where: RegExp;
}

const TRACES: readonly Trace[] = [
  {
    what: "a path of one machine",
    pattern: /(?<![\w.~-])\/(?:(?:work|root)\/|(?:home|Users)\/[A-Za-z][\w.-]*\/)/,
    where: /./,
  },
  {
    what: "the host of a package registry",
    pattern:
      /https?:\/\/(?:[\w-]+\.)*(?:registry|npm|artifactory|nexus|verdaccio)(?:\.[\w-]+)+|\bregistry\.(?:npmjs|yarnpkg|npmmirror)\./i,
    where: /./,
  },
  // pnpm leaves addresses out for the registry that everybody has.
  {
    what: "the address of an archive",
    pattern: /\btarball: |\bregistry *[:=]/,
    where: /(?:^|\/)(?:pnpm-lock\.yaml|\.npmrc)$/,
  },
  { what: "work that is not done", pattern: /\b(?:TODO|FIXME|XXX)\b/, where: /^packages\/[^/]+\/src\// },
];

export const traces: Check = {
  name: "traces",
  run: async (root) => (await committedFiles(root)).flatMap((file) => tracesIn(root, file)),
};

function tracesIn(root: string, file: string): readonly string[] {
  const wanted = TRACES.filter(({ where }) => where.test(file));
  const text = readFileSync(join(root, file), "utf8");
  // Binary, by the mark that git goes by.
  if (text.includes("\0")) return [];
  return text.split("\n").flatMap((line, index) =>
    wanted.flatMap(({ what, pattern }) => {
      const [found] = pattern.exec(line) ?? [];
      return found === undefined ? [] : [`${file}:${index + 1} holds ${what}: ${found.trim()}`];
    }),
  );
}
