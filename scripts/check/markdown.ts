// The links of a Markdown page, and the anchors to which others can link.

export interface Link {
  /** As written: `../README.md#install`. */
  readonly target: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Links to files and anchors of the workspace, images too; none out of code, and none to other sites. */
export function linksOf(markdown: string): readonly Link[] {
  return textLines(markdown).flatMap((text, index) =>
    [...text.matchAll(/\]\(<?([^)>\s]+)>?(?:\s+["'(][^)]*)?\)|^\s{0,3}\[[^\]]+\]:\s+<?([^>\s]+)/g)]
      .map(([, inline, reference]) => ({ target: inline ?? reference ?? "", line: index + 1 }))
      .filter(({ target }) => !/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(target)),
  );
}

/** The anchors that GitHub gives the headings, and those written as `<a id="…">`. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const line of textLines(markdown, true)) {
    const [, heading] = /^#{1,6}\s+(.+?)\s*#*$/.exec(line) ?? [];
    if (heading !== undefined) anchors.add(unused(slug(heading), anchors));
    for (const [, id = ""] of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
  }
  return anchors;
}

function slug(heading: string): string {
  return heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

/** The second heading of a name gets `-1`, the third `-2`. */
function unused(anchor: string, taken: ReadonlySet<string>): string {
  let candidate = anchor;
  for (let count = 1; taken.has(candidate); count++) candidate = `${anchor}-${count}`;
  return candidate;
}

/** The lines of a page, with blocks of code left blank, and code within a line too unless it is kept. */
function textLines(markdown: string, keepInlineCode = false): readonly string[] {
  let fence: string | undefined;
  return markdown.split("\n").map((line) => {
    const [, mark] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      return "";
    }
    if (mark !== undefined) {
      fence = mark;
      return "";
    }
    return keepInlineCode ? line : line.replaceAll(/(`+)(?!`).*?(?<!`)\1(?!`)/g, "");
  });
}
