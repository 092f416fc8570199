// Do the pages hold together? Every package opens with what a newcomer needs, every link leads somewhere, and every
// changeset names a package.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Check } from "./check.ts";
import { committedFiles } from "./files.ts";
import { anchorsOf, linksOf } from "./markdown.ts";
import { publishedPackages } from "./workspace.ts";

/** Lines of a README that fit on a screen. */
const SCREEN = 40;

export const pages: Check = {
  name: "pages",
  run: async (root) => {
    const packages = publishedPackages(root);
    const names = packages.map(({ manifest }) => manifest.name);
    const markdown = (await committedFiles(root)).filter((file) => file.endsWith(".md"));
    return [
      ...packages.flatMap(({ path, manifest }) => firstScreen(root, path, manifest.name)),
      ...markdown.flatMap((file) => brokenLinks(root, file)),
      ...markdown.filter((file) => file.startsWith(".changeset/")).flatMap((file) => changeset(root, file, names)),
    ];
  },
};

function firstScreen(root: string, path: string, name: string): readonly string[] {
  const file = join(path, "README.md");
  const shown = relative(root, file);
  if (!existsSync(file)) return [`${shown} is missing`];
  const screen = readFileSync(file, "utf8").split("\n").slice(0, SCREEN).join("\n");
  const install = new RegExp(`^(?:npm install|pnpm add) (?:.* )?${name}(?:\\s|$)`, "m");
  return [
    ...(install.test(screen) ? [] : [`${shown} does not say "npm install ${name}" in its first ${SCREEN} lines`]),
    ...(/^```(?:ts|typescript|js|javascript)\b/m.test(screen)
      ? []
      : [`${shown} shows no code in its first ${SCREEN} lines`]),
  ];
}

function brokenLinks(root: string, file: string): readonly string[] {
  const path = join(root, file);
  return linksOf(readFileSync(path, "utf8")).flatMap(({ target, line }) => {
    const [to = "", anchor] = target.split("#");
    // As on GitHub, a link that begins with a slash begins at the root.
    const found = to === "" ? path : join(to.startsWith("/") ? root : dirname(path), decodeURIComponent(to));
    if (!existsSync(found)) return [`${file}:${line} links to ${target}, which does not exist`];
    if (anchor === undefined || !found.endsWith(".md")) return [];
    return anchorsOf(readFileSync(found, "utf8")).has(anchor)
      ? []
      : [`${file}:${line} links to ${target}, where no heading makes that anchor`];
  });
}

/** `changeset version` would say so too, but on the main branch, after the merge. */
function changeset(root: string, file: string, names: readonly string[]): readonly string[] {
  const [, head] = /^---\n(.*?)^---\n/ms.exec(readFileSync(join(root, file), "utf8")) ?? [];
  if (head === undefined) return [`${file} does not begin with the packages that it changes`];
  return head
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => {
      const [, name = "", bump = ""] = /^["']?(.+?)["']?: (major|minor|patch)$/.exec(line) ?? [];
      if (bump === "") return [`${file} says "${line}", which is not a package and major, minor or patch`];
      return names.includes(name) ? [] : [`${file} changes ${name}, which is no published package`];
    });
}
