// A .env file, parsed by Node's own parser. Several files are several sources, the first in the list being the strongest.

import { readTextFile } from "../read-file.ts";
import type { FoundValue, Source } from "../source.ts";

export interface EnvFileOptions {
  /** Whether the file may be absent. Default false: an absent file is a problem. */
  readonly optional?: boolean;
}

/** Reads the file at each load. Nothing is put into `process.env`, and nothing is expanded. */
export function envFile(path: string, options: EnvFileOptions = {}): Source {
  let seen: readonly string[] = [];
  return {
    name: path,
    async load(names, context) {
      const file = await readTextFile(path, context);
      if ("problem" in file) {
        seen = [];
        if (file.absent && options.optional) return {};
        throw new Error(`it ${file.problem}`);
      }
      const variables = process.getBuiltinModule("node:util").parseEnv(file.text);
      seen = Object.keys(variables);
      const lines = linesOf(file.text);
      const found: Record<string, FoundValue> = {};
      for (const name of names) {
        const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
        if (value !== undefined) found[name] = { value, origin: `${path}:${lines.get(name) ?? "?"}` };
      }
      return found;
    },
    names: () => seen,
  };
}

/** The line of each name, the last where there are several, as the parser has it. */
function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(["'`]?)/gm;
  let line = 1;
  let counted = 0;
  for (let match = assignment.exec(text); match; match = assignment.exec(text)) {
    const [whole, name = "", quote = ""] = match;
    line += text.slice(counted, match.index).split("\n").length - 1;
    counted = match.index;
    lines.set(name, line);
    // What stands between quotes may look like an assignment and is none.
    const end = quote === "" ? -1 : text.indexOf(quote, match.index + whole.length);
    if (end !== -1) assignment.lastIndex = end;
  }
  return lines;
}
