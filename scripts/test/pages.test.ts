import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { anchorsOf, linksOf } from "../check/markdown.ts";
import { pages } from "../check/pages.ts";
import { traces } from "../check/traces.ts";
import { type Files, workspace } from "./workspace.ts";

function repository(files: Files): string {
  const root = workspace(files);
  execFileSync("git", ["init", "--quiet"], { cwd: root });
  return root;
}

const README = "# core\n\n```sh\nnpm install @holdfast/core\n```\n\n```ts\nsleep(1);\n```\n";
const core = {
  "packages/core/package.json": { name: "@holdfast/core" },
  "packages/core/README.md": README,
};

describe("links are found", () => {
  const targets = (markdown: string) => linksOf(markdown).map(({ target }) => target);

  it("of pages, pictures, references and anchors", () => {
    expect(targets("[a](a.md) ![b](b.png 'B')\n[c]: ./c.md\n[d](<d e.md>) [e](#e)")).toEqual([
      "a.md",
      "b.png",
      "./c.md",
      "#e",
    ]);
  });

  it("not to other sites", () => {
    expect(targets("[a](https://example.org/a) [b](mailto:b@example.org) [c](//example.org)")).toEqual([]);
  });

  it("not in code", () => {
    expect(targets("`[a](a.md)` ``[b](`b.md`)``\n```md\n[c](c.md)\n```\n~~~\n[d](d.md)\n~~~\n[e](e.md)")).toEqual([
      "e.md",
    ]);
  });

  it("with their lines", () => {
    expect(linksOf("\n```\n\n```\n[a](a.md)")).toEqual([{ target: "a.md", line: 5 }]);
  });
});

describe("anchors", () => {
  it("are the headings as GitHub writes them, numbered where they repeat", () => {
    const page =
      "# `createX(options)`: what it does\n## Errors\n### Errors ###\n```\n# no\n```\n## [Link](a.md) & café";
    expect([...anchorsOf(page)]).toEqual(["createxoptions-what-it-does", "errors", "errors-1", "link--café"]);
  });

  it("are those written by hand", () => {
    expect([...anchorsOf('<a id="here"></a> text')]).toEqual(["here"]);
  });
});

describe("pages allow", () => {
  it("links to files, folders, the root, and anchors here and there", async () => {
    const text = "# A b\n[1](packages) [2](/packages/core/README.md#core) [3](#a-b) [4](packages/core/package.json#L3)";
    expect(await pages.run(repository({ ...core, "README.md": text }))).toEqual([]);
  });

  it("a changeset of published packages", async () => {
    const text = '---\n"@holdfast/core": minor\n---\n\nText.\n';
    expect(await pages.run(repository({ ...core, ".changeset/a.md": text }))).toEqual([]);
  });
});

describe("pages refuse", () => {
  it.each([
    [
      "a package without a README",
      { "packages/core/README.md": "" },
      [
        'packages/core/README.md does not say "npm install @holdfast/core" in its first 40 lines',
        "packages/core/README.md shows no code in its first 40 lines",
      ],
    ],
    [
      "an installation further down than a screen",
      { "packages/core/README.md": `\n\`\`\`ts\n\`\`\`\n${"\n".repeat(40)}${README}` },
      ['packages/core/README.md does not say "npm install @holdfast/core" in its first 40 lines'],
    ],
    [
      "the installation of a package whose name only begins alike",
      { "packages/core/README.md": README.replace("install @holdfast/core", "install @holdfast/core-extra") },
      ['packages/core/README.md does not say "npm install @holdfast/core" in its first 40 lines'],
    ],
    ["a link to nothing", { "a.md": "\n[b](b.md)" }, ["a.md:2 links to b.md, which does not exist"]],
    [
      "a link to no heading",
      { "a.md": "[core](packages/core/README.md#here)" },
      ["a.md:1 links to packages/core/README.md#here, where no heading makes that anchor"],
    ],
    [
      "a changeset of an unknown package",
      { ".changeset/a.md": '---\n"@holdfast/bench": patch\n---\n' },
      [".changeset/a.md changes @holdfast/bench, which is no published package"],
    ],
    [
      "a changeset of an unknown step",
      { ".changeset/a.md": '---\n"@holdfast/core": huge\n---\n' },
      ['.changeset/a.md says ""@holdfast/core": huge", which is not a package and major, minor or patch'],
    ],
    [
      "a changeset of no package",
      { ".changeset/a.md": "Text." },
      [".changeset/a.md does not begin with the packages that it changes"],
    ],
  ])("%s", async (_, files, refusals) => {
    expect(await pages.run(repository({ ...core, ...files }))).toEqual(refusals);
  });

  it("a package that has no README at all", async () => {
    const root = repository({ "packages/core/package.json": { name: "@holdfast/core" } });
    expect(await pages.run(root)).toEqual(["packages/core/README.md is missing"]);
  });
});

describe("traces", () => {
  // Put together here, so that this file itself holds none.
  const at = (...parts: string[]) => `/${parts.join("/")}`;
  const registry = ["registry", "npmjs", "org"].join(".");
  const unfinished = ["TO", "DO"].join("");

  it.each([
    ["the path of a workplace", "a.md", at("work", "main")],
    ["the home of root", "a.sh", `cd ${at("root", "x")}`],
    ["somebody's home", "src/a.ts", `"${at("home", "ann", "x")}"`],
    ["somebody's home on macOS", "a.json", `"${at("Users", "Ann", "x")}"`],
    ["the host of the registry", "a.md", `see https://${registry}/a`],
    ["the host of a private registry", "a.md", `https://${["npm", "example", "org"].join(".")}/a`],
    ["an archive's address in the lockfile", "pnpm-lock.yaml", "  resolution: {tarball: https://example.org/a.tgz}"],
    ["a registry in the settings", ".npmrc", "registry=https://example.org"],
    ["work that is not done", "packages/core/src/a.ts", `// ${unfinished}: later`],
  ])("are seen: %s", async (_, file, text) => {
    const found = await traces.run(repository({ [file]: `\n${text}\n` }));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${file}:2 holds `);
  });

  it.each([
    ["an address that looks like a path", "a.md", "https://example.org/work/a and network/work/a"],
    ["a path that only begins alike", "a.md", "/worker/a /roots/b /homes/c"],
    ["the site of npm, which is not its registry", "a.md", "https://www.npmjs.com/package/a https://docs.npmjs.com/a"],
    ["the word in a page", "docs/a.md", unfinished],
    ["the registry of a client of metrics", "packages/core/src/a.ts", "registry.metrics.get(); const todo = 1;"],
  ])("are not seen in %s", async (_, file, text) => {
    expect(await traces.run(repository({ [file]: text }))).toEqual([]);
  });

  it("are not looked for in what git ignores, in what is gone, and in binary files", async () => {
    const root = repository({
      ".gitignore": "out/",
      "out/a.txt": at("work", "a"),
      "a.bin": `\0${at("work", "a")}`,
      "gone.txt": at("work", "a"),
    });
    execFileSync("git", ["add", "gone.txt"], { cwd: root });
    execFileSync("rm", ["gone.txt"], { cwd: root });
    expect(await traces.run(root)).toEqual([]);
  });
});
