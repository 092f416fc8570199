// Says what a refused value looks like without saying what it is.

/** `found 3 characters, the last of them white space`. */
export function shapeOf(text: string): string {
  const hints: string[] = [];
  if (/^\s/.test(text)) hints.push("white space at its start");
  if (/\s$/.test(text)) hints.push("white space at its end");
  // Docker's --env-file and systemd's unquoted forms keep quotes that a shell would take away.
  if (/^(["'`]).*\1$/s.test(text)) hints.push("quotes around it");
  const count = text.length === 1 ? "1 character" : `${text.length} characters`;
  return hints.length === 0 ? `found ${count}` : `found ${count}, ${hints.join(" and ")}`;
}
